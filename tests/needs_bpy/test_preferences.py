"""What the preferences say about the worker and the models, and how a model gets its consent."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest

from lsf_blender_addon.blender import job_watch, preferences, worker_choice
from lsf_blender_addon.blender.wording import duration, size
from lsf_blender_addon.models import store
from lsf_blender_addon.models.card import CARD_NAME, WEIGHTS_NAME, LicenceCard, read_card
from lsf_blender_addon.models.store import vendor_folder

PATIENCE = 120.0


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The classes are registered; the user's models and Blender's own folders are temporary ones."""
    monkeypatch.setenv(store.MODELS_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setattr(worker_choice, "extension_folder", lambda: tmp_path / "user")
    monkeypatch.setattr("lsf_blender_addon.blender.job_watch.log_file", lambda slot: tmp_path / f"{slot}.log")
    monkeypatch.delenv("LSF_WORKER_PYTHON", raising=False)
    worker_choice.look_again()
    for kind in preferences.CLASSES:
        bpy.utils.register_class(kind)
    yield tmp_path / "models"
    for kind in reversed(preferences.CLASSES):
        bpy.utils.unregister_class(kind)


def ended(slot: str) -> Any:
    """Wait for a job as the timer would."""
    job = job_watch.running(slot)
    assert job is not None
    assert job.wait(PATIENCE)
    assert job_watch.tick() is None
    return job


def locked_model(folder: Path) -> Path:
    """The starter, under terms that forbid commercial use."""
    shutil.copytree(vendor_folder() / "starter", folder)
    licence = LicenceCard("CC BY-NC-SA 4.0", commercial_use=False)
    card = dataclasses.replace(read_card(folder), name="locked", title="Locked", licence=licence)
    (folder / CARD_NAME).write_text(card.to_json(), encoding="utf-8")
    return folder


def test_a_python_named_by_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LSF_WORKER_PYTHON", sys.executable)
    assert preferences.worker_python(bpy.context) == Path(sys.executable)
    assert preferences.why_not_ready(bpy.context) == ""
    monkeypatch.setenv("LSF_WORKER_PYTHON", str(tmp_path / "absent"))
    assert preferences.worker_python(bpy.context) is None
    assert "does not exist" in preferences.why_not_ready(bpy.context)


def test_without_a_worker_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_choice.importlib.util, "find_spec", lambda _name: None)
    assert preferences.worker_python(bpy.context) is None
    assert "set up the worker" in preferences.why_not_ready(bpy.context)


def test_a_model_is_imported_beside_blender_and_listed(models: Path, tmp_path: Path) -> None:
    source = tmp_path / "Given Model"
    shutil.copytree(vendor_folder() / "starter", source)
    assert bpy.ops.lsf.import_model(filepath=str(source / CARD_NAME)) == {"FINISHED"}
    assert not bpy.ops.lsf.import_model.poll()
    assert ended("model").error is None
    assert (models / "given-model" / WEIGHTS_NAME).is_file()
    assert [model.folder.name for model in store.installed_models()] == ["starter", "given-model"]


def test_a_file_that_is_no_model_gives_a_sentence_and_leaves_nothing(models: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.ckpt").write_bytes(b"no checkpoint at all")
    bpy.ops.lsf.import_model(filepath=str(tmp_path / "bad.ckpt"))
    job = ended("model")
    assert "bad.ckpt" in str(job.error)
    assert not models.exists() or list(models.iterdir()) == []


def test_weights_without_commercial_use_are_locked_until_their_terms_are_accepted(models: Path) -> None:
    locked_model(models / "mine")
    assert "accept its terms" in preferences.why_model_locked("mine")
    assert preferences.why_model_locked("starter") == ""
    assert bpy.ops.lsf.accept_terms(model="mine", agreed=False) == {"CANCELLED"}
    assert preferences.why_model_locked("mine")
    assert bpy.ops.lsf.accept_terms(model="mine", agreed=True) == {"FINISHED"}
    assert preferences.why_model_locked("mine") == ""


def test_only_the_users_own_models_can_be_removed(models: Path) -> None:
    locked_model(models / "mine")
    assert bpy.ops.lsf.remove_model(model="mine") == {"FINISHED"}
    assert not (models / "mine").exists()
    for name in ("starter", "../models", "", "absent"):
        with pytest.raises(RuntimeError, match="no model"):
            bpy.ops.lsf.remove_model(model=name)
    assert (vendor_folder() / "starter" / WEIGHTS_NAME).is_file()


def test_what_is_not_in_the_registry_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lsf_blender_addon.blender.model_operators.why_offline", lambda: "")
    with pytest.raises(RuntimeError, match="not fetched"):
        bpy.ops.lsf.fetch_model(model="lsf-animation")
    with pytest.raises(RuntimeError, match="knows no"):
        bpy.ops.lsf.fetch_model(model="absent")


def test_offline_nothing_is_fetched() -> None:
    bpy.context.preferences.system.use_online_access = False
    if bpy.app.online_access:
        pytest.skip("this Blender was started with online access that cannot be switched off")
    assert not bpy.ops.lsf.fetch_model.poll()


def test_times_and_sizes_read_as_people_say_them() -> None:
    assert [duration(seconds) for seconds in (0.2, 59, 200)] == ["1 s", "59 s", "3 min"]
    assert [size(amount) for amount in (6_205_536, 1.5e9)] == ["6.2 MB", "1.5 GB"]

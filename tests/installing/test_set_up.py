"""One call makes a Python of pinned packages, goes on where it was stopped, and is never half there."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsf_blender_addon.errors import CancelledError, InstallError
from lsf_blender_addon.installing import set_up as module
from lsf_blender_addon.installing.environment import (
    DOWNLOADS,
    FOLDER,
    STAMP,
    WorkerEnvironment,
    find_environment,
    outdated,
)
from lsf_blender_addon.installing.inspection import Inspection, inspect
from lsf_blender_addon.installing.machine import Machine, NvidiaCard
from lsf_blender_addon.installing.programs import Watch
from lsf_blender_addon.installing.requirements import LISTS_VARIABLE, WorkerRequirements, worker_requirements
from lsf_blender_addon.installing.set_up import LOCK, SetUpOrder, set_up
from lsf_blender_addon.locks import held
from tests.installing.small_wheels import LISTED, SMALL, index_pages, small_set, small_wheel
from tests.loopback_server import Site, serving

MACHINE = Machine("linux-x86_64")


def imports(python: Path, _requirements: WorkerRequirements, _watch: Watch) -> Inspection:
    """Stands in for the real trial, which needs the real packages: do the small ones import?"""
    script = "import sys, torch, speechlike, deeper; print('.'.join(map(str, sys.version_info[:3])))"
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    reason = done.stderr.strip().splitlines()[-1] if done.returncode else ""
    return Inspection(str(python), done.stdout.strip(), {"torch": "2.0+cpu"}, ("cpu",), reason)


class Told:
    """Everything that was told on the way; ``at`` raises when that stage is reached."""

    def __init__(self, at: str = "nothing") -> None:
        self.at = at
        self.stages: list[str] = []
        self.shares: list[float] = []
        self.notes: list[str] = []

    def __call__(self, stage: str, share: float, note: str) -> None:
        """Take it down."""
        self.stages.append(stage)
        self.shares.append(share)
        if note:
            self.notes.append(note)
        if stage.startswith(self.at):
            raise CancelledError("Cancelled.")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "user folder, ünïcode"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return small_set(tmp_path / "wheels here")


@pytest.fixture
def site(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A package index on this machine, and no other that pip knows of."""
    with serving(Site(index_pages(wheels))) as served:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"{served.address}/simple/")
        monkeypatch.setenv("LSF_TEST_MARK", str(wheels.with_name("mark")))
        for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", LISTS_VARIABLE):
            monkeypatch.delenv(name, raising=False)
        yield served


def make(order: SetUpOrder, told: Told | None = None, **more: object) -> WorkerEnvironment:
    order.root.mkdir(exist_ok=True, parents=True)
    settings: dict[str, object] = {"requirements": SMALL, "machine": MACHINE, "prove": imports, **more}
    return set_up(order, told or Told(), **settings)  # type: ignore[arg-type]


def nothing_usable(root: Path) -> bool:
    return find_environment(root, SMALL) is None and not list((root / FOLDER).glob(f"*/{STAMP}"))


@pytest.fixture(scope="module")
def told_and_made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, WorkerEnvironment]:
    """One environment for the tests that only look at it."""
    place, told = tmp_path_factory.mktemp("made"), Told()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")  # nobody listens there: the network would fail
        return told, make(SetUpOrder(place / "user", wheels=small_set(place / "wheels")), told)


def test_a_folder_of_wheels_is_enough(told_and_made: tuple[Told, WorkerEnvironment]) -> None:
    told, made = told_and_made
    assert made.python.is_file()
    assert find_environment(made.folder.parents[1], SMALL) == made
    assert made.inspection.devices == ("cpu",)
    assert told.shares == sorted(told.shares)
    assert told.shares[-1] == 1.0
    assert any("Processor alone" in note for note in told.notes)
    assert sorted(path.name for path in made.folder.parents[1].iterdir()) == [LOCK, FOLDER]


def test_the_environment_sees_nothing_of_the_python_that_made_it(told_and_made: tuple[Told, WorkerEnvironment]) -> None:
    made = told_and_made[1]
    script = "import sys, importlib.util as u; print(u.find_spec('numpy'), u.find_spec('pytest'), sys.prefix)"
    said = subprocess.run([made.python, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert said == f"None None {made.folder}"


@pytest.fixture
def copied(told_and_made: tuple[Told, WorkerEnvironment], root: Path) -> Path:
    """The folder of a complete environment that may be damaged; ``root`` holds it."""
    made = told_and_made[1]
    shutil.copytree(made.folder, root / FOLDER / made.folder.name, symlinks=True)
    assert find_environment(root, SMALL) is not None
    return root / FOLDER / made.folder.name


def test_an_environment_whose_python_is_gone_is_none(copied: Path, root: Path) -> None:
    settings = copied / "pyvenv.cfg"
    settings.write_text(settings.read_text().replace("home = ", "home = /nowhere"))
    assert find_environment(root, SMALL) is None
    assert outdated(root, SMALL)


def test_an_environment_without_its_stamp_is_none(copied: Path, root: Path) -> None:
    (copied / STAMP).unlink()
    assert find_environment(root, SMALL) is None
    assert not outdated(root, SMALL)


@pytest.mark.usefixtures("copied")
def test_an_environment_of_other_pins_is_none_but_remembered(root: Path) -> None:
    newer = dataclasses.replace(SMALL, packages=("speechlike==1.6",))
    assert find_environment(root, newer) is None
    assert outdated(root, newer)


def test_setting_up_again_replaces_what_was_there(copied: Path, root: Path, wheels: Path) -> None:
    made = make(SetUpOrder(root, wheels=wheels))
    assert made.folder != copied
    assert list((root / FOLDER).iterdir()) == [made.folder]


def test_packages_come_from_the_network_over_connections_that_break(root: Path, site: Site, tmp_path: Path) -> None:
    class Breaking(Told):
        """The line is bad from the first download on."""

        def __call__(self, stage: str, share: float, note: str) -> None:
            if stage.startswith("Downloading torch"):
                site.breaks_after = 60_000
            super().__call__(stage, share, note)

    made = make(SetUpOrder(root), Breaking())
    assert made.inspection.reason == ""
    assert any(asked is not None for asked in site.ranges_asked)
    assert (tmp_path / "mark").read_text() == "install"  # the pinned pip was brought and used
    assert sorted(path.name for path in root.iterdir()) == [LOCK, FOLDER]


def test_the_next_run_does_not_fetch_again_what_was_downloaded(root: Path, site: Site) -> None:
    with pytest.raises(CancelledError):
        make(SetUpOrder(root), Told(at="Unpacking"))
    assert nothing_usable(root)
    assert len(list((root / DOWNLOADS).glob("*.whl"))) == 4
    site.asked.clear()
    make(SetUpOrder(root))
    assert [path for path, program in site.asked if program == "lsf-animation"] == []


@pytest.mark.parametrize("stage", ["Finding packages", "Trying it out"])
def test_cancel_leaves_nothing_that_could_be_used(stage: str, root: Path, wheels: Path) -> None:
    with pytest.raises(CancelledError):
        make(SetUpOrder(root, wheels=wheels), Told(at=stage))
    assert nothing_usable(root)
    assert list((root / FOLDER).glob("*")) == []


def test_what_does_not_work_is_never_used(root: Path, wheels: Path) -> None:
    small_wheel(wheels, "speechlike", "1.5", code="raise ImportError('a library is missing')\n")
    with pytest.raises(InstallError, match=r"does not work.*a library is missing"):
        make(SetUpOrder(root, wheels=wheels))
    assert nothing_usable(root)


def test_a_folder_that_lacks_a_wheel_says_which(root: Path, wheels: Path) -> None:
    next(wheels.glob("speechlike*")).unlink()
    with pytest.raises(InstallError, match=r"does not hold every package.*speechlike==1\.5"):
        make(SetUpOrder(root, wheels=wheels))
    assert nothing_usable(root)


def test_a_damaged_wheel_is_named(root: Path, wheels: Path) -> None:
    wheel = next(wheels.glob("deeper*"))
    content = bytearray(wheel.read_bytes())
    content[100:200] = bytes(100)
    wheel.write_bytes(content)
    with pytest.raises(InstallError, match="deeper"):
        make(SetUpOrder(root, wheels=wheels))
    assert nothing_usable(root)


@pytest.mark.usefixtures("site")
def test_without_a_network_the_sentence_names_the_ways_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(InstallError, match=r"cannot be reached.*folder of wheels"):
        make(SetUpOrder(root))


def test_a_second_blender_is_told_to_wait(root: Path, wheels: Path) -> None:
    with held(root / LOCK, InstallError("")), pytest.raises(InstallError, match="Another Blender"):
        make(SetUpOrder(root, wheels=wheels))


def test_a_full_disk_is_noticed_before_anything_is_done(
    root: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(InstallError, match="make room"):
        make(SetUpOrder(root, wheels=wheels))


def test_the_card_decides_the_build_and_the_person_is_told_why(root: Path, wheels: Path) -> None:
    told = Told()
    made = make(SetUpOrder(root, wheels=wheels), told, machine=Machine("linux-x86_64", NvidiaCard("RTX", 590, 8.9)))
    assert (made.build, made.reason) == ("cuda13", "RTX with driver 590.")
    assert any("RTX" in note for note in told.notes)


def test_a_build_of_pytorchs_lists_comes_from_the_address_that_was_given(root: Path, site: Site) -> None:
    site.files["/whl/cpu/torch/"] = site.files.pop("/simple/torch/")
    made = make(SetUpOrder(root, lists=f"{site.address}/whl/"), requirements=LISTED)
    assert made.build == "cpu"
    assert "/whl/cpu/torch/" in [path for path, _ in site.asked]


def test_without_that_address_the_usual_indexs_build_is_taken_and_the_person_told(root: Path, site: Site) -> None:
    told = Told()
    made = make(SetUpOrder(root), told, requirements=LISTED)
    assert made.build == "cuda13"
    assert "address of PyTorch's lists or a folder of wheels" in made.reason
    assert made.reason in told.notes[0]
    assert not [path for path, _ in site.asked if "/whl/" in path]


def test_without_that_address_a_build_of_the_lists_is_refused_before_anything_is_asked(root: Path, site: Site) -> None:
    with pytest.raises(InstallError, match=rf"PyTorch Lists.*{LISTS_VARIABLE}.*folder of wheels"):
        make(SetUpOrder(root, build="cpu"), requirements=LISTED)
    assert site.asked == []
    assert not (root / FOLDER).exists()


def test_an_address_where_no_list_is_is_named(root: Path, site: Site) -> None:
    del site.files["/simple/torch/"]
    with pytest.raises(InstallError, match=r"torch==2\.0\+cpu.* Is .*/elsewhere/cpu the address"):
        make(SetUpOrder(root, lists=f"{site.address}/elsewhere"), requirements=LISTED)


def test_a_folder_of_wheels_needs_no_address(root: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LISTS_VARIABLE, raising=False)
    for build in ("auto", "cpu"):
        made = make(SetUpOrder(root, build=build, wheels=wheels), requirements=LISTED)
        assert made.build == "cpu"
        assert "lists" not in made.reason


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_real_packages_make_a_worker_that_moves_a_face(root: Path) -> None:
    if not os.environ.get("LSF_WHEELS"):
        pytest.skip("set LSF_WHEELS to a folder with the wheels of worker_requirements.txt")
    told = Told()
    root.mkdir(exist_ok=True)
    made = set_up(SetUpOrder(root, wheels=Path(os.environ["LSF_WHEELS"])), told)
    requirements = worker_requirements()
    assert made.inspection.packages["torch"].split("+")[0] == requirements.torch
    assert "cpu" in made.inspection.devices
    assert json.loads((made.folder / STAMP).read_text())["fingerprint"] == requirements.fingerprint
    assert inspect(made.python, requirements, lambda: None).reason == ""

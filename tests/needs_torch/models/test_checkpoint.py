"""A published checkpoint becomes a model folder with the same tensors and the same output, or is refused by name."""

from __future__ import annotations

import os
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from lsf_blender_addon.errors import LsfError, ModelError, UntrustedFileError
from lsf_blender_addon.models import torch_files
from lsf_blender_addon.models.card import IdentityCard, read_card
from lsf_blender_addon.models.checkpoint import import_checkpoint
from lsf_blender_addon.models.published import expected_shapes
from lsf_blender_addon.network.lsf import LsfNetwork, load_network
from tests.needs_torch.models.checkpoint_files import (
    DECODER,
    FULL,
    SMALL,
    checkpoint,
    published_state,
    settings,
    small_network,
)


@pytest.fixture(scope="module")
def network() -> LsfNetwork:
    return small_network()


@pytest.fixture(scope="module")
def state(network: LsfNetwork) -> dict[str, Tensor]:
    return published_state(network)


@pytest.fixture(scope="module")
def written(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoints") / "last.ckpt"
    torch.save(checkpoint(state, settings(SMALL)), path)
    return path


def saved(tmp_path: Path, state: dict[str, Tensor], **options: Any) -> Path:
    path = tmp_path / "other.ckpt"
    torch.save(checkpoint(state, settings(SMALL)), path, **options)
    return path


def motion(network: LsfNetwork) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    with torch.inference_mode():
        heard = network.features(torch.randn(1, 16000, generator=generator))
        latent = network.predict(heard, torch.randn(1, 300, generator=generator))
        return network.decode(latent, takes=2, generator=torch.Generator().manual_seed(5))


def test_an_imported_network_moves_as_the_one_that_was_saved(
    written: Path, network: LsfNetwork, tmp_path: Path
) -> None:
    import_checkpoint(written, tmp_path / "model")
    assert torch.equal(motion(load_network(tmp_path / "model")), motion(network))


def test_every_tensor_arrives_unchanged_and_nothing_else(
    written: Path, state: dict[str, Tensor], tmp_path: Path
) -> None:
    import_checkpoint(written, tmp_path / "model")
    found = load_file(tmp_path / "model" / "weights.safetensors")
    wanted = {name for name in state if "_losses." not in name and not name.startswith(DECODER)}
    assert set(found) == wanted
    assert all(torch.equal(found[name], state[name]) for name in wanted)


def test_the_card_says_what_the_shapes_and_settings_say(written: Path, tmp_path: Path) -> None:
    card = import_checkpoint(written, tmp_path / "model", name="mine", title="My model")
    assert read_card(tmp_path / "model") == card
    for part in ("audio", "emotion", "identity", "predictor", "prior", "codebook", "fps", "pairing", "space", "ranges"):
        assert getattr(card, part) == getattr(SMALL, part), part
    assert (card.name, card.title) == ("mine", "My model")
    assert card.licence.name == "CC BY-NC-SA 4.0"
    assert not card.licence.commercial_use
    assert "last.ckpt, epoch 57, global_step 123456, sha256 " in card.provenance


def test_the_list_of_names_is_the_networks_own(network: LsfNetwork) -> None:
    assert expected_shapes(SMALL) == {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize(
    "options", [{"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4}], ids=["legacy", "protocol 4"]
)
def test_other_containers_give_the_same_tensors(
    options: dict[str, Any], state: dict[str, Tensor], network: LsfNetwork, tmp_path: Path
) -> None:
    import_checkpoint(saved(tmp_path, state, **options), tmp_path / "model")
    assert torch.equal(motion(load_network(tmp_path / "model")), motion(network))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(dtype: torch.dtype, state: dict[str, Tensor], tmp_path: Path) -> None:
    low = {name: tensor.to(dtype) for name, tensor in state.items()}
    import_checkpoint(saved(tmp_path, low), tmp_path / "model")
    found = load_file(tmp_path / "model" / "weights.safetensors")
    assert all(torch.equal(tensor, low[name].float()) for name, tensor in found.items())


def test_views_into_shared_storages_are_read_right(state: dict[str, Tensor], tmp_path: Path) -> None:
    name = "feature_predictor.audio_blocks.0.net.0.fn.fn.to_qkv.weight"
    wide = torch.randn(40, 200)
    views = {**state, name: wide[7:39, 3:195:2].T}
    assert views[name].shape == state[name].shape
    import_checkpoint(saved(tmp_path, views), tmp_path / "model")
    assert torch.equal(load_file(tmp_path / "model" / "weights.safetensors")[name], wide[7:39, 3:195:2].T)


def test_parameters_are_tensors(state: dict[str, Tensor], tmp_path: Path) -> None:
    parameters = {name: torch.nn.Parameter(tensor) for name, tensor in state.items()}
    import_checkpoint(saved(tmp_path, parameters), tmp_path / "model")
    assert (tmp_path / "model" / "weights.safetensors").is_file()


def test_newer_names_of_a_normed_weight_become_the_published_ones(
    state: dict[str, Tensor], network: LsfNetwork, tmp_path: Path
) -> None:
    newer = {
        name.replace("conv.weight_g", "conv.parametrizations.weight.original0").replace(
            "conv.weight_v", "conv.parametrizations.weight.original1"
        ): tensor
        for name, tensor in state.items()
    }
    assert set(newer) != set(state)
    import_checkpoint(saved(tmp_path, newer), tmp_path / "model")
    assert torch.equal(motion(load_network(tmp_path / "model")), motion(network))


def test_a_network_of_raw_shapes_is_told_by_its_style(tmp_path: Path) -> None:
    raw = replace(SMALL, identity=IdentityCard("raw", 300, (16, 8), 5))
    network = small_network(raw)
    card = import_checkpoint(saved(tmp_path, published_state(network)), tmp_path / "model")
    assert card.identity == raw.identity
    assert torch.equal(motion(load_network(tmp_path / "model")), motion(network))


def test_a_prior_in_its_own_checkpoint_is_joined(state: dict[str, Tensor], network: LsfNetwork, tmp_path: Path) -> None:
    apart = {name: tensor for name, tensor in state.items() if not name.startswith("motion_prior.")}
    prior = {name.removeprefix("motion_prior."): tensor for name, tensor in state.items() if name not in apart}
    torch.save(checkpoint(prior, settings(SMALL)), tmp_path / "prior.ckpt")
    main = saved(tmp_path, apart)
    with pytest.raises(ModelError, match="stage 1"):
        import_checkpoint(main, tmp_path / "model")
    import_checkpoint(main, tmp_path / "model", prior=tmp_path / "prior.ckpt")
    assert torch.equal(motion(load_network(tmp_path / "model")), motion(network))
    with pytest.raises(ModelError, match="alone"):
        import_checkpoint(tmp_path / "prior.ckpt", tmp_path / "another")


def test_progress_rises_to_the_whole(written: Path, tmp_path: Path) -> None:
    shares: list[float] = []
    import_checkpoint(written, tmp_path / "model", progress=lambda _, share: shares.append(share))
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == 1


# ---- what does not fit


def renamed(state: dict[str, Tensor], **names: str) -> dict[str, Tensor]:
    for old, new in names.items():
        state = {name.replace(old, new): tensor for name, tensor in state.items()}
    return state


def without(state: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if part not in name}


WRONG: dict[str, tuple[Callable[[dict[str, Tensor]], dict[str, Tensor]], str]] = {
    "older MHCA names": (
        lambda state: renamed(
            state, audio_feat="audio_feature_map", emo_feat="emotion_feature_map", fusion_blocks="MHCA"
        ),
        "MHCA",
    ),
    "ProbTalk3D": (
        lambda state: without(
            renamed(without(without(state, "emo_"), "audio_model."), audio_feat="audio_feature_map"), "fusion"
        ),
        "ProbTalk3D",
    ),
    "a VAE": (lambda state: {**state, "motion_prior.logvar.weight": torch.zeros(32, 32)}, "VAE"),
    "no predictor": (lambda state: without(without(state, "feature_predictor."), "motion_prior."), "feature_predictor"),
    "no emotion2vec": (lambda state: without(state, "audio_model."), "emotion2vec"),
    "a missing tensor": (lambda state: without(state, "lin_embed"), "lacks 2 tensors.*lin_embed.net.bias"),
    "an unknown tensor": (lambda state: {**state, "feature_predictor.mamba.A_log": torch.zeros(3)}, "mamba.A_log"),
    "another shape": (lambda state: {**state, "feature_predictor.out_norm.bias": torch.zeros(33)}, "out_norm.bias"),
    "not finite": (
        lambda state: {**state, "feature_predictor.out_norm.bias": torch.full((32,), torch.nan)},
        "out_norm.bias.*finite",
    ),
    "whole numbers": (
        lambda state: {**state, "feature_predictor.out_norm.bias": torch.zeros(32, dtype=torch.int64)},
        "int64",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_fit_is_named_and_nothing_is_left_behind(
    kind: str, state: dict[str, Tensor], tmp_path: Path
) -> None:
    change, named = WRONG[kind]
    path = saved(tmp_path, change(dict(state)))
    with pytest.raises(ModelError, match=named):
        import_checkpoint(path, tmp_path / "models" / "model")
    assert not (tmp_path / "models").exists() or list((tmp_path / "models").iterdir()) == []


def test_many_missing_tensors_are_counted(state: dict[str, Tensor], tmp_path: Path) -> None:
    path = saved(tmp_path, without(state, "fusion_blocks.1."))
    with pytest.raises(ModelError, match=r"lacks 16 tensors: .* and 11 more"):
        import_checkpoint(path, tmp_path / "model")


def test_a_folder_that_is_there_is_left_alone(written: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.txt").write_text("mine")
    with pytest.raises(ModelError, match="already"):
        import_checkpoint(written, tmp_path / "model")
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["mine.txt"]


def test_an_interrupted_import_leaves_nothing_behind(written: Path, tmp_path: Path) -> None:
    def stop(_: str, share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_checkpoint(written, tmp_path / "model", progress=stop)
    assert list(tmp_path.iterdir()) == []


# ---- what must not run


class Runs:
    """Pickles as a command of the shell."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("place", ["hyper_parameters", "callbacks", "state_dict"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_program_inside_a_checkpoint_is_refused_by_name(
    place: str, state: dict[str, Tensor], tmp_path: Path, *, zipped: bool
) -> None:
    content = checkpoint(state, settings(SMALL))
    mark = tmp_path / "ran"
    content[place] = {**content[place], "extra": Runs(mark)}
    torch.save(content, tmp_path / "bad.ckpt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(UntrustedFileError, match=r"bad\.ckpt.*system"):
        import_checkpoint(tmp_path / "bad.ckpt", tmp_path / "model")
    assert not mark.exists()
    assert not (tmp_path / "model").exists()


def test_an_import_calls_no_unpickler_of_torch_or_python(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(torch, "load", refuse)
    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    import_checkpoint(written, tmp_path / "model")


def rewritten(source: Path, target: Path, change: Callable[[str, bytes], bytes | None], **options: Any) -> Path:
    """A copy of a checkpoint with members changed, or left out where None."""
    changed = False
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", **options) as new:
        for name in old.namelist():
            before = old.read(name)
            data = change(name, before)
            changed |= data != before
            if data is not None:
                new.writestr(name, data)
    assert changed or options
    return target


HOSTILE: dict[str, Callable[[str, bytes], bytes | None]] = {
    "a storage shorter than it says": lambda name, data: data[:-4] if name.endswith("data/3") else data,
    "a storage longer than it says": lambda name, data: data + bytes(4) if name.endswith("data/3") else data,
    "a missing storage": lambda name, data: None if name.endswith("data/3") else data,
    "no index": lambda name, data: None if name.endswith("data.pkl") else data,
    "half an index": lambda name, data: data[: len(data) // 2] if name.endswith("data.pkl") else data,
    "another byte order": lambda name, data: b"big" if name.endswith("byteorder") else data,
    "a storage key that climbs out": lambda name, data: (
        data.replace(b"X\x01\x00\x00\x003", b"X\x05\x00\x00\x00../..") if name.endswith("data.pkl") else data
    ),
    "tensors larger than their storage": lambda name, data: (
        data.replace(b"K\x20K\x20\x86", b"M\xff\xffK\x20\x86") if name.endswith("data.pkl") else data
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_damaged_or_lying_archive_is_refused(kind: str, written: Path, tmp_path: Path) -> None:
    path = rewritten(written, tmp_path / "bad.ckpt", HOSTILE[kind])
    with pytest.raises(LsfError, match=r"bad\.ckpt"):
        import_checkpoint(path, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_packed_storages_are_refused_as_bombs(written: Path, tmp_path: Path) -> None:
    path = rewritten(written, tmp_path / "bad.ckpt", lambda _, data: data, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="packed"):
        import_checkpoint(path, tmp_path / "model")


def test_an_index_larger_than_any_is_refused(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_files, "MAXIMUM_PICKLE_BYTES", 1000)
    with pytest.raises(UntrustedFileError, match="index"):
        import_checkpoint(written, tmp_path / "model")


def test_a_checkpoint_cut_anywhere_is_refused(written: Path, state: dict[str, Tensor], tmp_path: Path) -> None:
    legacy = saved(tmp_path, state, _use_new_zipfile_serialization=False).read_bytes()
    path = tmp_path / "cut.ckpt"
    for whole in (written.read_bytes(), legacy):
        for share in (0.0, 0.001, 0.02, 0.3, 0.7, 0.99, 0.99999):
            path.write_bytes(whole[: int(share * len(whole))])
            with pytest.raises(LsfError, match=r"cut\.ckpt"):
                import_checkpoint(path, tmp_path / "model")


def test_a_legacy_storage_that_lies_about_its_length_is_refused(state: dict[str, Tensor], tmp_path: Path) -> None:
    path = saved(tmp_path, state, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    last = struct.pack("<q", 1)
    place = data.rfind(last)
    assert place > 0
    path.write_bytes(data[:place] + struct.pack("<q", 2**40) + data[place + 8 :])
    with pytest.raises(ModelError):
        import_checkpoint(path, tmp_path / "model")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.ckpt"):
        import_checkpoint(tmp_path / "none.ckpt", tmp_path / "model")


@pytest.mark.slow
def test_a_checkpoint_of_full_size_is_imported(tmp_path: Path) -> None:
    network = small_network(FULL)
    path = tmp_path / "last.ckpt"
    torch.save(checkpoint(published_state(network), {}), path)
    card = import_checkpoint(path, tmp_path / "model")
    assert card.predictor == FULL.predictor
    assert card.prior == FULL.prior
    assert sum(tensor.numel() for tensor in load_file(tmp_path / "model" / "weights.safetensors").values()) > 200e6
    loaded = load_network(tmp_path / "model")
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in loaded.state_dict().items())
    shutil.rmtree(tmp_path / "model")

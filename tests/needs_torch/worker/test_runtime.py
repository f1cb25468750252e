"""Whole requests in this process: length, windows, joins, takes, devices, and what happens when memory is short."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from lsf_blender_addon import __version__
from lsf_blender_addon.audio import SAMPLE_RATE, SpeechClip, read_clip
from lsf_blender_addon.errors import AudioError, CancelledError, DeviceError, ModelError
from lsf_blender_addon.motion import FaceMotion
from lsf_blender_addon.network.lsf import LsfNetwork, load_network
from lsf_blender_addon.worker import devices, heard, runtime, stitching
from lsf_blender_addon.worker.protocol import PredictRequest
from lsf_blender_addon.worker.runtime import Runtime


def talk(seconds: float, seed: int = 0) -> SpeechClip:
    """Vowel-like tones and noise in syllables, with pauses."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = np.sin(2 * np.pi * np.cumsum(120 + 30 * np.sin(time * 3)) / SAMPLE_RATE)
    syllables = np.repeat(random.random(len(time) // 2400 + 1) * (random.random(len(time) // 2400 + 1) > 0.25), 2400)
    samples = (pitch + random.normal(0, 0.3, len(time))) * syllables[: len(time)] * 0.2
    return SpeechClip((samples + random.normal(0, 0.001, len(time))).astype(np.float32), "talk")


def quiet(_stage: str, _share: float, _note: str) -> None:
    pass


def made(clip: SpeechClip | Path, model: Path, **more: Any) -> list[FaceMotion]:
    """In float32: what a processor with bfloat16 of its own would choose is another answer."""
    request = PredictRequest(clip, model, device="cpu", precision="float32")
    return Runtime().predict(dataclasses.replace(request, **more), quiet)


def with_card(model: Path, folder: Path, **changes: Any) -> Path:
    """The same weights under a changed card."""
    from lsf_blender_addon.models.card import CARD_NAME, WEIGHTS_NAME, read_card  # noqa: PLC0415

    folder.mkdir()
    (folder / CARD_NAME).write_text(dataclasses.replace(read_card(model), **changes).to_json(), encoding="utf-8")
    (folder / WEIGHTS_NAME).write_bytes((model / WEIGHTS_NAME).read_bytes())
    return folder


@pytest.mark.parametrize("samples", [1360, 1999, 16_000, 16_319, 16_321, 95_999, 96_001, 200_123])
def test_a_motion_is_as_long_as_its_recording(tiny_model: Path, samples: int) -> None:
    (motion,) = made(SpeechClip(talk(20).samples[:samples], "talk"), tiny_model)
    assert motion.frames == round(25 * samples / SAMPLE_RATE)
    assert (motion.fps, motion.space) == (25.0, "flame")


@torch.inference_mode()
def test_a_clip_within_one_window_is_one_exact_pass(tiny_model: Path) -> None:
    clip = talk(5.0)
    (motion,) = made(clip, tiny_model, seed=3)
    network = load_network(tiny_model)
    latent = network.predict(network.features(torch.from_numpy(clip.samples)[None]))
    expected = network.decode(latent, generator=torch.Generator().manual_seed(3))[0, 0].numpy()
    assert len(expected) == 124
    assert motion.frames == 125
    assert np.array_equal(motion.expression[:124], expected[:, :50])
    assert np.array_equal(motion.jaw[:124], expected[:, 50:])
    assert np.array_equal(motion.expression[124], expected[123, :50])


def test_no_join_steps_further_than_the_motion_does_elsewhere(tiny_model: Path) -> None:
    clip = talk(90.0)
    (motion,) = made(clip, tiny_model, temperature=0.0)
    windows = stitching.cut(clip, 6.0, 1.0, 640)
    assert len(windows) >= 16
    steps = np.linalg.norm(np.diff(np.hstack([motion.expression, motion.jaw]), axis=0), axis=1)
    at_joins = np.zeros(len(steps), dtype=bool)
    at_joins[stitching.join_frames(windows, motion.frames, 640)] = True
    assert at_joins.sum() > 150
    assert steps[at_joins].max() <= np.percentile(steps[~at_joins], 99.9)


def test_joins_of_real_speech_do_not_jump(tiny_model: Path, shared: Path) -> None:
    clip = read_clip(shared / "wav" / "librivox_kittens_37s.wav")
    (motion,) = made(clip, tiny_model)
    windows = stitching.cut(clip, 6.0, 1.0, 640)
    steps = np.linalg.norm(np.diff(motion.expression, axis=0), axis=1)
    at_joins = np.zeros(len(steps), dtype=bool)
    at_joins[stitching.join_frames(windows, motion.frames, 640)] = True
    assert steps[at_joins].max() <= np.percentile(steps[~at_joins], 99.9)


@pytest.fixture(scope="module")
def local_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the manner of the starter: every frame depends on its surroundings only."""
    from safetensors.torch import save_file  # noqa: PLC0415

    from lsf_blender_addon.models import card as cards  # noqa: PLC0415
    from lsf_blender_addon.network.lsf import random_network  # noqa: PLC0415

    encoder = cards.EncoderCard("log_mel", {"width": 32, "dilations": [1, 2]})
    local: dict[str, Any] = {"normalisation": "frame", "mixing": "convolution", "positions": False, "latent": 32}
    local |= {"layers": 2, "heads": 4, "intermediate": 48}
    card = dataclasses.replace(
        cards.read_card(tiny_model),
        space="arkit",
        fps=50.0,
        pairing=1,
        audio=encoder,
        emotion=encoder,
        predictor=cards.PredictorCard(**local, audio_features=32, emotion_features=32),
        prior=cards.PriorCard(**local),
        codebook=cards.CodebookCard(kind="scalar", grouping="frame", width=16, levels=(8, 8, 8)),
    )
    network = random_network(card, 1)
    network.feature_predictor.fusion_tokens.data.zero_()
    for name, tensor in network.named_parameters():
        if "fusion_blocks" in name or "reading" in name:
            tensor.data.zero_()  # what the tokens gather is the one thing that sees the whole window
    folder = tmp_path_factory.mktemp("models") / "local"
    folder.mkdir()
    (folder / cards.CARD_NAME).write_text(card.to_json(), encoding="utf-8")
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, folder / cards.WEIGHTS_NAME)
    return folder


def test_windows_of_a_local_network_join_to_what_one_pass_gives(local_model: Path) -> None:
    clip = talk(30.0)
    (whole,) = made(clip, local_model, temperature=0.0, window_seconds=40.0)
    (cut,) = made(clip, local_model, temperature=0.0, window_seconds=7.0, overlap_seconds=1.0)
    assert whole.frames == cut.frames == 1500
    far = np.abs(whole.expression - cut.expression).max(1)
    assert far.max() < 2e-3


def test_takes_differ_and_each_is_the_same_however_many_are_asked_for(tiny_model: Path) -> None:
    clip = talk(14.0)
    three = made(clip, tiny_model, takes=3, seed=5, temperature=5.0)
    two = made(clip, tiny_model, takes=2, seed=5, temperature=5.0)
    other = made(clip, tiny_model, takes=1, seed=6, temperature=5.0)
    assert [motion.origin["take"] for motion in three] == [1, 2, 3]
    assert np.array_equal(three[0].expression, two[0].expression)
    assert np.array_equal(three[1].expression, two[1].expression)
    assert not np.array_equal(three[0].expression, three[1].expression)
    assert not np.array_equal(three[0].expression, other[0].expression)


def test_temperature_zero_takes_the_nearest_code_every_time(tiny_model: Path) -> None:
    one, two = made(talk(3.0), tiny_model, takes=2, temperature=0.0)
    assert np.array_equal(one.expression, two.expression)
    assert one.origin["temperature"] == 0.0


def test_features_are_made_once_for_all_takes(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    heard = LsfNetwork.features

    def counted(self: LsfNetwork, *arguments: Any, **more: Any) -> Any:
        calls.append(1)
        return heard(self, *arguments, **more)

    monkeypatch.setattr(LsfNetwork, "features", counted)
    made(talk(3.0), tiny_model, takes=5)
    assert len(calls) == 1


def test_the_shape_of_the_face_matters(tiny_model: Path) -> None:
    (mean,) = made(talk(3.0), tiny_model, temperature=0.0)
    shape = tuple(np.random.default_rng(0).normal(0, 20, 300).tolist())
    (shaped,) = made(talk(3.0), tiny_model, temperature=0.0, shape=shape)
    assert not np.array_equal(mean.expression, shaped.expression)


def test_a_silent_clip_is_a_still_face(tiny_model: Path) -> None:
    motions = made(SpeechClip(np.zeros(32_000, np.float32), "silence", start=1.0), tiny_model, takes=2)
    assert [motion.frames for motion in motions] == [50, 50]
    assert not motions[0].expression.any()
    assert not motions[0].jaw.any()
    assert motions[1].start == 1.0
    assert motions[1].origin["take"] == 2
    assert "silent" in motions[1].origin["warnings"][0]


def test_silence_inside_a_clip_is_fine(tiny_model: Path) -> None:
    samples = talk(30.0).samples.copy()
    samples[5 * SAMPLE_RATE : 22 * SAMPLE_RATE] = 0.0
    (motion,) = made(SpeechClip(samples, "talk"), tiny_model)
    assert motion.frames == 750


def test_a_motion_says_where_it_comes_from(tiny_model: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hello.wav", talk(2.0).samples, SAMPLE_RATE)
    (motion,) = made(tmp_path / "hello.wav", tiny_model, seed=9)
    expected = {"model": "tiny", "licence": "CC0-1.0", "commercial_use": True, "seed": 9, "take": 1, "window": 6.0}
    expected |= {"audio": "hello.wav", "temperature": 0.2, "device": "cpu", "version": __version__, "warnings": []}
    assert {name: motion.origin[name] for name in expected} == expected


def test_a_model_is_loaded_once_and_again_when_its_file_changes(tiny_model: Path, tmp_path: Path) -> None:
    import os  # noqa: PLC0415

    model = with_card(tiny_model, tmp_path / "copy")
    warm = Runtime()
    for _ in range(2):
        warm.predict(PredictRequest(talk(1.0), model, device="cpu"), quiet)
    assert warm.loads == 1
    os.utime(model / "weights.safetensors", (1, 1))
    warm.predict(PredictRequest(talk(1.0), model, device="cpu"), quiet)
    assert warm.loads == 2


def test_the_card_says_how_long_a_window_is(tiny_model: Path, tmp_path: Path) -> None:
    from lsf_blender_addon.models.card import WindowCard  # noqa: PLC0415

    model = with_card(tiny_model, tmp_path / "long", window=WindowCard(60.0, 2.0))
    assert made(talk(20.0), model)[0].origin["window"] == 60.0
    assert made(talk(20.0), model, window_seconds=5.0)[0].origin["window"] == 5.0


def test_a_rate_that_does_not_go_with_the_pairing_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="30 frames"):
        made(talk(2.0), with_card(tiny_model, tmp_path / "odd", fps=30.0))


def test_what_cannot_be_read_says_so(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="does not exist"):
        made(tmp_path / "nothing.wav", tiny_model)
    with pytest.raises(ModelError, match="not a model folder"):
        made(talk(1.0), tmp_path)


def test_weights_that_make_no_numbers_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    model = with_card(tiny_model, tmp_path / "bad")
    tensors = load_file(model / "weights.safetensors")
    tensors["feature_predictor.lin_embed.net.bias"][:] = torch.nan
    save_file(tensors, model / "weights.safetensors")
    with pytest.raises(ModelError, match="not finite"):
        made(talk(2.0), model)


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "xpu:7", "nonsense:0"])
def test_a_device_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(DeviceError, match=name):
        devices.choose(name)


def test_the_cpu_is_always_there() -> None:
    assert devices.choose("cpu").type == "cpu"
    assert devices.available()[-1] == "cpu"
    assert devices.choose("auto").type == devices.available()[0]
    wanted = torch.bfloat16 if devices.native_bfloat16() else torch.float32
    assert devices.precision_of(torch.device("cpu"), "auto") == wanted
    assert devices.precision_of(torch.device("cpu"), "bfloat16") == torch.bfloat16


@pytest.mark.parametrize(("capability", "first"), [((6, 1), "cpu"), ((7, 5), "cuda"), ((12, 0), "cuda")])
def test_a_card_that_torch_was_not_built_for_is_passed_over(
    capability: tuple[int, int], first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80", "sm_90a", "compute_120"])
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert devices.available()[0] == first


def test_bfloat16_speech_encoders_give_nearly_the_same_latents(tiny_model: Path) -> None:
    (exact,) = made(talk(3.0), tiny_model, temperature=0.0)
    (half,) = made(talk(3.0), tiny_model, temperature=0.0, precision="bfloat16")
    assert half.origin["precision"] == "bfloat16"
    assert np.isfinite(half.expression).all()
    assert half.frames == exact.frames


def test_memory_is_recognised_as_short_by_what_torch_says() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    assert devices.out_of_memory(caught.value)
    assert devices.out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert not devices.out_of_memory(RuntimeError("shapes do not match"))


def test_short_memory_halves_the_window_and_says_so(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = LsfNetwork.features

    def cramped(self: LsfNetwork, waveform: torch.Tensor, *arguments: Any, **more: Any) -> Any:
        if waveform.numel() > 10 * SAMPLE_RATE:
            torch.empty(1 << 50)
        return heard(self, waveform, *arguments, **more)

    monkeypatch.setattr(LsfNetwork, "features", cramped)
    notes = []
    request = PredictRequest(talk(40.0), tiny_model, device="cpu", window_seconds=32.0)
    (motion,) = Runtime().predict(request, lambda _stage, _share, note: notes.append(note))
    assert motion.frames == 1000
    assert motion.origin["window"] == 8.0
    assert len(motion.origin["warnings"]) == 2
    assert [note for note in notes if note] == motion.origin["warnings"]
    assert "short" in motion.origin["warnings"][0]


def test_the_ladder_goes_batch_then_window_then_cpu_then_gives_up() -> None:
    plan = runtime.Plan(torch.device("cuda"), torch.bfloat16, 4, 16.0, 2.0)
    steps = []
    for _ in range(5):
        plan, words = plan.humbler()
        steps.append((plan.device.type, plan.batch, plan.window, plan.overlap))
        assert "short" in words
    with pytest.raises(DeviceError, match="no memory"):
        plan.humbler()
    assert steps == [("cuda", 2, 16, 2), ("cuda", 1, 16, 2), ("cuda", 1, 8, 2), ("cuda", 1, 4, 1), ("cpu", 1, 4, 1)]


def test_batches_of_windows_give_what_single_windows_give(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = talk(30.0)
    (single,) = made(clip, tiny_model, temperature=0.0)
    monkeypatch.setattr(devices, "batch_of", lambda _device, _seconds: 4)
    (batched,) = made(clip, tiny_model, temperature=0.0)
    assert np.abs(single.expression - batched.expression).max() < 1e-3


def test_progress_rises_and_a_report_that_raises_ends_the_work(tiny_model: Path) -> None:
    shares: list[float] = []
    request = PredictRequest(talk(20.0), tiny_model, device="cpu")
    Runtime().predict(request, lambda _stage, share, _note: shares.append(share))
    assert shares == sorted(shares)
    assert len(set(shares)) > 100
    assert 0.0 == shares[0] < shares[-1] <= 1.0

    def stop(_stage: str, share: float, _note: str) -> None:
        if share > 0.3:
            raise CancelledError("enough")

    warm = Runtime()
    with pytest.raises(CancelledError):
        warm.predict(request, stop)
    assert warm.predict(request, quiet)[0].frames == 500


@pytest.mark.gpu
@pytest.mark.skipif(devices.available()[0] == "cpu", reason="no GPU that torch can use is in this machine")
def test_a_gpu_gives_what_the_cpu_gives(tiny_model: Path) -> None:
    clip = talk(30.0)
    (cpu,) = made(clip, tiny_model, temperature=0.0)
    request = PredictRequest(clip, tiny_model, device="auto", precision="float32", temperature=0.0)
    (gpu,) = Runtime().predict(request, quiet)
    assert gpu.origin["device"] != "cpu"
    far = np.abs(cpu.expression - gpu.expression).max(1)
    assert np.median(far) < 1e-3


def test_a_recording_is_heard_once_whatever_is_derived_from_it(tiny_model: Path) -> None:
    """Over several windows, with other seeds, takes, faces and feelings; another recording or window is heard anew."""
    kept, clip = Runtime(), talk(15.0)
    request = PredictRequest(clip, tiny_model, device="cpu", precision="float32")
    kept.predict(request, quiet)
    hearings = 0

    def count(*_: Any) -> None:
        nonlocal hearings
        hearings += 1

    network = kept.load(request.model, torch.device("cpu"), torch.float32)
    network.feature_extractor.register_forward_pre_hook(count)
    same = {"seed": 3}, {"takes": 2, "temperature": 9.0}, {"shape": (1.0,) * 300}, {"emotion_strength": 0.0}
    same += ({"emotion_from": talk(9.0, 2)},)
    for change in same:
        (first, *_) = kept.predict(dataclasses.replace(request, **change), quiet)
        assert hearings == 0
        (fresh, *_) = made(clip, tiny_model, **change)
        assert np.array_equal(first.expression, fresh.expression)
    for change in ({"audio": talk(15.0, 1)}, {"window_seconds": 5.0}):
        before = hearings
        kept.predict(dataclasses.replace(request, **change), quiet)
        assert hearings > before


def test_lines_that_alternate_between_models_and_feelings_are_heard_once(tiny_model: Path, tmp_path: Path) -> None:
    """One recording's lines as a list has them; its words are the same whoever's feeling goes with them."""
    clip, angry, sad = talk(15.0), talk(9.0, 1), talk(9.0, 2)
    models = tiny_model, with_card(tiny_model, tmp_path / "other")
    lines = [{"model": model, "emotion_from": other} for other in (None, angry, sad) for model in models]
    warm = Runtime()
    request = PredictRequest(clip, tiny_model, device="cpu", precision="float32")
    first = [warm.predict(dataclasses.replace(request, **line), quiet)[0] for line in lines]
    stretches = len(stitching.cut(clip, 6.0, 1.0, stitching.grid_of(2)))
    assert stretches > 1
    assert warm.hearings == 2 * stretches * (1 + 3)
    again = [warm.predict(dataclasses.replace(request, seed=0, **line), quiet)[0] for line in lines]
    assert warm.hearings == 2 * stretches * (1 + 3)
    for line, one, other in zip(lines, first, again, strict=True):
        (fresh,) = made(clip, line["model"], emotion_from=line["emotion_from"])
        assert np.array_equal(one.expression, fresh.expression)
        assert np.array_equal(other.expression, fresh.expression)


def test_as_much_is_kept_after_many_short_recordings_as_after_a_few(light_model: Path) -> None:
    warm = Runtime()
    kept = []
    for seed in range(3 * heard.MOST_KEPT // 2):
        warm.predict(PredictRequest(talk(1.0, seed), light_model, device="cpu", precision="float32"), quiet)
        kept.append(warm._heard.bytes)
    assert kept[-1] == kept[heard.MOST_KEPT // 2 - 1]


def test_what_is_kept_of_recordings_stays_within_its_bounds(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recording heard longest ago makes room; one that is too long for all the room is heard every time."""
    warm = Runtime()

    def hearings(clip: SpeechClip) -> int:
        before = warm.hearings
        warm.predict(PredictRequest(clip, tiny_model, device="cpu", precision="float32"), quiet)
        return warm.hearings - before

    one, two, three = (talk(3.0, seed) for seed in range(3))
    assert hearings(one) == 2
    room = int(2.2 * warm._heard.bytes)
    monkeypatch.setattr(heard, "MOST_BYTES", room)
    assert [hearings(clip) for clip in (two, one, three, one, two)] == [2, 0, 2, 0, 2]
    assert 0 < warm._heard.bytes <= room
    monkeypatch.setattr(heard, "MOST_BYTES", 1000)
    assert [hearings(talk(3.0, 3)) for _ in range(2)] == [2, 2]

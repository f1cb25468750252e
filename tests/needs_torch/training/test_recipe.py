"""The recipe, for real and small: engines speak, networks learn a few steps, a model folder loads and moves a face."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from lsf_blender_addon.models.card import read_card
from lsf_blender_addon.network.lsf import load_network
from training import checkpoints, corpus, material, stages
from training.batches import Drawer
from training.coarticulation import FEATURES
from training.learning import left_by
from training.losses import AT_REST, SILENCE, USUAL_CLOSURE, MotionLoss, brevity
from training.phones import INDEX
from training.predictor_training import FINISHES, shipped
from training.recipe import STARTER, TOY, card_of
from training.voices import Espeak, Manner, espeak_voice, flite_says

ENGINES = ("espeak-ng", "flite", "festival")
pytestmark = pytest.mark.skipif(
    any(shutil.which(engine) is None for engine in ENGINES), reason=f"needs the programs {', '.join(ENGINES)}"
)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy recipe, run from nothing."""
    folder = tmp_path_factory.mktemp("starter")
    stages.make(TOY, folder / "work", folder / "model", workers=1)
    return folder


def test_the_recipe_makes_a_model_that_loads(work: Path) -> None:
    card = read_card(work / "model")
    assert (card.space, card.fps, card.licence.name) == ("arkit", 50.0, "CC0-1.0")
    assert "closure" in card.scores["held_out"]
    network = load_network(work / "model")
    motion = network.decode(network.predict(network.features(torch.randn(1, 16000) * 0.1)))
    assert motion.shape == (1, 1, 49, FEATURES)
    assert torch.isfinite(motion).all()


def test_running_the_recipe_again_makes_nothing_twice(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = {path: path.stat().st_mtime_ns for path in (work / "work").rglob("*.npz")}
    stages.make(TOY, work / "work", work / "model", workers=1)
    assert {path: path.stat().st_mtime_ns for path in (work / "work").rglob("*.npz")} == written
    assert "step" not in capsys.readouterr().out


def test_an_interrupted_stage_goes_on_from_its_checkpoint(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    interrupted = work / "interrupted"
    shutil.copytree(work / "work", interrupted)
    (interrupted / "prior_finished.pt").unlink()
    state = checkpoints.load(interrupted / "prior.pt")
    assert state is not None
    checkpoints.save(interrupted / "prior.pt", {**state, "step": 10})
    stages.make(TOY, interrupted, work / "again", workers=1)
    said = capsys.readouterr().out
    assert "prior: step 12 of 12" in said
    assert "prior: step 5 " not in said


def test_material_lies_frame_on_frame(work: Path) -> None:
    for path in sorted((work / "work" / "material").glob("*.npz")):
        for item in material.read(path):
            assert (len(item.spectrum) + 1) // 2 == len(item.face.motion) == len(item.face.phone)
            quiet = item.face.phone == INDEX["sil"]
            assert item.face.gap[quiet].mean() < item.face.gap[~quiet].mean() if (~quiet).any() else True


def test_some_material_is_no_speech_and_leaves_the_mouth_shut() -> None:
    speech = corpus.speak(corpus.Shard("espeak_english", 7, 40.0))
    said = [next(speech) for _ in range(8)]
    dice = np.random.default_rng(3)
    sounds = [sound for _ in range(12) for sound in material._sounds(said, dice, 0.5)]
    silent = [sound for sound in sounds if [phone.name for phone in sound.phones] == ["sil"]]
    assert any(np.abs(sound.samples).max() > 0.001 for sound in silent)
    for sound in silent:
        assert len(sound.clean) == len(sound.samples)
        assert not sound.clean.any()


def test_a_shard_says_the_same_words_again(tmp_path: Path) -> None:
    shard = corpus.Shard("espeak_english", 5, 12.0)
    corpus.write_shard(shard, tmp_path)
    first = corpus.read_shard(tmp_path / shard.file)
    corpus.write_shard(shard, tmp_path)
    again = corpus.read_shard(tmp_path / shard.file)
    for one, other in zip(first, again, strict=True):
        assert (one.voice, one.agitation) == (other.voice, other.agitation)
        assert [phone.name for phone in one.phones] == [phone.name for phone in other.phones]
        # The engine's own chance moves a phone by a millisecond or so, and by 40 in a trembling voice.
        assert np.allclose([p.end for p in one.phones], [p.end for p in other.phones], atol=0.06)


@pytest.mark.parametrize("word", ["papa", "mama", "baba"])
def test_engines_report_closures_where_the_sound_is_quiet(word: str) -> None:
    samples, phones = Espeak().say(espeak_voice("en-us", "f3"), f"a {word}", Manner())
    inner = [p for p in phones[2:] if p.name in "pbm"]
    vowels = [p for p in phones if p.name in {"aa", "ah", "ax"}]
    assert inner
    loud = max(_level(samples, p.begin, p.end) for p in vowels)
    assert all(_level(samples, p.begin + 0.01, p.begin + 0.035) < 0.6 * loud for p in inner)


def _level(samples: np.ndarray, begin: float, end: float) -> float:
    piece = samples[int(begin * 16000) : int(end * 16000)]
    return float(np.sqrt(np.mean(np.square(piece))))


def test_a_recorded_voice_covers_its_sound_with_phones() -> None:
    voice = next(voice for voice in corpus.RECORDED if voice.name == "slt")
    samples, phones = flite_says(voice, "please pop the map", Manner(stretch=1.2))
    assert phones[0].begin == 0.0
    assert phones[-1].end == pytest.approx(len(samples) / 16000, abs=0.15)
    assert [p.name for p in phones].count("p") == 4


def test_the_loss_minds_a_missed_closure_most(work: Path) -> None:
    files = sorted((work / "work" / "material").glob("flite*.npz"))
    drawer = stages.drawer(TOY, card_of(TOY), files, 0, 1)
    crops = drawer.draw_motion(8, 60)
    loss = MotionLoss()
    assert loss(crops.motion, crops.motion, crops).item() < 0.02
    open_lips = crops.motion.clone()
    open_lips[..., 50] += 0.05
    blinking = crops.motion.clone()
    blinking[..., 0] += 0.4
    assert loss(open_lips, crops.motion, crops) > 2 * loss(blinking, crops.motion, crops)


def test_a_missed_closure_counts_more_the_more_it_echoes(work: Path) -> None:
    files = sorted((work / "work" / "material").glob("flite*.npz"))
    dry = stages.drawer(TOY, card_of(TOY), files, 0, 1).draw_motion(8, 60)
    echoing = dataclasses.replace(dry, echo=torch.ones(8))
    ajar = dry.motion.clone()
    ajar[..., 50] += 0.03
    assert MotionLoss(echoing=3.0)(ajar, dry.motion, echoing) > 1.05 * MotionLoss(echoing=3.0)(ajar, dry.motion, dry)
    assert MotionLoss()(ajar, dry.motion, echoing) == MotionLoss()(ajar, dry.motion, dry)


def test_a_mouth_that_opens_in_a_pause_can_count_more_and_one_that_opens_in_speech_does_not(work: Path) -> None:
    files = sorted((work / "work" / "material").glob("flite*.npz"))
    crops = stages.drawer(TOY, card_of(TOY), files, 0, 1).draw_motion(8, 60)
    pausing = (crops.phone == SILENCE) & (crops.gap < AT_REST)
    assert pausing.any()
    for where, counts_more in ((pausing, True), (~pausing & (crops.phone != SILENCE), False)):
        opened = crops.motion.clone()
        opened[..., 50] += 0.03 * where
        usual, strict = (MotionLoss(resting=resting)(opened, crops.motion, crops) for resting in (0.0, 1.5))
        assert bool(strict > 1.02 * usual) == counts_more


def test_what_ships_lies_half_way_from_stage_3_to_the_mean_of_three_finishes(work: Path) -> None:
    before, *finishes = (left_by(work / "work", stage) for stage in ("predictor", *FINISHES))
    apart = 0.0
    for name, value in shipped(work / "work").items():
        first, (one, other, last) = before[f"network.{name}"], (after[f"network.{name}"] for after in finishes)
        assert torch.allclose(value, first / 2 + (one + other + last) / 6, atol=1e-6)
        apart += float((one - other).abs().sum())
    assert apart > 0, "the finishes are one and the same"


def test_a_brief_closure_counts_as_a_usual_one() -> None:
    usual, brief, longer = ([0.0] * 4 + [1.0] * frames + [0.0] * 4 for frames in (6, 3, 9))
    counted = [float((brevity(torch.tensor([shut])) * torch.tensor([shut])).sum()) for shut in (usual, brief, longer)]
    assert counted == pytest.approx([6.0, USUAL_CLOSURE, 9.0])
    both = torch.tensor([brief + usual])
    assert brevity(both)[0, 4:7] == pytest.approx(USUAL_CLOSURE / 3)
    assert (brevity(both)[0, 8:] == 1).all()


def test_the_loss_minds_lids_that_stay_open_more_than_lids_that_shut(work: Path) -> None:
    files = sorted((work / "work" / "material").glob("flite*.npz"))
    crops = stages.drawer(TOY, card_of(TOY), files, 0, 1).draw_motion(8, 60)
    loss = MotionLoss()

    def wrong_by(lids: float) -> float:
        wanted, motion = crops.motion.clone(), crops.motion.clone()
        wanted[..., 0], motion[..., 0] = 0.5, 0.5 + lids
        return float(loss(motion, wanted, crops) - loss(wanted, wanted, crops))

    assert wrong_by(-0.3) > 1.5 * wrong_by(0.3) > 0


def test_crops_keep_sound_and_face_together(work: Path) -> None:
    files = sorted((work / "work" / "material").glob("*.npz"))
    drawer: Drawer = stages.drawer(TOY, card_of(TOY), files, 0, 1)
    crops = drawer.draw(6, 80)
    assert crops.words.shape == (6, 160, 80)
    assert crops.feeling.shape == (6, 160, 83)
    assert crops.motion.shape == (6, 80, FEATURES)
    assert torch.isfinite(crops.words).all()
    assert torch.isfinite(crops.feeling).all()


def test_the_starter_fits_its_bounds() -> None:
    assert STARTER.hours <= 10
    card = card_of(STARTER)
    assert card.codebook.grouping == "frame"
    assert card.predictor.normalisation == card.prior.normalisation == "frame"
    assert dataclasses.replace(card).pairing == 1

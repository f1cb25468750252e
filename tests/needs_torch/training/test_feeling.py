"""Feeling is a layer of its own: it leaves shut lips shut, mixes in proportion, and is heard by the emotion stream."""

from __future__ import annotations

import numpy as np
import torch

from lsf_blender_addon.speech.mel import LogMelEncoder
from training.batches import Crops, at_tempo
from training.coarticulation import COLUMN, JAW, Face, curves, felt, gap_weights
from training.material import Item
from training.phones import Phone
from training.predictor_training import mixed

FPS = 50.0


def papa() -> tuple[Crops, np.ndarray]:
    names = ("sil", "p", "aa", "p", "aa", "sil")
    phones = [Phone(name, 0.2 * number, 0.2 * number + 0.2) for number, name in enumerate(names)]
    face = curves(np.zeros(19200, np.float32), phones, FPS, 60)
    columns = {name: torch.from_numpy(getattr(face, name))[None] for name in ("motion", "gap", "shut", "spoken")}
    phone = torch.from_numpy(face.phone)[None]
    empty = torch.empty(0)
    crops = Crops(
        words=empty,
        feeling=empty,
        phone=phone,
        agitation=torch.zeros(1),
        echo=torch.zeros(1),
        real=torch.ones(1, 60),
        **columns,
    )
    return crops, face.shut


def test_a_felt_batch_is_the_rules_own_face() -> None:
    crops, _ = papa()
    for agitation in (-0.8, 0.0, 0.9):
        added = felt(crops.gap[0].numpy().astype(float), crops.spoken[0].numpy().astype(float), agitation)
        wanted = crops.motion[0].numpy() + added
        wanted[:, :JAW] = wanted[:, :JAW].clip(0, 1)
        found = crops.felt(torch.tensor([agitation]))[0].numpy()
        assert np.abs(found - wanted).max() < 1e-5


def test_feeling_moves_brows_eyes_and_corners_and_leaves_shut_lips_shut() -> None:
    crops, shut = papa()
    excited, calm = (crops.felt(torch.tensor([value]))[0].numpy() for value in (1.0, -1.0))
    middle = 30
    for name in ("browInnerUp", "eyeWideLeft", "mouthSmileLeft"):
        assert excited[middle, COLUMN[name]] > calm[middle, COLUMN[name]] + 0.15
    assert calm[middle, COLUMN["mouthFrownLeft"]] > excited[middle, COLUMN["mouthFrownLeft"]] + 0.1
    firm = shut > 0.95
    assert firm.any()
    assert np.abs((excited - calm)[firm] @ gap_weights()).max() < 0.05


def test_mixed_emotion_streams_carry_mixed_feelings() -> None:
    torch.manual_seed(0)
    agitation = torch.linspace(-1, 1, 64)
    features = agitation[:, None, None].expand(64, 5, 3)
    stream, told = mixed(features, agitation)
    assert (told != agitation).float().mean() > 0.3
    within = told.abs() < 1.39
    torch.testing.assert_close(stream[within, 0, 0], told[within], rtol=1e-4, atol=1e-5)


def test_the_emotion_stream_hears_how_high_and_lively_a_voice_is_and_the_words_do_not() -> None:
    t = np.arange(32000) / 16000

    def voice(hertz: float, reach: float) -> torch.Tensor:
        phase = 2 * np.pi * np.cumsum(hertz * 2.0 ** (reach * np.sin(2 * np.pi * 1.5 * t))) / 16000
        return torch.from_numpy(sum(np.sin(n * phase) / n for n in range(1, 12)).astype(np.float32) * 0.05)[None]

    settings = {"width": 8, "dilations": [1], "prosody": True}
    shared, own = (LogMelEncoder({**settings, "levels": levels}) for levels in ("shared", "own"))
    calm, agitated = voice(120.0, 0.05), voice(220.0, 0.3)

    def pitch(encoder: LogMelEncoder, sound: torch.Tensor) -> torch.Tensor:
        return encoder.levelled(encoder.spectrum(sound))[0, :, 81]

    assert pitch(shared, agitated).mean() > pitch(shared, calm).mean() + 0.8
    assert pitch(shared, agitated).std() > 2 * pitch(shared, calm).std()
    assert abs(pitch(own, agitated).mean() - pitch(own, calm).mean()) < 1e-3


def test_a_hurried_item_says_the_same_sooner_and_sounds_more_agitated() -> None:
    crops, _ = papa()
    face = Face(*(getattr(crops, name)[0].numpy() for name in ("motion", "gap", "shut", "spoken", "phone")))
    spectrum = np.repeat(face.gap, 2)[:-1, None].repeat(83, 1).astype(np.float16)
    item = Item(spectrum, face, made="rules", agitation=0.1)
    hurried = at_tempo(item, 1.25)
    assert len(hurried.face.gap) == 48
    assert len(hurried.spectrum) == 2 * 48 - 1
    assert hurried.agitation > item.agitation
    assert abs(int(hurried.face.gap.argmax()) - face.gap.argmax() / 1.25) <= 1.5
    heard, seen = hurried.spectrum[::2, 0].astype(float), hurried.face.gap.astype(float)
    assert np.abs(heard - seen).mean() < 0.03

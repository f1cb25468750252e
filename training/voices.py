"""The free text-to-speech engines: what they say, as sound at 16 kHz with the times of its phones.

espeak-ng runs in this process through its C library (its phoneme events give exact samples); flite and festival run
as programs: install them as ``espeak-ng flite festival festvox-...`` from the system's packages. Pico has a file of its
own (``pico``).
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from lsf_blender_addon.errors import LsfError

from .phones import Phone, from_arpabet, from_ipa, from_russian, with_closures, without_empty

RATE = 16_000
Samples = npt.NDArray[np.float32]


class EngineError(LsfError):
    """A speech engine that is not installed, or that failed."""

    kind = "engine"


@dataclass(frozen=True)
class Manner:
    """How to say it: ``stretch`` of durations; ``pitch`` and the ``span`` of its movement against the voice's."""

    stretch: float = 1.0
    pitch: float = 1.0
    span: float = 1.0


Made = Literal["rules", "recordings", "network"]
"""What makes a voice's sound: rules, pieces or statistics of one person's recordings, or a network that learnt from
many people's."""


@dataclass(frozen=True)
class Voice:
    """One voice of one engine, the language it is given, the licence of what it is made from, and what that is."""

    engine: Literal["espeak", "flite", "festival", "pico", "kokoro"]
    name: str
    language: str
    licence: str
    pitch: float = 0.0
    made: Made = "rules"


_CMU = "free of charge for any purpose with notice (CMU, CSTR)"
_GPL_PROGRAM = "rules of espeak-ng (GPL-3 program; no recording is in the sound)"

KOKORO = (
    ("af", "en", "alloy aoede bella heart jessica kore nicole nova river sarah sky"),
    ("am", "en", "adam echo eric fenrir liam michael onyx puck santa"),
    ("bf", "en", "alice emma isabella lily"),
    ("bm", "en", "daniel fable george lewis"),
    ("ef", "es", "dora"),
    ("em", "es", "alex santa"),
    ("ff", "fr", "siwis"),
    ("hf", "en", "alpha beta"),
    ("hm", "en", "omega psi"),
    ("if", "it", "sara"),
    ("im", "it", "nicola"),
    ("jf", "en", "alpha gongitsune nezumi tebukuro"),
    ("jm", "en", "kumo"),
    ("pf", "pt", "dora"),
    ("pm", "pt", "alex santa"),
    ("zf", "en", "xiaobei xiaoni xiaoxiao xiaoyi"),
    ("zm", "en", "yunjian yunxi yunxia yunyang"),
)
"""Kokoro's voices: accent and sex, the language they are given, their names. Voices of languages that the aligner knows
no phones for speak English."""

RECORDED: tuple[Voice, ...] = (
    Voice("flite", "kal16", "en", _CMU, 105.0, made="recordings"),
    Voice("flite", "awb", "en", _CMU, 130.0, made="recordings"),
    Voice("flite", "rms", "en", _CMU, 95.0, made="recordings"),
    Voice("flite", "slt", "en", _CMU, 175.0, made="recordings"),
    Voice("festival", "cmu_us_slt_arctic_hts", "en", _CMU, 175.0, made="recordings"),
    Voice("festival", "kal_diphone", "en", _CMU, 105.0, made="recordings"),
    Voice("festival", "msu_ru_nsh_clunits", "ru", "BSD-like (N. Shmyrev)", 120.0, made="recordings"),
    Voice("pico", "en-US", "en", "Apache-2.0 (SVOX)", made="recordings"),
    Voice("pico", "en-GB", "en", "Apache-2.0 (SVOX)", made="recordings"),
    Voice("pico", "de-DE", "de", "Apache-2.0 (SVOX)", made="recordings"),
    Voice("pico", "es-ES", "es", "Apache-2.0 (SVOX)", made="recordings"),
    Voice("pico", "fr-FR", "fr", "Apache-2.0 (SVOX)", made="recordings"),
    Voice("pico", "it-IT", "it", "Apache-2.0 (SVOX)", made="recordings"),
    *(
        Voice("kokoro", f"{kind}_{name}", language, "Apache-2.0 (hexgrad)", made="network")
        for kind, language, names in KOKORO
        for name in names.split()
    ),
)
"""Voices made from people's recordings, one's or many's. Those under GPL or LGPL (Czech, Finnish, Catalan, Hindi,
Italian …) are left out: whether sound concatenated from their recordings may train weights under CC0 is not clear."""

HELD_OUT = Voice("festival", "ked_diphone", "en", _CMU, 110.0, made="recordings")
"""The voice that chooses between models; it never trains."""

VARIANTS = (
    *("Alex", "Alicia", "Andrea", "Andy", "Annie", "AnxiousAndy", "Denis", "Diogo", "Gene", "Gene2"),
    *("Henrique", "Hugo", "Jacky", "Lee", "Marco", "Mario", "Michael", "Mike", "Nguyen", "RicishayMax"),
    *("RicishayMax2", "RicishayMax3", "Storm", "Tweaky", "adam", "anika", "announcer", "antonio"),
    *("aunty", "belinda", "benjamin", "boris", "caleb", "croak", "david", "ed", "edward", "edward2"),
    *("f1", "f2", "f3", "f4", "f5", "fast", "grandma", "grandpa", "gustave", "iven", "iven2", "iven3"),
    *("iven4", "john", "kaukovalta", "klatt", "klatt2", "klatt3", "klatt4", "klatt5", "klatt6", "linda"),
    *("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "marcelo", "max", "michel", "miguel", "norbert"),
    *("pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph", "steph2"),
    *("steph3", "travis", "victor", "whisper", "whisperf", "zac"),
)
ENGLISHES = (
    "en-us",
    "en",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-029",
    "en-us-nyc",
)


def espeak_voice(language: str, variant: str) -> Voice:
    """One of espeak-ng's languages spoken by one of its speaker variants."""
    return Voice("espeak", f"{language}+{variant}", language, _GPL_PROGRAM)


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_PHONEME_EVENT = 7
_SYNCHRONOUS, _WITH_PHONEME_EVENTS, _IN_IPA, _UTF8 = 2, 1, 2, 1
_PHONEMES_IN_IPA = 2
_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE = 1, 3, 4
_WORDS_A_MINUTE = 165
_SPAN = 0.12
"""The standard deviation of a recorded voice's pitch as a share of its mean, in ordinary speech."""

_BY_REGRESSION = frozenset({"kal_diphone", "ked_diphone"})
"""festival's voices whose pitch can be set."""


class Espeak:
    """espeak-ng's library, loaded once in a process.

    Raises:
        EngineError: the library is not installed.
    """

    def __init__(self) -> None:
        try:
            self._library: Any = ctypes.CDLL("libespeak-ng.so.1")
        except OSError as error:
            raise EngineError("espeak-ng's library was not found; install the package espeak-ng.") from error
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self.rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _WITH_PHONEME_EVENTS | _IN_IPA))
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
        self._pieces: list[npt.NDArray[np.int16]] = []
        self._signs: list[tuple[int, str]] = []
        self._callback = kind(self._hear)

    @classmethod
    @cache
    def shared(cls) -> Espeak:
        """The one of this process.

        Raises:
            EngineError: the library is not installed.
        """
        return cls()

    def ipa(self, language: str, text: str) -> str:
        """How ``text`` is read, with stress marks, without pauses.

        Raises:
            EngineError: the language is unknown.
        """
        if self._library.espeak_SetVoiceByName(language.encode()):
            raise EngineError(f"espeak-ng does not know the language {language}.")
        left = ctypes.c_char_p(text.encode())
        clauses = []
        while left.value:
            said = self._library.espeak_TextToPhonemes(ctypes.byref(left), _UTF8, _PHONEMES_IN_IPA)
            clauses.append(said.decode("utf-8", "ignore").strip())
        return " ".join(clauses)

    def _hear(self, sound: Any, count: int, events: Any) -> int:
        if sound and count:
            self._pieces.append(np.ctypeslib.as_array(sound, (count,)).copy())
        number = 0
        while events[number].type:
            if events[number].type == _PHONEME_EVENT:
                self._signs.append((events[number].sample, events[number].id.string.decode("utf-8", "ignore")))
            number += 1
        return 0

    def say(self, voice: Voice, text: str, manner: Manner) -> tuple[Samples, list[Phone]]:
        """Speak ``text``: sound at 16 kHz and its phones.

        Raises:
            EngineError: the voice is unknown, or nothing was spoken.
        """
        self._pieces.clear()
        self._signs.clear()
        library = self._library
        # The library is one in a process, and its sound goes to whoever asked last.
        library.espeak_SetSynthCallback(self._callback)
        if library.espeak_SetVoiceByName(voice.name.encode()):
            raise EngineError(f"espeak-ng has no voice {voice.name}.")
        library.espeak_SetParameter(_PARAMETER_RATE, int(np.clip(_WORDS_A_MINUTE / manner.stretch, 80, 400)), 0)
        library.espeak_SetParameter(_PARAMETER_PITCH, int(np.clip(50 + 60 * np.log2(manner.pitch), 5, 95)), 0)
        library.espeak_SetParameter(_PARAMETER_RANGE, int(np.clip(50 * manner.span, 5, 100)), 0)
        data = text.encode()
        library.espeak_Synth(data, len(data) + 1, 0, 0, 0, _UTF8, None, None)
        library.espeak_Synchronize()
        if not self._pieces:
            raise EngineError(f"espeak-ng said nothing for {text!r} with {voice.name}.")
        samples = np.concatenate(self._pieces).astype(np.float32) / 32768.0
        phones = _from_events(self._signs, len(samples), self.rate)
        return soxr.resample(samples, self.rate, RATE).astype(np.float32), phones


def _from_events(signs: Sequence[tuple[int, str]], samples: int, rate: int) -> list[Phone]:
    """Phones between the events; a short nameless stretch inside a word belongs to what stands before it."""
    phones: list[Phone] = [Phone("sil", 0.0, signs[0][0] / rate)] if signs else []
    ends = [position for position, _ in signs[1:]] + [samples]
    for (position, sign), stop in zip(signs, ends, strict=True):
        begin, end = position / rate, stop / rate
        name = from_ipa(sign) if sign else ("sil" if end - begin > 0.06 else None)
        if name is not None:
            phones.append(Phone(name, begin, end))
        elif phones:
            phones[-1] = Phone(phones[-1].name, phones[-1].begin, end)
    return without_empty(with_closures(without_empty(phones)))


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise EngineError(f"{name} is not installed; install the package {name}.")
    return found


def flite_says(voice: Voice, text: str, manner: Manner) -> tuple[Samples, list[Phone]]:
    """Speak ``text`` with flite.

    Raises:
        EngineError: flite is missing or failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        order = [
            _program("flite"), "-voice", voice.name,
            "--setf", f"duration_stretch={manner.stretch:.3f}",
            "--setf", f"int_f0_target_mean={voice.pitch * manner.pitch:.1f}",
            "--setf", f"int_f0_target_stddev={_SPAN * voice.pitch * manner.pitch * manner.span:.1f}",
            "-psdur", "-t", text + " ", "-o", str(path),
        ]  # fmt: skip
        done = subprocess.run(order, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode or not path.is_file():
            raise EngineError(f"flite failed on {text!r}: {done.stderr.strip()[:200]}")
        samples, rate = soundfile.read(path, dtype="float32")
    phones, begin = [], 0.0
    for item in done.stdout.split():
        name, _, end = item.rpartition(":")
        phones.append(Phone(from_arpabet(name), begin, float(end)))
        begin = float(end)
    return _at_rate(samples, rate), without_empty(phones)


def festival_says(voice: Voice, texts: Sequence[str], manner: Manner) -> list[tuple[Samples, list[Phone]]]:
    """Speak several texts with one festival voice in one run; what festival failed on is left out.

    Raises:
        EngineError: festival or the voice is missing.
    """
    names: Callable[[str], str] = from_russian if voice.language == "ru" else from_arpabet
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"(voice_{voice.name})", f"(Parameter.set 'Duration_Stretch {manner.stretch:.3f})"]
        if voice.name in _BY_REGRESSION:
            mean = voice.pitch * manner.pitch
            lines.append(
                f"(set! int_lr_params '((target_f0_mean {mean:.1f}) (target_f0_std {_SPAN * mean * manner.span:.1f}) "
                "(model_f0_mean 170) (model_f0_std 34)))"
            )
        for number, text in enumerate(texts):
            said = "".join(sign for sign in text if sign not in '"\\')
            lines.append(
                f'(unwind-protect (begin (set! u (Utterance Text "{said}")) (utt.synth u) '
                f'(utt.save.segs u "{folder}/{number}.lab") (utt.save.wave u "{folder}/{number}.wav")) nil)'
            )
        script = Path(folder) / "say.scm"
        script.write_text("\n".join(lines) + "\n", encoding="utf-8")
        order = [_program("festival"), "-b", str(script)]
        done = subprocess.run(order, capture_output=True, text=True, check=False)  # noqa: S603
        said_all: list[tuple[Samples, list[Phone]]] = []
        for number in range(len(texts)):
            sound, labels = Path(folder) / f"{number}.wav", Path(folder) / f"{number}.lab"
            if not sound.is_file() or not labels.is_file():
                continue
            samples, rate = soundfile.read(sound, dtype="float32")
            phones, begin = [], 0.0
            for line in labels.read_text(encoding="utf-8").splitlines()[1:]:
                end, _, name = line.split()[:3]
                phones.append(Phone(names(name), begin, float(end)))
                begin = float(end)
            said_all.append((_at_rate(samples, rate), without_empty(phones)))
    if not said_all:
        raise EngineError(f"festival said nothing with {voice.name}: {done.stderr.strip()[:200]}")
    return said_all


def _at_rate(samples: Samples, rate: int) -> Samples:
    return samples if rate == RATE else soxr.resample(samples, rate, RATE).astype(np.float32)

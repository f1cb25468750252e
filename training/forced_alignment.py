"""Phone times of a recording whose words are known: forced alignment by pocketsphinx (the ``align`` extra), English.

Results have the form of ``NAME.align.json`` and are kept by sound and words, so that each recording is aligned once.
Against hand-checked times they are off by about 10 ms (median) and 30 ms (nine in ten).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lsf_blender_addon.audio import SAMPLE_RATE, SpeechClip
from lsf_blender_addon.texts import read_text

from .scoring import AlignmentError
from .voices import EngineError, Espeak, Manner, espeak_voice

FRAMES_A_SECOND = 100.0
LEADS = (0.0, 0.3)
"""Seconds of silence around the sound: the decoder loses its way in some that begin or end in the middle of a word."""

MOST_TRANSCRIPT_BYTES = 1_000_000
BESIDE_ARPABET = {"ax": "AH", "y2": "UW", "oe": "ER", "x": "HH", "j": "Y", "sil": ""}
"""Our phones that pocketsphinx's dictionary writes otherwise."""


def alignment(clip: SpeechClip, transcript: Path, folder: Path) -> Path:
    """The file of a recording's phone times, made unless it is there.

    Args:
        clip: the recording.
        transcript: a text file of what is said in it, in English.
        folder: where alignments are kept.

    Raises:
        AlignmentError: pocketsphinx is missing, the transcript cannot be read, a word is unknown, or the words are not
            what is said.
    """
    words = words_of(transcript)
    digest = hashlib.sha256(clip.samples.tobytes() + " ".join(words).encode()).hexdigest()[:16]
    path = folder / f"{transcript.stem}-{digest}.align.json"
    if not path.is_file():
        aligned = {"text": " ".join(words), "aligner": "pocketsphinx", "words": align(clip, words, transcript.name)}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".part")
            beside.write_text(json.dumps(aligned) + "\n", encoding="utf-8")
            beside.replace(path)
        except OSError as reason:
            raise AlignmentError(
                f"{path} cannot be written ({reason.strerror}): name another --alignments."
            ) from reason
    return path


def words_of(transcript: Path) -> list[str]:
    """The words of a text file as the dictionary spells them: lower case, without signs.

    Raises:
        AlignmentError: the file cannot be read or holds no words.
    """
    text = read_text(transcript, MOST_TRANSCRIPT_BYTES, "transcript", AlignmentError)
    words = words_in(text)
    if not words:
        raise AlignmentError(f"{transcript} holds no words.")
    return words


def words_in(text: str) -> list[str]:
    """The words of a text as the dictionary spells them."""
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    words = [word.strip("'") for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*'?", plain)]
    return [word for word in words if word]


def new_decoder(name: str) -> Any:
    """A decoder, which takes a second to load; ``name`` is the transcript's in errors.

    Raises:
        AlignmentError: pocketsphinx is missing.
    """
    try:
        from pocketsphinx import Decoder  # noqa: PLC0415 - an extra that only this needs
    except ImportError as reason:
        raise AlignmentError(
            f"{name} has words but no phone times, and pocketsphinx, which finds them, is not installed ({reason}): "
            "`pip install pocketsphinx`, or put NAME.align.json beside the sound."
        ) from reason
    return Decoder(lm=None, loglevel="FATAL")


def align(clip: SpeechClip, words: list[str], name: str, decoder: Any = None) -> list[dict[str, Any]]:
    """Find words and phones in a recording.

    Args:
        clip: the recording.
        words: what is said.
        name: the transcript's in errors.
        decoder: one that is kept for many recordings of one voice, which it gets used to; a new one where None.

    Returns:
        ``{"w", "b", "d", "phones": [{"p", "b", "d"}]}`` of each word and pause: ARPAbet, begin and length in seconds.

    Raises:
        AlignmentError: see ``alignment``.
    """
    decoder = new_decoder(name) if decoder is None else decoder
    for word in sorted(set(words)):
        if decoder.lookup_word(word) is None:
            decoder.add_word(word, _pronounced(word, name), update=True)
    for lead in LEADS:
        found = _found(decoder, words, clip, lead)
        if found:
            return found
    raise AlignmentError(f"The words of {name} cannot be found in {Path(clip.source).name}: is that what is said?")


def _found(decoder: Any, words: list[str], clip: SpeechClip, lead: float) -> list[dict[str, Any]]:
    """Words and phones with ``lead`` seconds of silence around the sound; nothing where not every word is found."""
    quiet = np.zeros(int(lead * SAMPLE_RATE), np.float32)
    samples = np.concatenate((quiet, np.clip(clip.samples, -1.0, 1.0), quiet))
    sound = (samples * 32767).astype("<i2").tobytes()
    try:
        decoder.set_align_text(" ".join(words))
        _listen(decoder, sound)
        if decoder.hyp() is None:
            return []
        decoder.set_alignment()
        _listen(decoder, sound)
        words_found = decoder.get_alignment()
    except RuntimeError:  # all that it says of a search that died
        return []
    rows = [] if words_found is None else list(_rows(words_found, lead, clip.seconds))
    # A search that runs out of sound leaves the last words out without a word.
    told = [row["w"].partition("(")[0] for row in rows if not row["w"].startswith(("<", "["))]
    return rows if told == words else []


def _listen(decoder: Any, sound: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(sound, full_utt=True)
    decoder.end_utt()


def _rows(found: Any, lead: float, seconds: float) -> Iterator[dict[str, Any]]:
    for word in found:
        phones = [{"p": phone.name, **_times(phone, lead, seconds)} for phone in word]
        yield {"w": word.name, **_times(word, lead, seconds), "phones": phones}


def _times(entry: Any, lead: float, seconds: float) -> dict[str, float]:
    """Begin and length in seconds of the sound itself."""
    edges = (entry.start, entry.start + entry.duration)
    begin, end = (min(max(edge / FRAMES_A_SECOND - lead, 0.0), seconds) for edge in edges)
    return {"b": round(begin, 4), "d": round(end - begin, 4)}


def _pronounced(word: str, name: str) -> str:
    """A word that the dictionary lacks (a name, a number), as espeak-ng would say it: ARPAbet, spaces between."""
    try:
        _, phones = Espeak.shared().say(espeak_voice("en-us", "m3"), word, Manner())
    except EngineError as reason:
        raise AlignmentError(
            f"{name}: pocketsphinx's dictionary lacks the word {word!r}; spell it otherwise, or install espeak-ng, "
            "which pronounces it."
        ) from reason
    said = " ".join(filter(None, (BESIDE_ARPABET.get(phone.name, phone.name.upper()) for phone in phones)))
    if not said:
        raise AlignmentError(f"{name}: nobody knows how to say {word!r}; leave it out or spell it otherwise.")
    return said

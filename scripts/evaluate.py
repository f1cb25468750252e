"""Measure models: lips against phones, feeling, sounds that are no speech, speed.

    scripts/evaluate.py --speech DIR MODEL [MODEL ...]
    scripts/evaluate.py MODEL --feeling --non-speech --speed

--speech     DIR holds sounds, each with NAME.align.json beside it ({"words": [{"phones": [{"p", "b", "d"}]}]},
             ARPAbet, seconds) or with its English words in NAME.txt: then phone times are found by forced alignment
             (pocketsphinx, the extra "align") and kept in --alignments. A shard of the corpus (.npz) serves as well.
--feeling    the same sentences calm and agitated, by the free engines or from --pairs DIR (NAME_calm, NAME_agitated):
             how far brows, eyes and mouth corners stand apart, in millimetres, against how far they stray within each.
--non-speech noise, hum, tones and beats, and the sounds of --sounds DIR: mean gap as a share of the wide gap of speech.
--speed      times real time when warm, and the first motion of a cold worker.

Motions come through the worker's runtime and are measured on the bundled head, or on --head for another space. What
the columns mean stands in training/scoring.py. Several models are put into one table. Last line: JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluating import tables
from lsf_blender_addon.audio import SpeechClip, read_clip
from lsf_blender_addon.errors import LsfError
from lsf_blender_addon.models.store import model_folder
from training import curve_pictures, evaluation, feeling_measure, manners, other_sounds, scoring, speed
from training.evaluation import Evaluator, Spoken

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "hello.wav"


def main() -> int:
    """Do what the command line asks; returns the exit code."""
    arguments = _arguments()
    results: list[dict[str, Any]] = []
    pooled: dict[str, dict[str, float]] = {}
    try:
        for name in arguments.models:
            folder = model_folder(name)
            evaluator = Evaluator(folder, arguments.head, arguments.emotion_strength)
            result: dict[str, Any] = {"model": folder.name}
            print(f"\n{folder}")
            if arguments.speech is not None:
                whole = _speech(evaluator, arguments, result)
                pooled[folder.name if folder.name not in pooled else str(folder)] = whole.summary()
            if arguments.feeling:
                _feeling(evaluator, arguments, result)
            if arguments.non_speech:
                _non_speech(evaluator, arguments, result)
            if arguments.speed:
                found = speed.measure(folder, read_clip(SAMPLE))
                print(tables.speed(found))
                result["speed"] = tables.as_json(found)
            results.append(result)
        if len(pooled) > 1:
            print("\n" + tables.scores(pooled))
        told = results[0] if len(results) == 1 else {"models": results}
        if arguments.json is not None:
            _write(arguments.json, json.dumps(told, indent=2) + "\n")
    except LsfError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(told))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="a model's folder or name")
    parser.add_argument("--speech", type=Path, metavar="DIR", help="score lips on recordings, or on a shard")
    parser.add_argument("--alignments", type=Path, metavar="DIR", help="where found phone times are kept")
    parser.add_argument("--noise", type=float, metavar="DB", help="add white noise so many decibels below the speech")
    parser.add_argument(
        "--room", type=_decay, metavar="T60", help="put the speech into a room: seconds to fall by 60 dB"
    )
    parser.add_argument("--emotion-strength", type=float, default=1.0, metavar="S", help="of the feeling, 0 to 2")
    parser.add_argument("--phones", action="store_true", help="also a table by phone")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="a picture of each clip's curves and phones")
    parser.add_argument("--feeling", action="store_true", help="measure calm against agitated")
    parser.add_argument("--pairs", type=Path, metavar="DIR", help="recorded pairs to measure feeling on")
    parser.add_argument("--non-speech", action="store_true", help="measure the mouth on sounds that are no speech")
    parser.add_argument("--sounds", type=Path, metavar="DIR", help="more such sounds, all that the folder holds")
    parser.add_argument("--speed", action="store_true", help="measure speed")
    parser.add_argument(
        "--head", type=Path, default=evaluation.BUNDLED_HEAD, metavar="FILE", help="measure on this head"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result to this file")
    arguments = parser.parse_args()
    arguments.feeling |= arguments.pairs is not None
    arguments.non_speech |= arguments.sounds is not None
    if arguments.speech is None and not (arguments.feeling or arguments.non_speech or arguments.speed):
        parser.error("say what to measure: --speech DIR, --feeling, --non-speech or --speed")
    return arguments


def _decay(word: str) -> float:
    value = float(word)
    if not 0.01 <= value <= 10.0:
        raise argparse.ArgumentTypeError("give 0.01 to 10 seconds")
    return value


def _speech(evaluator: Evaluator, arguments: argparse.Namespace, result: dict[str, Any]) -> scoring.Tally:
    """Score lips; print the tables, draw the pictures."""
    tallies: dict[str, scoring.Tally] = {}
    for spoken in _recordings(arguments):
        motion = evaluator.motion(spoken.clip)
        track = evaluator.track_of(motion)
        tallies[spoken.name] = scoring.tally(track, spoken.phones)
        if arguments.pictures is not None:
            path = arguments.pictures / f"{evaluator.model.name}_{spoken.name}.png"
            curves = curve_pictures.Curves(track, feeling_measure.tracks(evaluator.head, motion), motion.fps)
            told = tallies[spoken.name].summary()
            title = f"{spoken.name}, {evaluator.model.name}: " + ", ".join(
                f"{column} {told[column]:.2f}" for column in ("closure", "balanced", "corr", "shut_cons")
            )
            curve_pictures.draw(path, spoken, curves, title)
            print(path)
    if not tallies:
        raise LsfError(f"{arguments.speech} holds no recording with phone times or words beside it.")
    whole = evaluation.pooled(tallies)
    print(tables.scores({**{name: one.summary() for name, one in tallies.items()}, "pooled": whole.summary()}))
    print("\n" + tables.classes(whole))
    if arguments.phones:
        print("\n" + tables.phones(whole))
    result["pooled"] = tables.measured(whole.summary())
    result["classes"] = tables.as_json(scoring.class_table(whole))
    result["clips"] = {name: tables.measured(one.summary()) for name, one in tallies.items()}
    return whole


def _recordings(arguments: argparse.Namespace) -> Iterator[Spoken]:
    if arguments.speech.is_file():
        recordings: Iterable[Spoken] = evaluation.synthetic_recordings(arguments.speech)
    else:
        recordings = evaluation.aligned_recordings(arguments.speech, arguments.alignments, _tell)
    for spoken in recordings:
        heard = spoken if arguments.room is None else evaluation.with_room(spoken, arguments.room)
        yield heard if arguments.noise is None else evaluation.with_noise(heard, arguments.noise)


def _feeling(evaluator: Evaluator, arguments: argparse.Namespace, result: dict[str, Any]) -> None:
    pairs = manners.pairs_at_hand(SAMPLE) if arguments.pairs is None else list(manners.recorded_pairs(arguments.pairs))
    found = feeling_measure.measure(evaluator, pairs)
    print("\n" + tables.feeling(found))
    ratios = {name: {"ratio": round(region.ratio, 4)} for name, region in found.regions.items()}
    told = tables.as_json(found)
    result["feeling"] = {**told, "regions": {name: told["regions"][name] | ratios[name] for name in ratios}}


def _non_speech(evaluator: Evaluator, arguments: argparse.Namespace, result: dict[str, Any]) -> None:
    wide = other_sounds.wide_gap(evaluator, [read_clip(SAMPLE)])
    sounds: list[SpeechClip] = other_sounds.sounds_without_speech()
    if arguments.sounds is not None:
        sounds += [read_clip(path) for path in evaluation.sounds_in(arguments.sounds)]
    rows = other_sounds.measure(evaluator, sounds, wide)
    print("\n" + tables.restlessness(rows, wide))
    result["non_speech"] = {"wide_gap_mm": round(wide, 3), "sounds": tables.as_json(rows)}


def _write(path: Path, text: str) -> None:
    try:
        beside = path.with_name(path.name + ".part")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as reason:
        raise LsfError(f"{path} cannot be written ({reason.strerror}).") from reason


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

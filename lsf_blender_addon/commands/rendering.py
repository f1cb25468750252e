"""``lsf render``: a preview movie with sound, or a contact sheet, of one face or of several side by side."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..batch.lists import SOUNDS
from ..errors import LsfError
from ..formats.facts import GENERATOR, facts_of
from ..formats.files import KINDS
from .bar import Bar
from .carrying import add_made_for
from .cast import MOST, Face, cast_of, is_sound, spoken_by
from .making import blender
from .scenes import add_object, scene_head
from .speech import require_folder

DESCRIPTION = """\
Render a preview movie (-o NAME.mp4), a contact sheet (--sheet NAME.png), or both.

SOURCE is a recording (wav, flac, ogg, mp3), which a model speaks; a motion (.npz, .json, .csv, or .npy as the published
code writes it); or the points of a face, (T, V, 3) in a .npy. Several sources, models or takes stand side by side, each
with its label.
"""

ENGINES = ("workbench", "eevee", "cycles")
VIEWS = ("portrait", "front", "quarter", "profile", "mouth")
SMALLEST, LARGEST = 32, 4096
"""Pixels of a side."""

WORKBENCH_SAMPLES = ((32, "32"), (16, "16"), (11, "11"), (8, "8"), (5, "5"), (1, "FXAA"))
"""From so many samples on → Workbench's word."""

SPEAKING = 0.3
"""The share of the work that predicting is taken for, on a bar."""


def add_arguments(
    parser: argparse.ArgumentParser, rate: Callable[[str], float], whole: Callable[[str, int, int], int]
) -> None:
    """Give ``lsf render`` its words, besides those of how a recording is spoken."""
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("sources", type=_source, nargs="+", metavar="SOURCE", help="a recording, a motion, or points")
    parser.add_argument("-o", "--output", type=_ending(".mp4"), metavar="MOVIE.mp4", help="the movie to write")
    parser.add_argument("--sheet", type=_ending(".png"), metavar="SHEET.png", help="the contact sheet to write")
    parser.add_argument(
        "--head",
        type=Path,
        metavar="FILE",
        help="whose face: ours (.npz), FLAME's (.pkl, .npz), ICT-FaceKit's (its folder), or a head that stands in a "
        "scene (.blend), which is shown there; default: the bundled one",
    )
    add_object(parser)
    add_made_for(parser)
    parser.add_argument("--no-shape", action="store_true", help="leave out the face shape that a published .npy holds")
    parser.add_argument("--takes", type=lambda word: whole(word, 1, MOST), default=1, help="takes of every recording")
    look = parser.add_argument_group("how it looks")
    look.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="Blender's renderer (default workbench)")
    look.add_argument(
        "--samples",
        type=lambda word: whole(word, 1, 4096),
        metavar="N",
        help="samples a pixel (default: by renderer)",
    )
    look.add_argument(
        "--resolution", type=_resolution, default=(480, 480), metavar="WxH", help="pixels of one face (default 480x480)"
    )
    look.add_argument("--camera", choices=VIEWS, help="from where (default: the .blend's own camera, else portrait)")
    look.add_argument("--columns", type=lambda word: whole(word, 1, MOST), metavar="N", help="how many in a row")
    look.add_argument(
        "--label", action="append", metavar="TEXT", help="what stands beside a face, once for each, in their order"
    )
    look.add_argument("--moments", type=lambda word: whole(word, 1, 64), default=12, help="pictures of a face")
    time = parser.add_argument_group("when")
    time.add_argument("--sound", type=Path, metavar="FILE", help="what is heard (default: the first recording)")
    time.add_argument(
        "--fps", type=rate, help="frames a second of the movie (default: the .blend's, else the first face's)"
    )
    time.add_argument(
        "--read-fps", type=rate, help="frames a second of a .csv or of points, which do not say it (points: 25)"
    )


def render(arguments: argparse.Namespace) -> None:
    """``lsf render``.

    Raises:
        LsfError: something does not fit, before anything slow is begun; or something failed on the way.
    """
    if arguments.output is None and arguments.sheet is None:
        raise LsfError("Say what to make: a movie with -o NAME.mp4, a contact sheet with --sheet NAME.png, or both.")
    cast = cast_of(arguments)
    program = blender("preview")
    program.render.require_renderer(arguments.engine)
    for path in (arguments.output, arguments.sheet):
        if path is not None:
            require_folder(path.absolute().parent)
    speaking = any(is_sound(source) for source in arguments.sources)
    before = SPEAKING if speaking else 0.0
    with Bar() as bar:
        faces = spoken_by(cast, arguments, lambda stage, share: bar.at(stage, before * share), bar.say)
        for note in dict.fromkeys(note for note in cast.notes if note):
            bar.say(note)
        whose = cast.head
        if whose is None:
            whose = scene_head(blender("opening"), arguments, cast.made_for)
        for note in _show(
            program, whose, faces, arguments, lambda stage, share: bar.at(stage, before + (1 - before) * share)
        ):
            bar.say(note)
    for path in (arguments.output, arguments.sheet):
        if path is not None:
            print(path)


def _show(
    program: Any,
    head: Any,
    faces: list[Face],
    arguments: argparse.Namespace,
    progress: Callable[[str, float], None],
) -> tuple[str, ...]:
    """Let Blender make it of faces on a head, or on one in a scene; returns what a person should know."""
    labels = arguments.label or [face.label for face in faces]
    width, height = arguments.resolution
    smooth = {}
    if arguments.samples and arguments.engine == ENGINES[0]:
        smooth = {"smooth": next(name for least, name in WORKBENCH_SAMPLES if arguments.samples >= least)}
    recordings = (source for source in arguments.sources if is_sound(source))
    notes: tuple[str, ...] = program.preview(
        [
            program.Shown(label, head, face.motion, face.points, face.fps, face.identity)
            for label, face in zip(labels, faces, strict=True)
        ],
        arguments.fps,
        movie=arguments.output,
        sheet=program.Sheet(arguments.sheet, arguments.moments) if arguments.sheet is not None else None,
        picture=program.render.Picture(
            width, height, engine=arguments.engine, samples=arguments.samples, view=arguments.camera, **smooth
        ),
        columns=arguments.columns,
        labelled=len(faces) > 1 or arguments.label is not None,
        sound=arguments.sound or next(recordings, None),
        facts=program.film.Facts((arguments.output or arguments.sheet).stem, _facts(labels, faces)),
        progress=progress,
    )
    return notes


def _facts(labels: list[str], faces: list[Face]) -> dict[str, Any]:
    """What the movie says about itself: of one face its own facts, of several each one's."""
    told = [facts_of(face.origin) for face in faces]
    if len(faces) == 1:
        return told[0]
    licences = dict.fromkeys(str(facts["licence"]) for facts in told if "licence" in facts)
    several = [{"label": label, **facts} for label, facts in zip(labels, told, strict=True)]
    for facts in several:
        facts.pop("generator")
    return {"generator": GENERATOR, "licence": ", ".join(licences), "faces": several}


def _source(word: str) -> Path:
    path = Path(word)
    if not is_sound(path) and path.suffix.lower().removeprefix(".") not in KINDS:
        known = ", ".join(sorted(SOUNDS) + [f".{kind}" for kind in KINDS])
        raise argparse.ArgumentTypeError(f"{word!r} must end in one of {known}")
    return path


def _ending(ending: str) -> Callable[[str], Path]:
    def understood(word: str) -> Path:
        if not word.lower().endswith(ending):
            raise argparse.ArgumentTypeError(f"{word!r} must end in {ending}")
        return Path(word)

    return understood


def _resolution(word: str) -> tuple[int, int]:
    first, _, second = word.lower().partition("x")
    sides = [int(part) if part.isdecimal() else 0 for part in (first, second or first)]
    if not all(SMALLEST <= side <= LARGEST and side % 2 == 0 for side in sides):
        raise argparse.ArgumentTypeError(
            f"{word!r} is no picture's size: give even numbers from {SMALLEST} to {LARGEST}, such as 640x720"
        )
    return sides[0], sides[1]

"""``lsf …`` on the command line, also reached as ``blender --command lsf …``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import __version__
from .errors import CancelledError, LsfError

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

DESCRIPTION = """\
A voice becomes a talking face.

  lsf animate speech.wav -o out        speech.blend, speech.glb, speech.mp4 and speech.npz in the folder out
  lsf predict speech.wav -o speech.npz the motion alone: 50 expressions and the jaw, frame by frame
  lsf render speech.wav -o speech.mp4   a preview movie of it; of several takes or models side by side
  lsf models list                      which models are there, and what their licences allow
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: its words; the process's own where None.

    Returns:
        0 when everything asked for was written, 1 when something could not be done (one sentence on standard error
        says what), 2 when the words make no command, 130 when interrupted.
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else EXIT_USAGE
    try:
        arguments.run(arguments)
    except (KeyboardInterrupt, CancelledError):
        print("Cancelled.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except LsfError as error:
        print(f"lsf: {error}", file=sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:
        return EXIT_FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lsf", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"lsf {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_predict(commands)
    _add_animate(commands)
    _add_render(commands)
    _add_convert(commands)
    _add_mouth(commands)
    _add_models(commands)
    _add_head(commands)
    return parser


def _add_predict(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from .commands import speech  # noqa: PLC0415 - help answers without loading anything
    from .commands.carrying import add_made_for  # noqa: PLC0415

    parser = commands.add_parser(
        "predict",
        help="make the motion of a recording",
        description="Make the motion of a recording: 50 expressions and 3 jaw angles a frame, in one .npz file. "
        "Several takes go to NAME_take1.npz, NAME_take2.npz …",
    )
    parser.add_argument("audio", type=Path, metavar="AUDIO", help="a sound file: wav, flac, ogg or mp3")
    parser.add_argument(
        "-o", "--output", type=_npz, required=True, metavar="MOTION.npz", help="the file to write (replaced if there)"
    )
    parser.add_argument(
        "--space",
        choices=("arkit", "flame"),
        help="what the numbers are to mean (default: the model's own); flame, from an arkit model, needs --head",
    )
    parser.add_argument(
        "--head", type=Path, metavar="FILE", help="the FLAME file (.pkl, .npz) that is to speak, for --space flame"
    )
    add_made_for(parser)
    parser.add_argument("--takes", type=_takes, default=1, help="how many different takes to make, 1 to 64 (default 1)")
    _add_making(parser)
    parser.set_defaults(run=speech.predict)


def _add_animate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from .commands import animate  # noqa: PLC0415

    parser = commands.add_parser("animate", help="make talking heads of one recording or of many")
    animate.add_arguments(parser, rate=_rate, whole=_whole)
    _add_making(parser)
    parser.set_defaults(run=animate.animate, parser=parser)


def _add_render(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from .commands import rendering  # noqa: PLC0415

    parser = commands.add_parser("render", help="make a preview movie or a contact sheet, of several side by side")
    rendering.add_arguments(parser, rate=_rate, whole=_whole)
    _add_making(parser, several=True)
    parser.set_defaults(run=rendering.render)


def lend_a_hand() -> None:
    """Make lines of a batch for another process, which asks over the standard input."""
    from .commands import animate  # noqa: PLC0415

    animate.lend_a_hand(_parser())


def _add_making(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """What ``predict``, ``animate`` and ``render`` share; ``several``: whether more than one model may speak."""
    from .models.store import DEFAULT_MODEL  # noqa: PLC0415
    from .worker.protocol import PRECISIONS  # noqa: PLC0415

    group = parser.add_argument_group("how it is made")
    if several:
        group.add_argument(
            "--model",
            action="append",
            metavar="NAME",
            help=f"a model's name or folder, once for each that is to speak (default {DEFAULT_MODEL})",
        )
    else:
        group.add_argument(
            "--model", default=DEFAULT_MODEL, metavar="NAME", help=f"a model's name or folder (default {DEFAULT_MODEL})"
        )
    group.add_argument("--seed", type=_seed, default=0, help="of the chance in it; the same seed, the same motion")
    group.add_argument(
        "--temperature", type=_not_negative, metavar="T", help="how far takes differ; 0: always the likeliest"
    )
    group.add_argument("--window", type=_seconds, metavar="SECONDS", help="what one pass hears (default: the model's)")
    group.add_argument(
        "--shape", type=Path, metavar="FILE", help="who speaks: up to 300 FLAME shape numbers (.npy, .npz, .json)"
    )
    group.add_argument(
        "--emotion-strength",
        type=_emotion_strength,
        default=1.0,
        metavar="S",
        help="how much of the feeling in the voice to show: 0 neutral, 1 as heard (default), 2 exaggerated",
    )
    group.add_argument(
        "--emotion-from",
        type=Path,
        metavar="OTHER",
        help="take the feeling from another recording: one of about the same length (half to twice) is stretched to "
        "fit, a shorter one goes on back and forth, of a longer one the beginning counts",
    )
    group.add_argument("--device", default="auto", help="auto (default), cuda, cuda:1, mps, xpu or cpu")
    group.add_argument(
        "--precision", choices=PRECISIONS, default="auto", help="of the speech encoders (default: by the device)"
    )


def _add_convert(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from .commands import convert  # noqa: PLC0415

    parser = commands.add_parser("convert", help="write a motion as another kind of file")
    convert.add_arguments(parser, rate=_rate)
    parser.set_defaults(run=convert.convert)


def _add_mouth(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from .commands import speech  # noqa: PLC0415

    parser = commands.add_parser(
        "mouth",
        help="measure the mouth of a motion",
        description="Measure a motion on a head, 100 times a second: t [s], aperture and width [mm], aperture_rest.",
    )
    parser.add_argument("motion", type=Path, metavar="MOTION.npz", help="what `lsf predict` wrote")
    parser.add_argument("-o", "--output", type=_npz, required=True, metavar="TRACK.npz", help="the file to write")
    parser.add_argument("--head", type=Path, metavar="FILE", help="the head to measure on (default: the bundled one)")
    parser.set_defaults(run=speech.mouth)


def _add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from .commands import library  # noqa: PLC0415

    parser = commands.add_parser("models", help="list models, or import a published checkpoint")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="which models are there, and what their licences allow")
    listing.set_defaults(run=library.list_models)
    importing = actions.add_parser(
        "import",
        help="turn a published checkpoint into a model",
        description="Turn a PyTorch-Lightning checkpoint of the published form into a model. Nothing in it is run.",
    )
    importing.add_argument("file", type=Path, metavar="CHECKPOINT", help="the .ckpt file of stage 2")
    importing.add_argument("--name", type=_name, help="what to call the model (default: after the file)")
    importing.add_argument("--title", help="what lists show")
    importing.add_argument("--prior", type=Path, metavar="FILE", help="stage 1's checkpoint, where stage 2 lacks it")
    importing.set_defaults(run=library.import_model)


def _add_head(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from .commands import library  # noqa: PLC0415

    parser = commands.add_parser("head", help="look into a head file")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    info = actions.add_parser("info", help="what a head file holds")
    info.add_argument("file", type=Path, metavar="FILE", help="ours (.npz) or FLAME's (.pkl, .npz)")
    info.set_defaults(run=library.head_info)


def _npz(word: str) -> Path:
    if not word.lower().endswith(".npz"):
        raise argparse.ArgumentTypeError(f"{word!r} must end in .npz")
    return Path(word)


def _name(word: str) -> str:
    if not word.replace("-", "").replace("_", "").isalnum():
        raise argparse.ArgumentTypeError(f"{word!r} may hold letters, digits, - and _ only")
    return word


def _number(word: str, low: float, high: float) -> float:
    try:
        value = float(word)
    except ValueError as reason:
        raise argparse.ArgumentTypeError(f"{word!r} is no number") from reason
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{word} is not between {low:g} and {high:g}")
    return value


def _whole(word: str, low: int, high: int) -> int:
    if not word.isdecimal() or not low <= int(word) <= high:
        raise argparse.ArgumentTypeError(f"{word!r} is no whole number from {low} to {high}")
    return int(word)


def _takes(word: str) -> int:
    return _whole(word, 1, 64)


def _seed(word: str) -> int:
    return _whole(word, 0, (1 << 63) - 1)


def _seconds(word: str) -> float:
    return _number(word, 1.0, 3600.0)


def _rate(word: str) -> float:
    return _number(word, 1.0, 1000.0)


def _emotion_strength(word: str) -> float:
    from .worker.protocol import STRONGEST_EMOTION  # noqa: PLC0415

    return _number(word, 0.0, STRONGEST_EMOTION)


def _not_negative(word: str) -> float:
    return _number(word, 0.0, 100.0)


if __name__ == "__main__":
    sys.exit(main())

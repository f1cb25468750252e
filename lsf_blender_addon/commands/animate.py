"""``lsf animate``: talking heads of one recording, of a folder of them, or of a list."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..batch import hand
from ..batch.crew import Crew
from ..batch.lines import Line, shard
from ..batch.lists import is_batch
from ..batch.results import Result, ResultsFile, sweep
from ..errors import LsfError
from .bar import Bar
from .carrying import add_made_for
from .listing import lines_of, understood
from .making import OUTPUTS, Workshop
from .ray_engine import RayCrew
from .scenes import add_object
from .speech import described, require_folder

DESCRIPTION = """\
Make talking heads: for every recording NAME.npz (the motion), and what is chosen of the files below; where nothing is,
NAME.blend, NAME.glb and NAME.mp4.

SOURCE is a recording (wav, flac, ogg, mp3); a folder of recordings, searched with all below it; or a list: a .csv with
a header or a .json with an array of objects, whose columns are 'audio' (a path from the list), 'outputs' (such as
"glb csv"), 'folder' (below -o), 'emotion' (how strong, 0 to 2, or a recording that lends it) and any option of this
command without its dashes, such as seed or start-frame.

Of a folder or a list, every line's result is written to results.jsonl in -o. A line that fails does not stop the rest;
its reason stands there, and the exit code is 1.
"""

ABOUT = {
    "npz": "the motion alone, when nothing else is chosen",
    "npy": "the motion in the published layout, (1, T, 403): needs a FLAME --head or --model",
    "csv": "ARKit's blendshapes as Live Link Face writes them",
    "json": "the motion as JSON",
    "blend": "Blender's own file, with keyframes and sound",
    "glb": "glTF: morph targets, skin and animation",
    "fbx": "FBX: shape keys, bones and animation",
    "usd": "USD: blend shapes, skeleton and animation",
    "abc": "Alembic: points, frame by frame",
    "mp4": "a movie with sound",
}


ENGINES = ("here", "ray")


def add_arguments(
    parser: argparse.ArgumentParser, rate: Callable[[str], float], whole: Callable[[str, int, int], int]
) -> None:
    """Give ``lsf animate`` its words, besides those that it shares with ``predict``.

    Args:
        parser: whose.
        rate: what understands a frame rate.
        whole: what understands a whole number between two others.
    """
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("source", type=Path, metavar="SOURCE", help="a recording, a folder, or a list (.csv, .json)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the folder to write into")
    parser.add_argument(
        "--head",
        type=Path,
        metavar="FILE",
        help="a head: ours (.npz), FLAME's (.pkl, .npz), which the starter drives as well, ICT-FaceKit's (its folder "
        "of OBJ files), or one that stands in a scene (.blend), which is animated there; default: the bundled one",
    )
    add_made_for(parser)
    add_object(parser)
    files = parser.add_argument_group("what is written")
    for kind in OUTPUTS:
        files.add_argument(f"--{kind}", action="store_true", help=f"NAME.{kind}: {ABOUT[kind]}")
    files.add_argument("--prune", action="store_true", help="leave shapes that do not move out of .glb, .fbx and .usd")
    files.add_argument("--name", type=_title, metavar="NAME", help="what the files are called (default: the recording)")
    files.add_argument("--fps", type=rate, help="frames a second of scene, .csv and .json (default: the model's own)")
    files.add_argument(
        "--start-frame",
        type=lambda word: whole(word, 0, 1_000_000),
        default=1,
        metavar="N",
        help="the scene's frame at which the sound begins (default 1)",
    )
    files.add_argument(
        "--takes", type=lambda word: whole(word, 1, 64), default=1, help="how many different takes to make (default 1)"
    )
    many = parser.add_argument_group("many recordings")
    many.add_argument(
        "--jobs",
        type=lambda word: whole(word, 1, 256),
        default=1,
        metavar="N",
        help="how many to make at a time, each in a process of its own (default 1)",
    )
    many.add_argument(
        "--engine",
        choices=ENGINES,
        default=ENGINES[0],
        help="who makes them: this machine (default), or a Ray cluster (RAY_ADDRESS), where --jobs does not count",
    )
    many.add_argument("--resume", action="store_true", help="make only what an earlier run did not finish")
    many.add_argument(
        "--shard", type=_part, metavar="I/N", help="make only part I of N, one for each machine of a farm"
    )


def animate(arguments: argparse.Namespace) -> None:
    """``lsf animate``.

    Raises:
        LsfError: nothing can be begun; or of many recordings, some failed.
    """
    if is_batch(arguments.source):
        _animate_many(arguments)
        return
    for option in ("resume", "shard", "engine"):
        if getattr(arguments, option) not in (None, False, ENGINES[0]):
            raise LsfError(f"--{option} goes with a folder or a list; {arguments.source} is one recording.")
    arguments.audio = arguments.source
    with Bar() as bar, Workshop() as workshop:
        made = workshop.make(arguments, bar.at, bar.say)
        for note in made.notes:
            bar.say(note)
    takes = iter(made.motions)
    for path in made.files:
        print(f"{path}  {described(next(takes))}" if path.suffix == ".npz" else path)


def lend_a_hand(parser: argparse.ArgumentParser) -> None:
    """Make lines of a batch in this process, as another asks for them."""
    with Workshop() as workshop:

        def make(words: list[str], report: Callable[[str, float], None]) -> hand.Message:
            arguments = understood(parser, ["animate", *words])
            arguments.audio = arguments.source
            said: list[str] = []
            made = workshop.make(arguments, lambda stage, share, _left: report(stage, share), said.append)
            message = made.as_message()
            message["notes"] += [note for note in said if note not in message["notes"]]
            return message

        hand.serve(make)


def _animate_many(arguments: argparse.Namespace) -> None:
    output = arguments.output.absolute()
    require_folder(output)
    lines = lines_of(arguments)
    if arguments.shard:
        lines = shard(lines, *arguments.shard)
    results = ResultsFile(output, arguments.shard)
    done = results.begin(resume=arguments.resume)
    wanted = [line for line in lines if line.mark not in done]
    sweep(wanted)
    with Bar() as bar:
        tally = _Tally(results, wanted, bar)
        if len(wanted) < len(lines):
            bar.say(f"{len(lines) - len(wanted)} of {len(lines)} lines are there already.")
        for line in wanted:
            if line.problem:
                tally.add(Result(line, 0.0, kind=LsfError.kind, reason=line.problem))
        with _left_for_later(bar, arguments):
            crew = _crew(arguments, tally)
            crew.make([line for line in wanted if not line.problem])
    print(f"{tally.made} of {len(wanted)} lines made; results in {results.path}")
    if tally.failed:
        raise LsfError(f"{tally.failed} of {len(wanted)} lines failed; their reasons are in {results.path}.")


def _crew(arguments: argparse.Namespace, tally: _Tally) -> Crew | RayCrew:
    if arguments.engine == ENGINES[0]:
        return Crew(arguments.jobs, tally.add, tally.show)
    return RayCrew(arguments.parser, tally.add, tally.show)


@contextmanager
def _left_for_later(bar: Bar, arguments: argparse.Namespace) -> Iterator[None]:
    """When the batch is interrupted, say how it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        bar.say(f"Stopped. The same command with --resume goes on from here ({arguments.output}).")
        raise


class _Tally:
    """What came of the lines so far, and how long the rest will take."""

    def __init__(self, results: ResultsFile, lines: list[Line], bar: Bar) -> None:
        self.results = results
        self.bar = bar
        self.made = 0
        self.failed = 0
        self.begun = time.monotonic()
        self.sizes = {line.number: _size(line.audio) for line in lines}
        self.whole = sum(self.sizes.values())
        self.done = 0

    def add(self, result: Result) -> None:
        """Note what came of a line: on the disk first."""
        self.results.add(result)
        self.made += result.made
        self.failed += not result.made
        self.done += self.sizes[result.line.number]
        if not result.made:
            self.bar.say(f"Line {result.line.number} failed ({result.line.audio}): {result.reason}")
        self.show({})

    def show(self, shares: dict[int, float]) -> None:
        """Show the whole's share, by the size of the recordings, and the time left."""
        at_hand = sum(self.sizes[number] * share for number, share in shares.items())
        share = (self.done + at_hand) / self.whole
        spent = time.monotonic() - self.begun
        left = spent / share * (1.0 - share) if self.made else None
        stage = f"{self.made + self.failed} of {len(self.sizes)}" if self.bar.live else "lines"
        self.bar.at(stage, share, left)


def _size(audio: str) -> int:
    """A recording's bytes, for lack of its seconds; at least one."""
    try:
        return max(1, Path(audio).stat().st_size)
    except OSError:
        return 1


def _title(word: str) -> str:
    if not word.strip() or word != Path(word).name or word.startswith("."):
        raise argparse.ArgumentTypeError(f"{word!r} cannot be the name of files")
    return word


def _part(word: str) -> tuple[int, int]:
    first, _, last = word.partition("/")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"{word!r} is no part such as 2/8")
    return int(first), int(last)

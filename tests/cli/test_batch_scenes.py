"""Lists whose lines are spoken by different heads at different frames, and how long a batch says it will take."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
import time
from pathlib import Path

import pytest

from tests.cli.test_batch import records, run, speech

WAITING = 2.0
"""Seconds that a process may need beside the lines: to begin, and to print."""

LEFT = re.compile(r"lines: (\d+) %(?:, (\d+) (s|min) left)?")


@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="heads in a .blend need bpy")
def test_every_line_of_a_list_has_its_own_head_object_and_start_frame(light_model: Path, tmp_path: Path) -> None:
    """The columns ``head``, ``object`` and ``start frame``: two heads of one scene, and the bundled one."""
    import bpy  # noqa: PLC0415

    from lsf_blender_addon.blender import compat  # noqa: PLC0415
    from lsf_blender_addon.blender.faces import face_of  # noqa: PLC0415
    from tests.cli.test_render import standing  # noqa: PLC0415

    standing(tmp_path / "scene.blend", "Anna", "Bert")
    speech(tmp_path / "a.wav", seconds=1.0)
    lines = (
        "audio,name,head,object,start frame,outputs",
        "a.wav,first,scene.blend,Anna,101,blend",
        "a.wav,second,scene.blend,Bert,11,blend",
        "a.wav,ours,,,31,blend csv",
        "a.wav,nobody,scene.blend,Carl,1,blend",
    )
    (tmp_path / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path / "out"
    assert run("animate", tmp_path / "list.csv", "-o", out, "--model", light_model, "--device", "cpu") == 1
    told = {record["name"]: record for record in records(out)}
    assert {name: record["status"] for name, record in told.items()} == {
        "first": "made",
        "second": "made",
        "ours": "made",
        "nobody": "failed",
    }
    assert "no object 'Carl'" in told["nobody"]["reason"]
    assert (out / "ours.csv").is_file()
    for name, speaks, rests, start in (
        ("first", "Anna", "Bert", 101),
        ("second", "Bert", "Anna", 11),
        ("ours", "ours", None, 31),
    ):
        bpy.ops.wm.open_mainfile(filepath=str(out / f"{name}.blend"))
        scene = bpy.context.scene
        assert scene.frame_start == start
        assert [round(strip.frame_final_start) for strip in compat.strips(scene)] == [start]
        keyed = face_of(bpy.data.objects[speaks]).keys
        begin = min(curve.range()[0] for curve in compat.curves_of(keyed))
        assert begin == pytest.approx(start, abs=1)
        if rests is not None:
            assert list(compat.curves_of(face_of(bpy.data.objects[rests]).keys)) == []
    bpy.ops.wm.read_factory_settings(use_empty=True)


class Stamped(io.StringIO):
    """What is written, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = time.monotonic()
        self.lines: list[tuple[float, str]] = []

    def write(self, text: str) -> int:
        """Note it."""
        self.lines.append((time.monotonic() - self.begun, text))
        return len(text)


def test_a_batch_says_how_long_the_rest_takes_by_what_it_took_so_far(
    light_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing before a line is made; then the time so far, in proportion to what is left of the recordings."""
    for number in range(8):
        speech(tmp_path / "voices" / f"{number}.wav", seed=number)
    log = Stamped()
    monkeypatch.setattr(sys, "stderr", log)
    words = ("--model", light_model, "--device", "cpu", "--npz")
    assert run("animate", tmp_path / "voices", "-o", tmp_path / "out", *words) == 0
    shown = [(when, found) for when, text in log.lines if (found := LEFT.match(text))]
    told = [(when, int(found[1]) / 100, found[2], found[3]) for when, found in shown]
    assert told[0][2] is None
    estimates = [entry for entry in told if entry[2] is not None]
    assert len(estimates) >= 3
    for when, share, left, unit in estimates:
        seconds = int(left) * (60 if unit == "min" else 1)
        assert seconds == pytest.approx(when * (1 - share) / share, rel=0.25, abs=WAITING)
    assert [entry[1] for entry in told] == sorted(entry[1] for entry in told)

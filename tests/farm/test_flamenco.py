"""The job type for Flamenco: as its published format has it, and its tasks are our own command line, cut in parts."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lsf_blender_addon import cli
from lsf_blender_addon.commands.making import OUTPUTS

STAND_IN = Path(__file__).parent / "flamenco_stand_in.js"

SETTING_KEYS = {
    *("key", "type", "subtype", "choices", "propargs", "description", "default", "eval", "evalInfo", "visible"),
    *("required", "editable", "label"),
}
"""``AvailableJobSetting`` of Flamenco's API."""

TYPES = {"string": str, "int32": int, "float": float, "bool": bool}
SUBTYPES = {"file_path", "dir_path", "file_name", "hashed_file_path"}
VISIBILITIES = {"visible", "hidden", "submission", "web"}
GIVEN = {"source": "/shared/lines.csv", "output": "/shared/out"}


@pytest.fixture
def job_type(repository: Path) -> Path:
    return repository / "farm" / "flamenco" / "lsf_animate.js"


def compiled(script: Path, **settings: Any) -> dict[str, Any]:
    """What Flamenco would make of a job."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("running a job compiler script needs node")
    done = subprocess.run(
        [node, STAND_IN, script], input=json.dumps({**GIVEN, **settings}), capture_output=True, text=True, check=True
    )
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def test_its_settings_are_such_as_flamenco_takes(job_type: Path) -> None:
    found = compiled(job_type)["jobType"]
    assert set(found) == {"label", "description", "settings"}
    keys = [setting["key"] for setting in found["settings"]]
    assert len(set(keys)) == len(keys)
    for setting in found["settings"]:
        assert set(setting) <= SETTING_KEYS
        assert setting["visible"] in VISIBILITIES
        assert setting.get("subtype", "file_path") in SUBTYPES
        assert setting.get("required", False) or type(setting["default"]) is TYPES[setting["type"]]
        assert setting["default"] in setting["choices"] if "choices" in setting else True


def test_every_part_is_a_task_of_its_own_that_resumes(job_type: Path) -> None:
    made = compiled(
        job_type, parts=3, outputs="glb csv", head="/shared/FLAME 2020.pkl", options='--fps 30 --name "a b"'
    )
    assert made["complaint"] is None
    words = [
        *("--command", "lsf", "animate", "/shared/lines.csv", "--output", "/shared/out", "--resume", "--glb", "--csv"),
        *("--model", "starter", "--head", "/shared/FLAME 2020.pkl", "--fps", "30", "--name", "a b"),
    ]
    assert made["tasks"] == [
        {
            "name": f"animate-{part}-of-3",
            "type": "blender",
            "commands": [
                {"name": "exec", "parameters": {"exe": "{blender}", "args": [*words, "--shard", f"{part}/3"]}},
            ],
            "dependencies": [],
        }
        for part in (1, 2, 3)
    ]


def test_its_words_are_understood_by_our_command_line(job_type: Path) -> None:
    made = compiled(job_type, parts=5, jobs=2, program="{lsf}", outputs=" ".join(OUTPUTS), options="--prune --takes 2")
    shards = []
    for task in made["tasks"]:
        given = task["commands"][0]["parameters"]
        assert given["exe"] == "{lsf}"
        understood = cli._parser().parse_args(given["args"])
        assert (understood.jobs, understood.resume, understood.prune, understood.takes) == (2, True, True, 2)
        assert all(getattr(understood, kind) for kind in OUTPUTS)
        shards.append(understood.shard)
    assert shards == [(part, 5) for part in range(1, 6)]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"parts": 0}, "at least 1"),
        ({"outputs": "glb obj"}, "'obj' is no kind of file"),
        ({"options": "--shard 1/2"}, "leave it out of the options"),
        ({"options": "--output=/elsewhere"}, "leave it out of the options"),
        ({"options": "--name 'a"}, "no partner"),
    ],
)
def test_what_would_go_wrong_on_the_farm_is_refused_at_once(
    job_type: Path, settings: dict[str, Any], complaint: str
) -> None:
    made = compiled(job_type, **settings)
    assert complaint in made["complaint"]
    assert made["tasks"] == []

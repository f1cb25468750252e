"""The zip, as Blender's own tool builds, installs, updates, switches off and on, and removes it.

Each test starts a Blender of its own, with settings in a temporary folder.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NAME = "bl_ext.user_default.lsf_blender_addon"

INSTALL = """
import json, sys
from pathlib import Path
import bpy, addon_utils
def tell(**values):
    print("TOLD " + json.dumps(values), flush=True)
def install():
    bpy.ops.extensions.package_install_files(filepath=ARGUMENTS[0], repo="user_default", enable_on_install=True)
NAME = "bl_ext.user_default.lsf_blender_addon"
ARGUMENTS = sys.argv[1:]
"""

Blender = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def tool() -> Any:
    """Blender's extension tool."""
    from build_extension import tool_of_module  # noqa: PLC0415 - a script of ours

    return tool_of_module()


@pytest.fixture(scope="session")
def package(tool: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip."""
    from build_extension import build  # noqa: PLC0415

    built: Path = build(tmp_path_factory.mktemp("repository"), tool)
    return built


@pytest.fixture
def blender(tmp_path: Path) -> Blender:
    """``blender(script, *arguments, **environment)``: what a script tells that runs in a Blender of its own."""
    resources = tmp_path / "resources"
    resources.mkdir()

    def run(script: str, *arguments: str | Path, **environment: str) -> dict[str, Any]:
        surroundings = {**os.environ, "BLENDER_USER_RESOURCES": str(resources), **environment}
        for name in ("PYTHONPATH", "LSF_WORKER_PYTHON"):
            if name not in environment:
                surroundings.pop(name, None)
        surroundings["LSF_MODELS"] = str(tmp_path / "models")
        command = [sys.executable, "-c", INSTALL + script, *map(str, arguments)]
        done = subprocess.run(command, env=surroundings, cwd=tmp_path, capture_output=True, text=True, check=False)
        told = [line.removeprefix("TOLD ") for line in done.stdout.splitlines() if line.startswith("TOLD ")]
        assert told, f"{done.stdout}\n{done.stderr}"
        values: dict[str, Any] = json.loads(told[-1])
        return {**values, "output": done.stdout + done.stderr}

    return run


def test_the_zip_holds_what_speaks_and_nothing_else(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        names = set(archive.namelist())
    assert package.stat().st_size < 40_000_000
    assert {
        "blender_manifest.toml",
        "LICENSE",
        "__init__.py",
        "installing/worker_requirements.txt",
        "installing/torch_builds.toml",
        "translations/lsf.pot",
        "vendor_models/registry.json",
        "vendor_models/calm.flac",
        "vendor_models/starter/weights.safetensors",
        "vendor_models/starter/MODEL_CARD.md",
        "vendor_models/head/head.npz",
    } <= names
    from build_extension import PACKAGE  # noqa: PLC0415 - a script of ours

    assert {f"translations/{path.name}" for path in PACKAGE.glob("translations/*.po")} <= names
    tops = {name.split("/")[0] for name in names}
    assert not tops & {"tests", "training", "scripts", "samples", "docs"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_manifest_says_the_version_of_the_code(repository: Path) -> None:
    import tomllib  # noqa: PLC0415

    from lsf_blender_addon import __version__  # noqa: PLC0415

    manifest = tomllib.loads((repository / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == __version__
    assert manifest["id"] == "lsf_blender_addon"
    assert manifest["blender_version_min"] == "4.2.0"
    assert set(manifest["permissions"]) == {"clipboard", "files", "network"}


def test_a_fresh_install_is_enabled_and_finds_its_starter_and_head(package: Path, blender: Blender) -> None:
    told = blender(
        """
install()
import importlib
store = importlib.import_module(NAME + ".models.store")
preferences = importlib.import_module(NAME + ".blender.preferences")
tell(
    enabled=NAME in bpy.context.preferences.addons,
    models=[[model.folder.name, model.ours] for model in store.installed_models()],
    head=str(store.bundled_head()),
    inside=str(Path(sys.modules[NAME].__file__).parent),
    why=preferences.why_not_ready(bpy.context),
    torch="torch" in sys.modules,
    settings=type(bpy.context.preferences.addons[NAME].preferences).__name__,
)
""",
        package,
    )
    assert told["enabled"], told["output"]
    assert told["models"] == [["starter", True]]
    assert told["head"].startswith(told["inside"])
    # Blender as a module takes the torch of its own Python, where there is one.
    assert ("set up the worker" in told["why"]) == (importlib.util.find_spec("torch") is None)
    assert told["settings"] == "LsfPreferences"
    assert not told["torch"]


def test_nothing_is_written_into_the_extensions_own_folder(package: Path, blender: Blender) -> None:
    told = blender(
        """
sys.dont_write_bytecode = True
install()
import importlib
places = importlib.import_module(NAME + ".blender.places")
watch = importlib.import_module(NAME + ".blender.job_watch")
inside = Path(sys.modules[NAME].__file__).parent
def files():
    found = [path for path in inside.rglob("*") if path.suffix != ".pyc" and path.is_file()]
    return sorted(str(path.relative_to(inside)) for path in found)
before = files()
preferences = bpy.context.preferences.addons[NAME].preferences
preferences.wheels = str(Path.cwd())
started = bpy.ops.lsf.set_up_worker()
job = watch.running("set_up")
job.wait(120)
watch.tick()
tell(same=files() == before, started=list(started), error=str(watch.last("set_up").error),
     user=str(places.extension_folder()), inside=str(inside), log=places.log_file("set_up").is_file())
""",
        package,
    )
    assert told["same"]
    assert told["started"] == ["FINISHED"]
    assert "does not hold every package" in told["error"]
    assert told["log"]
    assert not Path(told["user"]).is_relative_to(told["inside"])


def test_without_online_access_and_wheels_the_button_is_grey(package: Path, blender: Blender) -> None:
    told = blender(
        """
install()
system = bpy.context.preferences.system
def may():
    return bpy.ops.lsf.set_up_worker.poll()
preferences = bpy.context.preferences.addons[NAME].preferences
system.use_online_access = False
offline = may()
preferences.wheels = "/some/folder"
wheels = may()
preferences.wheels = ""
system.use_online_access = True
tell(offline=offline, wheels=wheels, online=may())
""",
        package,
    )
    assert (told["offline"], told["wheels"], told["online"]) == (False, True, True)


def test_an_existing_python_is_checked_in_the_background(package: Path, blender: Blender) -> None:
    told = blender(
        """
install()
import importlib, time
watch = importlib.import_module(NAME + ".blender.job_watch")
preferences_of = importlib.import_module(NAME + ".blender.preferences")
preferences = bpy.context.preferences.addons[NAME].preferences
preferences.source = "EXISTING"
nothing_named = preferences_of.why_not_ready(bpy.context)
preferences.existing_python = "/absent/python"
began = time.monotonic()
while_checking = preferences_of.why_not_ready(bpy.context)
watch.running("inspect").wait(120)
watch.tick()
tell(nothing_named=nothing_named, while_checking=while_checking, after=preferences_of.why_not_ready(bpy.context),
     python=preferences_of.worker_python(bpy.context))
""",
        package,
    )
    assert "Name the Python" in told["nothing_named"]
    assert "being checked" in told["while_checking"]
    assert "does not exist" in told["after"]
    assert told["python"] is None


def test_switched_off_and_on_a_hundred_times_nothing_leaks(package: Path, blender: Blender) -> None:
    told = blender(
        """
import gc, threading
install()
def state():
    gc.collect()
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    handlers = {name: len(found) for name, found in lists.items() if isinstance(found, list)}
    return {
        "types": len(dir(bpy.types)),
        "operators": len(dir(bpy.ops.lsf)) if hasattr(bpy.ops, "lsf") else 0,
        "handlers": handlers,
        "properties": {kind: len(getattr(bpy.types, kind).bl_rna.properties)
                       for kind in ("Scene", "Object", "WindowManager", "Action", "Key", "Armature", "Mesh")},
        "threads": threading.active_count(),
        "menus": sum(len(getattr(getattr(bpy.types, kind).draw, "_draw_funcs", ()))
                     for kind in dir(bpy.types) if "_MT_" in kind and hasattr(getattr(bpy.types, kind), "draw")),
    }
def switch():
    addon_utils.disable(NAME)
    off = state()
    addon_utils.enable(NAME)
    return off, state()
first = switch()
for _ in range(100):
    addon_utils.disable(NAME)
    addon_utils.enable(NAME)
tell(first=first, last=switch(), enabled=NAME in bpy.context.preferences.addons or addon_utils.check(NAME)[1])
""",
        package,
    )
    assert told["first"] == told["last"]
    assert told["enabled"]
    assert "Traceback" not in told["output"]
    assert (
        told["first"][0]["operators"] < told["first"][1]["operators"]
        or told["first"][0]["types"] < told["first"][1]["types"]
    )


def test_switching_off_ends_a_set_up_that_runs(package: Path, blender: Blender) -> None:
    told = blender(
        """
install()
import importlib
watch = importlib.import_module(NAME + ".blender.job_watch")
bpy.context.preferences.addons[NAME].preferences.wheels = str(Path.cwd())
bpy.ops.lsf.set_up_worker()
job = watch.running("set_up")
addon_utils.disable(NAME)
tell(ended=job._process.poll() is not None, running=watch.running("set_up") is not None,
     timer=bpy.app.timers.is_registered(watch.tick))
""",
        package,
    )
    assert (told["ended"], told["running"], told["timer"]) == (True, False, False)


def test_blender_installs_from_the_repository_and_updates_from_it(
    package: Path, blender: Blender, tool: Any, tmp_path: Path
) -> None:
    from build_extension import lay_out  # noqa: PLC0415

    site = tmp_path / "site"
    site.mkdir()
    (site / package.name).write_bytes(package.read_bytes())
    tool.run("server-generate", "--repo-dir", site)
    script = """
preferences = bpy.context.preferences
preferences.system.use_online_access = True
if "lsf" not in [repository.module for repository in preferences.extensions.repos]:
    bpy.ops.preferences.extension_repo_add(name="lsf", remote_url=ARGUMENTS[0], type="REMOTE")
index = [repository.module for repository in preferences.extensions.repos].index("lsf")
bpy.ops.extensions.repo_sync(repo_index=index)
directory = Path(preferences.extensions.repos[index].directory)
if ARGUMENTS[1] == "install":
    bpy.ops.extensions.package_install(repo_index=index, pkg_id="lsf_blender_addon", enable_on_install=True)
    bpy.ops.wm.save_userpref()
else:
    bpy.ops.extensions.package_upgrade_all(use_active_only=False)
import tomllib
manifest = tomllib.loads((directory / "lsf_blender_addon" / "blender_manifest.toml").read_text())
tell(version=manifest["version"], enabled="bl_ext.lsf.lsf_blender_addon" in preferences.addons)
"""
    address = (site / "index.json").as_uri()
    told = blender(script, address, "install")
    assert (told["version"], told["enabled"]) == ("0.1.0", True), told["output"]

    lay_out(tmp_path / "newer")
    manifest = tmp_path / "newer" / "blender_manifest.toml"
    manifest.write_text(manifest.read_text().replace('version = "0.1.0"', 'version = "0.1.1"'))
    tool.run("build", "--source-dir", tmp_path / "newer", "--output-dir", site)
    (site / package.name).unlink()
    tool.run("server-generate", "--repo-dir", site)
    told = blender(script, address, "upgrade")
    assert told["version"] == "0.1.1", told["output"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_button_sets_a_worker_up_that_animates_a_sound(package: Path, blender: Blender, repository: Path) -> None:
    if not os.environ.get("LSF_WHEELS"):
        pytest.skip("set LSF_WHEELS to a folder with the wheels of worker_requirements.txt")
    told = blender(
        """
install()
import importlib
watch = importlib.import_module(NAME + ".blender.job_watch")
preferences_of = importlib.import_module(NAME + ".blender.preferences")
bpy.context.preferences.addons[NAME].preferences.wheels = ARGUMENTS[1]
bpy.ops.lsf.set_up_worker()
watch.running("set_up").wait(1800)
watch.tick()
python = preferences_of.worker_python(bpy.context)
client = importlib.import_module(NAME + ".worker.client")
protocol = importlib.import_module(NAME + ".worker.protocol")
store = importlib.import_module(NAME + ".models.store")
with client.Worker(python) as worker:
    motions = worker.predict(protocol.PredictRequest(Path(ARGUMENTS[2]), store.model_folder("starter")))
tell(error=str(watch.last("set_up").error), python=str(python), why=preferences_of.why_not_ready(bpy.context),
     frames=len(motions[0].expression), licence=motions[0].origin["licence"])
""",
        package,
        os.environ["LSF_WHEELS"],
        repository / "samples" / "hello.wav",
    )
    assert told["error"] == "None"
    assert told["why"] == ""
    assert "extensions" in told["python"]
    assert told["frames"] > 100
    assert told["licence"] == "CC0-1.0"

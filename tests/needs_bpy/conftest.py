"""What Blender's tests share: an empty scene for each, and a small head that bends every rule a real one can bend."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsf_blender_addon.head.flame import Head, Landmark
from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.motion import EXPRESSIONS, FaceMotion, Space

HERE = Path(__file__).parent
WITHOUT_BLENDER = importlib.util.find_spec("bpy") is None
collect_ignore_glob = ["test_*.py"] if WITHOUT_BLENDER else []

VERDICT = pytest.StashKey[int]()

CROSSWISE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Head axes → Blender's, written down a second time so that the code cannot check itself."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if WITHOUT_BLENDER:
        terminalreporter.write_line("tests/needs_bpy was left out: Blender is not installed here (pip install bpy)")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[VERDICT] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once: Blender as a module may crash while Python takes itself apart, and hide the tests' verdict."""
    if "bpy" in sys.modules and VERDICT in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[VERDICT])


@pytest.fixture(autouse=True)
def _empty_scene() -> Iterator[None]:
    """Every test starts from nothing."""
    import bpy  # noqa: PLC0415

    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield
    bpy.ops.wm.read_factory_settings(use_empty=True)


@pytest.fixture
def make_head() -> Callable[..., Head]:
    """``make_head(space, correctives=True, moving_joints=True)``."""
    return ball_head


@pytest.fixture
def make_motion() -> Callable[..., FaceMotion]:
    """``make_motion(space, frames=50, fps=25.0, size=None, start=0.0)``."""
    return waves


@pytest.fixture
def evaluated() -> Callable[[Any, int], np.ndarray]:
    """``evaluated(mesh object, frame)``: (V, 3) vertices as Blender itself computes them on that frame."""
    return _evaluated


@pytest.fixture
def skinned() -> Callable[..., np.ndarray]:
    """``skinned(head, expression, jaw, …)``: (T, V, 3) of our own numpy skinning, in Blender's axes."""
    return _skinned


@pytest.fixture
def add_on() -> Iterator[Any]:
    """The add-on, switched on as Blender does it; off again afterwards, with its worker."""
    import lsf_blender_addon  # noqa: PLC0415

    lsf_blender_addon.register()
    yield lsf_blender_addon
    lsf_blender_addon.unregister()


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of sound with a click at 0.5 s and at 1.25 s, 48 kHz."""
    import wave  # noqa: PLC0415

    samples = np.zeros(2 * 48000, np.int16)
    for second in (0.5, 1.25):
        samples[int(second * 48000) :][:24] = 30000
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture
def _needs_sound() -> None:
    """Skips where Blender was built without sound."""
    import bpy  # noqa: PLC0415

    if not bpy.app.build_options.audaspace:
        pytest.skip(f"this build of Blender {bpy.app.version_string} has no sound")


@pytest.fixture
def scene(_needs_sound: None, make_head: Callable[..., Head], speech: Path) -> Any:
    """A small head, active, and two seconds of sound from frame 11 on."""
    import bpy  # noqa: PLC0415

    from lsf_blender_addon.blender import compat, rig, strips  # noqa: PLC0415

    scene = bpy.context.scene
    scene.render.fps = 25
    mesh = rig.build_rig(make_head("arkit", correctives=False), "Ann").mesh
    bpy.context.view_layer.objects.active = mesh
    strips.place_sound(scene, speech, 11)
    compat.show_in_sequencer(bpy.context, scene)
    return scene


def _evaluated(mesh: Any, frame: int) -> np.ndarray:
    import bpy  # noqa: PLC0415

    bpy.context.scene.frame_set(frame)
    shown = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    data = shown.to_mesh()
    points = np.empty(len(data.vertices) * 3, np.float32)
    data.vertices.foreach_get("co", points)
    shown.to_mesh_clear()
    return points.reshape(-1, 3) @ np.array(shown.matrix_world)[:3, :3].T + np.array(shown.matrix_world)[:3, 3]


def _skinned(head: Head, expression: np.ndarray, jaw: np.ndarray, **more: Any) -> np.ndarray:
    return vertices(head, np.atleast_2d(expression), np.atleast_2d(jaw), **more) @ CROSSWISE.T


def ball(rings: int = 9, around: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """A ball of 0.1 m with quads between its rings and triangles at its poles."""
    up = np.linspace(0.3, np.pi - 0.3, rings)[:, None]
    turn = np.linspace(0, 2 * np.pi, around, endpoint=False)
    grid = np.stack([np.sin(up) * np.sin(turn), np.cos(up) + 0 * turn, np.sin(up) * np.cos(turn)], axis=-1)
    points = np.concatenate([grid.reshape(-1, 3), [[0, 1, 0], [0, -1, 0]]]) * 0.1
    faces = []
    top, bottom, last = len(points) - 2, len(points) - 1, (rings - 1) * around
    for step in range(around):
        after = (step + 1) % around
        faces.append((top, step, after, -1))
        faces.append((bottom, last + after, last + step, -1))
        faces += [
            (row + step, row + around + step, row + around + after, row + after) for row in range(0, last, around)
        ]
    return points, np.array(faces, np.int32)


def ball_head(space: Space = "flame", *, correctives: bool = True, moving_joints: bool = True) -> Head:
    """A ball with random directions, random weights, correctives, and joints that follow the expressions."""
    random = np.random.default_rng(7)
    points, faces = ball()
    count = len(points)
    places = np.array([[0, -0.12, 0], [0, -0.06, -0.02], [0, -0.01, 0.01], [0.03, 0.03, 0.07], [-0.03, 0.03, 0.07]])
    # the least-norm weights that sum to 1 and put the joints at their places
    system = np.concatenate([points.T, np.ones((1, count))])
    regressor = np.linalg.lstsq(system, np.concatenate([places, np.ones((5, 1))], axis=1).T, rcond=None)[0].T
    weights = random.random((count, 5)) ** 3
    weights[: count // 4, 3:] = 0.0
    expressions = random.normal(0, 0.004, (count, 3, 50))
    if moving_joints:
        # a common drift moves the joints by millimetres, as FLAME's first components do
        expressions += random.normal(0, 0.002, (1, 3, 50))
    else:
        moved = np.einsum("jv,vce->jce", regressor, expressions)
        expressions -= np.einsum("vj,jce->vce", np.linalg.pinv(regressor), moved)
    corners = np.where((faces >= 0)[..., None], points[faces][..., :2] * 4 + 0.5, 0.0)
    chin = int(np.argmin(np.linalg.norm(points - [0, -0.06, 0.08], axis=1)))
    return Head(
        name=f"Ball {space}",
        space=space,
        template=points.astype(np.float32),
        faces=faces,
        shape_directions=random.normal(0, 0.003, (count, 3, 4)).astype(np.float32),
        expression_directions=expressions.astype(np.float32),
        expression_names=EXPRESSIONS[space],
        pose_directions=(random.normal(0, 0.005, (count, 3, 36)) * correctives).astype(np.float32),
        joint_regressor=regressor.astype(np.float32),
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        weights=(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
        landmarks={"chin": Landmark(np.array([chin], np.int32), np.array([1.0], np.float32))},
        uv=corners.astype(np.float32),
        material_index=(faces[:, 3] >= 0).astype(np.int32),
        material_names=("lips", "skin"),
    )


def waves(
    space: Space = "flame", frames: int = 50, fps: float = 25.0, *, size: float | None = None, start: float = 0.0
) -> FaceMotion:
    """Smooth random curves, and a jaw that turns about all three axes."""
    random = np.random.default_rng(11)
    time = np.arange(frames)[:, None] / fps
    wave = np.sin(2 * np.pi * (time * random.uniform(0.5, 3, 53) + random.random(53)))
    rest, reach = (0.0, 2.0) if space == "flame" else (0.5, 0.5)
    return FaceMotion(
        expression=wave[:, :50] * (reach if size is None else size) + rest,
        jaw=wave[:, 50:] * [0.25, 0.15, 0.1] + [0.2, 0, 0],
        fps=fps,
        space=space,
        start=start,
        origin={"audio": "speech.wav"},
    )


def _python_with_torch() -> Path | None:
    """This one, or the one that the checkout's other tests run in."""
    if importlib.util.find_spec("torch") is not None:
        return Path(sys.executable)
    beside = HERE.parents[1] / ".venv" / "bin" / "python"
    return beside if beside.is_file() else None


@pytest.fixture(scope="module")
def _switched_on() -> Iterator[None]:
    """The add-on, and one warm worker, for all tests of a file."""
    import lsf_blender_addon  # noqa: PLC0415
    from lsf_blender_addon.worker.client import PYTHON_VARIABLE  # noqa: PLC0415

    python = _python_with_torch()
    if python is None:
        pytest.skip("no Python with torch here: the worker cannot run")
    os.environ[PYTHON_VARIABLE] = str(python)
    lsf_blender_addon.register()
    yield
    lsf_blender_addon.unregister()
    del os.environ[PYTHON_VARIABLE]

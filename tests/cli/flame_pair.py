"""Two files of FLAME's structure whose components differ, as FLAME 2020's and FLAME 2023's do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.head.model import Head
from tests.head.bundled import head


def flame_file(shared: Path, path: Path, carried: Head) -> Path:
    """Write a head on FLAME's mesh as a file of FLAME's structure."""
    from tests.head.flame_files import flame_arrays  # noqa: PLC0415

    shapes = np.zeros((carried.vertex_count, 3, 400), np.float32)
    shapes[:, :, : carried.shape_count] = carried.shape_directions
    shapes[:, :, 300:350] = carried.expression_directions
    kept = {key: value for key, value in flame_arrays(shared).items() if key in {"v_template", "f", "kintree_table"}}
    np.savez(
        path,
        **kept,
        J_regressor=carried.joint_regressor,
        shapedirs=shapes,
        posedirs=carried.pose_directions,
        weights=carried.weights,
    )
    return path


def flame_pair(shared: Path, folder: Path) -> tuple[Path, Path]:
    """``FLAME2020.npz`` and ``FLAME2023.npz``: one mesh, two bases."""
    pytest.importorskip("scipy", reason="the carried heads are made with it")
    from tests.head.carried_flame import carried_flame  # noqa: PLC0415

    old = flame_file(shared, folder / "FLAME2020.npz", carried_flame(shared, head()))
    return old, flame_file(shared, folder / "FLAME2023.npz", carried_flame(shared, head(), seed=7))

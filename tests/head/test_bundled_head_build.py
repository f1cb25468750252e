"""The committed head is what the code makes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import build_head  # noqa: E402 the scripts are put on the path first


def test_building_again_gives_the_committed_head(tmp_path: Path) -> None:
    again = tmp_path / "head.npz"
    assert build_head.main(["-o", str(again)]) == 0
    committed = ROOT / "vendor_models" / "head" / "head.npz"
    with np.load(committed, allow_pickle=False) as old, np.load(again, allow_pickle=False) as new:
        assert sorted(old.files) == sorted(new.files)
        for key in old.files:
            if old[key].dtype.kind == "f":
                # processors differ in the last digit of a sum; a micrometre is no change of shape
                assert np.allclose(old[key], new[key], atol=2e-6 if old[key].dtype != np.float16 else 2e-5), key
            else:
                assert np.array_equal(old[key], new[key]), key

"""Files of the exact structure of FLAME's, written from the published topology and random directions."""

from __future__ import annotations

import io
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

ROOT_PARENT = 2**32 - 1


def flame_arrays(shared: Path, *, seed: int = 3) -> dict[str, Any]:
    """The arrays as the published files hold them: float64, uint32, a sparse regressor, some keys nobody needs."""
    rng = np.random.default_rng(seed)
    with np.load(shared / "flame_topology.npz") as topology:
        template, triangles = topology["v_template"].astype(np.float64), topology["f"].astype(np.uint32)
        regressor = topology["J_regressor"].astype(np.float64)
    count = len(template)
    weights = rng.uniform(size=(count, 5)) ** 4
    return {
        "v_template": template,
        "f": triangles,
        "shapedirs": rng.normal(0, 1e-3, (count, 3, 400)),
        "posedirs": rng.normal(0, 1e-3, (count, 3, 36)),
        "J_regressor": scipy.sparse.csc_matrix(regressor),
        "kintree_table": np.array([[ROOT_PARENT, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.int64),
        "weights": weights / weights.sum(1, keepdims=True),
        "J": regressor @ template,
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }


class Python2Pickler(pickle._Pickler):
    """Writes what Python 2's cPickle writes at protocol 2: byte strings for text and raw data, old module names."""

    dispatch = pickle._Pickler.dispatch.copy()

    def _save_text(self, value: str) -> None:
        self._string(value.encode("latin-1"), value)

    def _save_raw(self, value: bytes) -> None:
        self._string(value, value)

    def _string(self, raw: bytes, value: Any) -> None:
        self.write(b"U" + bytes([len(raw)]) + raw if len(raw) < 256 else b"T" + len(raw).to_bytes(4, "little") + raw)
        self.memoize(value)

    dispatch[str] = _save_text
    dispatch[bytes] = _save_raw


def python2_pickle(value: Any) -> bytes:
    """``value`` as Python 2 pickles it."""
    out = io.BytesIO()
    Python2Pickler(out, 2, fix_imports=True).dump(value)
    data = out.getvalue()
    for new, old in ((b"numpy._core.", b"numpy.core."), (b"scipy.sparse._csc\n", b"scipy.sparse.csc\n")):
        data = data.replace(b"c" + new, b"c" + old)
    return data


def chumpy_class() -> type:
    """A class that pickles under chumpy's name, with the value in ``x`` among other attributes."""
    module = types.ModuleType("chumpy.ch")

    class Ch:
        def __init__(self, values: np.ndarray) -> None:
            self.x = values
            self._dirty_vars = {"x"}
            self._status = "new"
            self._cache = {"r": None, "drs": {}}

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    module.Ch = Ch
    package = types.ModuleType("chumpy")
    package.ch = module
    sys.modules.setdefault("chumpy", package)
    sys.modules["chumpy.ch"] = module
    return Ch


def forget_chumpy() -> None:
    """Take the pretended modules away again."""
    sys.modules.pop("chumpy.ch", None)
    sys.modules.pop("chumpy", None)

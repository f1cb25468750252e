"""Reading pickles as data: values, arrays and named stand-ins come out, and nothing in the file is ever run."""

from __future__ import annotations

from .arrays import ARRAYS, ChumpyArray, SparseMatrix, as_array
from .reader import Builder, Named, PickleFormatError, RestrictedUnpickler, StandIn

__all__ = [
    "ARRAYS",
    "Builder",
    "ChumpyArray",
    "Named",
    "PickleFormatError",
    "RestrictedUnpickler",
    "SparseMatrix",
    "StandIn",
    "as_array",
]

"""Reading and writing by index."""

from __future__ import annotations

from .._core import (
    gather,
    index_add,
    index_select,
    nonzero,
    one_hot,
    scatter_add,
)

__all__ = [
    "gather",
    "index_add",
    "index_select",
    "nonzero",
    "one_hot",
    "scatter_add",
]

"""Reading and writing by index."""

from __future__ import annotations

from .._core import (
    argwhere,
    flatnonzero,
    gather,
    index_add,
    index_copy,
    index_fill,
    index_put,
    index_select,
    masked_scatter,
    masked_select,
    nonzero,
    one_hot,
    put_along_axis,
    scatter,
    scatter_add,
    scatter_reduce,
    take,
    take_along_axis,
    take_along_dim,
)

__all__ = [
    "argwhere",
    "flatnonzero",
    "gather",
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_select",
    "masked_scatter",
    "masked_select",
    "nonzero",
    "one_hot",
    "put_along_axis",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "take",
    "take_along_axis",
    "take_along_dim",
]

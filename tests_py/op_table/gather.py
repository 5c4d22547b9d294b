"""Rows of the indexing, gathering and scattering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import CONSTANT, Array, Op

INDEX = np.array([2, 0, 2, 1])
INDEX2 = np.array([[0, 2, 1, 1], [2, 2, 0, 1]])
MASK = np.array([[True, False, True, True], [False, False, True, False], [True, True, False, False]])


def _scatter_add(x: Array, index: Array, src: Array) -> Array:
    y = x.copy()
    np.add.at(y, (index, np.arange(x.shape[1])[None, :]), src)
    return y


def _index_add(x: Array, src: Array) -> Array:
    y = x.copy()
    np.add.at(y, INDEX, src)
    return y


ROWS = [
    Op("index arrays", lambda x: x[INDEX], lambda x: x[INDEX], covers="gather"),
    Op("index pairs", lambda x: x[INDEX, [3, 0, 1, 1]], lambda x: x[INDEX, [3, 0, 1, 1]], covers="gather"),
    Op("index mask", lambda x: x[MASK], lambda x: x[MASK], covers="gather"),
    Op("index mixed", lambda x: x[1:, INDEX, None], lambda x: x[1:, INDEX, None], ((3, 4),), covers="gather"),
    Op(
        "index apart",
        lambda x: x[INDEX, :, [0, 1, 1, 0]],
        lambda x: x[INDEX, :, [0, 1, 1, 0]],
        ((3, 4, 2),),
        covers="gather",
    ),
    Op("gather", lambda x: ndl.gather(x, 0, ndl.tensor(INDEX2)), lambda x: np.take_along_axis(x, INDEX2, 0)),
    Op(
        "scatter_add",
        lambda x, s: ndl.scatter_add(x, 0, ndl.tensor(INDEX2), s),
        lambda x, s: _scatter_add(x, INDEX2, s),
        ((3, 4), (2, 4)),
    ),
    Op("index_select", lambda x: ndl.index_select(x, 0, ndl.tensor(INDEX)), lambda x: x[INDEX]),
    Op(
        "index_add",
        lambda x, s: ndl.index_add(x, 0, ndl.tensor(INDEX), s),
        _index_add,
        ((3, 2), (4, 2)),
    ),
    Op("nonzero", lambda x: ndl.nonzero(x > 0), lambda x: np.argwhere(x > 0), **CONSTANT),
    Op(
        "one_hot",
        lambda x: ndl.one_hot((x > 0).astype("int64"), 3),
        lambda x: np.eye(3)[(x > 0).astype(int)],
        **CONSTANT,
    ),
]

# PyTorch operators whose call differs from ours in more than the names of axes.
GOLDEN: dict[str, Callable[..., Any]] = {}

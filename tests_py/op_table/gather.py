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


def _put(x: Array, where: Any, values: Any) -> Array:
    y = x.copy()
    y[where] = values
    return y


def _scatter_reduce(x: Array, index: Array, src: Array, reduce: str, include_self: bool) -> Array:
    fold = {"sum": np.sum, "mean": np.mean, "prod": np.prod, "amax": np.max, "amin": np.min}[reduce]
    y = x.copy()
    for place in np.ndindex(*x.shape):
        values = src[index[:, place[1]] == place[0], place[1]]
        if len(values):
            y[place] = fold([x[place], *values] if include_self else values)
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
    Op(
        "index_add alpha",
        lambda x, s: ndl.index_add(x, 0, ndl.tensor(INDEX), s, alpha=-2),
        lambda x, s: _index_add(x, -2 * s),
        ((3, 2), (4, 2)),
        covers="index_add",
    ),
    Op(
        "index_copy",
        lambda x, s: ndl.index_copy(x, 1, ndl.tensor([2, 0]), s),
        lambda x, s: _put(x, (slice(None), [2, 0]), s),
        ((3, 4), (3, 2)),
    ),
    Op(
        "index_fill",
        lambda x: ndl.index_fill(x, 1, ndl.tensor([2, 0]), 5.0),
        lambda x: _put(x, (slice(None), [2, 0]), 5),
    ),
    Op(
        "index_put",
        lambda x, s: ndl.index_put(x, (None, ndl.tensor([2, 0])), s),
        lambda x, s: _put(x, (slice(None), [2, 0]), s),
        ((3, 4), (1, 2)),
    ),
    Op(
        "index_put mask",
        lambda x, s: ndl.index_put(x, (ndl.tensor(MASK),), s),
        lambda x, s: _put(x, MASK, s),
        ((3, 4), (6,)),
        covers="index_put",
    ),
    Op(
        "index_put accumulate",
        lambda x, s: ndl.index_put(x, (ndl.tensor(INDEX),), s, accumulate=True),
        _index_add,
        ((3, 2), (4, 2)),
        covers="index_put",
    ),
    Op(
        "scatter",
        lambda x, s: ndl.scatter(x, 1, ndl.tensor([[3, 1], [0, 2]]), s),
        lambda x, s: _put(x, (np.array([[0], [1]]), [[3, 1], [0, 2]]), s[:2, :2]),
        ((3, 4), (3, 3)),
    ),
    *(
        Op(
            f"scatter_reduce {reduce} {own}",
            lambda x, s, reduce=reduce, own=own: ndl.scatter_reduce(x, 0, ndl.tensor(INDEX2), s, reduce, own),
            lambda x, s, reduce=reduce, own=own: _scatter_reduce(x, INDEX2, s, reduce, own),
            ((3, 4), (2, 4)),
            covers="scatter_reduce",
        )
        for reduce in ("sum", "prod", "mean", "amax", "amin")
        for own in (True, False)
    ),
    Op("take", lambda x: ndl.take(x, ndl.tensor([[0, 5], [-1, 0]])), lambda x: np.take(x, [[0, 5], [-1, 0]])),
    Op("take axis", lambda x: ndl.take(x, ndl.tensor([[0, 2]]), 1), lambda x: np.take(x, [[0, 2]], 1), covers="take"),
    Op(
        "take_along_axis",
        lambda x: ndl.take_along_axis(x, ndl.tensor(INDEX2[:1]), 0),
        lambda x: np.take_along_axis(x, INDEX2[:1], 0),
    ),
    Op(
        "take_along_dim",
        lambda x: ndl.take_along_dim(x, ndl.tensor([[1], [0], [3]]), 1),
        lambda x: np.take_along_axis(x, np.array([[1], [0], [3]]), 1),
        ((1, 4),),
    ),
    Op(
        "put_along_axis",
        lambda x, s: ndl.put_along_axis(x, ndl.tensor([[1], [0], [3]]), s, 1),
        lambda x, s: _put(x, (np.arange(3)[:, None], [[1], [0], [3]]), s),
        ((3, 4), (3, 1)),
    ),
    Op(
        "masked_select",
        lambda x: ndl.masked_select(x, ndl.tensor(MASK)),
        lambda x: np.broadcast_to(x, (3, 4))[MASK],
        ((4,),),
    ),
    Op(
        "masked_scatter",
        lambda x, s: ndl.masked_scatter(x, ndl.tensor(MASK), s),
        lambda x, s: _put(x, MASK, s.ravel()[:6]),
        ((3, 4), (2, 4)),
    ),
    Op("index True", lambda x: x[True, 1:], lambda x: x[True, 1:], covers="gather"),
    Op("argwhere", lambda x: ndl.argwhere(x > 0), lambda x: np.argwhere(x > 0), **CONSTANT),
    Op("flatnonzero", lambda x: ndl.flatnonzero(x > 0), lambda x: np.flatnonzero(x > 0), **CONSTANT),
    Op("where alone", lambda x: ndl.where(x > 0)[1], lambda x: np.where(x > 0)[1], covers="nonzero", **CONSTANT),
    Op("nonzero", lambda x: ndl.nonzero(x > 0), lambda x: np.argwhere(x > 0), **CONSTANT),
    Op(
        "one_hot",
        lambda x: ndl.one_hot((x > 0).astype("int64"), 3),
        lambda x: np.eye(3)[(x > 0).astype(int)],
        **CONSTANT,
    ),
]

# PyTorch operators whose call differs from ours in more than the names of axes.
GOLDEN: dict[str, Callable[..., Any]] = {
    "__getitem__": lambda x, key: x[key],
}

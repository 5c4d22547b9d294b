"""Rows of sorting, searching and counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import CONSTANT, Array, Op

LABELS = np.array([[3, 1, 3], [0, 3, 1]])
EDGES = np.array([-1.5, -1.0, 0.25, 1.5])


def _topk(x: Array, k: int, axis: int, largest: bool = True) -> Array:
    order = np.argsort(-x if largest else x, axis=axis, kind="stable")
    return np.take_along_axis(x, np.take(order, np.arange(k), axis), axis)


def _whole(x: ndl.Tensor) -> ndl.Tensor:
    return (x * 2 + 4).astype("int64")


ROWS = [
    Op("sort", ndl.sort, np.sort),
    Op("sort axis", lambda x: ndl.sort(x, 1), lambda x: np.sort(x, 1), ((2, 5, 3),), covers="sort"),
    Op("sort flat", lambda x: ndl.sort(x, None), lambda x: np.sort(x, None), covers="sort"),
    Op("sort descending", lambda x: ndl.sort(x, 0, True), lambda x: np.sort(x, 0)[::-1], covers="sort"),
    Op("argsort", ndl.argsort, np.argsort, **CONSTANT),
    Op("argsort axis", lambda x: ndl.argsort(x, axis=0), lambda x: np.argsort(x, axis=0), covers="argsort", **CONSTANT),
    Op("sort_with_index", lambda x: ndl.sort_with_index(x, 0)[0], lambda x: np.sort(x, 0)),
    Op("topk", lambda x: ndl.topk(x, 2)[0], lambda x: _topk(x, 2, -1)),
    Op("topk axis", lambda x: ndl.topk(x, 3, 0)[0], lambda x: _topk(x, 3, 0), ((5, 3),), covers="topk"),
    Op("topk least", lambda x: ndl.topk(x, 2, largest=False)[0], lambda x: _topk(x, 2, -1, False), covers="topk"),
    Op(
        "sort_by_key",
        lambda k, v: ndl.sort_by_key(k, v)[1],
        lambda k, v: v[np.argsort(k, kind="stable")],
        ((5,), (5, 2)),
    ),
    Op("unique", lambda x: ndl.unique(x), np.unique, **CONSTANT),
    Op(
        "unique counts",
        lambda x: ndl.unique(_whole(x), return_counts=True)[1],
        lambda x: np.unique((x * 2 + 4).astype(int), return_counts=True)[1],
        covers="unique",
        **CONSTANT,
    ),
    Op("unique_values", ndl.unique_values, np.unique, **CONSTANT),
    Op(
        "unique_counts",
        lambda x: ndl.unique_counts(_whole(x)).counts,
        lambda x: np.unique((x * 2 + 4).astype(int), return_counts=True)[1],
        **CONSTANT,
    ),
    Op(
        "unique_inverse",
        lambda x: ndl.unique_inverse(_whole(x)).inverse_indices,
        lambda x: np.unique((x * 2 + 4).astype(int), return_inverse=True)[1].reshape(x.shape),
        **CONSTANT,
    ),
    Op(
        "unique_all",
        lambda x: ndl.unique_all(_whole(x)).indices,
        lambda x: np.unique((x * 2 + 4).astype(int), return_index=True)[1],
        **CONSTANT,
    ),
    Op(
        "searchsorted",
        lambda x: ndl.searchsorted(ndl.tensor(EDGES), x),
        lambda x: np.searchsorted(EDGES, x),
        **CONSTANT,
    ),
    Op(
        "bucketize",
        lambda x: ndl.bucketize(x, ndl.tensor(EDGES), right=True),
        lambda x: np.digitize(x, EDGES),
        **CONSTANT,
    ),
    Op("isin", lambda x: ndl.isin(_whole(x), [1, 5]), lambda x: np.isin((x * 2 + 4).astype(int), [1, 5]), **CONSTANT),
    Op(
        "bincount",
        lambda w: ndl.bincount(ndl.tensor(LABELS.ravel()), w, 6),
        lambda w: np.bincount(LABELS.ravel(), w, 6),
        ((6,),),
    ),
    Op(
        "bincount counts",
        lambda x: ndl.bincount(_whole(x).reshape(-1)),
        lambda x: np.bincount((x * 2 + 4).astype(int).ravel()),
        covers="bincount",
        **CONSTANT,
    ),
    Op("histogram", lambda x: ndl.histogram(x, 3)[0], lambda x: np.histogram(x, 3)[0], **CONSTANT),
    Op(
        "histogram edges",
        lambda x: ndl.histogram(x, 4, (-1, 2))[1],
        lambda x: np.histogram(x, 4, (-1, 2))[1],
        covers="histogram",
        **CONSTANT,
    ),
    Op(
        "histogram weights",
        lambda w: ndl.histogram(ndl.tensor(LABELS.astype("float64")), [0, 1, 3], weights=w)[0],
        lambda w: np.histogram(LABELS, [0, 1, 3], weights=w)[0],
        ((2, 3),),
        covers="histogram",
    ),
    Op(
        "histogram density",
        lambda w: ndl.histogram(ndl.tensor(LABELS.astype("float64")), 4, density=True, weights=w)[0],
        lambda w: np.histogram(LABELS, 4, density=True, weights=w)[0],
        ((2, 3),),
        0.5,
        covers="histogram",
    ),
]

# PyTorch operators whose call differs from ours in more than the names of axes.
GOLDEN: dict[str, Callable[..., Any]] = {"sort": ndl.sort_with_index}

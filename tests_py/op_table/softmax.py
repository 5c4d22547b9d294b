"""Rows of the softmax and its relatives."""

from __future__ import annotations

from typing import Any

import needlecpp as ndl
import numpy as np

from .row import Array, Op


def _softmax(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _logsumexp(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return np.log(np.exp(x).sum(axis=axis, keepdims=keepdims))


ROWS = [
    Op("logsumexp", lambda x: ndl.logsumexp(x, 1), lambda x: _logsumexp(x, 1)),
    Op("logsumexp all", ndl.logsumexp, _logsumexp, covers="logsumexp"),
    Op("softmax", ndl.softmax, _softmax),
    Op("softmax axis", lambda x: ndl.softmax(x, 1), lambda x: _softmax(x, 1), ((2, 3, 4),), covers="softmax"),
    Op("softmin", ndl.softmin, lambda x: _softmax(-x)),
    Op("softmax dtype", lambda x: ndl.softmax(x, 0, "float64"), lambda x: _softmax(x, 0), covers="softmax"),
    Op("log_softmax", ndl.log_softmax, lambda x: np.log(_softmax(x))),
    Op("logsoftmax", ndl.logsoftmax, lambda x: np.log(_softmax(x))),
]

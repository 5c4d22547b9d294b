"""Rows of windows as columns."""

from __future__ import annotations

from typing import Any

import needlecpp as ndl
import numpy as np

from .conv import windows
from .row import Array, Op


def _unfold_reference(x: Array, kernel: tuple[int, ...], dilation: Any, padding: Any, stride: Any) -> Array:
    read = windows(x, kernel, stride, padding, dilation)
    return np.stack(list(read.values()), 2).reshape(x.shape[0], x.shape[1] * len(read), -1)


def _fold_reference(y: Array) -> Array:
    x = np.zeros((y.shape[0], 2, 4, 5), y.dtype)
    place = np.arange(x[0].size, dtype="float64").reshape(1, 2, 4, 5) + 1
    columns = _unfold_reference(place, (2, 3), 1, 1, (2, 1))[0].astype(int)
    for n in range(y.shape[0]):
        np.add.at(x[n].reshape(-1), columns[columns > 0] - 1, y[n][columns > 0])
    return x


ROWS = [
    Op(
        "im2col",
        lambda x: ndl.im2col(x, (2, 3), (2, 1), 1, (1, 2)),
        lambda x: _unfold_reference(x, (2, 3), (2, 1), 1, (1, 2)),
        ((2, 2, 4, 5),),
    ),
    Op("col2im", lambda y: ndl.col2im(y, (4, 5), (2, 3), 1, 1, (2, 1)), _fold_reference, ((2, 12, 15),)),
]

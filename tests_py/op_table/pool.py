"""Rows of the poolings."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import POSITIVE, Array, Op

Range = tuple[int, int]  # first element and the one after the last; before 0 and beyond the size lies padding


def _pool(x: Array, axes: int, windows: list[list[Range]], step: tuple[int, ...], reduce: Callable[..., Any]) -> Array:
    """reduce(elements [..., count], ranges) of every window."""
    size = x.shape[-axes:]
    y = np.zeros((*x.shape[:-axes], *(len(w) for w in windows)), x.dtype)
    for at in itertools.product(*(range(len(w)) for w in windows)):
        ranges = [w[i] for w, i in zip(windows, at, strict=True)]
        inside = [[j for j in range(r[0], r[1], s) if 0 <= j < n] for r, s, n in zip(ranges, step, size, strict=True)]
        elements = x[(..., *np.ix_(*inside))].reshape(*x.shape[:-axes], -1)
        y[(..., *at)] = reduce(elements, ranges)
    return y


def _sliding(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> list[Range]:
    extent = (kernel - 1) * dilation + 1
    starts = range(-padding, size + padding, stride)
    whole = [s for s in starts if s + extent <= size + padding]
    if ceil_mode and whole[-1] + extent < size + padding and whole[-1] + stride < size:
        whole.append(whole[-1] + stride)
    return [(s, s + extent) for s in whole]


def _adaptive(size: int, count: int) -> list[Range]:
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def _largest(elements: Array, ranges: list[Range]) -> Array:
    return elements.max(-1)


def _mean(elements: Array, ranges: list[Range]) -> Array:
    return elements.mean(-1)


def _padded_mean(sizes: tuple[int, ...], padding: tuple[int, ...]) -> Callable[..., Any]:
    def mean(elements: Array, ranges: list[Range]) -> Array:
        counts = [min(r[1], n + p) - r[0] for r, n, p in zip(ranges, sizes, padding, strict=True)]
        return elements.sum(-1) / np.prod(counts)

    return mean


def _placed(x: Array, places: Array, size: tuple[int, ...]) -> Array:
    y = np.zeros((x.shape[0], int(np.prod(size))), x.dtype)
    np.put_along_axis(y, places, x.reshape(places.shape), 1)
    return y.reshape(*x.shape[:2], *size)


def _unpool_row(axes: int) -> Op:
    size, unpool = (3, 5, 4)[:axes], getattr(ndl, f"max_unpool{axes}d")
    places = {1: np.array([[2], [1]]), 2: np.array([[14, 3], [0, 7]]), 3: np.arange(8).reshape(2, 4) * 7}[axes]
    return Op(
        f"max_unpool{axes}d",
        lambda x: unpool(x, ndl.tensor(places.reshape(x.shape)), 2, output_size=size),
        lambda x: _placed(x, places, size),
        ((2, 1, *(1, 2, 2)[:axes]),),
    )


ROWS = [
    Op(
        "max_pool1d",
        lambda x: ndl.max_pool1d(x, 3, 2, 1, 2, ceil_mode=True),
        lambda x: _pool(x, 1, [_sliding(9, 3, 2, 1, 2, True)], (2,), _largest),
        ((2, 3, 9),),
    ),
    Op(
        "max_pool2d",
        lambda x: ndl.max_pool2d(x, (2, 3), 1, (0, 1)),
        lambda x: _pool(x, 2, [_sliding(4, 2, 1, 0, 1, False), _sliding(5, 3, 1, 1, 1, False)], (1, 1), _largest),
        ((2, 2, 4, 5),),
    ),
    Op(
        "max_pool2d unbatched",
        lambda x: ndl.max_pool2d(x, 2),
        lambda x: _pool(x, 2, [_sliding(4, 2, 2, 0, 1, False), _sliding(5, 2, 2, 0, 1, False)], (1, 1), _largest),
        ((3, 4, 5),),
        covers="max_pool2d",
    ),
    Op(
        "max_pool2d indices",
        lambda x: ndl.max_pool2d(x, (3, 3), return_indices=True)[1],
        lambda x: x.reshape(2, 9).argmax(1).reshape(1, 2, 1, 1),
        ((1, 2, 3, 3),),
        differentiable=False,
        covers="max_pool2d",
    ),
    Op(
        "max_pool3d",
        lambda x: ndl.max_pool3d(x, 2, (1, 2, 1)),
        lambda x: _pool(
            x,
            3,
            [_sliding(2, 2, 1, 0, 1, False), _sliding(4, 2, 2, 0, 1, False), _sliding(3, 2, 1, 0, 1, False)],
            (1, 1, 1),
            _largest,
        ),
        ((1, 2, 2, 4, 3),),
    ),
    *(_unpool_row(axes) for axes in (1, 2, 3)),
    Op(
        "avg_pool1d",
        lambda x: ndl.avg_pool1d(x, 3, 2, 1, ceil_mode=True),
        lambda x: _pool(x, 1, [_sliding(8, 3, 2, 1, 1, True)], (1,), _padded_mean((8,), (1,))),
        ((2, 2, 8),),
    ),
    Op(
        "avg_pool2d",
        lambda x: ndl.avg_pool2d(x, (2, 3), 1, (1, 1), count_include_pad=False),
        lambda x: _pool(x, 2, [_sliding(3, 2, 1, 1, 1, False), _sliding(4, 3, 1, 1, 1, False)], (1, 1), _mean),
        ((2, 2, 3, 4),),
    ),
    Op(
        "avg_pool2d divisor",
        lambda x: ndl.avg_pool2d(x, 2, divisor_override=-3),
        lambda x: x.reshape(1, 2, 2, 2, 2, 2).sum((3, 5)) / -3,
        ((1, 2, 4, 4),),
        covers="avg_pool2d",
    ),
    Op(
        "avg_pool3d",
        lambda x: ndl.avg_pool3d(x, 2),
        lambda x: x.reshape(2, 1, 2, 2, 2, 1, 2).mean((2, 4, 6)),
        ((2, 2, 4, 2),),
    ),
    Op(
        "lp_pool1d",
        lambda x: ndl.lp_pool1d(x, 3, 2),
        lambda x: np.cbrt((x**3).reshape(2, 2, 3, 2).sum(3)),
        ((2, 2, 6),),
        **POSITIVE,
    ),
    Op(
        "lp_pool2d",
        lambda x: ndl.lp_pool2d(x, 2, 2),
        lambda x: np.sqrt((x**2).reshape(1, 2, 2, 2, 2, 2).sum((3, 5))),
        ((1, 2, 4, 4),),
        **POSITIVE,
    ),
    Op(
        "lp_pool3d",
        lambda x: ndl.lp_pool3d(x, 2, (2, 1, 2)),
        lambda x: np.sqrt((x**2).reshape(2, 1, 2, 2, 2, 2).sum((2, 5))),
        ((2, 2, 2, 4),),
        **POSITIVE,
    ),
    Op(
        "adaptive_avg_pool1d",
        lambda x: ndl.adaptive_avg_pool1d(x, 4),
        lambda x: _pool(x, 1, [_adaptive(7, 4)], (1,), _mean),
        ((2, 2, 7),),
    ),
    Op(
        "adaptive_avg_pool2d",
        lambda x: ndl.adaptive_avg_pool2d(x, (6, None)),
        lambda x: _pool(x, 2, [_adaptive(4, 6), _adaptive(3, 3)], (1, 1), _mean),
        ((1, 2, 4, 3),),
    ),
    Op(
        "adaptive_avg_pool3d",
        lambda x: ndl.adaptive_avg_pool3d(x, (1, 2, 3)),
        lambda x: _pool(x, 3, [_adaptive(2, 1), _adaptive(3, 2), _adaptive(4, 3)], (1, 1, 1), _mean),
        ((2, 2, 3, 4),),
    ),
    Op(
        "adaptive_max_pool1d",
        lambda x: ndl.adaptive_max_pool1d(x, 3),
        lambda x: _pool(x, 1, [_adaptive(7, 3)], (1,), _largest),
        ((2, 2, 7),),
    ),
    Op(
        "adaptive_max_pool2d",
        lambda x: ndl.adaptive_max_pool2d(x, (2, 3), return_indices=True)[0],
        lambda x: _pool(x, 2, [_adaptive(5, 2), _adaptive(4, 3)], (1, 1), _largest),
        ((2, 2, 5, 4),),
    ),
    Op(
        "adaptive_max_pool3d",
        lambda x: ndl.adaptive_max_pool3d(x, 2),
        lambda x: _pool(x, 3, [_adaptive(2, 2), _adaptive(3, 2), _adaptive(4, 2)], (1, 1, 1), _largest),
        ((1, 2, 2, 3, 4),),
    ),
]

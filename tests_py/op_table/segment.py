"""Rows of the ops on packed segments."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import CONSTANT, Array, Op
from .scan import FOLDS, numpy_scan

OFFSETS = [0, 0, 3, 4, 4, 9]
FULL = [0, 3, 4, 9]  # without empty segments
ROWS_SHAPE = ((9, 2),)


def _parts(x: Array, offsets: list[int]) -> list[Array]:
    return [x[a:b] for a, b in itertools.pairwise(offsets)]


def _reduce(x: Array, op: str, offsets: list[int]) -> Array:
    fold = np.mean if op == "mean" else functools.partial(FOLDS[op][0].reduce, initial=FOLDS[op][1])
    return np.stack([fold(part, axis=0) for part in _parts(x, offsets)])


def _scan(x: Array, op: str, offsets: list[int], **kwargs: Any) -> Array:
    return np.concatenate([numpy_scan(part, 0, op, **kwargs) for part in _parts(x, offsets) if len(part)])


def _rows() -> list[Op]:
    rows = []
    for op in (*FOLDS, "mean"):
        offsets = FULL if op in ("max", "min", "mean") else OFFSETS
        rows.append(
            Op(
                f"segment_reduce {op}",
                lambda x, op=op, offsets=offsets: ndl.segment_reduce(x, ndl.tensor(offsets), op),
                functools.partial(_reduce, op=op, offsets=offsets),
                ROWS_SHAPE,
                covers="segment_reduce",
            )
        )
    for op, (_, neutral) in FOLDS.items():
        for exclusive in (False, True):
            for reverse in (False, True):
                way = {"exclusive": exclusive, "reverse": reverse}
                if exclusive and np.isinf(neutral):
                    continue  # the infinities that they begin with have no finite differences
                rows.append(
                    Op(
                        f"segment_scan {op}" + " exclusive" * exclusive + " reverse" * reverse,
                        lambda x, op=op, way=way: ndl.segment_scan(x, ndl.tensor(OFFSETS), op, **way),
                        functools.partial(_scan, op=op, offsets=OFFSETS, **way),
                        ROWS_SHAPE,
                        covers="segment_scan",
                    )
                )
    return rows


ROWS = [
    *_rows(),
    Op(
        "segment_expand",
        lambda x: ndl.segment_expand(x, ndl.tensor(OFFSETS)),
        lambda x: np.repeat(x, np.diff(OFFSETS), axis=0),
        ((5, 2),),
    ),
    Op(
        "segment_ids",
        lambda x: ndl.segment_ids(ndl.tensor(OFFSETS)),
        lambda x: np.repeat(np.arange(5), np.diff(OFFSETS)),
        **CONSTANT,
    ),
]

"""Rows of the scans."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import Array, Op

FOLDS: dict[str, tuple[Any, float]] = {
    "sum": (np.add, 0),
    "prod": (np.multiply, 1),
    "max": (np.maximum, -np.inf),
    "min": (np.minimum, np.inf),
}


def numpy_scan(x: Array, axis: int, op: str = "sum", exclusive: bool = False, reverse: bool = False) -> Array:
    fold, neutral = FOLDS[op]
    y = np.moveaxis(x, axis, 0)[:: -1 if reverse else 1]
    y = fold.accumulate(y, axis=0)
    if exclusive:
        y = np.concatenate([np.full_like(y[:1], neutral), y[:-1]])
    return np.moveaxis(y[:: -1 if reverse else 1], 0, axis)


def _without_first(fn: Callable[..., Any], x: Any, axis: int, **kwargs: Any) -> Any:
    """Infinities, with which exclusive maxima begin, have no finite differences."""
    y = fn(x, axis, **kwargs)
    keep = slice(None, -1) if kwargs["reverse"] else slice(1, None)
    return y[keep] if axis == 0 else y[:, keep]


def _scan_rows() -> list[Op]:
    rows = []
    for op in FOLDS:
        for axis in (0, 1):
            for exclusive in (False, True):
                for reverse in (False, True):
                    kwargs = {"axis": axis, "op": op, "exclusive": exclusive, "reverse": reverse}
                    ours: Callable[..., Any] = ndl.scan
                    theirs: Callable[..., Any] = numpy_scan
                    if exclusive and op in ("max", "min"):
                        ours, theirs = (
                            functools.partial(_without_first, ours),
                            functools.partial(_without_first, theirs),
                        )
                    name = f"scan {op} {axis}" + " exclusive" * exclusive + " reverse" * reverse
                    rows.append(
                        Op(
                            name,
                            functools.partial(ours, **kwargs),
                            functools.partial(theirs, **kwargs),
                            ((4, 3, 2),),
                            covers="scan",
                        )
                    )
    return rows


ROWS = [
    *_scan_rows(),
    Op("cumsum", lambda x: ndl.cumsum(x, 1), lambda x: x.cumsum(1)),
    Op("cumsum exclusive", lambda x: ndl.cumsum(x, 1, exclusive=True), lambda x: x.cumsum(1) - x, covers="cumsum"),
    Op("cumprod", lambda x: ndl.cumprod(x, 1), lambda x: x.cumprod(1)),
    Op("cummax", lambda x: ndl.cummax(x, 1)[0], lambda x: np.maximum.accumulate(x, 1)),
    Op("cummin", lambda x: ndl.cummin(x, 0)[0], lambda x: np.minimum.accumulate(x, 0)),
    Op("logcumsumexp", lambda x: ndl.logcumsumexp(x, 1), lambda x: np.logaddexp.accumulate(x, 1)),
    Op("cumlogsumexp", lambda x: ndl.cumlogsumexp(x, 0), lambda x: np.logaddexp.accumulate(x, 0)),
    Op("diff", ndl.diff, np.diff),
    Op("diff twice", lambda x: ndl.diff(x, 2, 0), lambda x: np.diff(x, 2, 0), covers="diff"),
    Op(
        "diff around",
        lambda x, y: ndl.diff(x, 1, 0, y, x),
        lambda x, y: np.diff(x, 1, 0, y, x),
        ((3, 2), (1, 2)),
        covers="diff",
    ),
    Op("trapezoid", lambda y: ndl.trapezoid(y, dx=0.5, axis=0), lambda y: np.trapezoid(y, dx=0.5, axis=0)),
    Op("trapezoid places", ndl.trapezoid, np.trapezoid, ((3, 4), (4,)), covers="trapezoid"),
]

"""Rows of the reductions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import CONSTANT, Array, Op

CUBE = ((2, 3, 4),)


def _with_nan(x: Array) -> Array:
    return np.where(x > 1, np.nan, x)


def _lower_median(x: Array, axis: int | None = None) -> Any:
    return np.quantile(x, 0.5, axis=axis, method="lower")


def _axes(
    name: str,
    reference: Callable[..., Any],
    fn: Callable[..., Any] | None = None,
    **kwargs: Any,
) -> list[Op]:
    """All axes, one, several of them kept, and columns."""
    call = fn or getattr(ndl, name)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("", {}),
        ("axis", {"axis": 1}),
        ("axes", {"axis": (0, -1), "keepdims": True}),
        ("first", {"axis": 0}),
    ]
    return [
        Op(
            f"{name} {what}".strip(),
            functools.partial(call, **arguments),
            functools.partial(reference, **arguments),
            CUBE,
            covers=name,
            **kwargs,
        )
        for what, arguments in cases
    ]


def _norm(p: float, **kwargs: Any) -> list[Op]:
    def reference(x: Array, axis: Any = None, keepdims: bool = False) -> Any:
        size = np.abs(x)
        if np.isinf(p):
            return (size.max if p > 0 else size.min)(axis=axis, keepdims=keepdims)
        if p == 0:
            return (x != 0).sum(axis=axis, keepdims=keepdims)
        return (size**p).sum(axis=axis, keepdims=keepdims) ** (1 / p)

    rows = _axes("vector_norm", reference, functools.partial(ndl.vector_norm, ord=p), **kwargs)
    for row in rows:
        row.name += f" {p}"
    return rows


ROWS = [
    *_axes("sum", np.sum),
    Op("summation", lambda x: ndl.summation(x, axes=(0,)), lambda x: x.sum(0)),
    *_axes("prod", np.prod),
    *_axes("mean", np.mean),
    Op("nansum", lambda x: ndl.nansum(ndl.where(x > 1, float("nan"), x), 1), lambda x: np.nansum(_with_nan(x), 1)),
    Op("nanmean", lambda x: ndl.nanmean(ndl.where(x > 1, float("nan"), x), 0), lambda x: np.nanmean(_with_nan(x), 0)),
    *_axes("var", functools.partial(np.var, ddof=1)),
    *_axes("std", functools.partial(np.std, ddof=1)),
    Op("var ddof", lambda x: ndl.var(x, 1, ddof=0), lambda x: x.var(1), covers="var"),
    Op("std unbiased", lambda x: ndl.std(x, 1, unbiased=False), lambda x: x.std(1), covers="std"),
    Op("var_mean", lambda x: ndl.stack(ndl.var_mean(x, 1), 0), lambda x: np.stack([x.var(1, ddof=1), x.mean(1)])),
    Op("std_mean", lambda x: ndl.stack(ndl.std_mean(x, 1), 0), lambda x: np.stack([x.std(1, ddof=1), x.mean(1)])),
    *(row for p in (2, 1, 3, 1.5, 0.5, -2.1, float("inf"), float("-inf")) for row in _norm(p)),
    *_norm(0, **CONSTANT),
    Op("norm", ndl.norm, np.linalg.norm, ((4,),)),
    *_axes("max", np.max),
    *_axes("min", np.min),
    Op("amax", lambda x: ndl.amax(x, 0), lambda x: x.max(0)),
    Op("amin", lambda x: ndl.amin(x, 1), lambda x: x.min(1)),
    Op("ptp", lambda x: ndl.ptp(x, 1), lambda x: np.ptp(x, 1)),
    Op("aminmax", lambda x: ndl.stack(ndl.aminmax(x, axis=1), 0), lambda x: np.stack([x.min(1), x.max(1)])),
    Op("max_with_index", lambda x: ndl.max_with_index(x, 1)[0], lambda x: x.max(1)),
    Op("min_with_index", lambda x: ndl.min_with_index(x, 0, True)[0], lambda x: x.min(0, keepdims=True)),
    Op(
        "max_with_index places",
        lambda x: ndl.max_with_index(x, 1)[1],
        lambda x: x.argmax(1),
        CUBE,
        covers="max_with_index",
        **CONSTANT,
    ),
    Op("median", ndl.median, _lower_median),
    Op("median axis", lambda x: ndl.median(x, 1), lambda x: _lower_median(x, 1), CUBE, covers="median"),
    Op("argmax", lambda x: ndl.argmax(x, 1), lambda x: x.argmax(1), **CONSTANT),
    Op("argmax flat", ndl.argmax, np.argmax, covers="argmax", **CONSTANT),
    Op("argmax columns", lambda x: ndl.argmax(x, 0), lambda x: x.argmax(0), ((5, 40),), covers="argmax", **CONSTANT),
    Op("argmin", lambda x: ndl.argmin(x, 0), lambda x: x.argmin(0), **CONSTANT),
    Op(
        "argmax keepdims",
        lambda x: ndl.argmax(x, keepdims=True),
        lambda x: x.argmax(keepdims=True),
        covers="argmax",
        **CONSTANT,
    ),
    *_axes(
        "count_nonzero",
        lambda x, **kw: np.count_nonzero(x > 0, **kw),
        lambda x, **kw: ndl.count_nonzero(ndl.relu(x), **kw),
        **CONSTANT,
    ),
    *_axes("all", lambda x, **kw: (x > -1).all(**kw), lambda x, **kw: ndl.all(x > -1, **kw), **CONSTANT),
    *_axes("any", lambda x, **kw: (x > 1.5).any(**kw), lambda x, **kw: ndl.any(x > 1.5, **kw), **CONSTANT),
]

# PyTorch operators whose call differs from ours in more than the names of axes.
GOLDEN: dict[str, Callable[..., Any]] = {
    "max.reduction_with_dim": ndl.max_with_index,
    "min.reduction_with_dim": ndl.min_with_index,
}

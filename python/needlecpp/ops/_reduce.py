"""Reductions over any set of axes."""

from __future__ import annotations

from collections.abc import Sequence

from .._core import (
    Tensor,
    all,
    amax,
    amin,
    aminmax,
    any,
    argmax,
    argmin,
    count_nonzero,
    max,
    max_with_index,
    mean,
    median,
    min,
    min_with_index,
    nanmean,
    nansum,
    norm,
    prod,
    ptp,
    std,
    std_mean,
    sum,
    var,
    var_mean,
    vector_norm,
)

__all__ = [
    "all",
    "amax",
    "amin",
    "aminmax",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "max",
    "max_with_index",
    "mean",
    "median",
    "min",
    "min_with_index",
    "nanmean",
    "nansum",
    "norm",
    "prod",
    "ptp",
    "std",
    "std_mean",
    "sum",
    "summation",
    "var",
    "var_mean",
    "vector_norm",
]


def summation(a: Tensor, axes: int | Sequence[int] | None = None) -> Tensor:
    """needle's name of ``sum``.

    >>> import needlecpp as ndl
    >>> ndl.summation(ndl.Tensor([[1.0, 2.0], [3.0, 4.0]]), axes=0)
    tensor([4., 6.])
    """
    return sum(a, axes)

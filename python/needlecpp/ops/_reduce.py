"""Reductions over any set of axes."""

from __future__ import annotations

from collections.abc import Sequence

from .._core import (
    Tensor,
    argmax,
    argmin,
    max,
    mean,
    min,
    sum,
)

__all__ = [
    "argmax",
    "argmin",
    "max",
    "mean",
    "min",
    "sum",
    "summation",
]


def summation(a: Tensor, axes: int | Sequence[int] | None = None) -> Tensor:
    """needle's name of ``sum``.

    >>> import needlecpp as ndl
    >>> ndl.summation(ndl.Tensor([[1.0, 2.0], [3.0, 4.0]]), axes=0)
    tensor([4., 6.])
    """
    return sum(a, axes)

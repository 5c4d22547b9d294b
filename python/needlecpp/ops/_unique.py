"""Distinct values, with as much about them as is asked for."""

from __future__ import annotations

from typing import NamedTuple

from .._core import Tensor, _unique

__all__ = ["unique", "unique_all", "unique_counts", "unique_inverse", "unique_values"]


class UniqueAll(NamedTuple):
    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    values: Tensor
    inverse_indices: Tensor


def unique(
    a: Tensor,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    *,
    equal_nan: bool = True,
) -> Tensor | tuple[Tensor, ...]:
    """The distinct elements of ``a`` in rising order, and if asked for: where each stands first in the flattened ``a``,
    which of them each element is (shape of ``a``), and how often each occurs. All NaN are one value unless
    ``equal_nan`` is false. Not differentiable.

    >>> import needlecpp as ndl
    >>> values, counts = ndl.unique(ndl.tensor([3, 1, 3]), return_counts=True)
    >>> values.tolist(), counts.tolist()
    ([1, 3], [1, 2])
    """
    values, indices, inverse, counts = _unique(a, equal_nan)
    asked = ((return_index, indices), (return_inverse, inverse), (return_counts, counts))
    extra = tuple(tensor for wanted, tensor in asked if wanted)
    return (values, *extra) if extra else values


def unique_all(a: Tensor) -> UniqueAll:
    """Array API: ``unique`` with all its results; each NaN is a value of its own.

    >>> import needlecpp as ndl
    >>> ndl.unique_all(ndl.tensor([3, 1, 3])).inverse_indices.tolist()
    [1, 0, 1]
    """
    return UniqueAll(*_unique(a, False))


def unique_counts(a: Tensor) -> UniqueCounts:
    """Array API: distinct values and how often each occurs; each NaN is a value of its own.

    >>> import needlecpp as ndl
    >>> ndl.unique_counts(ndl.tensor([3, 1, 3])).counts.tolist()
    [1, 2]
    """
    values, _, _, counts = _unique(a, False)
    return UniqueCounts(values, counts)


def unique_inverse(a: Tensor) -> UniqueInverse:
    """Array API: distinct values and which of them each element is; each NaN is a value of its own.

    >>> import needlecpp as ndl
    >>> ndl.unique_inverse(ndl.tensor([3, 1, 3])).inverse_indices.tolist()
    [1, 0, 1]
    """
    values, _, inverse, _ = _unique(a, False)
    return UniqueInverse(values, inverse)


def unique_values(a: Tensor) -> Tensor:
    """Array API: the distinct values in rising order; each NaN is a value of its own.

    >>> import needlecpp as ndl
    >>> ndl.unique_values(ndl.tensor([3, 1, 3])).tolist()
    [1, 3]
    """
    return _unique(a, False)[0]

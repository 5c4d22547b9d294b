"""What CMU's needle has besides: ops with numbers, and tuples of tensors as values of their own."""

from __future__ import annotations

from collections.abc import Sequence

from .._core import Tensor
from .._core.ops import sum

__all__ = [
    "TensorTuple",
    "add_scalar",
    "divide_scalar",
    "fused_add_scalars",
    "make_tuple",
    "mul_scalar",
    "power_scalar",
    "summation",
    "tuple_get_item",
]


class TensorTuple(tuple[Tensor, ...]):
    """Several tensors as one value: indexing and iteration as for a tuple, ``+`` element by element.

    >>> import needlecpp as ndl
    >>> pair = ndl.make_tuple(ndl.Tensor([1.0]), ndl.Tensor([2.0, 3.0]))
    >>> (pair + pair)[1]
    tensor([4., 6.])
    """

    def tuple(self) -> tuple[Tensor, ...]:
        """A plain tuple of the tensors."""
        return tuple(self)

    def detach(self) -> TensorTuple:
        """The tensors off the tape."""
        return TensorTuple(x.detach() for x in self)

    def __add__(self, other: Sequence[Tensor]) -> TensorTuple:  # type: ignore[override]
        if len(self) != len(other):
            raise ValueError(f"[TensorTuple] lengths differ: got {len(other)}, expected {len(self)}.")
        return TensorTuple(a + b for a, b in zip(self, other, strict=True))

    __radd__ = __add__

    def __repr__(self) -> str:
        return f"TensorTuple({', '.join(map(repr, self))})"


def make_tuple(*tensors: Tensor) -> TensorTuple:
    """The tensors as one value.

    >>> import needlecpp as ndl
    >>> len(ndl.make_tuple(ndl.zeros(2), ndl.zeros(3)))
    2
    """
    return TensorTuple(tensors)


def tuple_get_item(value: TensorTuple, index: int) -> Tensor:
    """``value[index]``.

    >>> import needlecpp as ndl
    >>> ndl.tuple_get_item(ndl.make_tuple(ndl.zeros(2), ndl.zeros(3)), 1).shape
    (3,)
    """
    return value[index]


def fused_add_scalars(a: Tensor, c0: float, c1: float) -> TensorTuple:
    """``(a + c0, a + c1)``.

    >>> import needlecpp as ndl
    >>> ndl.fused_add_scalars(ndl.Tensor([1.0]), 1.0, 2.0)
    TensorTuple(tensor([2.]), tensor([3.]))
    """
    return TensorTuple((a + c0, a + c1))


def summation(a: Tensor, axes: int | Sequence[int] | None = None) -> Tensor:
    """needle's name of ``sum``.

    >>> import needlecpp as ndl
    >>> ndl.summation(ndl.Tensor([[1.0, 2.0], [3.0, 4.0]]), axes=0)
    tensor([4., 6.])
    """
    return sum(a, axes)


def add_scalar(a: Tensor, scalar: float) -> Tensor:
    """``a + scalar``."""
    return a + scalar


def mul_scalar(a: Tensor, scalar: float) -> Tensor:
    """``a * scalar``."""
    return a * scalar


def divide_scalar(a: Tensor, scalar: float) -> Tensor:
    """``a / scalar``."""
    return a / scalar


def power_scalar(a: Tensor, scalar: float) -> Tensor:
    """``a ** scalar``."""
    return a**scalar

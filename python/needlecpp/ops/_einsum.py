"""Einstein's summation with its two ways to name axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core import Tensor
from .._core import einsum as _core_einsum

__all__ = ["einsum"]

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _term(sublist: Sequence[Any]) -> str:
    """The letters of a list of axis numbers."""
    if not isinstance(sublist, (list, tuple)):
        raise TypeError(f"[einsum] not axis numbers: got {type(sublist).__name__}, expected an equation or lists.")
    signs = []
    for item in sublist:
        if item is not Ellipsis and not isinstance(item, int):
            raise TypeError(f"[einsum] not an axis number: got {item!r}, expected an int or an ellipsis.")
        if item is not Ellipsis and not 0 <= item < len(_LETTERS):
            raise ValueError(f"[einsum] axis number out of range: got {item}, expected 0 to {len(_LETTERS) - 1}.")
        signs.append("..." if item is Ellipsis else _LETTERS[item])
    return "".join(signs)


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Einstein's summation: products of the operands, whose axes the equation names by letters, summed over the letters
    that are not on its right side.

    A letter twice in one operand takes the diagonal; ``...`` stands for the axes not named; without ``->`` the result
    has the letters that stand once, in order. Axes of size 1 broadcast. Also ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.
    More than two operands are contracted pair by pair, each pair by one matmul. Differentiable.

    >>> import needlecpp as ndl
    >>> a = ndl.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> ndl.einsum("ij,jk->ik", a, a)
    tensor([[ 7., 10.],
            [15., 22.]])
    >>> ndl.einsum("ii", a).item()
    5.0
    """
    if isinstance(equation, str):
        listed = len(operands) == 1 and isinstance(operands[0], (list, tuple))
        return _core_einsum(equation, list(operands[0] if listed else operands))
    items = [equation, *operands]
    tensors, sublists = items[: len(items) // 2 * 2 : 2], items[1::2]
    text = ",".join(_term(sublist) for sublist in sublists)
    return _core_einsum(text + ("->" + _term(items[-1]) if len(items) % 2 else ""), tensors)

"""Moving axes and elements: views where possible."""

from __future__ import annotations

from collections.abc import Sequence

from .._core import (
    Tensor,
    broadcast_to,
    concat,
    flip,
    pad,
    permute,
    reshape,
    squeeze,
    stack,
    transpose,
    unbind,
    unsqueeze,
)
from .._core import split as _core_split

__all__ = [
    "broadcast_to",
    "concat",
    "concatenate",
    "flip",
    "pad",
    "permute",
    "reshape",
    "split",
    "squeeze",
    "stack",
    "transpose",
    "unbind",
    "unsqueeze",
]

concatenate = concat


def split(a: Tensor, sections: int | Sequence[int] | None = None, axis: int = 0) -> tuple[Tensor, ...]:
    """The parts of ``a`` along ``axis``: single slices without that axis (needle's ``split(a, axis=)``), parts of
    ``sections`` elements each, or of the sizes listed (PyTorch's ``split``).

    >>> import needlecpp as ndl
    >>> x = ndl.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> [part.shape for part in ndl.split(x, axis=1)]
    [(2,), (2,), (2,)]
    >>> [part.shape for part in ndl.split(x, (1, 2), axis=1)]
    [(2, 1), (2, 2)]
    """
    return tuple(unbind(a, axis) if sections is None else _core_split(a, sections, axis))

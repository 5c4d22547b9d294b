"""Parts along an axis, as needle and PyTorch name them."""

from __future__ import annotations

from collections.abc import Sequence

from .._core import Tensor
from .._core import split as _core_split
from .._core.ops import unbind

__all__ = ["split"]


def split(
    a: Tensor, sections: int | Sequence[int] | None = None, axis: int = 0, *, dim: int | None = None
) -> tuple[Tensor, ...]:
    """The parts of ``a`` along ``axis``: single slices without that axis (needle's ``split(a, axis=)``), parts of
    ``sections`` elements each, or of the sizes listed (PyTorch's ``split``). ``array_split`` counts or cuts.

    >>> import needlecpp as ndl
    >>> x = ndl.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> [part.shape for part in ndl.split(x, axis=1)]
    [(2,), (2,), (2,)]
    >>> [part.shape for part in ndl.split(x, (1, 2), axis=1)]
    [(2, 1), (2, 2)]
    """
    axis = axis if dim is None else dim
    return unbind(a, axis) if sections is None else _core_split(a, sections, axis)

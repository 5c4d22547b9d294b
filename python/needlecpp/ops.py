"""Every op as a function: NumPy's and PyTorch's names, and those of CMU's needle where it has its own.

Ops broadcast as NumPy does, accept any strides, and are differentiable unless they return bool or indices.
"""

from __future__ import annotations

from collections.abc import Sequence

from ._core import (
    Tensor,
    abs,
    add,
    argmax,
    argmin,
    broadcast_to,
    clamp,
    concat,
    cos,
    cumsum,
    divide,
    equal,
    exp,
    fused_mlp,
    gather,
    greater,
    greater_equal,
    hashgrid,
    identity,
    index_add,
    index_select,
    isnan,
    less,
    less_equal,
    log,
    log_softmax,
    logical_and,
    logical_not,
    logical_or,
    logsumexp,
    matmul,
    max,
    maximum,
    mean,
    min,
    minimum,
    multiply,
    neg,
    nonzero,
    not_equal,
    one_hot,
    pad,
    permute,
    pow,
    power,
    relu,
    render_volume,
    reshape,
    rsqrt,
    scatter_add,
    sigmoid,
    sign,
    sin,
    softmax,
    softplus,
    spherical_harmonics,
    sqrt,
    square,
    squeeze,
    stack,
    subtract,
    sum,
    tanh,
    transpose,
    trunc_exp,
    unbind,
    unsqueeze,
    where,
)
from ._core import flip as flip
from ._core import frequency_encoding as frequency_encoding
from ._core import split as _core_split

negate = neg
logsoftmax = log_softmax
concatenate = concat


def summation(a: Tensor, axes: int | Sequence[int] | None = None) -> Tensor:
    """needle's name of ``sum``.

    >>> import needlecpp as ndl
    >>> ndl.summation(ndl.Tensor([[1.0, 2.0], [3.0, 4.0]]), axes=0)
    tensor([4., 6.])
    """
    return sum(a, axes)


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


__all__ = [name for name in globals() if not name.startswith("_") and name not in ("Sequence", "Tensor", "annotations")]

"""Tensors to start from: constants, random numbers, and the usual weight initialisations.

Random draws come from one counter-based stream; they do not depend on the number of threads. Its seed is one of the
system's randomness, other in every program, until ``needlecpp.manual_seed`` names one. Tensors come to
``needlecpp.default_device()`` unless ``device`` names one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import _core
from .._core import Device, Tensor

__all__ = [
    "constant",
    "kaiming_normal",
    "kaiming_uniform",
    "one_hot",
    "ones",
    "ones_like",
    "rand",
    "randb",
    "randn",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
    "zeros_like",
]


def _check_fan(op: str, **fans: int) -> None:
    for name, fan in fans.items():
        if fan < 1:
            raise ValueError(f"[{op}] bad {name}: got {fan}, expected 1 or more.")


def rand(
    *shape: int,
    low: float = 0.0,
    high: float = 1.0,
    device: Device | None = None,
    dtype: str = "float32",
    requires_grad: bool = False,
) -> Tensor:
    """Uniform in [low, high).

    >>> from needlecpp import init
    >>> init.rand(2, 3).shape
    (2, 3)
    """
    return _core.rand(*shape, low=low, high=high, dtype=dtype, device=device, requires_grad=requires_grad)


def randn(
    *shape: int,
    mean: float = 0.0,
    std: float = 1.0,
    device: Device | None = None,
    dtype: str = "float32",
    requires_grad: bool = False,
) -> Tensor:
    """Normal with this mean and standard deviation."""
    return _core.randn(*shape, mean=mean, std=std, dtype=dtype, device=device, requires_grad=requires_grad)


def randb(
    *shape: int, p: float = 0.5, device: Device | None = None, dtype: str = "bool", requires_grad: bool = False
) -> Tensor:
    """True with probability p."""
    if not 0 <= p <= 1:
        raise ValueError(f"[randb] bad probability: got {p}, expected 0 to 1.")
    return (_core.rand(*shape, device=device) < p).astype(dtype).requires_grad_(requires_grad)


def constant(
    *shape: int, c: float = 1.0, device: Device | None = None, dtype: str = "float32", requires_grad: bool = False
) -> Tensor:
    """The value c everywhere."""
    return _core.ops.full(shape, c, dtype=dtype, device=device, requires_grad=requires_grad)


def ones(*shape: int, device: Device | None = None, dtype: str = "float32", requires_grad: bool = False) -> Tensor:
    """Ones."""
    return constant(*shape, c=1.0, device=device, dtype=dtype, requires_grad=requires_grad)


def zeros(*shape: int, device: Device | None = None, dtype: str = "float32", requires_grad: bool = False) -> Tensor:
    """Zeros."""
    return constant(*shape, c=0.0, device=device, dtype=dtype, requires_grad=requires_grad)


def ones_like(array: Tensor, *, device: Device | None = None, requires_grad: bool = False) -> Tensor:
    """Ones of the shape and dtype of ``array``, on its device unless one is named."""
    return _core.ops.ones_like(array, device=device, requires_grad=requires_grad)


def zeros_like(array: Tensor, *, device: Device | None = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape and dtype of ``array``, on its device unless one is named."""
    return _core.ops.zeros_like(array, device=device, requires_grad=requires_grad)


def one_hot(
    n: int, i: Any, device: Device | None = None, dtype: str = "float32", requires_grad: bool = False
) -> Tensor:
    """1 at the class i, 0 at the other n - 1: shape (*i.shape, n), where i is unless a device is named.

    Float class numbers are taken as integers.
    """
    return _core.ops.one_hot(_core.asarray(i, device=device).astype("int64"), n, dtype).requires_grad_(requires_grad)


def xavier_uniform(fan_in: int, fan_out: int, gain: float = 1.0, **kwargs: Any) -> Tensor:
    """(fan_in, fan_out), uniform in ±gain·sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    _check_fan("xavier_uniform", fan_in=fan_in, fan_out=fan_out)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return rand(fan_in, fan_out, low=-bound, high=bound, **kwargs)


def xavier_normal(fan_in: int, fan_out: int, gain: float = 1.0, **kwargs: Any) -> Tensor:
    """(fan_in, fan_out), normal with std gain·sqrt(2 / (fan_in + fan_out))."""
    _check_fan("xavier_normal", fan_in=fan_in, fan_out=fan_out)
    return randn(fan_in, fan_out, std=gain * math.sqrt(2.0 / (fan_in + fan_out)), **kwargs)


def kaiming_uniform(
    fan_in: int, fan_out: int, shape: Sequence[int] | None = None, nonlinearity: str = "relu", **kwargs: Any
) -> Tensor:
    """``shape`` or (fan_in, fan_out), uniform in ±sqrt(6 / fan_in) (He et al., 2015); for ReLU only."""
    _check_relu(nonlinearity)
    _check_fan("kaiming_uniform", fan_in=fan_in)
    bound = math.sqrt(2.0) * math.sqrt(3.0 / fan_in)
    return rand(*((fan_in, fan_out) if shape is None else shape), low=-bound, high=bound, **kwargs)


def kaiming_normal(
    fan_in: int, fan_out: int, shape: Sequence[int] | None = None, nonlinearity: str = "relu", **kwargs: Any
) -> Tensor:
    """``shape`` or (fan_in, fan_out), normal with std sqrt(2 / fan_in) (He et al., 2015); for ReLU only."""
    _check_relu(nonlinearity)
    _check_fan("kaiming_normal", fan_in=fan_in)
    return randn(*((fan_in, fan_out) if shape is None else shape), std=math.sqrt(2.0 / fan_in), **kwargs)


def _check_relu(nonlinearity: str) -> None:
    if nonlinearity != "relu":
        raise ValueError(f'[init] unsupported nonlinearity: got "{nonlinearity}", expected "relu".')

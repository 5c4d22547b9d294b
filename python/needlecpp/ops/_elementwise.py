"""Elementwise ops: broadcasting, any strides and dtype."""

from __future__ import annotations

from .._core import (
    Tensor,
    abs,
    add,
    clamp,
    cos,
    divide,
    equal,
    exp,
    greater,
    greater_equal,
    identity,
    isnan,
    less,
    less_equal,
    log,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    neg,
    not_equal,
    pow,
    power,
    relu,
    rsqrt,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    square,
    subtract,
    tanh,
    trunc_exp,
    where,
)

__all__ = [
    "abs",
    "add",
    "add_scalar",
    "clamp",
    "cos",
    "divide",
    "divide_scalar",
    "equal",
    "exp",
    "greater",
    "greater_equal",
    "identity",
    "isnan",
    "less",
    "less_equal",
    "log",
    "logical_and",
    "logical_not",
    "logical_or",
    "maximum",
    "minimum",
    "mul_scalar",
    "multiply",
    "neg",
    "negate",
    "not_equal",
    "pow",
    "power",
    "power_scalar",
    "relu",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "softplus",
    "sqrt",
    "square",
    "subtract",
    "tanh",
    "trunc_exp",
    "where",
]

negate = neg


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

"""Rows of the activation functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import Array, Op, unary

WIDE: dict[str, Any] = {"low": -5.0, "high": 5.0}  # beyond the bends at -3, 3 and 1
SELU = (1.6732632423543772, 1.0507009873554805)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _below(x: Array) -> Array:
    return 0.5 * (1 + np.vectorize(math.erf, otypes=[np.float64])(x / math.sqrt(2)))


def _gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _elu(x: Array, alpha: float = 1, rate: float = 1) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) * rate))


def _glu(x: Array) -> Array:
    return x[..., :2] * _sigmoid(x[..., 2:])


def mode(name: str, covers: str, fn: Callable[..., Any], reference: Callable[..., Any], **kwargs: Any) -> Op:
    return Op(name, fn, reference, covers=covers, same_shape=True, **kwargs)


ROWS = [
    unary("relu", lambda x: np.maximum(x, 0)),
    unary("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x)),
    unary("elu", _elu),
    unary("celu", _elu),
    unary("selu", lambda x: SELU[1] * _elu(x, SELU[0])),
    unary("silu", lambda x: x * _sigmoid(x), **WIDE),
    unary("swish", lambda x: x * _sigmoid(x)),
    unary("mish", lambda x: x * np.tanh(np.log1p(np.exp(x))), **WIDE),
    unary("gelu", lambda x: x * _below(x)),
    unary("softplus", lambda x: np.log1p(np.exp(x)), **WIDE),
    unary("hardtanh", lambda x: np.clip(x, -1, 1)),
    unary("relu6", lambda x: np.clip(x, 0, 6), low=-4.0, high=8.0),
    unary("hardsigmoid", lambda x: np.clip(x + 3, 0, 6) / 6, **WIDE),
    unary("hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6, **WIDE),
    unary("hardshrink", lambda x: np.where(np.abs(x) <= 0.5, 0, x)),
    unary("softshrink", lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0)),
    unary("softsign", lambda x: x / (1 + np.abs(x))),
    unary("logsigmoid", lambda x: np.log(_sigmoid(x)), **WIDE),
    unary("tanhshrink", lambda x: x - np.tanh(x)),
    Op("threshold", lambda x: ndl.threshold(x, 0.2, -3.0), lambda x: np.where(x > 0.2, x, -3.0), same_shape=True),
    Op("prelu", ndl.prelu, lambda x, w: np.where(x > 0, x, w * x), shapes=((3, 4), (4,))),
    Op("glu", ndl.glu, _glu),
    mode("leaky_relu slope", "leaky_relu", lambda x: ndl.leaky_relu(x, 0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
    mode("elu alpha", "elu", lambda x: ndl.elu(x, alpha=0.7), lambda x: _elu(x, 0.7)),
    mode("celu alpha", "celu", lambda x: ndl.celu(x, alpha=0.5), lambda x: _elu(x, 0.5, 2)),
    mode("gelu tanh", "gelu", lambda x: ndl.gelu(x, approximate="tanh"), _gelu_tanh),
    mode(
        "softplus beta",
        "softplus",
        lambda x: ndl.softplus(x, beta=3.0, threshold=2.0),
        lambda x: np.where(x * 3 > 2, x, np.log1p(np.exp(3 * x)) / 3),
    ),
    Op(
        "prelu channels",
        ndl.prelu,
        lambda x, w: np.where(x > 0, x, w[:, None] * x),
        shapes=((2, 3, 4), (3,)),
        covers="prelu",
    ),
]

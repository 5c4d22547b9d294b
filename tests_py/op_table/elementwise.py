"""Rows of the elementwise ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import CONSTANT, POSITIVE, Op, binary, unary

MASK = np.array([[True, False, True, True], [False, False, True, False], [True, True, False, False]])

ROWS = [
    unary("neg", np.negative),
    unary("negate", np.negative),
    unary("abs", np.abs),
    unary("sign", np.sign),
    unary("exp", np.exp),
    unary("log", np.log, **POSITIVE),
    unary("sqrt", np.sqrt, **POSITIVE),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), **POSITIVE),
    unary("sin", np.sin),
    unary("cos", np.cos),
    unary("tanh", np.tanh),
    unary("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
    unary("relu", lambda x: np.maximum(x, 0)),
    unary("softplus", lambda x: np.log1p(np.exp(x))),
    unary("trunc_exp", np.exp),
    unary("square", np.square),
    unary("identity", lambda x: x),
    unary("isnan", np.isnan, **CONSTANT),
    unary("logical_not", np.logical_not, **CONSTANT),
    Op("clamp", lambda x: ndl.clamp(x, -1.0, 1.5), lambda x: np.clip(x, -1.0, 1.5), same_shape=True),
    Op("add_scalar", lambda x: ndl.add_scalar(x, 1.5), lambda x: x + 1.5, same_shape=True),
    Op("mul_scalar", lambda x: ndl.mul_scalar(x, 1.5), lambda x: x * 1.5, same_shape=True),
    Op("divide_scalar", lambda x: ndl.divide_scalar(x, 1.5), lambda x: x / 1.5, same_shape=True),
    Op("power_scalar", lambda x: ndl.power_scalar(x, 3), lambda x: x**3, same_shape=True),
    Op("rsub", lambda x: 2 - x, lambda x: 2 - x, same_shape=True, covers="subtract"),
    Op("rdiv", lambda x: 2 / x, lambda x: 2 / x, same_shape=True, covers="divide", **POSITIVE),
    Op("rpow", lambda x: 2**x, lambda x: 2**x, same_shape=True, covers="pow"),
    binary("add", np.add),
    binary("subtract", np.subtract),
    binary("multiply", np.multiply),
    binary("divide", np.divide, **POSITIVE),
    binary("power", np.power, **POSITIVE),
    binary("pow", np.power, **POSITIVE),
    Op("maximum", ndl.maximum, np.maximum, shapes=((3, 4), (4, 1, 1))),
    Op("minimum", ndl.minimum, np.minimum, shapes=((3, 4), (4, 1, 1))),
    Op("add broadcast", ndl.add, np.add, shapes=((3, 1), (2, 1, 4)), covers="add"),
    Op("multiply broadcast", ndl.multiply, np.multiply, shapes=((3, 1), (2, 1, 4)), covers="multiply"),
    Op("divide broadcast", ndl.divide, np.divide, shapes=((1,), (2, 1, 4)), covers="divide", **POSITIVE),
    binary("equal", np.equal, **CONSTANT),
    binary("not_equal", np.not_equal, **CONSTANT),
    binary("less", np.less, **CONSTANT),
    binary("less_equal", np.less_equal, **CONSTANT),
    binary("greater", np.greater, **CONSTANT),
    binary("greater_equal", np.greater_equal, **CONSTANT),
    binary("logical_and", np.logical_and, **CONSTANT),
    binary("logical_or", np.logical_or, **CONSTANT),
    Op(
        "where",
        lambda a, b: ndl.where(ndl.tensor(MASK), a, b),
        lambda a, b: np.where(MASK, a, b),
        shapes=((3, 4), (3, 1)),
    ),
]

# PyTorch operators whose call differs from ours in more than the names of axes.
GOLDEN: dict[str, Callable[..., Any]] = {}

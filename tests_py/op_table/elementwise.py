"""Rows of the elementwise ops."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import CONSTANT, POSITIVE, Array, Op, binary, unary

MASK = np.array([[True, False, True, True], [False, False, True, False], [True, True, False, False]])
UNIT: dict[str, Any] = {"low": -0.95, "high": 0.9}  # inside (-1, 1)
FLAT: dict[str, Any] = {"twice": False}  # the derivative is 0, with nothing to differentiate


def libm(fn: Callable[[float], float]) -> Callable[[Array], Array]:
    return np.vectorize(fn, otypes=[np.float64])


def _erfinv(x: float) -> float:
    low, high = -6.0, 6.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < x else (low, middle)
    return low


def _digamma(x: float) -> float:
    shift = 0.0
    while x < 30:
        shift -= 1 / x
        x += 1
    z = 1 / (x * x)
    return shift + math.log(x) - 0.5 / x - z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z / 240)))


def _logit(x: Array) -> Array:
    return np.log(x / (1 - x))


# The public names of one function, and its row.
UNARY: list[tuple[str, Callable[[Array], Any], dict[str, Any]]] = [
    ("neg negative negate", np.negative, {}),
    ("positive", np.positive, {}),
    ("abs absolute", np.abs, {}),
    ("sign", np.sign, FLAT),
    ("square", np.square, {}),
    ("reciprocal", np.reciprocal, POSITIVE),
    ("identity", lambda x: x, {}),
    ("exp", np.exp, {}),
    ("exp2", np.exp2, {}),
    ("expm1", np.expm1, {}),
    ("log", np.log, POSITIVE),
    ("log2", np.log2, POSITIVE),
    ("log10", np.log10, POSITIVE),
    ("log1p", np.log1p, POSITIVE),
    ("sqrt", np.sqrt, POSITIVE),
    ("rsqrt", lambda x: 1 / np.sqrt(x), POSITIVE),
    ("sin", np.sin, {}),
    ("cos", np.cos, {}),
    ("tan", np.tan, UNIT),
    ("asin arcsin", np.arcsin, UNIT),
    ("acos arccos", np.arccos, UNIT),
    ("atan arctan", np.arctan, {}),
    ("sinh", np.sinh, {}),
    ("cosh", np.cosh, {}),
    ("tanh", np.tanh, {}),
    ("asinh arcsinh", np.arcsinh, {}),
    ("atanh arctanh", np.arctanh, UNIT),
    ("sinc", np.sinc, {}),
    ("erf", libm(math.erf), {}),
    ("erfc", libm(math.erfc), {}),
    ("erfinv", libm(_erfinv), UNIT),
    ("lgamma", libm(math.lgamma), POSITIVE),
    ("digamma", libm(_digamma), {**POSITIVE, "twice": False}),
    ("logit", _logit, {"low": 0.1, "high": 0.8}),
    ("floor", np.floor, FLAT),
    ("ceil", np.ceil, FLAT),
    ("trunc fix", np.trunc, FLAT),
    ("round rint", np.round, FLAT),
    ("deg2rad radians", np.deg2rad, {}),
    ("rad2deg degrees", np.rad2deg, {}),
    ("nan_to_num", np.nan_to_num, {}),
    ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), {}),
    ("trunc_exp", np.exp, {}),
    ("isnan", np.isnan, CONSTANT),
    ("isfinite", np.isfinite, CONSTANT),
    ("isinf", np.isinf, CONSTANT),
    ("signbit", np.signbit, CONSTANT),
    ("logical_not", np.logical_not, CONSTANT),
]
BINARY: list[tuple[str, Callable[[Array, Array], Any], dict[str, Any]]] = [
    ("add", np.add, {}),
    ("subtract sub", np.subtract, {}),
    ("multiply mul", np.multiply, {}),
    ("divide div true_divide", np.divide, POSITIVE),
    ("power pow", np.power, POSITIVE),
    ("rsub", lambda a, b: b - a, {}),
    ("floor_divide", np.floor_divide, {**POSITIVE, **CONSTANT}),
    ("remainder mod", np.remainder, {**POSITIVE, **CONSTANT}),
    ("fmod", np.fmod, {**POSITIVE, **CONSTANT}),
    ("atan2 arctan2", np.arctan2, {}),
    ("copysign", np.copysign, {}),
    ("hypot", np.hypot, {}),
    ("nextafter", np.nextafter, FLAT),
    ("logaddexp", np.logaddexp, {}),
    ("xlogy", lambda a, b: a * np.log(b), POSITIVE),
    ("equal eq", np.equal, CONSTANT),
    ("not_equal ne", np.not_equal, CONSTANT),
    ("less lt", np.less, CONSTANT),
    ("less_equal le", np.less_equal, CONSTANT),
    ("greater gt", np.greater, CONSTANT),
    ("greater_equal ge", np.greater_equal, CONSTANT),
    ("logical_and", np.logical_and, CONSTANT),
    ("logical_or", np.logical_or, CONSTANT),
    ("logical_xor", np.logical_xor, CONSTANT),
]


def same(names: str, fn: Callable[..., Any], reference: Callable[..., Any], **kwargs: Any) -> list[Op]:
    """A row of any shape for each of the names; ``fn`` takes the op first."""
    return [Op(name, partial(fn, getattr(ndl, name)), reference, same_shape=True, **kwargs) for name in names.split()]


def mode(name: str, covers: str, fn: Callable[..., Any], reference: Callable[..., Any], **kwargs: Any) -> Op:
    return Op(name, fn, reference, covers=covers, **kwargs)


def bits(names: str, reference: Callable[..., Any], *others: Any) -> list[Op]:
    """Ops of integers, on the whole parts of five times the inputs."""

    def on_integers(op: Callable[..., Any], x: Any) -> Any:
        return op((x * 5).astype("int64"), *others)

    return same(names, on_integers, partial(on_integers, reference), **CONSTANT)


ROWS = [
    *(unary(name, fn, **options) for names, fn, options in UNARY for name in names.split()),
    *(binary(name, fn, **options) for names, fn, options in BINARY for name in names.split()),
    *(Op(name, getattr(ndl, name), np.arccosh, low=1.2, high=4.0) for name in ("acosh", "arccosh")),
    *bits("bitwise_and", np.bitwise_and, 6),
    *bits("bitwise_or", np.bitwise_or, 6),
    *bits("bitwise_xor", np.bitwise_xor, 6),
    *bits("bitwise_not bitwise_invert invert", np.invert),
    *bits("bitwise_left_shift left_shift", np.left_shift, 3),
    *bits("bitwise_right_shift right_shift", np.right_shift, 1),
    *same("clamp clip", lambda op, x: op(x, -1.0, 1.5), lambda x: np.clip(x, -1.0, 1.5)),
    *same("clamp_min", lambda op, x: op(x, 0.5), lambda x: np.maximum(x, 0.5)),
    *same("clamp_max", lambda op, x: op(x, 0.5), lambda x: np.minimum(x, 0.5)),
    *same("addcmul", lambda op, x: op(x, x, x, value=2.0), lambda x: x + 2 * x * x),
    *same("addcdiv", lambda op, x: op(x, x, x * x, value=2.0), lambda x: x + 2 / x, **POSITIVE),
    *same("lerp", lambda op, x: op(x, x * x, 0.3), lambda x: x + 0.3 * (x * x - x)),
    *same("add_scalar", lambda op, x: op(x, 1.5), lambda x: x + 1.5),
    *same("mul_scalar", lambda op, x: op(x, 1.5), lambda x: x * 1.5),
    *same("divide_scalar", lambda op, x: op(x, 1.5), lambda x: x / 1.5),
    *same("power_scalar", lambda op, x: op(x, 3), lambda x: x**3),
    Op(
        "float_power",
        ndl.float_power,
        np.float_power,
        shapes=((3, 4), (3, 4)),
        **POSITIVE,
    ),
    Op("maximum", ndl.maximum, np.maximum, shapes=((3, 4), (4, 1, 1))),
    Op("minimum", ndl.minimum, np.minimum, shapes=((3, 4), (4, 1, 1))),
    Op("fmax", ndl.fmax, np.fmax, shapes=((3, 4), (4, 1, 1))),
    Op("fmin", ndl.fmin, np.fmin, shapes=((3, 4), (4, 1, 1))),
    Op(
        "where",
        lambda a, b: ndl.where(ndl.tensor(MASK), a, b),
        lambda a, b: np.where(MASK, a, b),
        shapes=((3, 4), (3, 1)),
    ),
    Op("masked_fill", lambda x: ndl.masked_fill(x, ndl.tensor(MASK), 2.5), lambda x: np.where(MASK, 2.5, x)),
    mode("2 - x", "subtract", lambda x: 2 - x, lambda x: 2 - x, same_shape=True),
    mode("2 / x", "divide", lambda x: 2 / x, lambda x: 2 / x, same_shape=True, **POSITIVE),
    mode("2 ** x", "pow", lambda x: 2**x, lambda x: 2**x, same_shape=True),
    mode("x // 0.5", "floor_divide", lambda x: x // 0.5, lambda x: x // 0.5, same_shape=True, **CONSTANT),
    mode("2 % x", "remainder", lambda x: 2 % x, lambda x: 2 % x, same_shape=True, **POSITIVE, twice=False),
    mode("add alpha", "add", lambda a, b: ndl.add(a, b, alpha=-3), lambda a, b: a - 3 * b, shapes=((3, 4), (4,))),
    mode("sub alpha", "sub", lambda a, b: ndl.sub(a, b, alpha=2), lambda a, b: a - 2 * b, shapes=((3, 4), (4,))),
    mode("add broadcast", "add", ndl.add, np.add, shapes=((3, 1), (2, 1, 4))),
    mode("multiply broadcast", "multiply", ndl.multiply, np.multiply, shapes=((3, 1), (2, 1, 4))),
    mode("divide broadcast", "divide", ndl.divide, np.divide, shapes=((1,), (2, 1, 4)), **POSITIVE),
    mode(
        "lerp weights",
        "lerp",
        ndl.lerp,
        lambda a, b, w: a + w * (b - a),
        shapes=((3, 4), (4,), (3, 1)),
    ),
    mode(
        "addcmul broadcast",
        "addcmul",
        ndl.addcmul,
        lambda a, b, c: a + b * c,
        shapes=((3, 4), (4,), (3, 1)),
    ),
    mode(
        "addcdiv broadcast",
        "addcdiv",
        ndl.addcdiv,
        lambda a, b, c: a + b / c,
        shapes=((3, 4), (4,), (3, 1)),
        **POSITIVE,
    ),
    mode(
        "clamp tensors",
        "clamp",
        lambda x, low: ndl.clamp(x, low, low + 1.0),
        lambda x, low: np.clip(x, low, low + 1.0),
        shapes=((3, 4), (3, 1)),
    ),
    mode("logit eps", "logit", lambda x: ndl.logit(x, 0.2), lambda x: _logit(np.clip(x, 0.2, 0.8)), low=0.0, high=0.9),
    mode("round decimals", "round", lambda x: ndl.round(x, decimals=1), lambda x: np.round(x, 1), **CONSTANT),
]

# PyTorch operators whose call differs from ours in more than the names of axes.
GOLDEN: dict[str, Callable[..., Any]] = {
    "max.binary": ndl.maximum,
    "min.binary": ndl.minimum,
    "where": lambda a, condition, b: ndl.where(condition, a, b),
}

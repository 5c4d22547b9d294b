"""One row an op: how to call it, what NumPy says, and what its inputs may be. Tests run over the whole table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import needlecpp as ndl
import numpy as np

Array = np.ndarray[Any, Any]


@dataclass
class Op:
    """A differentiable (or not) function of tensors with a NumPy twin."""

    name: str
    fn: Callable[..., Any]
    reference: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...] = ((3, 4),)
    low: float = -2.0
    high: float = 2.0
    differentiable: bool = True
    twice: bool = True  # second derivatives are checked too
    same_shape: bool = False  # works on any shape: layouts and empty sizes are checked too
    covers: str = ""  # the public name the row covers, if not `name`

    def inputs(self, dtype: str = "float64", seed: int = 0) -> list[Array]:
        # Distinct values, so that no max has a tie and no kink is within reach of a finite difference.
        rng = np.random.default_rng(seed)
        arrays = []
        for i, shape in enumerate(self.shapes):
            size = int(np.prod(shape))
            values = (
                self.low + (self.high - self.low) * (rng.permutation(size) + 0.5) / max(size, 1) + 0.0123 + 0.0371 * i
            )
            arrays.append(values.reshape(shape).astype(dtype))
        return arrays


def _softmax(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _logsumexp(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return np.log(np.exp(x).sum(axis=axis, keepdims=keepdims))


def unary(name: str, reference: Callable[..., Any], **kwargs: Any) -> Op:
    return Op(name, getattr(ndl, name), reference, same_shape=True, **kwargs)


def binary(name: str, reference: Callable[..., Any], **kwargs: Any) -> Op:
    return Op(name, getattr(ndl, name), reference, shapes=((3, 4), (3, 4)), same_shape=True, **kwargs)


INDEX = np.array([2, 0, 2, 1])
INDEX2 = np.array([[0, 2, 1, 1], [2, 2, 0, 1]])
MASK = np.array([[True, False, True, True], [False, False, True, False], [True, True, False, False]])
POSITIVE: dict[str, Any] = {"low": 0.3, "high": 3.0}
CONSTANT: dict[str, Any] = {"differentiable": False}


def _scatter_add(x: Array, index: Array, src: Array) -> Array:
    y = x.copy()
    np.add.at(y, (index, np.arange(x.shape[1])[None, :]), src)
    return y


def _index_add(x: Array, src: Array) -> Array:
    y = x.copy()
    np.add.at(y, INDEX, src)
    return y


OPS: list[Op] = [
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
    Op("sum", ndl.sum, np.sum),
    Op("sum axis", lambda x: ndl.sum(x, 1), lambda x: x.sum(1), ((2, 3, 4),), covers="sum"),
    Op(
        "sum axes",
        lambda x: ndl.sum(x, (0, -1), True),
        lambda x: x.sum((0, -1), keepdims=True),
        ((2, 3, 4),),
        covers="sum",
    ),
    Op("summation", lambda x: ndl.summation(x, axes=(0,)), lambda x: x.sum(0)),
    Op("mean", ndl.mean, np.mean),
    Op("mean axis", lambda x: ndl.mean(x, 0), lambda x: x.mean(0), covers="mean"),
    Op("max", ndl.max, np.max),
    Op("max axis", lambda x: ndl.max(x, 0), lambda x: x.max(0), covers="max"),
    Op(
        "max axes",
        lambda x: ndl.max(x, (0, 2), True),
        lambda x: x.max((0, 2), keepdims=True),
        ((2, 3, 4),),
        covers="max",
    ),
    Op("min", ndl.min, np.min),
    Op("min axis", lambda x: ndl.min(x, 1, keepdims=True), lambda x: x.min(1, keepdims=True), covers="min"),
    Op("argmax", lambda x: ndl.argmax(x, 1), lambda x: x.argmax(1), **CONSTANT),
    Op("argmax flat", ndl.argmax, np.argmax, covers="argmax", **CONSTANT),
    Op("argmin", lambda x: ndl.argmin(x, 0), lambda x: x.argmin(0), **CONSTANT),
    Op("logsumexp", lambda x: ndl.logsumexp(x, 1), lambda x: _logsumexp(x, 1)),
    Op("logsumexp all", ndl.logsumexp, _logsumexp, covers="logsumexp"),
    Op("softmax", ndl.softmax, _softmax),
    Op("softmax axis", lambda x: ndl.softmax(x, 1), lambda x: _softmax(x, 1), ((2, 3, 4),), covers="softmax"),
    Op("log_softmax", ndl.log_softmax, lambda x: np.log(_softmax(x))),
    Op("logsoftmax", ndl.logsoftmax, lambda x: np.log(_softmax(x))),
    Op("cumsum", lambda x: ndl.cumsum(x, 1), lambda x: x.cumsum(1)),
    Op("cumsum axis", lambda x: ndl.cumsum(x, 0), lambda x: x.cumsum(0), ((5, 2, 3),), covers="cumsum"),
    Op(
        "cumsum exclusive",
        lambda x: ndl.cumsum(x, 1, exclusive=True),
        lambda x: x.cumsum(1) - x,
        covers="cumsum",
    ),
    Op(
        "cumsum reverse",
        lambda x: ndl.cumsum(x, 1, reverse=True),
        lambda x: x[:, ::-1].cumsum(1)[:, ::-1],
        covers="cumsum",
    ),
    Op("matmul", ndl.matmul, np.matmul, ((3, 4), (4, 5))),
    Op("matmul batch", ndl.matmul, np.matmul, ((2, 1, 3, 4), (5, 4, 2)), covers="matmul"),
    Op("matmul vector", ndl.matmul, np.matmul, ((4,), (2, 4, 3)), covers="matmul"),
    Op("matmul vectors", ndl.matmul, np.matmul, ((4,), (4,)), covers="matmul"),
    Op("matmul transposed", lambda a, b: a.T @ b.T, lambda a, b: a.T @ b.T, ((4, 3), (5, 4)), covers="matmul"),
    Op("reshape", lambda x: ndl.reshape(x, (2, -1)), lambda x: x.reshape(2, -1)),
    Op("reshape of a view", lambda x: ndl.reshape(x.T, (6, 2)), lambda x: x.T.reshape(6, 2), covers="reshape"),
    Op("broadcast_to", lambda x: ndl.broadcast_to(x, (2, 3, 4)), lambda x: np.broadcast_to(x, (2, 3, 4)), ((3, 1),)),
    Op("permute", lambda x: ndl.permute(x, (2, 0, 1)), lambda x: x.transpose(2, 0, 1), ((2, 3, 4),)),
    Op("transpose", ndl.transpose, lambda x: x.swapaxes(-1, -2), ((2, 3, 4),)),
    Op(
        "transpose axes",
        lambda x: ndl.transpose(x, axes=(0, 2)),
        lambda x: x.swapaxes(0, 2),
        ((2, 3, 4),),
        covers="transpose",
    ),
    Op("flip", lambda x: ndl.flip(x, (0, 1)), lambda x: x[::-1, ::-1]),
    Op("squeeze", ndl.squeeze, np.squeeze, ((1, 3, 1),)),
    Op("unsqueeze", lambda x: ndl.unsqueeze(x, 1), lambda x: x[:, None]),
    Op("slices", lambda x: x[1:, ::-2], lambda x: x[1:, ::-2], covers="reshape"),
    Op("integers", lambda x: x[1, -1], lambda x: x[1, -1], covers="reshape"),
    Op("newaxis and ellipsis", lambda x: x[None, ..., 2], lambda x: x[None, ..., 2], covers="reshape"),
    Op("index arrays", lambda x: x[INDEX], lambda x: x[INDEX], covers="gather"),
    Op("index pairs", lambda x: x[INDEX, [3, 0, 1, 1]], lambda x: x[INDEX, [3, 0, 1, 1]], covers="gather"),
    Op("index mask", lambda x: x[MASK], lambda x: x[MASK], covers="gather"),
    Op("index mixed", lambda x: x[1:, INDEX, None], lambda x: x[1:, INDEX, None], ((3, 4),), covers="gather"),
    Op(
        "index apart",
        lambda x: x[INDEX, :, [0, 1, 1, 0]],
        lambda x: x[INDEX, :, [0, 1, 1, 0]],
        ((3, 4, 2),),
        covers="gather",
    ),
    Op("gather", lambda x: ndl.gather(x, 0, ndl.tensor(INDEX2)), lambda x: np.take_along_axis(x, INDEX2, 0)),
    Op(
        "scatter_add",
        lambda x, s: ndl.scatter_add(x, 0, ndl.tensor(INDEX2), s),
        lambda x, s: _scatter_add(x, INDEX2, s),
        ((3, 4), (2, 4)),
    ),
    Op("index_select", lambda x: ndl.index_select(x, 0, ndl.tensor(INDEX)), lambda x: x[INDEX]),
    Op(
        "index_add",
        lambda x, s: ndl.index_add(x, 0, ndl.tensor(INDEX), s),
        _index_add,
        ((3, 2), (4, 2)),
    ),
    Op("nonzero", lambda x: ndl.nonzero(x > 0), lambda x: np.argwhere(x > 0), **CONSTANT),
    Op(
        "one_hot",
        lambda x: ndl.one_hot((x > 0).astype("int64"), 3),
        lambda x: np.eye(3)[(x > 0).astype(int)],
        **CONSTANT,
    ),
    Op("concat", lambda a, b: ndl.concat([a, b], 1), lambda a, b: np.concatenate([a, b], 1), ((3, 4), (3, 2))),
    Op("concatenate", lambda a, b: ndl.concatenate([a, b]), lambda a, b: np.concatenate([a, b]), ((3, 4), (1, 4))),
    Op("stack", lambda a, b: ndl.stack([a, b], 1), lambda a, b: np.stack([a, b], 1), ((3, 4), (3, 4))),
    Op("split", lambda x: ndl.split(x, 3, 1)[1], lambda x: x[:, 3:]),
    Op("split slices", lambda x: ndl.split(x, axis=1)[2], lambda x: x[:, 2], covers="split"),
    Op(
        "argmax keepdims",
        lambda x: ndl.argmax(x, keepdims=True),
        lambda x: x.argmax(keepdims=True),
        covers="argmax",
        **CONSTANT,
    ),
    Op("split sizes", lambda x: ndl.split(x, (1, 0, 3), 1)[2], lambda x: x[:, 1:], covers="split"),
    Op("unbind", lambda x: ndl.unbind(x, 1)[2], lambda x: x[:, 2]),
    Op(
        "pad",
        lambda x: ndl.pad(x, [(1, 0), (0, 2)], 3.0),
        lambda x: np.pad(x, [(1, 0), (0, 2)], constant_values=3.0),
    ),
]

# Public functions whose tests stand elsewhere: the rendering ops have oracles of their own.
ELSEWHERE = {
    "fused_mlp",
    "hashgrid",
    "render_volume",
    "spherical_harmonics",
    "frequency_encoding",
}

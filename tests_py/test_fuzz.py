"""Twenty thousand random calls beside NumPy: values, shapes and refusals, with right and wrong arguments.

Each draw makes tensors of random shape, dtype and memory layout with NaN, infinities and extreme integers among the
values, picks an op and arguments that fit about nine times in ten, and runs it here and in NumPy. Where NumPy refuses,
an exception of the documented form must come; where it answers, the same shape and values must.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest

Array = np.ndarray[Any, Any]
CALLS = 20_000
BATCHES = 20
FLOATS = ["float32", "float64"]
INTEGERS = ["int32", "int64", "uint8"]
ERRORS = (ValueError, TypeError, IndexError, RuntimeError, OverflowError)


class Draw:
    """The random choices of one call."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def one(self, options: Any) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def shape(self, rank: int | None = None, least: int = 0) -> tuple[int, ...]:
        rank = int(self.rng.integers(least, 5)) if rank is None else rank
        return tuple(int(self.one([0, 1, 1, 2, 3, 5, 17] if self.chance(0.2) else [1, 2, 3, 4])) for _ in range(rank))

    def axis(self, rank: int) -> int:
        """Mostly valid."""
        return int(self.rng.integers(-rank - 1, rank + 1)) if self.chance(0.1) else self.valid_axis(rank)

    def valid_axis(self, rank: int) -> int:
        return int(self.rng.integers(-rank, rank))

    def axes(self, rank: int) -> Any:
        if rank == 0 or self.chance(0.3):  # of an axis where there is none, NumPy thinks differently from op to op
            return None
        if self.chance(0.5):
            return self.axis(rank)
        count = int(self.rng.integers(1, rank + 1))
        return tuple(self.axis(rank) for _ in range(count))

    def array(self, shape: tuple[int, ...], dtype: str, special: float = 0.1) -> Array:
        if dtype in FLOATS:
            values = self.rng.normal(0, 3, shape).astype(dtype)
            odd = np.array([0.0, -0.0, 1.0, np.nan, np.inf, -np.inf, 1e-40, 3e38], dtype)
        elif dtype == "bool":
            return self.rng.integers(0, 2, shape).astype(bool)
        else:
            info = np.iinfo(dtype)
            values = self.rng.integers(max(info.min, -9), 10, shape).astype(dtype)
            odd = np.array([0, 1, info.max, info.min], dtype)
        hit = self.rng.random(shape) < special
        values = np.where(hit, odd[self.rng.integers(0, len(odd), shape)], values).astype(dtype)
        return np.asarray(values)

    def layout(self, a: Array) -> Array:
        """The same values in other memory: transposed, strided, reversed, or broadcast."""
        kind = self.one(["plain", "plain", "transposed", "strided", "reversed", "offset"])
        if a.ndim == 0 or kind == "plain":
            return a
        if kind == "transposed":
            order = self.rng.permutation(a.ndim)
            return np.ascontiguousarray(a.transpose(order)).transpose(np.argsort(order))
        if kind == "strided":
            return np.repeat(a, 2, axis=-1)[..., ::2]
        if kind == "reversed":
            return np.ascontiguousarray(a[::-1])[::-1]
        return np.concatenate([a[:1], a, a[:1]])[1 : a.shape[0] + 1] if a.shape[0] else a

    def like(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts with another; sometimes it does not."""
        other = tuple(1 if self.chance(0.3) else n for n in shape)
        other = other[int(self.rng.integers(0, len(other) + 1)) :] if self.chance(0.3) else other
        if self.chance(0.1) and other:
            at = int(self.rng.integers(len(other)))
            other = (*other[:at], other[at] + 1, *other[at + 1 :])
        return other


# A call: (name, arrays, ours, numpy's). Both take the arrays (as tensors or as they are).
Call = tuple[str, list[Array], Callable[..., Any], Callable[..., Any]]


UNARY_REAL = [
    "exp", "log", "sqrt", "sin", "cos", "tanh", "tan", "sinh", "cosh", "arcsin", "arccos", "arctan", "arcsinh",
    "arctanh", "log1p", "expm1", "log2", "log10", "exp2",
]  # fmt: skip
UNARY_ANY = ["abs", "square", "sign", "isnan", "isfinite", "isinf", "logical_not"]
UNARY_FLOAT = ["floor", "ceil", "trunc", "negative", "signbit", "reciprocal"]
BINARY = ["add", "multiply", "maximum", "minimum"]
BINARY_NO_BOOL = ["subtract", "floor_divide", "remainder", "fmod"]
BINARY_REAL = ["divide", "arctan2", "hypot", "copysign", "logaddexp"]
COMPARE = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
LOGIC = ["logical_and", "logical_or", "logical_xor"]
BITS = ["bitwise_and", "bitwise_or", "bitwise_xor"]
ANY = [*FLOATS, *INTEGERS, "bool"]
NUMBERS = [*FLOATS, *INTEGERS]


def named(name: str, arrays: list[Array], *args: Any, **kwargs: Any) -> Call:
    return (
        name,
        arrays,
        lambda *xs: getattr(ndl, name)(*xs, *args, **kwargs),
        lambda *xs: getattr(np, name)(*xs, *args, **kwargs),
    )


def unary(d: Draw) -> Call:
    name = d.one(UNARY_REAL + UNARY_ANY + UNARY_FLOAT)
    if name in UNARY_REAL and d.chance(0.3):  # integers are computed in float32 here, in other widths by NumPy
        x = d.array(d.shape(), d.one(INTEGERS), special=0)
        return name, [x], getattr(ndl, name), lambda a: getattr(np, name)(a.astype("float64"))
    dtypes = FLOATS if name in UNARY_FLOAT + UNARY_REAL else ANY if name in UNARY_ANY[3:] else NUMBERS
    return named(name, [d.array(d.shape(), d.one(dtypes))])


def binary(d: Draw) -> Call:
    name = d.one(BINARY + BINARY_NO_BOOL + BINARY_REAL + COMPARE + LOGIC + BITS)
    if name in BITS:
        dtypes = [*INTEGERS, "bool"]
    else:
        dtypes = FLOATS if name in BINARY_REAL else NUMBERS if name in BINARY + BINARY_NO_BOOL else ANY
    shape = d.shape()
    a, b = d.array(shape, d.one(dtypes)), d.array(d.like(shape), d.one(dtypes))
    kinds = {x.dtype for x in (a, b) if x.dtype.kind == "f"}
    if len(kinds) == 1 and a.dtype.kind != b.dtype.kind:  # an integer takes the float's width here, not in NumPy
        (width,) = kinds
        return name, [a, b], getattr(ndl, name), lambda a, b: getattr(np, name)(a.astype(width), b.astype(width))
    return named(name, [a, b])


def reduction(d: Draw) -> Call:
    name = d.one(["sum", "prod", "mean", "max", "min", "var", "std", "any", "all", "count_nonzero"])
    x = d.array(d.shape(), d.one(FLOATS if name in ("mean", "var", "std") else NUMBERS), special=0.02)
    axis, keepdims = d.axes(x.ndim), d.chance(0.5)
    if name in ("var", "std"):  # the default is PyTorch's correction of 1
        ddof = int(d.rng.integers(0, 2))
        ours, theirs = getattr(ndl, name), getattr(np, name)
        return (
            name,
            [x],
            lambda a: ours(a, axis, correction=ddof, keepdims=keepdims),
            lambda a: theirs(a, axis, ddof=ddof, keepdims=keepdims),
        )
    return named(name, [x], axis=axis, keepdims=keepdims)


def place(d: Draw) -> Call:
    x = d.array(d.shape(least=1), d.one(NUMBERS))
    return named(d.one(["argmax", "argmin"]), [x], axis=None if d.chance(0.3) else d.axis(x.ndim))


def scan(d: Draw) -> Call:
    x = d.array(d.shape(least=1), d.one(NUMBERS), special=0)
    return named(d.one(["cumsum", "cumprod"]), [x], axis=d.axis(x.ndim))


def order(d: Draw) -> Call:
    x = d.array(d.shape(least=1), d.one(NUMBERS))
    if d.chance(0.5):
        return named("sort", [x], axis=d.axis(x.ndim))
    axis = d.axis(x.ndim)
    return "argsort", [x], lambda a: ndl.argsort(a, axis=axis), lambda a: np.argsort(a, axis=axis, kind="stable")


def matmul(d: Draw) -> Call:
    m, k, n = (int(d.one([0, 1, 2, 3, 7, 16])) for _ in range(3))
    lead = d.shape(int(d.rng.integers(0, 3)))
    a = (*lead, m, k) if d.chance(0.8) else (k,)
    b = (*d.like(lead), k + d.chance(0.05), n) if d.chance(0.8) else (k,)
    dtype = d.one([*FLOATS, "int64"])
    return named("matmul", [d.array(a, dtype, 0), d.array(b, dtype, 0)])


def movement(d: Draw) -> Call:
    x = d.array(d.shape(least=1), d.one(ANY))
    kind = d.one(["reshape", "permute", "broadcast_to", "squeeze", "unsqueeze", "flip", "roll", "moveaxis", "tile"])
    rank = x.ndim
    if kind == "reshape":
        sizes = [int(s) for s in d.rng.permutation(x.shape)]
        if d.chance(0.5) and len(sizes) > 1:
            sizes = [sizes[0] * sizes[1], *sizes[2:]]
        if d.chance(0.3) and sizes:
            sizes[int(d.rng.integers(len(sizes)))] = -1
        if d.chance(0.1):
            sizes.append(int(d.one([3, 1 << 40])))
        return "reshape", [x], lambda a: ndl.reshape(a, tuple(sizes)), lambda a: a.reshape(tuple(sizes))
    if kind == "permute":
        axes = tuple(int(i) for i in d.rng.permutation(rank))
        axes = (*axes, 0) if d.chance(0.1) else axes
        return "permute", [x], lambda a: ndl.permute(a, axes), lambda a: a.transpose(axes or None)
    if kind == "broadcast_to":
        shape = tuple(n if n != 1 or d.chance(0.5) else 3 for n in x.shape)
        shape = (2, *shape) if d.chance(0.5) else shape
        shape = (*shape, 2) if d.chance(0.1) else shape
        return named("broadcast_to", [x], shape)
    if kind == "squeeze":
        ones = [i for i, n in enumerate(x.shape) if n == 1]  # an axis of another size is left alone here
        axis = d.one([None, rank, *ones, tuple(ones) or None])
        return "squeeze", [x], lambda a: ndl.squeeze(a, axis), lambda a: np.squeeze(a, axis)
    if kind == "unsqueeze":
        axis = int(d.rng.integers(-rank - 2, rank + 2))
        return "unsqueeze", [x], lambda a: ndl.unsqueeze(a, axis), lambda a: np.expand_dims(a, axis)
    if kind == "flip":
        return named("flip", [x], d.axes(rank))
    if kind == "roll":
        return named("roll", [x], int(d.rng.integers(-5, 6)), d.axis(rank) if d.chance(0.7) else None)
    if kind == "moveaxis":
        return named("moveaxis", [x], d.axis(rank), d.axis(rank))
    return named("tile", [x], tuple(int(n) for n in d.rng.integers(0, 3, int(d.rng.integers(0, 4)))))


def joining(d: Draw) -> Call:
    shape, dtype = d.shape(least=1), d.one(ANY)
    parts = [d.array(shape, d.one([dtype, d.one(ANY)])) for _ in range(int(d.rng.integers(1, 4)))]
    if d.chance(0.1):
        parts.append(d.array(d.shape(), dtype))
    axis = d.axis(len(shape))
    name = d.one(["concat", "stack"])
    ours, theirs = getattr(ndl, name), np.concatenate if name == "concat" else np.stack
    return name, parts, lambda *xs: ours(list(xs), axis), lambda *xs: theirs(list(xs), axis)


def indexing(d: Draw) -> Call:
    x = d.array(d.shape(), d.one(ANY))
    key: list[Any] = []
    axis = 0
    while axis < x.ndim and d.chance(0.8):
        n = x.shape[axis]
        kind = d.one(["integer", "slice", "none", "array", "mask", "ellipsis"])
        if kind == "integer":
            key.append(int(d.rng.integers(-n - 1, n + 1)) if d.chance(0.1) or n == 0 else int(d.rng.integers(-n, n)))
        elif kind == "slice":
            bounds = [None if d.chance(0.3) else int(d.rng.integers(-n - 2, n + 3)) for _ in range(2)]
            key.append(slice(*bounds, d.one([None, 1, 2, -1, -2, 0 if d.chance(0.1) else 1])))
        elif kind == "none":
            key.append(None)
            continue
        elif kind == "array":
            key.append(d.rng.integers(-n, n, d.one([(2,), (1,), (2, 2), ()])) if n else np.zeros((0,), "int64"))
        elif kind == "mask":
            key.append(d.rng.integers(0, 2, n + (x.size > 0 and d.chance(0.05))).astype(bool))
        else:
            if any(k is ... for k in key):
                continue
            key.append(...)
        axis += 1
    index = tuple(key)
    return "index", [x], lambda a: a[index], lambda a: a[index]


def choosing(d: Draw) -> Call:
    shape = d.shape()
    condition = d.array(shape, "bool")
    dtype = d.one(FLOATS)
    a, b = d.array(d.like(shape), dtype), d.array(d.like(shape), dtype)
    return named("where", [condition, a, b])


def clipping(d: Draw) -> Call:
    low = None if d.chance(0.2) else float(d.rng.normal())
    high = None if d.chance(0.2) and low is not None else float(d.rng.normal()) + 1
    x = d.array(d.shape(), d.one(FLOATS))
    if low is not None and high is not None and low > high:
        low, high = high, low
    return "clip", [x], lambda a: ndl.clip(a, low, high), lambda a: np.clip(a, low, high)


def triangles(d: Draw) -> Call:
    x = d.array(d.shape(least=2), d.one(ANY))
    return named(d.one(["tril", "triu"]), [x], int(d.rng.integers(-4, 5)))


def along(d: Draw) -> Call:
    x = d.array(d.shape(int(d.rng.integers(1, 4))), d.one(NUMBERS))
    axis = d.valid_axis(x.ndim)
    n = x.shape[axis]
    shape = list(x.shape)
    shape[axis] = int(d.rng.integers(1, 4))
    low, high = (-n - 1, n + 1) if d.chance(0.1) or n == 0 else (-n, n)
    index = d.rng.integers(low, high, shape)
    return (
        "take_along_axis",
        [x],
        lambda a: ndl.take_along_axis(a, ndl.tensor(index), axis),
        lambda a: np.take_along_axis(a, index, axis),
    )


def counting(d: Draw) -> Call:
    n = int(d.rng.integers(0, 20))
    if d.chance(0.5):
        return named(
            "bincount", [d.rng.integers(-1 if d.chance(0.05) else 0, 9, n)], minlength=int(d.rng.integers(0, 12))
        )
    edges = np.sort(d.array((int(d.rng.integers(1, 9)),), "float32", 0))
    side = d.one(["left", "right"])
    x = d.array(d.shape(), "float32")
    return (
        "searchsorted",
        [edges, x],
        lambda e, v: ndl.searchsorted(e, v, side=side),
        lambda e, v: np.searchsorted(e, v, side=side),
    )


def products(d: Draw) -> Call:
    text = d.one(
        ["ij,jk->ik", "ij,ij->", "ii->i", "ij->ji", "bij,bjk->bik", "i,j->ij", "...i,i->...", "ij,jk,kl->il", "ij->"]
    )
    sizes = {letter: int(d.rng.integers(1, 4)) for letter in "bijkl"}
    shapes = [tuple(sizes[c] for c in term.replace("...", "bk")) for term in text.split("->")[0].split(",")]
    if d.chance(0.1):
        shapes[0] = (*shapes[0][:-1], shapes[0][-1] + 1)
    arrays = [d.array(shape, "float64", 0) for shape in shapes]
    return "einsum", arrays, lambda *xs: ndl.einsum(text, *xs), lambda *xs: np.einsum(text, *xs)


TEMPLATES = [
    unary, unary, binary, binary, reduction, reduction, place, scan, order, matmul, movement, movement, joining,
    indexing, indexing, choosing, clipping, triangles, along, counting, products,
]  # fmt: skip


def attempt(call: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return call(), None
    except ERRORS as error:
        return None, error


def compare(name: str, arrays: list[Array], ours: Any, theirs: Any) -> None:
    got, want = ndl.asarray(ours).numpy(), np.asarray(theirs)
    assert got.shape == want.shape, f"shape {got.shape}, expected {want.shape}"
    assert (got.dtype.kind == "f") == (want.dtype.kind == "f"), f"dtype {got.dtype}, NumPy's {want.dtype}"
    low = got.dtype == np.float32 or want.dtype == np.float32 or any(a.dtype == np.float32 for a in arrays)
    low = low or (got.dtype == np.float64) != (want.dtype == np.float64)
    tolerance = 3e-5 if low else 1e-10
    with np.errstate(all="ignore"):
        scale = max((float(np.abs(a[np.isfinite(a)]).max(initial=0)) for a in arrays if a.dtype.kind == "f"), default=1)
        np.testing.assert_allclose(
            got.astype("float64"), want.astype("float64"), rtol=tolerance, atol=tolerance * max(1.0, min(scale, 1e30))
        )


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_calls(batch: int) -> None:
    for seed in range(batch * CALLS // BATCHES, (batch + 1) * CALLS // BATCHES):
        d = Draw(seed)
        name, arrays, ours, theirs = d.one(TEMPLATES)(d)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            want, refused = attempt(lambda: theirs(*arrays))  # noqa: B023
            tensors = [ndl.asarray(d.layout(a)) for a in arrays]
            got, error = attempt(lambda: ours(*tensors))  # noqa: B023
        text = f"seed {seed}: {name} of {[(a.shape, a.dtype.name) for a in arrays]}"
        assert (error is None) == (refused is None), f"{text}: {error or 'no error'}; NumPy: {refused or 'no error'}"
        if error is not None:
            assert re.match(r"\[\w+\] .+", str(error)), f"{text}: {error}"
            continue
        try:
            compare(name, arrays, got, want)
        except AssertionError as difference:
            raise AssertionError(f"{text}: {difference}") from None

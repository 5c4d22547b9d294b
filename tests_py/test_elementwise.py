"""Elementwise ops beside NumPy: promotion, weak numbers, operators, special values; PyTorch's gradients at kinks."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest
from op_table import activation, elementwise

INTEGERS = ("uint8", "int32", "int64")
FLOATS = ("float16", "float32", "float64")
SPECIAL = np.array([0.0, -0.0, 1, -1, 0.5, -2.5, 1.5, 2.5, 1e30, -1e-30, np.inf, -np.inf, np.nan], "float32")


def test_promotion_is_the_array_api() -> None:
    table = {
        ("uint8", "int32"): "int32",
        ("uint8", "int64"): "int64",
        ("int32", "int64"): "int64",
        ("float16", "bfloat16"): "float32",
        ("float16", "float32"): "float32",
        ("float16", "float64"): "float64",
        ("bfloat16", "float32"): "float32",
        ("bfloat16", "float64"): "float64",
        ("float32", "float64"): "float64",
    }
    names = (*INTEGERS, *FLOATS, "bfloat16", "bool")
    for a in names:
        for b in names:
            both_float = a in (*FLOATS, "bfloat16"), b in (*FLOATS, "bfloat16")
            if a == b or b == "bool":
                expected = a
            elif a == "bool":
                expected = b
            elif both_float[0] != both_float[1]:
                expected = a if both_float[0] else b
            else:
                expected = table.get((a, b)) or table[b, a]
            assert (ndl.ones(2, dtype=a) + ndl.ones(2, dtype=b)).dtype == expected


@pytest.mark.parametrize("dtype", [*FLOATS, "bfloat16"])
def test_numbers_are_weak_beside_floats(dtype: str) -> None:
    x = ndl.ones(2, dtype=dtype)
    for number in (2, 2.5, True, np.float64(0.5)):
        for op in (operator.add, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow):
            assert op(x, number).dtype == dtype
            assert op(number, x).dtype == dtype
        assert ndl.atan2(x, number).dtype == ndl.maximum(number, x).dtype == dtype


@pytest.mark.parametrize("dtype", INTEGERS)
def test_numbers_beside_integers(dtype: str) -> None:
    x = ndl.ones(2, dtype=dtype)
    assert (x + 2).dtype == (3 % x).dtype == ndl.maximum(x, 1).dtype == dtype
    assert (x + 2.0).dtype == (x / 2).dtype == (2 / x).dtype == (x // 2.0).dtype == ndl.add(x, 2.0).dtype == "float32"
    assert (ndl.ones(2, dtype="bool") + 1).dtype == "int64"
    with pytest.raises(OverflowError, match=r"10000000000000000000000"):
        x + 10**22
    if dtype == "uint8":
        for number in (-1, 256):
            with pytest.raises(OverflowError, match=dtype):
                x * number


def test_comparisons_of_integers_are_exact() -> None:
    big = 2**53 + 1
    x = ndl.tensor([big, big - 1])
    assert (x == big).tolist() == [True, False]
    assert (x > big - 1).tolist() == [True, False]
    assert (x == float(big - 1)).tolist() == [False, True]
    assert (x < 10**30).tolist() == [True, True]
    assert (x > -(10**30)).tolist() == [True, True]
    byte = ndl.tensor(np.array([0, 255], "uint8"))
    assert (byte < 300).tolist() == [True, True]
    assert (byte > -1).tolist() == [True, True]
    assert (byte == 0.5).tolist() == [False, False]
    assert (byte < 254.5).tolist() == [True, False]
    assert (ndl.tensor([0.1]) == 0.1).tolist() == [True]  # 0.1 takes the tensor's float32


ROWS = [row for row in elementwise.ROWS + activation.ROWS if row.name != "float_power"]
REAL = [row for row in ROWS if row.differentiable and len(row.shapes) == 1 and row.name != "masked_fill"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_floats_keep_their_dtype(row: Any, dtype: str) -> None:
    y = row.fn(*(ndl.tensor(a, dtype=dtype) for a in row.inputs()))
    assert y.dtype == dtype or not row.differentiable


@pytest.mark.parametrize("row", REAL, ids=lambda row: row.name)
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_integers_give_what_floats_give(row: Any, dtype: str) -> None:
    """In their own dtype where the function maps integers to integers, else in float32."""
    whole = np.array([[1, 2, 3, 4]] * 3, dtype)
    y = row.fn(ndl.tensor(whole))
    assert y.dtype in (dtype, "float32")
    if y.dtype == "float32" or dtype != "uint8":
        np.testing.assert_allclose(y.numpy(), row.fn(ndl.tensor(whole.astype("float32"))).numpy(), rtol=1e-6)


OPERATORS = [operator.floordiv, operator.mod, divmod, operator.and_, operator.or_, operator.xor]


@pytest.mark.parametrize("op", [*OPERATORS, operator.lshift, operator.rshift])
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_integer_operators(op: Callable[[Any, Any], Any], dtype: str) -> None:
    a = np.array([7, 250, 0, 3, 100, 77, 8], dtype)
    b = np.array([2, 3, 5, 0, 1, 2, 3], dtype)
    if dtype != "uint8":
        a, b = a * np.array([1, -1, 1, -1, 1, -1, 1], dtype), b * np.array([1, 1, -1, 1, -1, 1, -1], dtype)
    pairs = [(a, b), (a, 3), (100, b)]
    for x, y in pairs:
        wanted = op(x, y)
        got = op(*(ndl.tensor(v) if isinstance(v, np.ndarray) else v for v in (x, y)))
        for g, w in zip(got, wanted, strict=True) if op is divmod else [(got, wanted)]:
            assert g.dtype == w.dtype.name
            np.testing.assert_array_equal(g.numpy(), w)


def test_other_operators() -> None:
    x = ndl.tensor([1.5, -2.5])
    assert (+x).tolist() == [1.5, -2.5]
    assert abs(x).tolist() == [1.5, 2.5]
    assert round(x).tolist() == [2.0, -2.0]
    assert round(ndl.tensor([1.25, 1.35]), 1).tolist() == pytest.approx([1.2, 1.4], abs=1e-6)
    assert (~ndl.tensor([1, -4])).tolist() == [-2, 3]
    mask = x > 0
    assert (~mask).tolist() == (mask ^ True).tolist() == [False, True]
    assert (mask & True).tolist() == (False | mask).tolist() == [True, False]
    assert (np.eye(2, dtype="float32") @ x).tolist() == [1.5, -2.5]
    for wrong in ("text", 1j, object()):
        with pytest.raises(TypeError):
            x // wrong
    for call in (lambda: x & x, lambda: ~x, lambda: mask << mask, lambda: -mask, lambda: mask - mask):
        with pytest.raises(TypeError, match=r"bool|integers"):
            call()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name",
    [
        "atan2",
        "copysign",
        "fmod",
        "remainder",
        "floor_divide",
        "hypot",
        "logaddexp",
        "maximum",
        "minimum",
        "fmax",
        "fmin",
        "power",
        "equal",
        "less",
        "logical_xor",
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_special_values_of_two(name: str, dtype: str) -> None:
    a, b = (v.ravel().astype(dtype) for v in np.meshgrid(SPECIAL, SPECIAL))
    got = getattr(ndl, name)(ndl.tensor(a), ndl.tensor(b)).numpy()
    wanted = getattr(np, name)(a, b)
    np.testing.assert_allclose(got, wanted, rtol=1e-6)
    if name not in ("fmax", "fmin"):  # whose choice among two zeros NumPy leaves open
        zero = wanted == 0
        np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(wanted[zero]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name",
    [
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tan",
        "tanh",
        "arcsinh",
        "arccosh",
        "arctanh",
        "exp",
        "expm1",
        "exp2",
        "log",
        "log1p",
        "log2",
        "log10",
        "sqrt",
        "floor",
        "ceil",
        "trunc",
        "round",
        "reciprocal",
        "sign",
        "sin",
        "cos",
        "isnan",
        "isfinite",
        "isinf",
        "signbit",
        "nan_to_num",
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_special_values_of_one(name: str, dtype: str) -> None:
    x = SPECIAL.astype(dtype)
    got = getattr(ndl, name)(ndl.tensor(x)).numpy()
    wanted = getattr(np, name)(x)
    if name == "nan_to_num":
        assert np.isfinite(got).all()
    np.testing.assert_allclose(got, wanted, rtol=1e-6)
    zero = wanted == 0
    np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(wanted[zero]))


def gradient(fn: Callable[..., ndl.Tensor], *values: float) -> list[float]:
    leaves = [ndl.tensor(v, dtype="float64", requires_grad=True) for v in values]
    fn(*leaves).backward()
    return [leaf.grad.item() for leaf in leaves]


def test_gradients_at_kinks() -> None:
    assert gradient(ndl.maximum, 1, 1) == [0.5, 0.5]
    assert gradient(ndl.fmax, 1, 1) == [1, 0]
    assert gradient(ndl.fmin, np.nan, 1) == [0, 1]
    assert gradient(lambda x: ndl.clamp(x, 0, 1), 1) == [1]
    assert gradient(ndl.clamp, 2, 0, 1) == [0, 0, 1]
    assert gradient(ndl.clamp, 2, 3, 1) == [0, 0, 1]
    assert gradient(ndl.atan2, 0, 0) == [0, 0]
    assert gradient(ndl.copysign, 0, -1) == [0, 0]
    assert gradient(ndl.remainder, 7, 2) == [1, -3]
    assert gradient(ndl.fmod, -7, 2) == [1, 3]
    assert gradient(ndl.xlogy, 0, 0)[0] == 0
    assert gradient(ndl.sinc, 0) == [0]
    assert gradient(ndl.pow, 0, 2) == [0, 0]
    assert gradient(ndl.nan_to_num, np.inf) == [0]
    functional = ndl.nn.functional
    assert gradient(functional.hardtanh, 1) == gradient(functional.relu6, 0) == [0]
    assert gradient(functional.hardswish, -3) == [0]
    assert gradient(functional.hardswish, 3) == [1]
    assert gradient(functional.leaky_relu, 0) == [0.01]
    assert gradient(functional.elu, 0) == [1]
    assert gradient(functional.softplus, 21) == [1]
    assert gradient(functional.relu, np.nan) == gradient(functional.hardtanh, np.nan) == [1]
    assert np.isnan(gradient(ndl.logit, 1.5)).all()


def test_bounds() -> None:
    x = ndl.tensor([-1.0, 0.5, np.nan, 3.0])
    np.testing.assert_array_equal(ndl.clip(x, 1, 0).numpy(), np.clip(x.numpy(), 1, 0))
    assert np.isnan(ndl.clamp(x, np.nan, 1).numpy()).all()
    np.testing.assert_array_equal(ndl.clamp(x).numpy(), x.numpy())
    whole = ndl.tensor([2**60, -5])
    assert ndl.clamp(whole, 0).tolist() == [2**60, 0]
    assert ndl.clamp(whole, max=0.5).dtype == "float32"
    for y, wanted in ((ndl.where(x > 0, x, 0), "float32"), (ndl.where(x > 0, 1, 2.5), "float32")):
        assert y.dtype == wanted
    assert ndl.where(x > 0, 1, 0).dtype == "int64"
    assert x.where(x > 0, 0).tolist() == [0, 0.5, 0, 3]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: ndl.tensor([1, 2]) ** -1, ValueError),
        (lambda: ndl.tensor([1, 2]) ** ndl.tensor([1, -2]), ValueError),
        (lambda: ndl.div(ndl.ones(1), 2, rounding_mode="up"), ValueError),
        (lambda: ndl.gelu(ndl.ones(1), "erf"), ValueError),
        (lambda: ndl.glu(ndl.ones(3)), ValueError),
        (lambda: ndl.glu(ndl.ones(2), axis=1), IndexError),
        (lambda: ndl.prelu(ndl.ones(2, 3), ndl.ones(2)), ValueError),
        (lambda: ndl.softplus(ndl.ones(1), beta=0), ValueError),
        (lambda: ndl.masked_fill(ndl.ones(2), ndl.ones(2), 0), TypeError),
        (lambda: ndl.masked_fill(ndl.ones(2), ndl.ones(2) > 0, ndl.ones(2)), ValueError),
        (lambda: ndl.add("a", ndl.ones(2)), TypeError),
        (lambda: ndl.bitwise_and(ndl.ones(2), 1), TypeError),
    ],
)
def test_wrong_arguments_are_named(call: Callable[[], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def test_digamma_just_below_zero() -> None:
    x = np.array([-1e-20, -1e-9, -0.25], "f8")
    np.testing.assert_allclose(
        ndl.digamma(ndl.tensor(x)).numpy(), [1e20, 1e9 - 0.5772156649015329, 2.9141391202135285], 1e-9
    )
    x = ndl.tensor(x, requires_grad=True)
    np.testing.assert_allclose(ndl.grad(ndl.digamma(x).sum(), x)[0].numpy()[:2], [1e40, 1e18], 1e-9)


def test_integers_beyond_float64_are_refused() -> None:
    x = ndl.Tensor([1.0])
    for op in (ndl.add, ndl.mul, ndl.pow, ndl.clamp, ndl.atan2):
        with pytest.raises(OverflowError, match=r"\[number\] out of range"):
            op(x, 10**400)
    with pytest.raises(TypeError, match=r"\[argument\] of a wrong kind"):
        ndl.asarray(x, copy="x")


def test_float_remainders_are_exact() -> None:
    rng = np.random.default_rng(0)
    b = np.exp(rng.normal(size=4000) * 2).astype("f4") * rng.choice([-1, 1], 4000).astype("f4")
    whole = np.trunc(np.exp(rng.uniform(0, 14, 4000)))
    near = (whole * b).astype("f4")  # quotients at and just beside integers
    for a in (near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(np.inf)), -near, near * 1e10):
        with np.errstate(all="ignore"):
            for name in ("fmod", "remainder", "floor_divide"):
                got = getattr(ndl, name)(ndl.Tensor(a), ndl.Tensor(b)).numpy()
                np.testing.assert_array_equal(got, getattr(np, name)(a, b), name)
    with np.errstate(all="ignore"):
        special = np.array([0, -0.0, 1, -3, 5e-45, 3e38, np.inf, -np.inf, np.nan], "f4")
        a, b = (x.ravel() for x in np.meshgrid(special, special))
        got, want = ndl.fmod(ndl.Tensor(a), ndl.Tensor(b)).numpy(), np.fmod(a, b)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got[want == 0]), np.signbit(want[want == 0]))

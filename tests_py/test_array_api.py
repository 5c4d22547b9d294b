"""The array API standard's namespace: its names, dtypes, promotion, and functions whose meaning differs elsewhere."""

from __future__ import annotations

import itertools

import needlecpp as ndl
import numpy as np
import pytest

xp = ndl.zeros(1).__array_namespace__()

# Version 2024.12 without complex numbers.
NAMES = [
    "abs", "acos", "acosh", "add", "all", "any", "arange", "argmax", "argmin", "argsort", "asarray", "asin", "asinh",
    "astype", "atan", "atan2", "atanh", "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "broadcast_arrays", "broadcast_to", "can_cast", "ceil", "clip", "concat",
    "copysign", "cos", "cosh", "count_nonzero", "cumulative_prod", "cumulative_sum", "diff", "divide", "e", "empty",
    "empty_like", "equal", "exp", "expand_dims", "expm1", "eye", "finfo", "flip", "float32", "float64", "floor",
    "floor_divide", "from_dlpack", "full", "full_like", "greater", "greater_equal", "hypot", "iinfo", "inf", "int32",
    "int64", "isdtype", "isfinite", "isinf", "isnan", "less", "less_equal", "linspace", "log", "log10", "log1p",
    "log2", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "matmul", "matrix_transpose",
    "max", "maximum", "mean", "meshgrid", "min", "minimum", "moveaxis", "multiply", "nan", "negative", "newaxis",
    "nonzero", "not_equal", "ones", "ones_like", "permute_dims", "pi", "positive", "pow", "prod", "reciprocal",
    "remainder", "repeat", "reshape", "result_type", "roll", "round", "searchsorted", "sign", "signbit", "sin",
    "sinh", "sort", "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "take", "take_along_axis", "tan",
    "tanh", "tensordot", "tile", "tril", "triu", "trunc", "uint8", "unique_all", "unique_counts", "unique_inverse",
    "unique_values", "unstack", "var", "vecdot", "where", "zeros", "zeros_like", "bool", "__array_namespace_info__",
]  # fmt: skip


def test_every_name_is_there() -> None:
    assert [name for name in NAMES if not hasattr(xp, name)] == []
    assert xp.__array_api_version__ == "2024.12"
    for name in ("T", "mT", "device", "dtype", "ndim", "shape", "size", "to_device", "__dlpack__", "__index__"):
        assert hasattr(ndl.Tensor, name)
    assert xp is ndl.rand(2).__array_namespace__(api_version="2024.12")


# The standard's promotion tables; mixed kinds are not part of it.
@pytest.mark.parametrize(("a", "b"), list(itertools.product(["uint8", "int32", "int64"], repeat=2)))
def test_promotion_of_integers(a: str, b: str) -> None:
    want = np.result_type(a, b).name
    assert (xp.ones(2, dtype=a) + xp.ones(2, dtype=b)).dtype == want == xp.result_type(a, b)


@pytest.mark.parametrize(("a", "b"), list(itertools.product(["float32", "float64"], repeat=2)))
def test_promotion_of_floats(a: str, b: str) -> None:
    want = np.result_type(a, b).name
    assert (xp.ones(2, dtype=a) * xp.ones(2, dtype=b)).dtype == want == xp.result_type(a, b)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32", "float64", "float16", "bfloat16"])
def test_numbers_are_weak(dtype: str) -> None:
    x = xp.ones(2, dtype=dtype)
    assert (x + 1).dtype == (1 + x).dtype == (x * 2).dtype == (x - 1).dtype == dtype
    assert xp.result_type(x, 1) == dtype
    if xp.isdtype(dtype, "real floating"):
        assert (x + 1.5).dtype == (2.5 * x).dtype == (x / 2).dtype == (x**2.0).dtype == dtype


def test_dtypes() -> None:
    assert xp.isdtype("int32", "integral")
    assert xp.isdtype("int32", ("bool", "signed integer"))
    assert not xp.isdtype("float32", "integral")
    assert xp.can_cast("int32", "int64")
    assert not xp.can_cast("float64", "float32")
    for dtype in ("float32", "float64", "float16"):
        ours, numpys = xp.finfo(dtype), np.finfo(dtype)
        assert (ours.bits, ours.eps, ours.max, ours.min) == (numpys.bits, numpys.eps, numpys.max, numpys.min)
        assert ours.smallest_normal == numpys.smallest_normal
    for dtype in ("uint8", "int32", "int64"):
        assert (xp.iinfo(dtype).max, xp.iinfo(dtype).min) == (np.iinfo(dtype).max, np.iinfo(dtype).min)
    with pytest.raises(TypeError, match=r"\[finfo\] not a floating dtype"):
        xp.finfo("int32")
    info = xp.__array_namespace_info__()
    assert info.default_dtypes()["real floating"] == "float32"
    assert set(info.dtypes(kind="integral")) == {"int32", "int64", "uint8"}
    assert info.devices() == [info.default_device()]


def test_creation() -> None:
    assert xp.zeros((2, 3), dtype=xp.int32, device="cpu").dtype == "int32"
    assert xp.ones(3).shape == (3,)
    assert xp.full((2,), 7).dtype == "int64"
    assert xp.full((2,), 7.0).dtype == "float32"
    assert xp.full((), True).dtype == "bool"
    assert xp.arange(5).tolist() == [0, 1, 2, 3, 4]
    assert xp.arange(1, 6, 2).tolist() == [1, 3, 5]
    assert xp.arange(0.0, 1.0, 0.25).dtype == "float32"
    np.testing.assert_allclose(xp.linspace(0, 1, 5).numpy(), np.linspace(0, 1, 5))
    np.testing.assert_allclose(xp.linspace(0, 1, 4, endpoint=False).numpy(), np.linspace(0, 1, 4, endpoint=False))
    np.testing.assert_array_equal(xp.eye(2, 3, k=1).numpy(), np.eye(2, 3, 1))
    assert xp.empty_like(xp.zeros(3), dtype="int64").dtype == "int64"
    assert xp.full_like(xp.zeros(3), 2).tolist() == [2, 2, 2]
    x, y = xp.meshgrid(xp.arange(2), xp.arange(3))
    assert x.shape == y.shape == (3, 2)
    with pytest.raises(ValueError, match="device not available"):
        xp.zeros(3, device="cuda")
    a = xp.zeros(3)
    assert xp.astype(a, "float32", copy=False) is not None
    xp.astype(a, "float32").fill_(1.0)
    assert float(a.sum()) == 0


def test_functions_that_differ_elsewhere() -> None:
    x = xp.asarray([[0, 3], [5, 0]])
    rows, columns = xp.nonzero(x)
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [1, 0])
    assert xp.bitwise_invert(xp.asarray([0, 1])).tolist() == [-1, -2]
    assert xp.cumulative_sum(xp.asarray([1, 2, 3]), include_initial=True).tolist() == [0, 1, 3, 6]
    assert xp.cumulative_prod(xp.asarray([[1, 2], [3, 4]]), axis=1).tolist() == [[1, 2], [3, 12]]
    with pytest.raises(ValueError, match=r"\[cumulative\] an axis is needed"):
        xp.cumulative_sum(x)
    values, counts = xp.unique_counts(xp.asarray([3, 1, 3]))
    assert (values.tolist(), counts.tolist()) == ([1, 3], [1, 2])
    assert xp.take(x, xp.asarray([1]), axis=1).tolist() == [[3], [0]]
    assert xp.std(xp.asarray([1.0, 3.0])).item() == 1
    assert xp.squeeze(xp.zeros((1, 2)), 0).shape == (2,)
    with pytest.raises(ValueError, match=r"\[squeeze\] axis 1"):
        xp.squeeze(xp.zeros((1, 2)), 1)
    assert xp.std(xp.asarray([1.0, 3.0]), correction=1).item() == pytest.approx(2**0.5)
    assert xp.repeat(xp.asarray([1, 2]), 2).tolist() == [1, 1, 2, 2]
    assert xp.sort(xp.asarray([2, 3, 1]), descending=True).tolist() == [3, 2, 1]
    assert [1, 2, 3][xp.asarray(1)] == 2


def test_forbidden_mixes_say_so() -> None:
    with pytest.raises(TypeError, match=r"\[subtract|\[sub"):
        xp.asarray([True]) - xp.asarray([True])
    with pytest.raises(TypeError, match=r"\[bitwise_and\]"):
        xp.bitwise_and(xp.ones(2), xp.ones(2))
    with pytest.raises((ValueError, TypeError, OverflowError)):
        xp.ones(2, dtype="uint8") + 300

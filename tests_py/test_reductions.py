"""Reductions and scans beside NumPy: an empty tuple of axes, and the dtype that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest

NUMBERS = np.array([[1.5, -2.0, 0.0], [4.0, 0.25, 3.0]])

# What each function is over no axes at all: every element is a group of its own.
OVER_NOTHING: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        ("sum", "prod", "max", "min", "amax", "amin", "mean", "nansum", "nanmean", "logsumexp"), lambda x: x
    ),
    **dict.fromkeys(("norm", "vector_norm"), np.abs),
    **dict.fromkeys(("all", "any"), lambda x: x != 0),
    "count_nonzero": lambda x: (x != 0).astype("int64"),
    "ptp": np.zeros_like,
    "var": lambda x: x * np.nan,
    "std": lambda x: x * np.nan,
}


@pytest.mark.parametrize("name", OVER_NOTHING)
@pytest.mark.parametrize("keepdims", [False, True])
def test_no_axis_reduces_nothing(name: str, keepdims: bool) -> None:
    x = ndl.tensor(NUMBERS)
    for fn in (getattr(ndl, name), getattr(ndl.Tensor, name)):
        for axis in ((), []):
            got = fn(x, axis=axis, keepdims=keepdims)
            np.testing.assert_array_equal(got.numpy(), OVER_NOTHING[name](NUMBERS))
            assert got.dtype == fn(x, axis=0).dtype
        # PyTorch's own name keeps PyTorch's meaning.
        np.testing.assert_array_equal(fn(x, dim=(), keepdim=keepdims).numpy(), fn(x, keepdims=keepdims).numpy())


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "max", "all", "nansum", "logsumexp", "vector_norm"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1,), (70, 300)])
@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "bool"])
def test_no_axis_of_any_shape_and_dtype(name: str, shape: tuple[int, ...], dtype: str) -> None:
    x = ndl.tensor(np.ones(shape)).astype(dtype)
    got = getattr(ndl, name)(x, axis=())
    assert (got.shape, got.dtype) == (shape, getattr(ndl, name)(ndl.ones(2, dtype=dtype)).dtype)
    np.testing.assert_array_equal(got.astype("float64").numpy(), np.ones(shape))


def test_no_axis_in_numpys_other_functions() -> None:
    x = ndl.tensor(NUMBERS)
    for got in (
        ndl.var(x, axis=(), correction=0) + x,
        ndl.std(x, axis=(), ddof=0) + x,
        ndl.flip(x, axis=()),
        ndl.flip(x, dims=()),
        ndl.roll(x, 1, axis=()),
        ndl.squeeze(x, axis=()),
        ndl.expand_dims(x, axis=()),
        ndl.summation(x, axes=()),
        ndl.aminmax(x, axis=())[0],
        ndl.var_mean(x, axis=())[1],
        ndl.std_mean(x, axis=())[1],
    ):
        np.testing.assert_array_equal(got.numpy(), NUMBERS)
    np.testing.assert_array_equal(ndl.roll(x, 1, dims=()).numpy(), np.roll(NUMBERS, 1))
    assert ndl.permute(ndl.tensor(2.0), ()).shape == ndl.transpose(ndl.tensor(2.0), ()).shape == ()
    for turn in (lambda: ndl.transpose(x, ()), lambda: x.transpose(axes=())):
        with pytest.raises(ValueError, match=r"\[transpose\] wrong number of axes: got 0"):
            turn()


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "max", "min", "nansum", "logsumexp", "vector_norm"])
def test_gradients_over_no_axis(name: str) -> None:
    x = ndl.Tensor(NUMBERS + 5, dtype="float64", requires_grad=True)
    assert ndl.gradcheck(lambda x: getattr(ndl, name)(x, axis=()), [x])
    assert ndl.gradgradcheck(lambda x: getattr(ndl, name)(x * x, axis=()), [x])


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod", "nansum"])
@pytest.mark.parametrize("to", ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float32"])
def test_a_dtype_is_converted_to_and_kept(name: str, dtype: str, to: str) -> None:
    numbers = np.array([[2, 3, 5], [7, 1, 200]]).astype(dtype)
    x = ndl.tensor(numbers)
    fold = np.multiply if "prod" in name else np.add
    want = (fold.accumulate if "cum" in name else fold.reduce)(numbers.astype(to), axis=1, dtype=to)
    for got in (getattr(ndl, name)(x, 1, dtype=to), getattr(x, name)(dim=1, dtype=to)):
        assert got.dtype == to
        np.testing.assert_allclose(got.astype("float64").numpy(), want.astype("float64"), rtol=1e-3)


def test_integers_wrap_around() -> None:
    bytes_ = ndl.tensor([200, 100]).astype("uint8")
    assert ndl.cumsum(bytes_, 0, dtype="uint8").tolist() == [200, 44]
    assert ndl.sum(bytes_, dtype="uint8").item() == 44
    assert ndl.prod(bytes_, dtype="uint8").item() == 200 * 100 % 256
    large = ndl.tensor([2**31 - 1, 1]).astype("int32")
    assert ndl.sum(large, dtype="int32").item() == -(2**31)
    assert ndl.sum(large).item() == 2**31
    assert ndl.sum(ndl.Tensor([1, 2, 3], dtype="int32"), dtype="int32").dtype == "int32"
    assert ndl.nansum(ndl.Tensor([1.7, float("nan"), 2.7]), dtype="int64").item() == 3


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "bool"])
def test_means_are_no_integers(dtype: str) -> None:
    x = ndl.Tensor([1.7, 2.7])
    for name in ("mean", "nanmean", "vector_norm", "norm", "softmax", "softmin", "log_softmax"):
        with pytest.raises(TypeError, match=rf"\[(vector_)?{name}\] the result is no integer: got dtype {dtype}"):
            getattr(ndl, name)(x, dtype=dtype)


def test_two_names_of_one_argument() -> None:
    with pytest.raises(ValueError, match=r"\[sum\] axis and axes mean the same"):
        ndl.sum(ndl.zeros(2, 3), axis=0, axes=1)
    with pytest.raises(ValueError, match=r"\[transpose\] axes are given twice"):
        ndl.zeros(2, 3).transpose(0, 1, axes=(1, 0))
    with pytest.raises(ValueError, match=r"\[searchsorted\] two sides"):
        ndl.searchsorted(ndl.arange(3), ndl.arange(3), side="left", right=True)

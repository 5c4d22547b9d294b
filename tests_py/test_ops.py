"""Every op of the table, on every device: values, layouts, sizes, gradients of first and second order."""

from __future__ import annotations

from typing import Any

import needlecpp as ndl
import numpy as np
import pytest
from op_table import ELSEWHERE, OPS, Op

IDS = [op.name for op in OPS]


ON_EVERY_DEVICE = pytest.mark.usefixtures("device")


def leaves(op: Op) -> list[ndl.Tensor]:
    return [ndl.Tensor(a, dtype="float64", requires_grad=True) for a in op.inputs()]


def test_every_public_op_has_a_row() -> None:
    covered = {op.covers or op.name for op in OPS} | ELSEWHERE
    linalg = {f"linalg.{name}" for name in ndl.linalg.__all__ if name[0].islower()}
    public = {*ndl.ops.__all__, *linalg, *(f"fft.{name}" for name in ndl.fft.__all__)}
    assert public - covered == set()
    assert covered - public == set()


@ON_EVERY_DEVICE
@pytest.mark.parametrize("op", OPS, ids=IDS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-6), ("float16", 4e-3)])
def test_values(op: Op, dtype: str, tolerance: float) -> None:
    arrays = op.inputs(dtype)
    got = op.fn(*(ndl.tensor(a) for a in arrays)).cpu().numpy()
    expected = np.asarray(op.reference(*(a.astype("float64") for a in arrays)))
    assert got.shape == expected.shape
    np.testing.assert_allclose(got.astype("float64"), expected, rtol=tolerance, atol=tolerance)


@ON_EVERY_DEVICE
@pytest.mark.parametrize("op", [op for op in OPS if op.differentiable], ids=lambda op: op.name)
def test_gradients(op: Op) -> None:
    assert ndl.gradcheck(op.fn, leaves(op))


@ON_EVERY_DEVICE
@pytest.mark.parametrize("op", [op for op in OPS if op.differentiable and op.twice], ids=lambda op: op.name)
def test_second_derivatives(op: Op) -> None:
    assert ndl.gradgradcheck(op.fn, leaves(op))


@ON_EVERY_DEVICE
@pytest.mark.parametrize("op", OPS, ids=IDS)
def test_layouts_agree(op: Op) -> None:
    """Transposed, strided and flipped memory gives what contiguous memory gives."""

    def laid_out(array: np.ndarray[Any, Any], kind: str) -> ndl.Tensor:
        if kind == "transposed":
            return ndl.tensor(np.ascontiguousarray(array.T)).T
        if kind == "strided":
            wide = np.repeat(array, 2, axis=-1) if array.ndim else array
            return ndl.tensor(wide)[..., ::2] if array.ndim else ndl.tensor(array)
        return ndl.tensor(np.ascontiguousarray(array[::-1]))[::-1] if array.ndim else ndl.tensor(array)

    arrays = op.inputs("float32")
    expected = op.fn(*(ndl.tensor(a) for a in arrays)).cpu().numpy()
    for kind in ("transposed", "strided", "flipped"):
        got = op.fn(*(laid_out(a, kind) for a in arrays)).cpu().numpy()
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@ON_EVERY_DEVICE
@pytest.mark.parametrize("op", [op for op in OPS if op.same_shape], ids=lambda op: op.name)
@pytest.mark.parametrize("shape", [(0,), (2, 0, 3), (), (1, 1), (17,)])
def test_odd_sizes(op: Op, shape: tuple[int, ...]) -> None:
    arrays = [np.full(shape, 0.7, dtype="float32") for _ in op.shapes]
    got = op.fn(*(ndl.tensor(a) for a in arrays)).cpu().numpy()
    assert got.shape == shape
    np.testing.assert_allclose(got, op.reference(*arrays), rtol=1e-6)


def test_reductions_of_nothing() -> None:
    empty = ndl.zeros(0, 3)
    assert ndl.sum(empty).item() == 0
    assert ndl.sum(empty, 0).tolist() == [0, 0, 0]
    assert np.isnan(ndl.mean(empty).item())
    with pytest.raises(ValueError, match=r"\[max\]"):
        ndl.max(empty)


def test_a_repeated_element() -> None:
    """Long rows that are one element repeated: a stride of zero on the inner axis."""
    column = np.array([[1.0], [2.0]], dtype="float32")
    repeated = ndl.broadcast_to(ndl.tensor(column), (2, 33))
    np.testing.assert_array_equal((-repeated).numpy(), np.broadcast_to(-column, (2, 33)))
    np.testing.assert_array_equal(ndl.square(repeated).numpy(), np.broadcast_to(column**2, (2, 33)))


def test_integers_and_bool() -> None:
    x = ndl.tensor([[1, 2], [3, 4]])
    assert x.dtype == "int64"
    assert (x + 1).dtype == "int64"
    assert (x + 0.5).dtype == "float32"
    assert (x / 2).tolist() == [[0.5, 1.0], [1.5, 2.0]]
    assert ndl.sum(x > 1).item() == 3
    assert (x @ x).tolist() == [[7, 10], [15, 22]]


def test_special_values() -> None:
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0], dtype="float32")
    for name in ("exp", "tanh", "abs", "sqrt"):
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(getattr(ndl, name)(ndl.tensor(x)).numpy(), getattr(np, name)(x))
    np.testing.assert_array_equal(ndl.maximum(ndl.tensor(x), ndl.zeros(5)).numpy(), np.maximum(x, 0))
    assert np.isnan(ndl.max(ndl.tensor(x)).item())
    assert ndl.softmax(ndl.tensor([1000.0, 0.0])).tolist() == [1.0, 0.0]
    assert ndl.logsumexp(ndl.tensor([-np.inf, -np.inf])).item() == -np.inf


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ndl.zeros(2) + ndl.zeros(3), ValueError, r"\[add\] shapes do not broadcast: got \(2,\) and \(3,\)"),
        (lambda: ndl.zeros(2, 3) @ ndl.zeros(2, 3), ValueError, r"\[matmul\]"),
        (lambda: ndl.zeros(2).reshape(3), ValueError, r"\[reshape\]"),
        (lambda: ndl.zeros(2)[2], IndexError, r"got 2"),
        (lambda: ndl.zeros(2)[ndl.tensor([0, 5])], IndexError, r"got 5"),
        (lambda: ndl.sum(ndl.zeros(2), 1), IndexError, r"\[sum\] axis out of range"),
        (lambda: ndl.gather(ndl.zeros(2), 0, ndl.zeros(2)), TypeError, r"\[gather\]"),
        (lambda: ndl.Tensor([1, 2], dtype="float8"), TypeError, r"float8"),
        (lambda: ndl.Tensor([1, 2], dtype="int64", requires_grad=True), TypeError, r"requires_grad"),
        (lambda: ndl.Tensor([1.0], device="tpu"), ValueError, r"tpu"),
        (lambda: ndl.Tensor([1.0], device=ndl.cuda()), ValueError, r"cuda:0"),
        (lambda: ndl.zeros(2).backward(), RuntimeError, r"\[backward\]"),
        (lambda: ndl.concat([ndl.zeros(2), ndl.zeros(2, 2)]), ValueError, r"\[concat\]"),
        (lambda: ndl.concat([]), ValueError, r"\[concat\]"),
        (lambda: ndl.zeros(-1), ValueError, r"negative"),
        (lambda: ndl.zeros(2**40, 2**40), ValueError, r"too many"),
        (lambda: ndl.Tensor("text"), TypeError, r"not numbers"),
    ],
)
def test_errors_are_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()

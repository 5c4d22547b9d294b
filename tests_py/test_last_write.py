"""Where something is written twice to one place the last write stays, and it alone has the gradient of the place.

The oracle needs no derivative: all elements of x and of the values differ, so that each element of the result says
which of them it is, and the gradient of an element is the sum of the weights of the places that it came to.
"""

from __future__ import annotations

from collections.abc import Callable

import needlecpp as ndl
import numpy as np
import pytest

Write = Callable[[ndl.Tensor, ndl.Tensor], ndl.Tensor]


def index(values: object) -> ndl.Tensor:
    return ndl.tensor(values, dtype="int64")


def assign(key: object) -> Write:
    """``x[key] = values`` on the tape."""

    def write(x: ndl.Tensor, values: ndl.Tensor) -> ndl.Tensor:
        y = x * 1.0
        y[key] = values
        return y

    return write


def assign_to_view(x: ndl.Tensor, values: ndl.Tensor) -> ndl.Tensor:
    y = (x * 1.0).reshape(12)
    y[index([3, 3, -9, 4])] = values
    return y


GRID = index([[0, 1, 0], [2, 2, 2]])
MASK = ndl.tensor([[True, False, True, False], [False, True, True, False], [False, False, False, True]])
SHAPE = (3, 4)
# name, shape of x, shape of the values, the write
CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], Write]] = {
    "index_fill": ((2, 3), (), lambda x, v: ndl.index_fill(x, 1, index([0, 0]), v)),
    "index_fill, several": (SHAPE, (), lambda x, v: ndl.index_fill(x, 0, index([2, 0, -1, 2]), v)),
    "index_fill of a number": ((), (), lambda x, v: ndl.index_fill(x, 0, index([0, 0]), v)),
    "index_copy": (SHAPE, (4, 4), lambda x, v: ndl.index_copy(x, 0, index([2, 0, 2, -1]), v)),
    "index_copy on the last axis": (SHAPE, (3, 3), lambda x, v: ndl.index_copy(x, 1, index([1, 1, 3]), v)),
    "index_copy in the middle": ((2, 3, 2), (2, 4, 2), lambda x, v: ndl.index_copy(x, 1, index([1, 0, 1, 0]), v)),
    "scatter": (SHAPE, (2, 3), lambda x, v: ndl.scatter(x, 0, GRID, v)),
    "scatter along the last axis": (SHAPE, (2, 3), lambda x, v: ndl.scatter(x, -1, GRID, v)),
    "scatter from a longer src": (SHAPE, (3, 5), lambda x, v: ndl.scatter(x, 1, GRID, v)),
    "scatter of one value": (SHAPE, (), lambda x, v: ndl.scatter(x, 1, GRID, v)),
    "scatter, int32": (SHAPE, (2, 3), lambda x, v: ndl.scatter(x, 1, GRID.astype("int32"), v)),
    "scatter into one axis": ((5,), (4,), lambda x, v: ndl.scatter(x, 0, index([4, 1, -1, 1]), v)),
    "put_along_axis": (SHAPE, (3, 2), lambda x, v: ndl.put_along_axis(x, index([[1, 1]] * 3), v, 1)),
    "put_along_axis, broadcast": (SHAPE, (2,), lambda x, v: ndl.put_along_axis(x, index([[1, 1]]), v, 1)),
    "index_put": (SHAPE, (3, 4), lambda x, v: ndl.index_put(x, (index([1, -2, 1]),), v)),
    "index_put of pairs": (
        SHAPE,
        (4,),
        lambda x, v: ndl.index_put(x, (index([0, 0, 2, 0]), index([1, 3, 2, -3])), v),
    ),
    "index_put behind an axis": (SHAPE, (3, 3), lambda x, v: ndl.index_put(x, (None, index([3, 3, 0])), v)),
    "index_put around an axis": (
        (2, 3, 2),
        (3, 3),
        lambda x, v: ndl.index_put(x, (index([0, 1, 0]), None, index([1, 1, 1])), v),
    ),
    "index_put, broadcast": (SHAPE, (4,), lambda x, v: ndl.index_put(x, (index([[1], [1]]),), v)),
    "index_put, a mask": (SHAPE, (5,), lambda x, v: ndl.index_put(x, (MASK,), v)),
    "index_put, a mask beside an index": (
        SHAPE,
        (2,),
        lambda x, v: ndl.index_put(x, (ndl.tensor([True, False, True]), index([2, 2])), v),
    ),
    "masked_scatter": (SHAPE, (8,), lambda x, v: ndl.masked_scatter(x, MASK, v)),
    "x[i] = v": (SHAPE, (4, 4), assign(index([0, 2, 0, -1]))),
    "x[i] = one v": (SHAPE, (), assign(index([0, 2, 0, -1]))),
    "x[i] = a row": (SHAPE, (4,), assign(index([0, 2, 0, -1]))),
    "x[:, i] = v": (SHAPE, (3, 2), assign((slice(None), index([1, 1])))),
    "x[1:, i] = v": (SHAPE, (2, 3), assign((slice(1, None), index([1, -3, 0])))),
    "x[i, 1] = v": (SHAPE, (3,), assign((index([1, 1, 0]), 1))),
    "x[i, j] = v": (SHAPE, (2, 2), assign((index([[0], [0]]), index([1, 1])))),
    "x[None, i] = v": ((4, 3), (1, 2, 3), assign((None, index([1, 1])))),
    "x[..., i] = v": ((2, 2, 3), (2, 2, 2), assign((..., index([2, -1])))),
    "x[i, :, j] = v": ((2, 3, 2), (2, 3), assign((index([1, 1]), slice(None), index([0, 0])))),
    "x[mask] = v": (SHAPE, (5,), assign(MASK)),
    "x[mask, i] = v": (SHAPE, (2,), assign((ndl.tensor([True, False, True]), index([2, 2])))),
    "x[:, 1:3] = v": (SHAPE, (3, 2), assign((slice(None), slice(1, 3)))),
    "a view": (SHAPE, (4,), assign_to_view),
    "max_unpool1d": (
        (1, 4),
        (1, 3),
        lambda x, v: ndl.max_unpool1d(v, index([[1, 1, 4]]), 2, 2) + 0.0 * ndl.sum(x),
    ),
}


def operands(case: str) -> tuple[ndl.Tensor, ndl.Tensor, Write]:
    x_shape, v_shape, write = CASES[case]
    count = int(np.prod(x_shape, dtype=int))
    x = ndl.tensor(np.arange(1.0, count + 1).reshape(x_shape), dtype="float64", requires_grad=True)
    size = int(np.prod(v_shape, dtype=int))
    values = ndl.tensor(100 + np.arange(1.0, size + 1).reshape(v_shape), dtype="float64", requires_grad=True)
    return x, values, write


@pytest.mark.parametrize("case", CASES)
def test_the_last_write_has_the_gradient(case: str) -> None:
    x, values, write = operands(case)
    y = write(x, values)
    weights = np.arange(1.0, y.size + 1).reshape(y.shape)
    ndl.sum(y * ndl.tensor(weights, dtype="float64")).backward()
    result = y.numpy()
    for source in (x, values) if "unpool" not in case else (values,):
        expected = [weights[result == element].sum() for element in source.detach().numpy().reshape(-1)]
        np.testing.assert_array_equal(source.grad.numpy().reshape(-1), expected)


@pytest.mark.parametrize("case", CASES)
def test_both_derivatives(case: str) -> None:
    x, values, write = operands(case)
    assert ndl.gradcheck(lambda x, v: write(x, v), [x, values])
    assert ndl.gradgradcheck(lambda x, v: write(x, v) * write(x, v), [x, values])


def test_the_smallest_case() -> None:
    v = ndl.Tensor(5.0, requires_grad=True)
    ndl.index_fill(ndl.zeros(2, 3), 1, ndl.Tensor([0, 0], dtype="int64"), v).sum().backward()
    assert v.grad.item() == 2


@pytest.mark.parametrize("rows", [1, 7])
def test_any_number_of_threads_agrees_on_the_last(rows: int) -> None:
    """Many writes to few places: the oracle is one write after the other."""
    rng = np.random.default_rng(3)
    at = rng.integers(-50, 50, 30000)
    weights = rng.standard_normal((50, rows))
    last = {int(place) % 50: number for number, place in enumerate(at)}
    expected = np.zeros((at.size, rows), "float32")
    for place, number in last.items():
        expected[number] = weights[place].astype("float32")
    before = ndl.num_threads()
    try:
        for threads in (1, 2, 5):
            ndl.set_num_threads(threads)
            values = ndl.tensor(rng.standard_normal((at.size, rows)), dtype="float32", requires_grad=True)
            for write in (
                lambda v: ndl.index_copy(ndl.zeros(50, rows), 0, ndl.tensor(at), v),
                lambda v: ndl.index_put(ndl.zeros(50, rows), (ndl.tensor(at),), v),
                lambda v: ndl.scatter(ndl.zeros(50, rows), 0, ndl.tensor(np.repeat(at[:, None], rows, 1)), v),
            ):
                values.grad = None
                ndl.sum(write(values) * ndl.tensor(weights, dtype="float32")).backward()
                np.testing.assert_array_equal(values.grad.numpy(), expected)
    finally:
        ndl.set_num_threads(before)


def test_an_overwritten_value_may_be_anything() -> None:
    """Zero, not NaN, comes to a value that was overwritten, whatever the gradient there is."""
    v = ndl.tensor([1.0, 2.0], requires_grad=True)
    y = ndl.index_copy(ndl.zeros(2), 0, index([1, 1]), v)
    y.backward(ndl.tensor([0.0, float("inf")]))
    assert v.grad.tolist() == [0.0, float("inf")]


def test_writes_that_add_keep_every_gradient() -> None:
    v = ndl.tensor([1.0, 2.0], requires_grad=True)
    for y in (
        ndl.index_add(ndl.zeros(2), 0, index([1, 1]), v),
        ndl.scatter_add(ndl.zeros(2), 0, index([1, 1]), v),
        ndl.index_put(ndl.zeros(2), (index([1, 1]),), v, accumulate=True),
    ):
        v.grad = None
        ndl.sum(y).backward()
        assert v.grad.tolist() == [1.0, 1.0]

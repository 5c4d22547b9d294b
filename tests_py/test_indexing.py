"""Indexing as NumPy has it: thousands of random expressions, read and written, and the errors."""

from __future__ import annotations

from typing import Any

import needlecpp as ndl
import numpy as np
import pytest

SHAPES = [(), (5,), (3, 4), (2, 3, 4), (2, 1, 3, 4)]


def random_key(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """An index expression that mostly fits; its arrays broadcast."""
    picked = [(), (1,), (2,), (3, 1), (3, 2), (1, 2), (0,)][rng.integers(7)]
    items: list[Any] = []
    axis = 0
    ellipsis = False
    while axis < len(shape) and rng.random() < 0.85:
        size = shape[axis]
        kind = rng.integers(11)
        axis += 1
        if kind == 0 and size:
            items.append(int(rng.integers(-size, size)))
        elif kind == 1 and size:
            items.append(np.int64(rng.integers(-size, size)))
        elif kind <= 4:
            bounds = [None if rng.random() < 0.3 else int(rng.integers(-size - 2, size + 3)) for _ in range(2)]
            items.append(slice(*bounds, [None, 1, 2, -1, -2, 3][rng.integers(6)]))
        elif kind == 5:
            items.append(rng.integers(-size, size, picked) if size else np.zeros((0,), int))
        elif kind == 6:
            items.append(rng.integers(-size, size, 2).tolist() if size else [])
        elif kind == 7 and axis < len(shape) and rng.random() < 0.5:
            items.append(rng.random(shape[axis - 1 : axis + 1]) < 0.5)
            axis += 1
        elif kind == 7:
            items.append(rng.random(size) < 0.5)
        elif kind == 8:
            axis -= 1
            items.append(None)
        elif kind == 9 and not ellipsis:
            ellipsis = True
            axis += int(rng.integers(0, len(shape) - axis + 1)) - 1
            items.append(...)
        else:
            axis -= 1
            if rng.random() < 0.3:
                items.append([True, False, np.array(True)][rng.integers(3)])
    return tuple(items) if len(items) != 1 or rng.random() < 0.5 else items[0]


def as_tensors(key: Any, rng: np.random.Generator) -> Any:
    """Some of its arrays as tensors."""
    if isinstance(key, tuple):
        return tuple(as_tensors(item, rng) for item in key)
    return ndl.tensor(key) if isinstance(key, np.ndarray) and rng.random() < 0.5 else key


def attempt(read: Any) -> Any:
    try:
        return read()
    except (IndexError, TypeError, ValueError) as error:
        return error


def test_random_reads() -> None:
    rng = np.random.default_rng(0)
    for _ in range(3000):
        array = rng.standard_normal(SHAPES[rng.integers(len(SHAPES))])
        key = random_key(rng, array.shape)
        want = attempt(lambda array=array, key=key: array[key])
        got = attempt(lambda array=array, key=key: ndl.tensor(array)[as_tensors(key, rng)].numpy())
        if isinstance(want, Exception):
            assert isinstance(got, Exception), f"{array.shape} {key!r}: {want}"
            continue
        assert not isinstance(got, Exception), f"{array.shape} {key!r}: {got}"
        assert got.shape == np.shape(want), f"{array.shape} {key!r}"
        np.testing.assert_array_equal(got, want, err_msg=f"{array.shape} {key!r}")


def test_random_writes() -> None:
    rng = np.random.default_rng(1)
    for _ in range(3000):
        array = rng.standard_normal(SHAPES[rng.integers(len(SHAPES))])
        key = random_key(rng, array.shape)
        picked = attempt(lambda array=array, key=key: array[key])
        if isinstance(picked, Exception):
            continue
        shape = np.shape(picked)
        drop = int(rng.integers(0, len(shape) + 1))
        shape = tuple(1 if rng.random() < 0.3 else size for size in shape[drop:])
        if drop == 0 and np.ndim(picked) and rng.random() < 0.3:
            shape = (1, *shape)
        value = rng.standard_normal(shape) if rng.random() < 0.8 else 7.0
        tensor = ndl.tensor(array)
        if isinstance(attempt(lambda array=array, key=key, value=value: array.__setitem__(key, value)), TypeError):
            continue  # NumPy's rule that only a vector goes to a mask
        tensor[as_tensors(key, rng)] = ndl.tensor(value) if isinstance(value, np.ndarray) else value
        np.testing.assert_array_equal(tensor.numpy(), array, err_msg=f"{array.shape} {key!r}")


def test_gradients_of_reads() -> None:
    rng = np.random.default_rng(2)
    for _ in range(300):
        array = rng.standard_normal(SHAPES[rng.integers(len(SHAPES))])
        key = random_key(rng, array.shape)
        picked = attempt(lambda array=array, key=key: np.arange(array.size).reshape(array.shape)[key])
        if isinstance(picked, Exception):
            continue
        x = ndl.tensor(array, requires_grad=True)
        weights = rng.standard_normal(np.shape(picked))
        (x[key] * ndl.tensor(weights)).sum().backward()
        want = np.zeros(array.size)
        np.add.at(want, np.ravel(picked), np.ravel(weights))
        np.testing.assert_allclose(x.grad.numpy(), want.reshape(array.shape), atol=1e-12)


def test_overlapping_memory() -> None:
    x = ndl.arange(6)
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2, 3, 4]
    x[ndl.tensor([0, 1])] = x[ndl.tensor([5, 4])]
    assert x.tolist() == [4, 3, 1, 2, 3, 4]


def test_tensors_as_integers() -> None:
    x = ndl.arange(10)
    assert x[ndl.tensor(2) : ndl.tensor(4)].tolist() == [2, 3]
    assert list(range(ndl.tensor(3))) == [0, 1, 2]
    assert x[[ndl.tensor(1), ndl.tensor(2)]].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ((0, 0, 0), "too many indices"),
        ((..., ...), "ellipsis"),
        (3, "out of range"),
        (-4, "out of range"),
        ([3], "out of range"),
        (([0, 1], [0, 1, 2]), "broadcast"),
        (np.array([True, False]), "mask does not fit"),
        (1.5, "integers or bool"),
        ([0.5], "integers or bool"),
    ],
)
def test_errors(key: Any, message: str) -> None:
    with pytest.raises(IndexError, match=message):
        ndl.zeros(3, 4)[key]
    with pytest.raises(IndexError, match=message):
        ndl.zeros(3, 4)[key] = 1.0


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: ndl.arange(0, 10, 0), ValueError),
        (lambda: ndl.arange(0.0, 1e30, 1e-9), ValueError),
        (lambda: ndl.arange(float("nan")), ValueError),
        (lambda: ndl.linspace(0, 1, -1), ValueError),
        (lambda: ndl.linspace(0, 1, 1 << 62), MemoryError),
        (lambda: ndl.eye(-1), ValueError),
        (lambda: ndl.eye(1 << 31, 1 << 40), ValueError),
        (lambda: ndl.tril_indices(1 << 40, 1 << 10), ValueError),
        (lambda: ndl.full((1 << 40, 1 << 40), 0), ValueError),
        (lambda: ndl.zeros(2, requires_grad=True, dtype="int64"), TypeError),
        (lambda: ndl.tile(ndl.zeros(2), -1), ValueError),
        (lambda: ndl.tile(ndl.zeros(2), 1 << 62), ValueError),
        (lambda: ndl.repeat(ndl.zeros(2), -1), ValueError),
        (lambda: ndl.repeat(ndl.zeros(2), 1 << 62), ValueError),
        (lambda: ndl.repeat(ndl.zeros(2), [1, 2, 3]), ValueError),
        (lambda: ndl.repeat(ndl.zeros(2), [0.5, 1.0]), TypeError),
        (lambda: ndl.pad(ndl.zeros(2), 1 << 60), ValueError),
        (lambda: ndl.pad(ndl.zeros(2), -2), ValueError),
        (lambda: ndl.pad(ndl.zeros(0), 1, "edge"), ValueError),
        (lambda: ndl.pad(ndl.zeros(2), 1, "nowhere"), ValueError),
        (lambda: ndl.pad(ndl.zeros(2), 1 << 58, "edge"), MemoryError),
        (lambda: ndl.nn.functional.pad(ndl.zeros(2), (2, 0), "reflect"), ValueError),
        (lambda: ndl.nn.functional.pad(ndl.zeros(2), (3, 0), "circular"), ValueError),
        (lambda: ndl.nn.functional.pad(ndl.zeros(2), (1, 1, 1, 1)), ValueError),
        (lambda: ndl.zeros(4).unfold(0, 5, 1), ValueError),
        (lambda: ndl.zeros(4).unfold(0, 1, 0), ValueError),
        (lambda: ndl.narrow(ndl.zeros(4), 0, 1, 4), ValueError),
        (lambda: ndl.narrow(ndl.zeros(4), 0, 5, 0), IndexError),
        (lambda: ndl.zeros(3, 4).T.view(12), ValueError),
        (lambda: ndl.unflatten(ndl.zeros(4), 0, (3, -1)), ValueError),
        (lambda: ndl.chunk(ndl.zeros(4), 0), ValueError),
        (lambda: ndl.moveaxis(ndl.zeros(2, 3), (0, 0), (0, 1)), ValueError),
        (lambda: ndl.diagonal(ndl.zeros(4)), ValueError),
        (lambda: ndl.rot90(ndl.zeros(4)), IndexError),
        (lambda: ndl.scatter(ndl.zeros(3), 0, ndl.tensor([3]), 1.0), IndexError),
        (lambda: ndl.scatter_reduce(ndl.zeros(3), 0, ndl.tensor([0]), ndl.zeros(1), "median"), ValueError),
        (lambda: ndl.take(ndl.zeros(3), ndl.tensor([3])), IndexError),
        (lambda: ndl.masked_scatter(ndl.zeros(3), ndl.ones(3) > 0, ndl.zeros(2)), ValueError),
        (lambda: ndl.meshgrid(ndl.zeros(2, 2)), ValueError),
        (lambda: ndl.asarray([1.0], copy=False), ValueError),
    ],
)
def test_refusals(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^\["):
        call()


def test_paddings_without_elements() -> None:
    x = ndl.zeros(0, 3, requires_grad=True)
    assert ndl.pad(x, [(0, 0), (1 << 40, 0)], "edge").shape == (0, (1 << 40) + 3)
    ndl.pad(x, [(0, 0), (1, 1)], "reflect").sum().backward()
    assert x.grad.shape == (0, 3)
    y = ndl.ones(4, requires_grad=True)
    ndl.pad(y, (-4, 2), "edge").sum().backward()
    assert y.grad.tolist() == [0, 0, 0, 2]


def test_views_share_memory() -> None:
    x = ndl.zeros(4, 5)
    views = [
        x.unfold(1, 3, 2),
        ndl.diagonal(x, 1),
        ndl.rot90(x),
        ndl.moveaxis(x, 0, 1),
        ndl.chunk(x, 2)[1],
        ndl.flatten(x),
        ndl.narrow(x, 0, 1, 2),
        ndl.unflatten(x, 0, (2, 2)),
        ndl.expand_dims(x, 0),
        *ndl.meshgrid(x[0], x[:, 0]),
    ]
    x[...] = 1.0
    assert all(view.numpy().min() == 1 for view in views)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 5, 7), (70, 3, 130), (1, 200, 65), (64, 64, 64)])
def test_copies_of_every_order(dtype: str, shape: tuple[int, ...]) -> None:
    array = (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)
    x = ndl.tensor(array)
    for axes in [(0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]:
        np.testing.assert_array_equal(x.permute(axes).contiguous().numpy(), array.transpose(axes))
        y = ndl.zeros_like(x.permute(axes).contiguous())
        y.permute(tuple(np.argsort(axes)))[...] = x  # a target that is not contiguous
        np.testing.assert_array_equal(y.numpy(), array.transpose(axes))
    np.testing.assert_array_equal(
        x[::2, :, ::-1].permute(2, 1, 0).contiguous().numpy(), array[::2, :, ::-1].transpose()
    )


def test_special_values_of_extremes() -> None:
    x = ndl.tensor([1.0, np.nan, 2.0])
    index = ndl.tensor([0, 1, 2])
    got = ndl.scatter_reduce(x, 0, index, ndl.tensor([np.nan, 0.0, -np.inf]), "amax")
    np.testing.assert_array_equal(got.numpy(), [np.nan, np.nan, 2])
    whole = ndl.scatter_reduce(ndl.tensor([1, 5]), 0, ndl.tensor([0, 0]), ndl.tensor([-3, -2]), "amax", False)
    assert whole.tolist() == [-2, 5]


def test_products_with_zeros() -> None:
    """The gradient of a product at a place with one zero, and with two."""
    x = ndl.tensor([2.0, 0.0, 3.0], dtype="float64", requires_grad=True)
    src = ndl.tensor([0.0, 5.0, 0.0, 7.0, 0.0], dtype="float64", requires_grad=True)
    ndl.scatter_reduce(x, 0, ndl.tensor([0, 0, 2, 1, 2]), src, "prod").sum().backward()
    assert x.grad.tolist() == [0, 7, 0]
    assert src.grad.tolist() == [10, 0, 0, 0, 0]

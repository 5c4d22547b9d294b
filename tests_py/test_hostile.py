"""Arguments that no one means: each is refused by an exception of its own, or has its plain meaning."""

from __future__ import annotations

import needlecpp as ndl
import numpy as np
import pytest

MOST = 2**63 - 1


def endless(size: int, dtype: str = "uint8") -> ndl.Tensor:
    """One element seen `size` times."""
    return ndl.broadcast_to(ndl.zeros(1, dtype=dtype), (size,))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: ndl.concat([endless(2**62)] * 4), ValueError),
        (lambda: ndl.block_diag(*[endless(2**62)] * 4), ValueError),
        (lambda: ndl.unbind(endless(2**32 + 1)), ValueError),
        (lambda: ndl.split(endless(2**40), 1), ValueError),
        (lambda: ndl.array_split(endless(2**40), 2**40), ValueError),
        (lambda: ndl.split(ndl.zeros(4), [1.5, 2.5]), TypeError),
        (lambda: ndl.array_split(ndl.zeros(4), "ab"), TypeError),
        (lambda: ndl.nn.functional.pad(ndl.zeros(4), (1, "a")), TypeError),
        (lambda: ndl.index_put(ndl.zeros(3), 5, 1), TypeError),
        (lambda: ndl.einsum(5, ndl.ones(2, 3)), TypeError),
        (lambda: ndl.einsum(ndl.ones(2, 3), [0, "a"]), TypeError),
        (lambda: ndl.addmm(*[ndl.ones(2, 2, dtype="int64")] * 3, beta=float("inf")), TypeError),
        (lambda: ndl.histogram(ndl.zeros(3), range=(-1e308, 1e308)), ValueError),
        (lambda: ndl.bincount(ndl.tensor([2**62])), ValueError),
        (lambda: ndl.bincount(ndl.tensor([1]), minlength=MOST), ValueError),
        (lambda: ndl.scatter(ndl.zeros(3, dtype="int32"), 0, ndl.tensor([0]), 1e30), OverflowError),
        (lambda: ndl.index_fill(ndl.zeros(3, dtype="int32"), 0, ndl.tensor([0]), 2**40), OverflowError),
        (lambda: ndl.full(2, float("nan"), dtype="int64"), OverflowError),
        (lambda: ndl.full(2, 256, dtype="uint8"), OverflowError),
    ],
)
def test_refused(call, error) -> None:
    with pytest.raises(error, match=r"^\[\w+\] .*: got .*, expected .*"):
        call()


def test_bounds_at_the_end_of_int64() -> None:
    x = ndl.arange(5)
    assert ndl.slice(x, 0, MOST).shape == (0,)
    assert ndl.slice(x, 0, None, MOST).shape == (5,)
    assert [part.tolist() for part in ndl.array_split(x, [MOST])] == [[0, 1, 2, 3, 4], []]
    assert ndl.chunk(x, MOST)[4].tolist() == [4]


@pytest.mark.parametrize("offset", [-9, -2, -1, 0, 1, 3, 9])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (5, 3), (1, 7), (7, 1)])
def test_triangle_indices(shape: tuple[int, int], offset: int) -> None:
    assert ndl.tril_indices(*shape, offset).numpy().tolist() == [
        line.tolist() for line in np.tril_indices(shape[0], offset, shape[1])
    ]
    assert ndl.triu_indices(*shape, offset).numpy().tolist() == [
        line.tolist() for line in np.triu_indices(shape[0], offset, shape[1])
    ]


def test_triangle_indices_are_counted_before_they_are_made() -> None:
    with pytest.raises(MemoryError):
        ndl.tril_indices(2**36, 1)
    assert ndl.tril_indices(2**36, 1, 1 - 2**36).tolist() == [[2**36 - 1], [0]]


def test_einsum_takes_lists() -> None:
    assert ndl.einsum("i,i", ndl.ones(3), [1, 2, 3]).item() == 6


@pytest.mark.parametrize("step", [1, 2, 5])
@pytest.mark.parametrize("shape", [(12, 3), (3, 12)])
def test_gradient_of_few_long_windows(shape: tuple[int, int], step: int) -> None:
    axis = shape.index(12)
    x = ndl.rand(*shape, dtype="float64", requires_grad=True)
    assert ndl.gradcheck(lambda x: x.unfold(axis, 9, step) * ndl.arange(9, dtype="float64"), [x])


def test_sparse_pattern_changed_in_shared_memory() -> None:
    columns = np.array([0, 1])
    dense = ndl.ones(2, 2, requires_grad=True)
    y = ndl.spmm(ndl.tensor([0, 1, 2]), ndl.from_numpy(columns), ndl.ones(2, requires_grad=True), dense)
    columns[:] = 2**40  # past the tape's checks
    with pytest.raises(IndexError):
        y.sum().backward()

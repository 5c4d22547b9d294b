"""Numbers do not change in silence: on the way in from Python and NumPy, and between processes that draw at random."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest

BIG = 2**63 + 1


class OnlyDLPack:
    """An array that speaks no other protocol."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


MAKERS = [ndl.tensor, ndl.asarray, ndl.from_numpy, ndl.from_dlpack, lambda a: ndl.Tensor(a, dtype=None)]


@pytest.mark.parametrize("make", MAKERS)
def test_uint64_is_exact_or_refused(make: Any) -> None:
    for array in (np.array([BIG, 5], np.uint64), np.array([BIG, 5], ">u8"), np.array([[5, BIG]], np.uint64)[:, ::-1]):
        with pytest.raises(OverflowError, match=rf"out of range: got {BIG}, expected a value of int64"):
            make(array)
        assert make(array // 2).tolist() == (array // 2).tolist()
    assert make(np.array([], np.uint64)).shape == (0,)
    with pytest.raises(OverflowError, match="out of range"):
        make(OnlyDLPack(np.array([BIG], np.uint64)))
    assert make(OnlyDLPack(np.array([7], np.uint64))).tolist() == [7]


def test_integers_beyond_64_bits() -> None:
    for value in (2**63, -(2**63) - 1, 2**64, 2**200):
        for number in (value, [value], [[1], [value]]):
            with pytest.raises(OverflowError, match="out of range"):
                ndl.tensor(number, dtype="int64")
        with pytest.raises(OverflowError, match="out of range"):
            ndl.full((2,), value)
        x = ndl.zeros(2, dtype="int64")
        with pytest.raises(OverflowError, match="out of range"):
            x[0] = value
        with pytest.raises(OverflowError, match="out of range"):
            x.fill_(value)
        with pytest.raises(OverflowError, match="out of range"):
            x + value
        assert (x == value).tolist() == [False, False]
        assert (x < value).tolist() == [value > 0] * 2
    assert ndl.tensor([2**63 - 1, -(2**63)]).tolist() == [2**63 - 1, -(2**63)]


def test_floats_take_what_integers_cannot() -> None:
    array = np.array([BIG, 5], np.uint64)
    for dtype in ("float32", "float64"):
        want = [float(np.dtype(dtype).type(BIG)), 5.0]
        assert ndl.tensor(array, dtype=dtype).tolist() == want
        assert ndl.Tensor([BIG, 5], dtype=dtype).tolist() == want
        assert ndl.Tensor([2**64, 5], dtype=dtype).tolist() == [float(2**64), 5.0]
        assert ndl.tensor(BIG, dtype=dtype).item() == want[0]
        assert (ndl.ones(2, dtype=dtype) * np.uint64(BIG)).tolist() == [want[0]] * 2
    with pytest.raises(OverflowError):
        ndl.tensor(10**400, dtype="float64")
    assert (ndl.tensor([5]) == np.uint64(BIG)).tolist() == [False]
    with pytest.raises(OverflowError, match="out of range"):
        ndl.tensor([5]) + np.uint64(BIG)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (-1, "uint8"),
        (256, "uint8"),
        (2**31, "int32"),
        (-(2**31) - 1, "int32"),
        (1e10, "int32"),
        (2.0**63, "int64"),
        (-1e19, "int64"),
        (float("nan"), "int64"),
        (float("inf"), "uint8"),
        (-1.0, "uint8"),
        (np.int64(300), "uint8"),
        (np.float32(3e9), "int32"),
    ],
)
def test_what_an_integer_dtype_cannot_hold(value: Any, dtype: str) -> None:
    for make in (ndl.tensor, ndl.asarray, lambda v, dtype: ndl.Tensor(v, dtype=dtype)):
        for given in (value, [value], [[0, value]], np.array([value]), np.array([0, value])):
            with pytest.raises(OverflowError, match=r"^\[\w+\] out of range: got .*, expected a value of " + dtype):
                make(given, dtype=dtype)
    x = ndl.zeros(3, dtype=dtype)
    for write in (lambda: x.__setitem__(0, value), lambda: x.fill_(value), lambda: ndl.full_like(x, value)):
        with pytest.raises(OverflowError, match="out of range"):
            write()
    assert x.tolist() == [0, 0, 0]


def test_ranges_that_an_integer_dtype_cannot_hold() -> None:
    for make in (
        lambda: ndl.arange(0, 300, dtype="uint8"),
        lambda: ndl.arange(3, -2, -1, dtype="uint8"),
        lambda: ndl.arange(0.0, 1e10, 1e9, dtype="int32"),
        lambda: ndl.linspace(0, 2**33, 5, dtype="int32"),
        lambda: ndl.logspace(0, 30, 4, dtype="int64"),
    ):
        with pytest.raises(OverflowError, match="out of range"):
            make()
    assert ndl.arange(250, 256, dtype="uint8").tolist() == [250, 251, 252, 253, 254, 255]
    assert ndl.linspace(0, 255, 2, dtype="uint8").tolist() == [0, 255]


def test_fractions_are_cut_off() -> None:
    assert ndl.tensor([1.7, -1.7, 255.9], dtype="int64").tolist() == [1, -1, 255]
    assert ndl.tensor([-0.9, 255.9], dtype="uint8").tolist() == [0, 255]
    assert ndl.tensor(1.7, dtype="int32").item() == 1
    assert ndl.tensor([2, 0, -3], dtype="bool").tolist() == [True, False, True]


def test_floats_round_as_documented() -> None:
    assert ndl.tensor([0.1]).item() == float(np.float32(0.1))
    assert ndl.tensor([2**24 + 1], dtype="float32").item() == 2**24
    assert ndl.tensor([1e300]).tolist() == [float("inf")]
    assert ndl.tensor(np.array([0.1])).item() == 0.1
    assert ndl.tensor(np.array([0.1], np.longdouble)).item() == 0.1


@pytest.mark.parametrize(
    "value",
    [
        np.array(["2020-01-01"], "datetime64[D]"),
        np.array([3], "timedelta64[s]"),
        np.array([1 + 2j]),
        np.array([1 + 2j], "complex64"),
        np.array([object()]),
        np.array([Fraction(1, 2)]),
        np.array([(1, 2.0)], [("a", "i4"), ("b", "f4")]),
        np.array(["a", "b"]),
        np.array([b"ab"]),
        [Fraction(1, 2)],
        [Decimal("0.5")],
        [1j],
        ["1"],
        "text",
        None,
        {"a": 1},
    ],
    ids=repr,
)
def test_what_is_no_number_is_refused(value: Any) -> None:
    for make in (ndl.tensor, ndl.asarray, ndl.Tensor):
        with pytest.raises((TypeError, ValueError), match=r"^\[") as caught:
            make(value)
        assert str(caught.value).count("\n") < 3


def draw(_: int) -> tuple[float, ...]:
    import time

    time.sleep(0.1)  # so that every worker takes one
    return tuple(ndl.rand(3).tolist())


def numbers_of_workers() -> list[tuple[float, ...]]:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        return sorted(pool.map(draw, range(4), chunksize=1))


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_workers_draw_numbers_of_their_own() -> None:
    ndl.manual_seed(3)
    first = numbers_of_workers()
    again = numbers_of_workers()
    assert len({*first, *again}) == 8
    parent = tuple(ndl.rand(3).tolist())
    assert parent not in first
    ndl.manual_seed(3)
    assert numbers_of_workers() == first  # a seeded parent has the same children again
    assert tuple(ndl.rand(3).tolist()) == parent


def test_programs_start_at_seeds_of_their_own() -> None:
    code = "import needlecpp as ndl; print(ndl.initial_seed(), ndl.rand(4).tolist())"
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "ab"
    }
    assert len(runs) == 2
    ndl.manual_seed(11)
    ndl.rand(5)
    assert ndl.initial_seed() == 11

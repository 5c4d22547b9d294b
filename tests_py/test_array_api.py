"""The array API standard's namespace: its names, dtypes, promotion, and functions whose meaning differs elsewhere."""

from __future__ import annotations

import inspect
import itertools
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest
from test_arguments import Parameter, invoke, plain, seen, values_of

xp = ndl.zeros(1).__array_namespace__()

# Version 2024.12 of the standard, without what is there for complex numbers alone.
UNARY = (
    "abs acos acosh asin asinh atan atanh ceil conj cos cosh exp expm1 floor imag isfinite isinf isnan log "
    "log1p log2 log10 logical_not negative positive real reciprocal round sign signbit sin sinh sqrt square tan "
    "tanh trunc bitwise_invert "
)
BINARY = (
    "add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign divide equal "
    "floor_divide greater greater_equal hypot less less_equal logaddexp logical_and logical_or logical_xor "
    "maximum minimum multiply nextafter not_equal pow remainder subtract "
)
FUNCTIONS = """
arange(start, /, stop=None, step=1, *, dtype=None, device=None)
asarray(obj, /, *, dtype=None, device=None, copy=None)
empty(shape, *, dtype=None, device=None)
empty_like(x, /, *, dtype=None, device=None)
eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None)
from_dlpack(x, /, *, device=None, copy=None)
full(shape, fill_value, *, dtype=None, device=None)
full_like(x, /, fill_value, *, dtype=None, device=None)
linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True)
meshgrid(*arrays, indexing="xy")
ones(shape, *, dtype=None, device=None)
ones_like(x, /, *, dtype=None, device=None)
tril(x, /, *, k=0)
triu(x, /, *, k=0)
zeros(shape, *, dtype=None, device=None)
zeros_like(x, /, *, dtype=None, device=None)
astype(x, dtype, /, *, copy=True, device=None)
can_cast(from_, to, /)
finfo(type, /)
iinfo(type, /)
isdtype(dtype, kind)
result_type(*arrays_and_dtypes)
clip(x, /, min=None, max=None)
take(x, indices, /, *, axis=None)
take_along_axis(x, indices, /, *, axis=-1)
matmul(x1, x2, /)
matrix_transpose(x, /)
tensordot(x1, x2, /, *, axes=2)
vecdot(x1, x2, /, *, axis=-1)
broadcast_arrays(*arrays)
broadcast_to(x, /, shape)
concat(arrays, /, *, axis=0)
expand_dims(x, /, axis)
flip(x, /, *, axis=None)
moveaxis(x, source, destination, /)
permute_dims(x, /, axes)
repeat(x, repeats, /, *, axis=None)
reshape(x, /, shape, *, copy=None)
roll(x, /, shift, *, axis=None)
squeeze(x, /, axis)
stack(arrays, /, *, axis=0)
tile(x, repetitions, /)
unstack(x, /, *, axis=0)
argmax(x, /, *, axis=None, keepdims=False)
argmin(x, /, *, axis=None, keepdims=False)
count_nonzero(x, /, *, axis=None, keepdims=False)
nonzero(x, /)
searchsorted(x1, x2, /, *, side="left", sorter=None)
where(condition, x1, x2, /)
unique_all(x, /)
unique_counts(x, /)
unique_inverse(x, /)
unique_values(x, /)
argsort(x, /, *, axis=-1, descending=False, stable=True)
sort(x, /, *, axis=-1, descending=False, stable=True)
cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False)
cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False)
max(x, /, *, axis=None, keepdims=False)
mean(x, /, *, axis=None, keepdims=False)
min(x, /, *, axis=None, keepdims=False)
prod(x, /, *, axis=None, dtype=None, keepdims=False)
std(x, /, *, axis=None, correction=0.0, keepdims=False)
sum(x, /, *, axis=None, dtype=None, keepdims=False)
var(x, /, *, axis=None, correction=0.0, keepdims=False)
all(x, /, *, axis=None, keepdims=False)
any(x, /, *, axis=None, keepdims=False)
diff(x, /, *, axis=-1, n=1, prepend=None, append=None)
__array_namespace_info__()
"""
SIGNATURES = [
    *FUNCTIONS.split("\n")[1:-1],
    *(f"{name}(x, /)" for name in UNARY.split()),
    *(f"{name}(x1, x2, /)" for name in BINARY.split()),
]
PLACED, NAMED = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
CONSTANTS = ["e", "inf", "nan", "newaxis", "pi", "bool", "int32", "int64", "uint8", "float32", "float64"]


@pytest.mark.parametrize("text", SIGNATURES)
def test_signatures_are_the_standards(text: str) -> None:
    """Every parameter is taken where the standard has it, and its default is the standard's."""
    name = text.split("(")[0]
    fn = getattr(xp, name)
    signature = inspect.signature(eval(f"lambda {text[len(name) + 1 : -1]}: None"))
    parameters = [Parameter(p.name, p.kind, p.default is p.empty) for p in signature.parameters.values()]
    function = f"array_api.{name}"
    base = {p.name: plain(values_of(function, p.name)[0][0]) for p in parameters if p.required}
    if name.startswith("cumulative"):
        base["x"] = ndl.ones(3)  # of more axes, one has to be named
    expected = seen(invoke(fn, parameters, base)) if name != "empty" else None
    optional = {p.name: p.default for p in signature.parameters.values() if p.name not in base}
    for given in [{key: value} for key, value in optional.items()] + [optional]:
        got = seen(invoke(fn, parameters, base | given))
        assert got == expected or name.startswith("empty")
    # What has a name may stand in its place, too.
    placed = [p._replace(kind=PLACED) if p.kind is NAMED else p for p in parameters]
    assert seen(invoke(fn, placed, base)) == expected or name.startswith("empty")


def test_every_name_is_there() -> None:
    assert [name for name in CONSTANTS if not hasattr(xp, name)] == []
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


def test_what_each_call_of_the_standard_gives() -> None:
    x = xp.asarray([[1, 2], [3, 4]])
    assert xp.flip(x, axis=0).tolist() == [[3, 4], [1, 2]]
    assert xp.flip(x, axis=(0, 1)).tolist() == xp.flip(x).tolist() == [[4, 3], [2, 1]]
    assert xp.tril(x, k=-1).tolist() == [[0, 0], [3, 0]]
    assert xp.triu(x, k=1).tolist() == [[0, 2], [0, 0]]
    assert xp.concat([x, xp.asarray([5])], axis=None).tolist() == [1, 2, 3, 4, 5]
    assert xp.expand_dims(x).shape == (1, 2, 2)
    assert xp.roll(x, shift=1, axis=1).tolist() == [[2, 1], [4, 3]]
    for grid in (xp.meshgrid(xp.arange(2), xp.arange(3)), xp.broadcast_arrays(x, xp.asarray(0))):
        assert isinstance(grid, list)
        assert [g.shape for g in grid] in ([(3, 2)] * 2, [(2, 2)] * 2)
    assert xp.clip(x, 2, 3).tolist() == xp.clip(x, min=2, max=3).tolist() == [[2, 2], [3, 3]]
    assert xp.clip(x, max=xp.asarray([1, 3])).tolist() == [[1, 2], [1, 3]]
    real = xp.asarray([1.5])
    assert (xp.real(real).tolist(), xp.conj(real).tolist(), xp.imag(real).tolist()) == ([1.5], [1.5], [0])


def test_copies_of_reshape() -> None:
    x = xp.arange(4)
    shared = lambda y: np.shares_memory(x.numpy(), y.numpy())  # noqa: E731
    assert shared(xp.reshape(x, (2, 2)))
    assert shared(xp.reshape(x, (2, 2), copy=False))
    assert not shared(xp.reshape(x, (4,), copy=True))
    with pytest.raises(ValueError, match="view"):
        xp.reshape(xp.reshape(x, (2, 2)).T, (4,), copy=False)


@pytest.mark.parametrize("make", [xp.from_dlpack, xp.asarray])
def test_copies_of_what_comes_in(make: Any) -> None:
    array = np.arange(4.0)
    for copy, shared in ((None, True), (False, True), (True, False)):
        assert np.shares_memory(array, make(array, device="cpu", copy=copy).numpy()) == shared
    own = xp.ones(2)
    assert np.shares_memory(own.numpy(), make(own).numpy())
    assert not np.shares_memory(own.numpy(), make(own, copy=True).numpy())
    with pytest.raises(ValueError, match="needs a copy"):
        make(array.astype("int16"), copy=False)
    with pytest.raises(ValueError, match="device not available: got cuda"):
        make(array, device="cuda")


def test_the_array_object() -> None:
    x = xp.ones((2, 3))
    assert x.to_device("cpu", stream=None) is not None
    with pytest.raises(ValueError, match="streams"):
        x.to_device("cpu", stream=1)
    assert x.__array_namespace__(api_version=None) is xp
    with pytest.raises(ValueError, match=r'version of the array API: got "1999.12", expected one of 2021.12'):
        x.__array_namespace__(api_version="1999.12")
    assert x.__dlpack_device__() == (1, 0)
    x.__dlpack__(stream=None, max_version=(1, 0), dl_device=(1, 0), copy=True)
    assert complex(xp.asarray(2.0)) == 2 + 0j
    for convert in (complex, float, int, bool):
        with pytest.raises((TypeError, ValueError), match=r"single value|one element"):
            convert(xp.ones(3))
    with pytest.raises(AttributeError, match="no DLPack object"):
        xp.from_dlpack([1, 2])
    with pytest.raises(TypeError, match="not numbers"):
        xp.asarray(1j)
    with pytest.raises(TypeError, match="complex64"):
        xp.zeros(2, dtype="complex64")
    x.__array__(copy=False)
    with pytest.raises(ValueError, match=r"\[array\] needs a copy"):
        x.__array__("float64", copy=False)
    assert not np.shares_memory(np.array(x), x.numpy())


@pytest.mark.parametrize("name", BINARY.split())
def test_python_numbers_stand_beside_arrays(name: str) -> None:
    fn = getattr(xp, name)
    x = xp.asarray([1, 2]) if "bitwise" in name else xp.asarray([0.5, 2.0])
    number = 2 if "bitwise" in name else 2.0
    whole = xp.full_like(x, 2)
    for got, want in ((fn(x, number), fn(x, whole)), (fn(number, x), fn(whole, x))):
        assert (got.dtype, got.tolist()) == (want.dtype, want.tolist())


def test_dtypes_compare() -> None:
    x = xp.ones(2, dtype=xp.float64)
    assert x.dtype == xp.float64 == np.dtype("float64") != xp.float32
    assert {xp.float64: 1}[x.dtype] == 1
    assert xp.isdtype(np.float64, "real floating")
    assert not xp.isdtype("float64", "complex floating")
    with pytest.raises(TypeError, match="unknown element type"):
        xp.isdtype("float64", "no such kind")
    assert xp.result_type(xp.asarray([True]), 1) == "int64"
    assert xp.can_cast(np.dtype("int32"), np.int64)
    info = xp.__array_namespace_info__()
    assert set(info.capabilities()) == {"boolean indexing", "data-dependent shapes", "max dimensions"}
    assert xp.zeros((1,) * info.capabilities()["max dimensions"]).ndim == 12
    assert info.default_device() == xp.zeros(1).device
    for kind in ("bool", "signed integer", "unsigned integer", "integral", "real floating", "numeric", None):
        for dtype in info.dtypes(kind=kind, device="cpu").values():
            assert xp.zeros(2, dtype=dtype).dtype == dtype
            assert kind is None or xp.isdtype(dtype, kind)
    assert info.dtypes(kind=("bool", "unsigned integer")) == {"bool": "bool", "uint8": "uint8"}
    with pytest.raises(ValueError, match="device"):
        info.dtypes(device="cuda")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_the_next_number(dtype: str) -> None:
    info = np.finfo(dtype)
    some = [0.0, -0.0, 1.0, -1.0, 1.5, info.max, -info.max, np.inf, -np.inf, np.nan, info.tiny, info.smallest_subnormal]
    a, b = (array.astype(dtype) for array in np.meshgrid(np.array(some), np.array(some)))
    with np.errstate(over="ignore", under="ignore"):
        for x, y in ((a, b), (a.T, b), (a[0], b), (a[0, 2], b), (a, b[::2, :1].repeat(2, 0))):
            np.testing.assert_array_equal(xp.nextafter(ndl.tensor(x), ndl.tensor(y)).numpy(), np.nextafter(x, y))
    zero = xp.nextafter(ndl.tensor([0.0, -0.0]).astype(dtype), ndl.tensor([-0.0, 0.0]).astype(dtype))
    assert np.signbit(zero.numpy()).tolist() == [True, False]


def test_the_next_number_of_16_bits_is_a_step_of_the_bits() -> None:
    bits = np.arange(0, 0x7F80, dtype="uint32")  # the positive bfloat16 numbers, each the upper half of a float32
    numbers = ndl.tensor((bits << 16).view("float32")).astype("bfloat16")
    up = ndl.nextafter(numbers, float("inf")).astype("float32").numpy()
    np.testing.assert_array_equal(up.view("uint32") >> 16, bits + 1)
    down = ndl.nextafter(numbers[1:], float("-inf")).astype("float32").numpy()
    np.testing.assert_array_equal(down.view("uint32") >> 16, bits[:-1])


def test_the_next_number_and_gradients() -> None:
    a, b = (ndl.Tensor([[1.0, 2.0], [3.0, -4.0]], dtype="float64", requires_grad=True) for _ in range(2))
    ndl.nextafter(a, b + 1).sum().backward()
    assert a.grad is not None
    assert a.grad.tolist() == [[1, 1], [1, 1]]
    assert b.grad is not None
    assert b.grad.tolist() == [[0, 0], [0, 0]]
    assert xp.nextafter(ndl.tensor([1]), 2).dtype == "float32"

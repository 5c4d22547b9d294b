"""The array API standard over needlecpp's ops: the namespace that ``Tensor.__array_namespace__()`` returns.

Version 2024.12 of the standard for the dtypes that exist here: bool, int32, int64, uint8, float32 and float64 (and the
16-bit floats beyond it); there are no complex numbers. A dtype is its name, as in ``Tensor.dtype``. Most functions are
those of ``needlecpp`` itself; the few that mean something else there, or take other arguments, are defined below.

>>> import needlecpp as ndl
>>> xp = ndl.zeros(3).__array_namespace__()
>>> xp.sum(xp.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=0)
tensor([4., 6.])
"""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from . import _array_api_linalg as linalg
from . import _core, ops
from ._core import Device, Tensor, asarray, from_dlpack
from .ops import (
    abs,
    acos,
    acosh,
    add,
    all,
    any,
    argmax,
    argmin,
    argsort,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    bitwise_and,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    broadcast_to,
    ceil,
    clip,
    copysign,
    cos,
    cosh,
    count_nonzero,
    diff,
    divide,
    equal,
    exp,
    expm1,
    floor,
    floor_divide,
    greater,
    greater_equal,
    hypot,
    isfinite,
    isin,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    matmul,
    matrix_transpose,
    max,
    maximum,
    mean,
    min,
    minimum,
    moveaxis,
    multiply,
    negative,
    nextafter,
    not_equal,
    permute_dims,
    positive,
    pow,
    prod,
    reciprocal,
    remainder,
    repeat,
    round,
    searchsorted,
    sign,
    signbit,
    sin,
    sinh,
    sort,
    sqrt,
    square,
    stack,
    subtract,
    sum,
    take,
    take_along_axis,
    tan,
    tanh,
    tensordot,
    tile,
    trunc,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
    unstack,
    vecdot,
    where,
)

__array_api_version__ = "2024.12"

e, pi, inf, nan, newaxis = math.e, math.pi, math.inf, math.nan, None
bool, int32, int64, uint8, float32, float64 = "bool", "int32", "int64", "uint8", "float32", "float64"

_KINDS: dict[str, set[str]] = {
    "bool": {"bool"},
    "signed integer": {"int32", "int64"},
    "unsigned integer": {"uint8"},
    "integral": {"int32", "int64", "uint8"},
    "real floating": {"float32", "float64", "float16", "bfloat16"},
    "complex floating": set(),
    "numeric": {"int32", "int64", "uint8", "float32", "float64", "float16", "bfloat16"},
}


def _name(dtype: Any) -> str:
    """The name of a dtype, or of an array's; TypeError if there is none such."""
    dtype = getattr(dtype, "dtype", dtype) if isinstance(dtype, Tensor) else dtype
    return _core.promote_types(dtype, dtype)


def _check_device(device: Any) -> None:
    """ValueError for a device that is not there."""
    if device is not None:
        _core.ops.empty(0, device=device)


def zeros(shape: int | Sequence[int], *, dtype: str | None = None, device: Any = None) -> Tensor:
    """Zeros, float32 by default."""
    return _core.ops.zeros(shape, dtype=dtype, device=device)


def ones(shape: int | Sequence[int], *, dtype: str | None = None, device: Any = None) -> Tensor:
    """Ones, float32 by default."""
    return _core.ops.ones(shape, dtype=dtype, device=device)


def empty(shape: int | Sequence[int], *, dtype: str | None = None, device: Any = None) -> Tensor:
    """Uninitialised, float32 by default."""
    return _core.ops.empty(shape, dtype=dtype, device=device)


def full(shape: int | Sequence[int], fill_value: float, *, dtype: str | None = None, device: Any = None) -> Tensor:
    """One value everywhere, in the value's own dtype by default."""
    return ops.full(shape, fill_value, dtype=dtype, device=device)


def zeros_like(x: Tensor, /, *, dtype: str | None = None, device: Any = None) -> Tensor:
    """Zeros of x's shape and, by default, dtype and device."""
    return ops.zeros_like(x, dtype=dtype, device=device)


def ones_like(x: Tensor, /, *, dtype: str | None = None, device: Any = None) -> Tensor:
    """Ones of x's shape and, by default, dtype and device."""
    return ops.ones_like(x, dtype=dtype, device=device)


def empty_like(x: Tensor, /, *, dtype: str | None = None, device: Any = None) -> Tensor:
    """Uninitialised, of x's shape and, by default, dtype and device."""
    return ops.empty_like(x, dtype=dtype, device=device)


def full_like(x: Tensor, /, fill_value: float, *, dtype: str | None = None, device: Any = None) -> Tensor:
    """One value everywhere, in x's shape and, by default, dtype and device."""
    return ops.full_like(x, fill_value, dtype=dtype, device=device)


def arange(
    start: float,
    /,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: str | None = None,
    device: Any = None,
) -> Tensor:
    """Evenly spaced numbers in [start, stop)."""
    return ops.arange(0 if stop is None else start, start if stop is None else stop, step, dtype=dtype, device=device)


def linspace(
    start: float,
    stop: float,
    /,
    num: int,
    *,
    dtype: str | None = None,
    device: Any = None,
    endpoint: builtins.bool = True,
) -> Tensor:
    """num evenly spaced numbers from start to stop."""
    return ops.linspace(start, stop, num, endpoint=endpoint, dtype=dtype, device=device)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: str | None = None, device: Any = None
) -> Tensor:
    """Ones on the k-th diagonal."""
    return ops.eye(n_rows, n_cols, k, dtype=dtype, device=device)


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> list[Tensor]:
    """Coordinate matrices, one a vector."""
    return list(ops.meshgrid(*arrays, indexing=indexing))


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Zeros above the k-th diagonal of the last two axes."""
    return ops.tril(x, k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Zeros below the k-th diagonal of the last two axes."""
    return ops.triu(x, k)


def astype(x: Tensor, dtype: str, /, *, copy: builtins.bool = True, device: Any = None) -> Tensor:
    """x in another dtype, on another device if one is named; with copy=False x itself where nothing changes."""
    return x.to(_name(dtype), device=device, copy=copy)


def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    """Views of all in the shape that they broadcast to."""
    return list(ops.broadcast_arrays(*arrays))


def concat(arrays: Sequence[Tensor], /, *, axis: int | None = 0) -> Tensor:
    """Joined along an axis; with axis=None all elements in one row."""
    if axis is None:
        return ops.concat([ops.ravel(array) for array in arrays])
    return ops.concat(arrays, axis)


def expand_dims(x: Tensor, /, axis: int | tuple[int, ...] = 0) -> Tensor:
    """A new axis of size 1."""
    return ops.expand_dims(x, axis)


def flip(x: Tensor, /, *, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """The order along the axes (all by default) reversed."""
    return ops.flip(x, axis)


def reshape(x: Tensor, /, shape: tuple[int, ...], *, copy: builtins.bool | None = None) -> Tensor:
    """The same elements in another shape: a view where it can be, always a copy with copy=True, never with False."""
    if copy is None:
        return x.reshape(shape)
    return x.clone().reshape(shape) if copy else x.view(shape)


def roll(x: Tensor, /, shift: int | tuple[int, ...], *, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Elements moved along axes (of the flattened array without one), from one end to the other."""
    return ops.roll(x, shift, axis)


def real(x: Tensor, /) -> Tensor:
    """The real part of real numbers: x."""
    return x


def conj(x: Tensor, /) -> Tensor:
    """The complex conjugate of real numbers: x."""
    return x


def imag(x: Tensor, /) -> Tensor:
    """The imaginary part of real numbers: zeros."""
    return zeros_like(x)


def result_type(*arrays_and_dtypes: Any) -> str:
    """The dtype of arithmetic on these arrays, dtypes and Python numbers; a number widens no array of its kind."""
    numbers = [value for value in arrays_and_dtypes if isinstance(value, (builtins.bool, int, float))]
    dtypes = [_name(value) for value in arrays_and_dtypes if not isinstance(value, (builtins.bool, int, float))]
    if not dtypes:
        raise ValueError(
            "[result_type] no array or dtype among the arguments: got numbers alone, expected one at least."
        )
    result = functools.reduce(_core.promote_types, dtypes)
    if builtins.any(isinstance(number, float) for number in numbers) and not isdtype(result, "real floating"):
        return float32
    if result == bool and not builtins.all(isinstance(number, builtins.bool) for number in numbers):
        return int64
    return result


def can_cast(from_: str | Tensor, to: str, /) -> builtins.bool:
    """Whether promotion leads from one dtype to the other."""
    return _core.promote_types(_name(from_), to) == _name(to)


def isdtype(dtype: str, kind: str | tuple[str, ...]) -> builtins.bool:
    """Whether a dtype is of a kind ("integral", "real floating", ...), or one of the dtypes given."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return builtins.any(_name(dtype) in (_KINDS[k] if k in _KINDS else {_name(k)}) for k in kinds)


class FloatInfo(NamedTuple):
    """The limits of a floating dtype."""

    dtype: str
    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float


class IntegerInfo(NamedTuple):
    """The limits of an integer dtype."""

    dtype: str
    bits: int
    max: int
    min: int


def _float_info(dtype: str, bits: int, mantissa: int, exponent: int) -> FloatInfo:
    largest = math.ldexp(2 - 2.0**-mantissa, exponent)
    return FloatInfo(dtype, bits, 2.0**-mantissa, largest, -largest, math.ldexp(1, 1 - exponent))


_FLOATS = {
    info.dtype: info
    for info in (
        _float_info(float32, 32, 23, 127),
        _float_info(float64, 64, 52, 1023),
        _float_info("float16", 16, 10, 15),
        _float_info("bfloat16", 16, 7, 127),
    )
}
_INTEGERS = {
    info.dtype: info
    for info in (
        IntegerInfo(int32, 32, 2**31 - 1, -(2**31)),
        IntegerInfo(int64, 64, 2**63 - 1, -(2**63)),
        IntegerInfo(uint8, 8, 255, 0),
    )
}


def finfo(type: str | Tensor, /) -> FloatInfo:
    """The limits of a floating dtype."""
    dtype = _name(type)
    if dtype not in _FLOATS:
        raise TypeError(f"[finfo] not a floating dtype: got {dtype}, expected one of {', '.join(_FLOATS)}.")
    return _FLOATS[dtype]


def iinfo(type: str | Tensor, /) -> IntegerInfo:
    """The limits of an integer dtype."""
    dtype = _name(type)
    if dtype not in _INTEGERS:
        raise TypeError(f"[iinfo] not an integer dtype: got {dtype}, expected one of {', '.join(_INTEGERS)}.")
    return _INTEGERS[dtype]


def std(x: Tensor, /, *, axis: Any = None, correction: float = 0.0, keepdims: builtins.bool = False) -> Tensor:
    """The standard deviation over the axes; the divisor is the number of elements less the correction."""
    return ops.std(x, axis, correction=correction, keepdims=keepdims)


def var(x: Tensor, /, *, axis: Any = None, correction: float = 0.0, keepdims: builtins.bool = False) -> Tensor:
    """The variance over the axes; the divisor is the number of elements less the correction."""
    return ops.var(x, axis, correction=correction, keepdims=keepdims)


def squeeze(x: Tensor, /, axis: int | tuple[int, ...]) -> Tensor:
    """x without the axes given, which have size 1."""
    for i in axis if isinstance(axis, tuple) else (axis,):
        if -x.ndim <= i < x.ndim and x.shape[i] != 1:
            raise ValueError(f"[squeeze] axis {i} is no single element: got size {x.shape[i]}, expected 1.")
    return ops.squeeze(x, axis)


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """The positions of the nonzero elements, one index array an axis."""
    if x.ndim == 0:
        raise ValueError("[nonzero] a 0-d array has no axis to count along: got shape (), expected at least one.")
    return tuple(ops.unbind(ops.argwhere(x), 1))


def bitwise_invert(x: Tensor, /) -> Tensor:
    """All bits flipped."""
    return ops.bitwise_not(x)


def _cumulative(
    scan: Callable[..., Tensor],
    first: int,
    x: Tensor,
    axis: int | None,
    dtype: str | None,
    include_initial: builtins.bool,
) -> Tensor:
    if axis is None:
        if x.ndim > 1:
            raise ValueError(f"[cumulative] an axis is needed: got {x.ndim} axes and axis=None, expected one axis.")
        axis = 0
    y = scan(x, axis, dtype=dtype)
    if not include_initial:
        return y
    shape = [1 if i == axis % x.ndim else n for i, n in enumerate(x.shape)]
    return concat([full(shape, first, dtype=y.dtype, device=y.device), y], axis=axis)


def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: str | None = None, include_initial: builtins.bool = False
) -> Tensor:
    """Prefix sums along an axis; include_initial puts a 0 in front."""
    return _cumulative(ops.cumsum, 0, x, axis, dtype, include_initial)


def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: str | None = None, include_initial: builtins.bool = False
) -> Tensor:
    """Prefix products along an axis; include_initial puts a 1 in front."""
    return _cumulative(ops.cumprod, 1, x, axis, dtype, include_initial)


class Info:
    """What this namespace can do: devices, dtypes and defaults."""

    def capabilities(self) -> dict[str, Any]:
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 12}

    def default_device(self) -> Device:
        return _core.default_device()

    def devices(self) -> list[Device]:
        return [device for device in (_core.cpu(), _core.cuda()) if device.enabled()]

    def default_dtypes(self, *, device: Any = None) -> dict[str, str]:
        _check_device(device)
        return {"real floating": float32, "integral": int64, "indexing": int64}

    def dtypes(self, *, device: Any = None, kind: str | tuple[str, ...] | None = None) -> dict[str, str]:
        _check_device(device)
        names = (bool, int32, int64, uint8, float32, float64)
        return {name: name for name in names if kind is None or isdtype(name, kind)}


def __array_namespace_info__() -> Info:
    """What this namespace can do."""
    return Info()


def __getattr__(name: str) -> Any:
    if name == "fft":
        raise AttributeError(
            "[array_api] no extension fft: the standard's needs complex dtypes, which do not exist here. "
            "needlecpp.fft computes on pairs of real numbers."
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

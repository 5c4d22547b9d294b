"""NumPy's functions on tensors.

Elementwise functions (ufuncs) are the same in both: ``np.sin(x)`` and ``array + x`` are ``needlecpp.sin(x)`` and
``x + array``, tensors through which gradients flow. All other functions of NumPy see a tensor as the array that shares
its memory and return arrays; a tensor that requires grad is refused there, since its gradient would end in silence,
except where a result has none (``np.allclose``, ``np.argmax``, ``np.save``).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from . import _core, ops
from ._core import Tensor

# Of two arrays beside a tensor the operator knows what is weak; the rest are functions of the same name.
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "power": operator.pow,
    "matmul": operator.matmul,
    "divmod": divmod,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "left_shift": operator.lshift,
    "right_shift": operator.rshift,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}
_REFLECTED = {
    "add": "__radd__",
    "subtract": "__rsub__",
    "multiply": "__rmul__",
    "divide": "__rtruediv__",
    "floor_divide": "__rfloordiv__",
    "remainder": "__rmod__",
    "power": "__rpow__",
    "matmul": "__rmatmul__",
    "divmod": "__rdivmod__",
    "bitwise_and": "__rand__",
    "bitwise_or": "__ror__",
    "bitwise_xor": "__rxor__",
    "left_shift": "__rlshift__",
    "right_shift": "__rrshift__",
    "equal": "__eq__",
    "not_equal": "__ne__",
    "less": "__gt__",
    "less_equal": "__ge__",
    "greater": "__lt__",
    "greater_equal": "__le__",
}
_NO_GRADIENT = {
    "all",
    "allclose",
    "any",
    "argmax",
    "argmin",
    "argpartition",
    "argsort",
    "argwhere",
    "array2string",
    "array_equal",
    "array_equiv",
    "array_repr",
    "array_str",
    "can_cast",
    "count_nonzero",
    "empty_like",
    "flatnonzero",
    "full_like",
    "isclose",
    "may_share_memory",
    "min_scalar_type",
    "ndim",
    "nonzero",
    "ones_like",
    "result_type",
    "save",
    "savetxt",
    "savez",
    "savez_compressed",
    "searchsorted",
    "shape",
    "shares_memory",
    "size",
    "zeros_like",
}


def _array(value: Any, name: str, refuse: bool) -> Any:
    """The value with arrays in place of tensors, also inside lists, tuples and dicts."""
    if isinstance(value, Tensor):
        if refuse and value.requires_grad and _core.grad_enabled():
            raise TypeError(
                f"[numpy.{name}] a tensor whose gradient would be lost: got one that requires grad, expected one that "
                f"does not. Use needlecpp.{name} where there is one, or pass x.detach()."
            )
        return value.numpy()
    if isinstance(value, (list, tuple)):
        items = [_array(item, name, refuse) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {key: _array(item, name, refuse) for key, item in value.items()}
    return value


def _array_function(
    self: Tensor, function: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    name = function.__name__
    refuse = name not in _NO_GRADIENT
    return function(*_array(args, name, refuse), **_array(kwargs, name, refuse))


def _array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    name = ufunc.__name__
    if method == "__call__" and not kwargs:
        if name in _OPERATORS:
            left, right = inputs
            if isinstance(left, Tensor):
                return _OPERATORS[name](left, right)
            result = getattr(right, _REFLECTED[name])(left)
            if result is NotImplemented:
                raise TypeError(f"[numpy.{name}] no numbers: got {type(left).__name__}, expected an array of numbers.")
            return result
        own = getattr(ops, name, None)
        if own is not None:
            return own(*(_core.asarray(x) if isinstance(x, np.ndarray) else x for x in inputs))
    return getattr(ufunc, method)(*_array(inputs, name, True), **_array(kwargs, name, True))


Tensor.__array_ufunc__ = _array_ufunc  # type: ignore[attr-defined]
Tensor.__array_function__ = _array_function  # type: ignore[attr-defined]

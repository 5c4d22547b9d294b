"""NumPy's functions on tensors.

Elementwise functions (ufuncs) are the same in both: ``np.sin(x)`` and ``array + x`` are ``needlecpp.sin(x)`` and
``x + array``, tensors through which gradients flow. All other functions of NumPy see a tensor as the array that shares
its memory and return arrays; a tensor that requires grad is refused there, since its gradient would end in silence,
except where a result has none (``np.allclose``, ``np.argmax``, ``np.save``).

Ufuncs go by their names here, so that importing needlecpp does not import NumPy.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from . import _core, ops
from ._core import Tensor

if TYPE_CHECKING:
    import numpy as np

# What Python's operators come as, with the operator for a tensor on the left and the one for a tensor on the right.
_OPERATORS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "add": (operator.add, Tensor.__radd__),
    "subtract": (operator.sub, Tensor.__rsub__),
    "multiply": (operator.mul, Tensor.__rmul__),
    "divide": (operator.truediv, Tensor.__rtruediv__),
    "true_divide": (operator.truediv, Tensor.__rtruediv__),  # before NumPy 2
    "floor_divide": (operator.floordiv, Tensor.__rfloordiv__),
    "remainder": (operator.mod, Tensor.__rmod__),
    "power": (operator.pow, Tensor.__rpow__),
    "matmul": (operator.matmul, Tensor.__rmatmul__),
    "divmod": (divmod, Tensor.__rdivmod__),
    "bitwise_and": (operator.and_, Tensor.__rand__),
    "bitwise_or": (operator.or_, Tensor.__ror__),
    "bitwise_xor": (operator.xor, Tensor.__rxor__),
    "left_shift": (operator.lshift, Tensor.__rlshift__),
    "right_shift": (operator.rshift, Tensor.__rrshift__),
    "equal": (operator.eq, Tensor.__eq__),
    "not_equal": (operator.ne, Tensor.__ne__),
    "less": (operator.lt, Tensor.__gt__),
    "less_equal": (operator.le, Tensor.__ge__),
    "greater": (operator.gt, Tensor.__lt__),
    "greater_equal": (operator.ge, Tensor.__le__),
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
    if method == "__call__" and not kwargs:
        operators = _OPERATORS.get(ufunc.__name__)
        if operators is not None:
            left, right = inputs
            if isinstance(left, Tensor):
                return operators[0](left, right)
            result = operators[1](right, left)
            if result is NotImplemented:
                raise TypeError(
                    f"[numpy.{ufunc.__name__}] no numbers: got {type(left).__name__}, expected an array of numbers."
                )
            return result
        own = getattr(ops, ufunc.__name__, None)
        if own is not None:
            import numpy as np

            return own(*(_core.asarray(x) if isinstance(x, np.ndarray) else x for x in inputs))
    name = ufunc.__name__
    return getattr(ufunc, method)(*_array(inputs, name, True), **_array(kwargs, name, True))


Tensor.__array_ufunc__ = _array_ufunc  # type: ignore[attr-defined]
Tensor.__array_function__ = _array_function  # type: ignore[attr-defined]

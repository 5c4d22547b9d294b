"""One row an op: how to call it, what NumPy says, and what its inputs may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import needlecpp as ndl
import numpy as np

Array = np.ndarray[Any, Any]


@dataclass
class Op:
    """A differentiable (or not) function of tensors with a NumPy twin."""

    name: str
    fn: Callable[..., Any]
    reference: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...] = ((3, 4),)
    low: float = -2.0
    high: float = 2.0
    differentiable: bool = True
    twice: bool = True  # second derivatives are checked too
    same_shape: bool = False  # works on any shape: layouts and empty sizes are checked too
    covers: str = ""  # the public name the row covers, if not `name`
    # Values of parameters that argument_table.py has none of, or others of, as they stand there in CALLS.
    arguments: dict[str, list[Any]] = field(default_factory=dict)

    def inputs(self, dtype: str = "float64", seed: int = 0) -> list[Array]:
        # Distinct values, so that no max has a tie and no kink is within reach of a finite difference.
        rng = np.random.default_rng(seed)
        arrays = []
        for i, shape in enumerate(self.shapes):
            size = int(np.prod(shape))
            values = (
                self.low + (self.high - self.low) * (rng.permutation(size) + 0.5) / max(size, 1) + 0.0123 + 0.0371 * i
            )
            arrays.append(values.reshape(shape).astype(dtype))
        return arrays


def unary(name: str, reference: Callable[..., Any], **kwargs: Any) -> Op:
    return Op(name, getattr(ndl, name), reference, same_shape=True, **kwargs)


def binary(name: str, reference: Callable[..., Any], **kwargs: Any) -> Op:
    return Op(name, getattr(ndl, name), reference, shapes=((3, 4), (3, 4)), same_shape=True, **kwargs)


POSITIVE: dict[str, Any] = {"low": 0.3, "high": 3.0}
CONSTANT: dict[str, Any] = {"differentiable": False}

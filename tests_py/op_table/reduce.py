"""Rows of the reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import CONSTANT, Op

ROWS = [
    Op("sum", ndl.sum, np.sum),
    Op("sum axis", lambda x: ndl.sum(x, 1), lambda x: x.sum(1), ((2, 3, 4),), covers="sum"),
    Op(
        "sum axes",
        lambda x: ndl.sum(x, (0, -1), True),
        lambda x: x.sum((0, -1), keepdims=True),
        ((2, 3, 4),),
        covers="sum",
    ),
    Op("summation", lambda x: ndl.summation(x, axes=(0,)), lambda x: x.sum(0)),
    Op("mean", ndl.mean, np.mean),
    Op("mean axis", lambda x: ndl.mean(x, 0), lambda x: x.mean(0), covers="mean"),
    Op("max", ndl.max, np.max),
    Op("max axis", lambda x: ndl.max(x, 0), lambda x: x.max(0), covers="max"),
    Op(
        "max axes",
        lambda x: ndl.max(x, (0, 2), True),
        lambda x: x.max((0, 2), keepdims=True),
        ((2, 3, 4),),
        covers="max",
    ),
    Op("min", ndl.min, np.min),
    Op("min axis", lambda x: ndl.min(x, 1, keepdims=True), lambda x: x.min(1, keepdims=True), covers="min"),
    Op("argmax", lambda x: ndl.argmax(x, 1), lambda x: x.argmax(1), **CONSTANT),
    Op("argmax flat", ndl.argmax, np.argmax, covers="argmax", **CONSTANT),
    Op("argmin", lambda x: ndl.argmin(x, 0), lambda x: x.argmin(0), **CONSTANT),
    Op(
        "argmax keepdims",
        lambda x: ndl.argmax(x, keepdims=True),
        lambda x: x.argmax(keepdims=True),
        covers="argmax",
        **CONSTANT,
    ),
]

# PyTorch operators whose call differs from ours in more than the names of axes.
GOLDEN: dict[str, Callable[..., Any]] = {}

"""Rows of the ops that make tensors: what they read of their input is at most its shape."""

from __future__ import annotations

import needlecpp as ndl
import numpy as np

from .row import CONSTANT, Op

ROWS = [
    Op("arange", lambda x: ndl.arange(7, -3, -2), lambda x: np.arange(7, -3, -2), **CONSTANT),
    Op(
        "arange floats",
        lambda x: ndl.arange(0, 1, 0.125),
        lambda x: np.arange(0, 1, 0.125),
        covers="arange",
        **CONSTANT,
    ),
    Op("linspace", lambda x: ndl.linspace(1, 3, 9), lambda x: np.linspace(1, 3, 9), **CONSTANT),
    Op(
        "linspace open",
        lambda x: ndl.linspace(1, 3, 8, endpoint=False),
        lambda x: np.linspace(1, 3, 8, endpoint=False),
        covers="linspace",
        **CONSTANT,
    ),
    Op(
        "logspace",
        lambda x: ndl.logspace(-1, 2, 4, base=2, dtype="float64"),
        lambda x: np.logspace(-1, 2, 4, base=2),
        **CONSTANT,
    ),
    Op("eye", lambda x: ndl.eye(3, 4, -1), lambda x: np.eye(3, 4, -1), **CONSTANT),
    Op("zeros", lambda x: ndl.zeros(2, 3), lambda x: np.zeros((2, 3)), **CONSTANT),
    Op("ones", lambda x: ndl.ones((2, 3)), lambda x: np.ones((2, 3)), **CONSTANT),
    Op("full", lambda x: ndl.full((2, 3), 1.5), lambda x: np.full((2, 3), 1.5), **CONSTANT),
    Op("empty", lambda x: ndl.zeros_like(ndl.empty(2, 3)), lambda x: np.zeros((2, 3)), **CONSTANT),
    Op("zeros_like", ndl.zeros_like, np.zeros_like, same_shape=True, **CONSTANT),
    Op("ones_like", ndl.ones_like, np.ones_like, same_shape=True, **CONSTANT),
    Op("full_like", lambda x: ndl.full_like(x, 3), lambda x: np.full_like(x, 3), same_shape=True, **CONSTANT),
    Op("empty_like", lambda x: ndl.zeros_like(ndl.empty_like(x)), np.zeros_like, same_shape=True, **CONSTANT),
    Op("tril_indices", lambda x: ndl.tril_indices(3, 4, 1), lambda x: np.stack(np.tril_indices(3, 1, 4)), **CONSTANT),
    Op("triu_indices", lambda x: ndl.triu_indices(3, 4, -1), lambda x: np.stack(np.triu_indices(3, -1, 4)), **CONSTANT),
]

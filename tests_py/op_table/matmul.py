"""Rows of the matrix products."""

from __future__ import annotations

import needlecpp as ndl
import numpy as np

from .row import Op

ROWS = [
    Op("matmul", ndl.matmul, np.matmul, ((3, 4), (4, 5))),
    Op("matmul batch", ndl.matmul, np.matmul, ((2, 1, 3, 4), (5, 4, 2)), covers="matmul"),
    Op("matmul vector", ndl.matmul, np.matmul, ((4,), (2, 4, 3)), covers="matmul"),
    Op("matmul vectors", ndl.matmul, np.matmul, ((4,), (4,)), covers="matmul"),
    Op("matmul transposed", lambda a, b: a.T @ b.T, lambda a, b: a.T @ b.T, ((4, 3), (5, 4)), covers="matmul"),
]

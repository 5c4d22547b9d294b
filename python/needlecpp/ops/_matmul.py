"""Matrix products."""

from __future__ import annotations

from .._core import (
    matmul,
)

__all__ = [
    "matmul",
]

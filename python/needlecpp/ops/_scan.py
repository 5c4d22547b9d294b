"""Scans."""

from __future__ import annotations

from .._core import (
    cumsum,
)

__all__ = [
    "cumsum",
]

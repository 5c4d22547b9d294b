"""Scans."""

from __future__ import annotations

from .._core import (
    cumlogsumexp,
    cummax,
    cummin,
    cumprod,
    cumsum,
    diff,
    logcumsumexp,
    scan,
    trapezoid,
)

__all__ = [
    "cumlogsumexp",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "diff",
    "logcumsumexp",
    "scan",
    "trapezoid",
]

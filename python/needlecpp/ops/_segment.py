"""Packed rows of different lengths."""

from __future__ import annotations

from .._core import (
    segment_expand,
    segment_ids,
    segment_reduce,
    segment_scan,
)

__all__ = [
    "segment_expand",
    "segment_ids",
    "segment_reduce",
    "segment_scan",
]

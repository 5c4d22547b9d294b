"""Attention and the small functions of layers."""

from __future__ import annotations

from .._core import (
    bilinear,
    dropout,
    embedding,
    linear,
    scaled_dot_product_attention,
)

__all__ = [
    "bilinear",
    "dropout",
    "embedding",
    "linear",
    "scaled_dot_product_attention",
]

"""Convolutions over one to three axes, windows as columns, and needle's dilate."""

from __future__ import annotations

from .._core import (
    col2im,
    conv,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    dilate,
    im2col,
    undilate,
)

__all__ = [
    "col2im",
    "conv",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "dilate",
    "im2col",
    "undilate",
]

"""Padding; PyTorch's form of it is ``nn.functional.pad``."""

from __future__ import annotations

from .._core import pad

__all__ = ["pad"]

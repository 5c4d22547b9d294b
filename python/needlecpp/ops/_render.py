"""The fused ops of radiance fields."""

from __future__ import annotations

from .._core import (
    frequency_encoding,
    fused_mlp,
    hashgrid,
    hashgrid_mlp,
    render_volume,
    spherical_harmonics,
)

__all__ = [
    "frequency_encoding",
    "fused_mlp",
    "hashgrid",
    "hashgrid_mlp",
    "render_volume",
    "spherical_harmonics",
]

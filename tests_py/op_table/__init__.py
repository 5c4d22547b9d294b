"""The table of ops that tests run over: one module a family, one row an op."""

from __future__ import annotations

from . import elementwise, gather, linalg, matmul, reduce, scan, shape, softmax, sort
from .row import Op as Op

_FAMILIES = (elementwise, gather, linalg, matmul, reduce, scan, shape, softmax, sort)

OPS = [row for family in _FAMILIES for row in family.ROWS]
GOLDEN = {name: call for family in _FAMILIES for name, call in family.GOLDEN.items()}

# Public functions whose tests stand elsewhere: the rendering ops have oracles of their own.
ELSEWHERE = {
    "fused_mlp",
    "hashgrid",
    "render_volume",
    "spherical_harmonics",
    "frequency_encoding",
}

"""The table of ops that tests run over: one module a family, one row an op."""

from __future__ import annotations

from . import creation, elementwise, gather, matmul, pad, reduce, scan, shape, softmax
from .row import Op as Op

_FAMILIES = (creation, elementwise, gather, matmul, pad, reduce, scan, shape, softmax)

OPS = [row for family in _FAMILIES for row in family.ROWS]
GOLDEN = {name: call for family in _FAMILIES for name, call in family.GOLDEN.items()}

# Public functions whose tests stand elsewhere: the rendering ops have oracles of their own.
ELSEWHERE = {
    "fused_mlp",
    "hashgrid",
    "render_volume",
    "spherical_harmonics",
    "frequency_encoding",
    "TensorTuple",
    "make_tuple",
    "tuple_get_item",
    "fused_add_scalars",
}

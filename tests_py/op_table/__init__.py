"""The table of ops that tests run over: one module a family, one row an op."""

from __future__ import annotations

from . import (
    activation,
    attention,
    conv,
    creation,
    elementwise,
    fft,
    gather,
    linalg,
    loss,
    matmul,
    matrix,
    norm,
    pad,
    pool,
    reduce,
    resample,
    scan,
    segment,
    shape,
    softmax,
    sort,
)
from .row import Op as Op

_FAMILIES = (
    activation,
    attention,
    conv,
    creation,
    elementwise,
    fft,
    gather,
    linalg,
    loss,
    matmul,
    matrix,
    norm,
    pad,
    pool,
    reduce,
    resample,
    scan,
    segment,
    shape,
    softmax,
    sort,
)

OPS = [row for family in _FAMILIES for row in family.ROWS]
GOLDEN = {name: call for family in _FAMILIES for name, call in family.GOLDEN.items()}

# Public functions whose tests stand elsewhere: the rendering ops and needle's tuples have tests of their own.
ELSEWHERE = {
    "TensorTuple",
    "frequency_encoding",
    "fused_add_scalars",
    "fused_mlp",
    "hashgrid",
    "hashgrid_mlp",
    "make_tuple",
    "render_volume",
    "spherical_harmonics",
    "tuple_get_item",
}

"""Rows of the products of vectors, matrices and tensors, dense and sparse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import Array, Op


def einsum(equation: str, *shapes: tuple[int, ...]) -> Op:
    return Op(
        f"einsum {equation}",
        lambda *x: ndl.einsum(equation, *x),
        lambda *x: np.einsum(equation, *x),
        shapes,
        covers="einsum",
    )


# A [4, 5] with an empty row, a repeated column and columns out of order.
OFFSETS = np.array([0, 2, 2, 5, 6])
COLUMNS = np.array([3, 1, 0, 4, 0, 2], dtype="int32")


def _dense(values: Array) -> Array:
    matrix = np.zeros((4, 5))
    np.add.at(matrix, (np.repeat(np.arange(4), np.diff(OFFSETS)), COLUMNS), values)
    return matrix


def _sparse(fn: Callable[..., Any]) -> Callable[..., Any]:
    return lambda values, x: fn(ndl.tensor(OFFSETS), ndl.tensor(COLUMNS), values, x)


ROWS = [
    Op("mm", ndl.mm, np.matmul, ((3, 4), (4, 5))),
    Op("bmm", ndl.bmm, np.matmul, ((2, 3, 4), (2, 4, 5))),
    Op("mv", ndl.mv, np.matmul, ((3, 4), (4,))),
    Op("dot", ndl.dot, np.dot, ((5,), (5,))),
    Op("dot matrices", ndl.dot, np.dot, ((2, 3, 4), (3, 4, 2)), covers="dot"),
    Op("dot vector", ndl.dot, np.dot, ((3, 4), (4,)), covers="dot"),
    Op("dot number", lambda a: ndl.dot(a, ndl.tensor(2.5)), lambda a: a * 2.5, covers="dot"),
    Op("vdot", ndl.vdot, lambda a, b: np.sum(a * b), ((3, 4), (3, 4))),
    Op("inner", ndl.inner, np.inner, ((2, 3), (4, 3))),
    Op("inner number", lambda a: ndl.inner(ndl.tensor(2.5), a), lambda a: 2.5 * a, covers="inner"),
    Op("outer", ndl.outer, np.outer, ((3,), (2, 2))),
    Op("kron", ndl.kron, np.kron, ((2, 3), (3, 2))),
    Op("kron ranks", ndl.kron, np.kron, ((3,), (2, 1, 2)), covers="kron"),
    Op("vecdot", ndl.vecdot, lambda a, b: (a * b).sum(-1), ((2, 3, 4), (3, 4))),
    Op(
        "vecdot axis",
        lambda a, b: ndl.vecdot(a, b, axis=0),
        lambda a, b: (a * b).sum(0),
        ((3, 4), (3, 4)),
        covers="vecdot",
    ),
    Op("vecdot long", ndl.vecdot, lambda a, b: (a * b).sum(-1), ((3, 20), (3, 20)), -1.0, 1.0, covers="vecdot"),
    Op("tensordot", ndl.tensordot, np.tensordot, ((2, 3, 4), (3, 4, 2))),
    Op(
        "tensordot none",
        lambda a, b: ndl.tensordot(a, b, 0),
        lambda a, b: np.tensordot(a, b, 0),
        ((2,), (3,)),
        covers="tensordot",
    ),
    Op(
        "tensordot axes",
        lambda a, b: ndl.tensordot(a, b, axes=([0, -1], [2, 0])),
        lambda a, b: np.tensordot(a, b, axes=([0, -1], [2, 0])),
        ((2, 3, 4), (4, 3, 2)),
        covers="tensordot",
    ),
    einsum("i->", (4,)),
    einsum("ij->ji", (3, 4)),
    einsum("ij", (3, 4)),
    einsum("ba", (3, 4)),
    einsum("ii", (3, 3)),
    einsum("iji->j", (3, 2, 3)),
    einsum("...ii->...i", (2, 3, 3)),
    einsum("i,i", (4,), (4,)),
    einsum("i,j", (4,), (3,)),
    einsum("ij,jk->ki", (3, 4), (4, 2)),
    einsum("aij,ajk->aik", (2, 3, 4), (2, 4, 2)),
    einsum("ai,aj->a", (2, 3), (2, 4)),
    einsum("abi,abi->ba", (2, 3, 4), (2, 3, 4)),
    einsum("...ij,...jk", (2, 1, 3, 2), (4, 2, 3)),
    einsum("...i,i...->...", (2, 3), (3, 2)),
    einsum("ij,ij->ij", (1, 3), (2, 3)),
    einsum("ij,kj->k", (2, 1), (3, 4)),
    einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    einsum("bij,i,j,b->b", (2, 3, 4), (3,), (4,), (2,)),
    einsum("ijk,ilm,njm,nlk,abc->abc", (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 1, 2)),
    Op(
        "einsum sublists",
        lambda a, b: ndl.einsum(a, [0, ..., 1], b, [1, 2], [2, ..., 0]),
        lambda a, b: np.einsum(a, [0, ..., 1], b, [1, 2], [2, ..., 0]),
        ((2, 3, 4), (4, 2)),
        covers="einsum",
    ),
    Op("addmm", ndl.addmm, lambda x, a, b: x + a @ b, ((3, 5), (3, 4), (4, 5))),
    Op(
        "addmm factors",
        lambda x, a, b: ndl.addmm(x, a, b, beta=0.5, alpha=-0.25),
        lambda x, a, b: 0.5 * x - 0.25 * (a @ b),
        ((5,), (3, 4), (4, 5)),
        covers="addmm",
    ),
    Op(
        "addmm without",
        lambda x, a, b: ndl.addmm(x, a, b, beta=0),
        lambda x, a, b: a @ b,
        ((3, 5), (3, 4), (4, 5)),
        covers="addmm",
    ),
    Op("addmv", ndl.addmv, lambda x, a, b: x + a @ b, ((3,), (3, 4), (4,))),
    Op("addr", lambda x, a, b: ndl.addr(x, a, b, beta=2), lambda x, a, b: 2 * x + np.outer(a, b), ((3, 4), (3,), (4,))),
    Op("baddbmm", ndl.baddbmm, lambda x, a, b: x + a @ b, ((3, 1), (2, 3, 4), (2, 4, 5))),
    Op(
        "addbmm",
        lambda x, a, b: ndl.addbmm(x, a, b, alpha=0.5),
        lambda x, a, b: x + 0.5 * (a @ b).sum(0),
        ((3, 2), (2, 3, 4), (2, 4, 2)),
    ),
    Op("cross", ndl.cross, np.cross, ((4, 3), (4, 3))),
    Op(
        "cross axis",
        lambda a, b: ndl.cross(a, b, axis=1),
        lambda a, b: np.cross(a, b, axis=1),
        ((2, 3, 4), (2, 3, 4)),
        covers="cross",
    ),
    Op("cross broadcast", ndl.cross, np.cross, ((2, 4, 3), (3,)), covers="cross"),
    Op("trace", ndl.trace, np.trace, ((3, 4),)),
    Op(
        "trace offset",
        lambda x: ndl.trace(x, -1, axis1=2, axis2=0),
        lambda x: np.trace(x, -1, axis1=2, axis2=0),
        ((3, 2, 4),),
        covers="trace",
    ),
    Op("spmv", _sparse(ndl.spmv), lambda v, x: _dense(v) @ x, ((6,), (5,))),
    Op("spmm", _sparse(ndl.spmm), lambda v, x: _dense(v) @ x, ((6,), (5, 3))),
]

# PyTorch operators whose call differs from ours in more than the names of axes.
GOLDEN: dict[str, Callable[..., Any]] = {
    "einsum": lambda operands, equation: ndl.einsum(equation, *operands),
    "tensordot": lambda a, b, dims: ndl.tensordot(a, b, dims),
    # PyTorch takes the first axis of size 3 unless told.
    "cross": lambda a, b, axis=None: ndl.cross(a, b, axis=a.shape.index(3) if axis is None else axis),
}

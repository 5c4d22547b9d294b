"""Rows of needlecpp.linalg. What a factor's sign could change is compared through a result that it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import CONSTANT, Array, Op

SQUARE = ((2, 3, 3),)
TALL = ((2, 4, 3),)
FLAT = ((3, 4),)


def shifted(x: Any) -> Any:
    """Far from singular, for arrays and tensors."""
    eye = np.eye(x.shape[-1])
    return x + (ndl.tensor(5 * eye, dtype=x.dtype) if isinstance(x, ndl.Tensor) else 5 * eye)


def definite(x: Any) -> Any:
    return shifted((x + x.mT) * 0.25)


def row(name: str, fn: Callable[..., Any], reference: Callable[..., Any], *shapes: Any, **kwargs: Any) -> Op:
    return Op(f"linalg.{name}", fn, reference, *shapes, **{"covers": f"linalg.{name.split()[0]}", **kwargs})


def _triangle(a: Array, b: Array) -> Array:
    return np.linalg.solve(np.tril(shifted(a)), b)


def _exp(eigh: Any, x: Any, exp: Any) -> Any:
    w, v = eigh(definite(x))
    return (v * exp(w * 0.125)[..., None, :]) @ v.mT


def _tilted(svd: Any, x: Any, sin: Any) -> Any:
    u, s, vh = svd(x, full_matrices=False)
    return (u * sin(s)[..., None, :]) @ vh


def _projected(qr: Any, x: Any) -> Any:
    q, r = qr(shifted(x))
    return q @ (r * r.mT) @ q.mT * 0.0625


def _norm(ord: Any, axis: tuple[int, int]) -> Op:
    return row(
        f"matrix_norm {ord} {axis}",
        lambda x: ndl.linalg.matrix_norm(x, ord, axis),
        lambda x: np.linalg.norm(x, ord, axis),
        ((3, 2, 4),),
    )


ROWS = [
    row("cholesky", lambda x: ndl.linalg.cholesky(definite(x)), lambda x: np.linalg.cholesky(definite(x)), SQUARE),
    row(
        "cholesky upper",
        lambda x: ndl.linalg.cholesky(definite(x), upper=True),
        lambda x: np.linalg.cholesky(definite(x)).mT,
        SQUARE,
    ),
    row(
        "cond",
        lambda x: ndl.linalg.cond(shifted(x)) * 0.25,
        lambda x: np.linalg.cond(shifted(x)) * 0.25,
        SQUARE,
    ),
    row("cond 1", lambda x: ndl.linalg.cond(shifted(x), 1), lambda x: np.linalg.cond(shifted(x), 1), SQUARE),
    row("cross", ndl.linalg.cross, np.cross, ((4, 3), (4, 3))),
    row("det", lambda x: ndl.linalg.det(x * 0.5), lambda x: np.linalg.det(x * 0.5), SQUARE),
    row("diagonal", lambda x: ndl.linalg.diagonal(x, 1), lambda x: np.diagonal(x, 1, -2, -1), TALL),
    row(
        "eigh",
        lambda x: _exp(ndl.linalg.eigh, x, ndl.exp),
        lambda x: _exp(np.linalg.eigh, x, np.exp),
        SQUARE,
    ),
    row(
        "eigvalsh",
        lambda x: ndl.linalg.eigvalsh(definite(x)),
        lambda x: np.linalg.eigvalsh(definite(x)),
        SQUARE,
    ),
    row("inv", lambda x: ndl.linalg.inv(shifted(x)), lambda x: np.linalg.inv(shifted(x)), SQUARE),
    row(
        "lstsq",
        lambda a, b: ndl.linalg.lstsq(shifted(a[:3]), b).solution,
        lambda a, b: np.linalg.lstsq(shifted(a[:3]), b)[0],
        ((4, 3), (3, 2)),
    ),
    row("matmul", ndl.linalg.matmul, np.matmul, ((2, 3, 4), (4, 2))),
    *[_norm(ord, (-2, -1)) for ord in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
    *[_norm(ord, (2, 0)) for ord in ("fro", "nuc", 1, 2)],
    row(
        "matrix_power",
        lambda x: ndl.linalg.matrix_power(x * 0.5, 3),
        lambda x: np.linalg.matrix_power(x * 0.5, 3),
        SQUARE,
    ),
    row(
        "matrix_power negative",
        lambda x: ndl.linalg.matrix_power(shifted(x), -2),
        lambda x: np.linalg.matrix_power(shifted(x), -2),
        SQUARE,
    ),
    row("matrix_rank", ndl.linalg.matrix_rank, np.linalg.matrix_rank, TALL, **CONSTANT),
    row("matrix_transpose", ndl.linalg.matrix_transpose, lambda x: x.mT, TALL),
    row(
        "multi_dot",
        lambda a, b, c: ndl.linalg.multi_dot([a, b, c]) * 0.125,
        lambda a, b, c: np.linalg.multi_dot([a, b, c]) * 0.125,
        ((2, 4), (4, 3), (3, 2)),
    ),
    row("norm", ndl.linalg.norm, np.linalg.norm, TALL),
    row("norm axis", lambda x: ndl.linalg.norm(x, 3, 1), lambda x: np.linalg.norm(x, 3, 1), TALL),
    row("norm matrix", lambda x: ndl.linalg.norm(x, "nuc"), lambda x: np.linalg.norm(x, "nuc"), FLAT),
    row("outer", ndl.linalg.outer, np.outer, ((3,), (4,))),
    row("pinv", lambda x: ndl.linalg.pinv(shifted(x)), lambda x: np.linalg.pinv(shifted(x)), SQUARE),
    row("pinv tall", ndl.linalg.pinv, np.linalg.pinv, ((5, 2),)),
    row("qr", lambda x: _projected(ndl.linalg.qr, x), lambda x: _projected(np.linalg.qr, x), SQUARE),
    row(
        "slogdet",
        lambda x: ndl.linalg.slogdet(shifted(x)).logabsdet,
        lambda x: np.linalg.slogdet(shifted(x)).logabsdet,
        SQUARE,
    ),
    row(
        "solve",
        lambda a, b: ndl.linalg.solve(shifted(a), b),
        lambda a, b: np.linalg.solve(shifted(a), b),
        ((2, 3, 3), (3, 2)),
    ),
    row(
        "solve vector",
        lambda a, b: ndl.linalg.solve(shifted(a), b),
        lambda a, b: np.linalg.solve(shifted(a), b),
        ((2, 3, 3), (3,)),
    ),
    row(
        "solve_triangular",
        lambda a, b: ndl.linalg.solve_triangular(shifted(a), b, upper=False),
        _triangle,
        ((2, 3, 3), (2, 3, 2)),
    ),
    row("svd", lambda x: _tilted(ndl.linalg.svd, x, ndl.sin), lambda x: _tilted(np.linalg.svd, x, np.sin), TALL),
    row("svd flat", lambda x: _tilted(ndl.linalg.svd, x, ndl.sin), lambda x: _tilted(np.linalg.svd, x, np.sin), FLAT),
    row("svdvals", ndl.linalg.svdvals, np.linalg.svdvals, TALL),
    row("tensordot", ndl.linalg.tensordot, np.tensordot, ((2, 3, 4), (3, 4, 2))),
    row("trace", ndl.linalg.trace, lambda x: np.trace(x, 0, -2, -1), TALL),
    row("vecdot", ndl.linalg.vecdot, lambda a, b: (a * b).sum(-1), ((2, 3), (3,))),
    row("vector_norm", ndl.linalg.vector_norm, lambda x: np.linalg.vector_norm(x), TALL),
    row(
        "vector_norm axis",
        lambda x: ndl.linalg.vector_norm(x, 1.5, (0, 2), keepdims=True),
        lambda x: np.linalg.vector_norm(x, ord=1.5, axis=(0, 2), keepdims=True),
        TALL,
    ),
]

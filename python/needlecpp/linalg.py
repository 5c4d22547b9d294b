"""Linear algebra on batches of matrices: NumPy's and PyTorch's ``linalg`` under the names of the array API standard.

The last two axes are the matrix, all before them a batch; any strides and sizes, none included. float32 and float64
are computed as such, 16-bit floats in float32; integers are a TypeError where the standard asks for floats. A matrix
that is singular or not positive definite is a ``LinAlgError``, a ValueError that names it; a matrix with a NaN or an
infinity gives NaN throughout. All but ranks are differentiable to any order.

Eigenvectors and singular vectors are determined up to a sign, and those of equal values up to a rotation: their
derivatives mean something where the result does not depend on that choice, as for ``v @ diag(f(w)) @ v.T``.

>>> import needlecpp as ndl
>>> x = ndl.tensor([[2.0, 1.0], [1.0, 2.0]])
>>> ndl.linalg.eigh(x).eigenvalues
tensor([1., 3.])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from . import _core, ops
from ._core import (
    LinAlgError,
    Tensor,
    cholesky,
    det,
    inv,
    matrix_power,
    matrix_rank,
    multi_dot,
    pinv,
    solve,
    solve_triangular,
    svdvals,
)
from .ops import cross, matmul, matrix_transpose, tensordot, vecdot

__all__ = [
    "EighResult",
    "LinAlgError",
    "LstsqResult",
    "QRResult",
    "SVDResult",
    "SlogdetResult",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


class SlogdetResult(NamedTuple):
    """What ``slogdet`` returns."""

    sign: Tensor
    logabsdet: Tensor


class QRResult(NamedTuple):
    """What ``qr`` returns."""

    Q: Tensor
    R: Tensor


class EighResult(NamedTuple):
    """What ``eigh`` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVDResult(NamedTuple):
    """What ``svd`` returns."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class LstsqResult(NamedTuple):
    """What ``lstsq`` returns."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def _check_floating(op: str, x: Tensor) -> None:
    if "float" not in x.dtype:
        raise TypeError(
            f"[linalg.{op}] no such function of this dtype: got {x.dtype}, expected float32 or float64. Cast first."
        )


def slogdet(x: Tensor) -> SlogdetResult:
    """The sign of the determinant of each matrix [..., n, n], and the logarithm of its absolute value: 0 and -inf of a
    singular matrix, 1 and 0 of an empty one. Does not overflow as ``det`` does.

    Differentiable, to any order, where the matrix is not singular: the gradient is ``inv(x).mT``.

    >>> import needlecpp as ndl
    >>> ndl.linalg.slogdet(ndl.tensor([[0.0, 1.0], [1.0, 0.0]])).sign.item()
    -1.0
    """
    return SlogdetResult(*_core.slogdet(x))


def qr(x: Tensor, mode: str = "reduced") -> QRResult:
    """``x = Q @ R`` of each matrix [..., m, n], by Householder reflections: Q [..., m, k] with orthonormal columns and
    an upper triangular R [..., k, n], where k is min(m, n), or m for ``mode="complete"``.

    Differentiable, to any order, where the first min(m, n) columns are independent; the last m - n columns of a
    complete Q are free, and have no derivative.

    >>> import needlecpp as ndl
    >>> q, r = ndl.linalg.qr(ndl.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> abs(r[0, 0]).item()
    5.0
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"[linalg.qr] bad mode: got {mode!r}, expected 'reduced' or 'complete'.")
    return QRResult(*_core.qr(x, mode == "complete"))


def _lower(op: str, x: Tensor, uplo: str) -> Tensor:
    """x with the triangle that is wanted as its lower one."""
    if uplo not in ("L", "U"):
        raise ValueError(f"[linalg.{op}] bad UPLO: got {uplo!r}, expected 'L' or 'U'.")
    return x if uplo == "L" or x.ndim < 2 else x.mT


def eigh(x: Tensor, UPLO: str = "L") -> EighResult:
    """The eigenvalues [..., n] in ascending order and the eigenvectors, columns of [..., n, n], of symmetric matrices,
    of which the lower (or upper) triangle alone is read.

    By reduction to a tridiagonal matrix and implicit QL steps. Differentiable, to any order, for results that do not
    depend on the vectors' signs; exactly equal eigenvalues are taken not to mix. The gradient is symmetric.

    >>> import needlecpp as ndl
    >>> w, v = ndl.linalg.eigh(ndl.tensor([[2.0, 0.0], [0.0, 1.0]]))
    >>> w.tolist(), abs(v).tolist()
    ([1.0, 2.0], [[0.0, 1.0], [1.0, 0.0]])
    """
    return EighResult(*_core.eigh(_lower("eigh", x, UPLO)))


def eigvalsh(x: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues [..., n] of symmetric matrices in ascending order; see ``eigh``, but faster.

    >>> import needlecpp as ndl
    >>> ndl.linalg.eigvalsh(ndl.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([1., 2.])
    """
    return _core.eigvalsh(_lower("eigvalsh", x, UPLO))


def svd(x: Tensor, full_matrices: bool = True) -> SVDResult:
    """``x = U @ diag(S) @ Vh`` of each matrix [..., m, n]: S [..., k] in descending order, k = min(m, n); orthogonal U
    [..., m, m] and Vh [..., n, n], or [..., m, k] and [..., k, n] with ``full_matrices=False``.

    By reduction to a bidiagonal matrix and implicit QR steps. Differentiable, to any order, for results that do not
    depend on the vectors' signs; the vectors that ``full_matrices`` adds are free, and have no derivative.

    >>> import needlecpp as ndl
    >>> ndl.linalg.svd(ndl.tensor([[0.0, 3.0], [4.0, 0.0]])).S
    tensor([4., 3.])
    """
    return SVDResult(*_core.svd(x, full_matrices))


def lstsq(a: Tensor, b: Tensor, rcond: float | Tensor | None = None) -> LstsqResult:
    """The x of least ``|x|`` among those of least ``|a @ x - b|``, with residuals, rank and singular values.

    a [..., m, n]; b [m] is one right side, any other b [..., m, k] holds k of them. Singular values up to rcond times
    the largest count as 0, by default max(m, n) times the machine epsilon. ``residuals`` holds the sums of squares of
    ``a @ x - b``, and is empty where a rank is below n or m <= n. Differentiable in a and b, at constant rank.

    >>> import needlecpp as ndl
    >>> a = ndl.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> ndl.round(ndl.linalg.lstsq(a, ndl.tensor([1.0, 3.0, 5.0])).solution, 4)
    tensor([1., 2.])
    """
    solution = _core.lstsq(a, b, rcond)
    s = svdvals(a)
    rank = matrix_rank(a, rcond)
    m, n = a.shape[-2:]
    if m > n and bool((rank == n).all()):
        axis = -1 if b.ndim == 1 else -2
        residuals = ops.sum(ops.square(a @ solution - b), axis)
    else:
        residuals = ops.zeros(0, dtype=solution.dtype, device=solution.device)
    return LstsqResult(solution, residuals, rank, s)


def diagonal(x: Tensor, offset: int = 0) -> Tensor:
    """``x[..., i, i + offset]`` of each matrix [..., m, n], as a last axis: a view. Differentiable.

    >>> import needlecpp as ndl
    >>> ndl.linalg.diagonal(ndl.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    return ops.diagonal(x, offset, -2, -1)


def trace(x: Tensor, offset: int = 0, dtype: str | None = None) -> Tensor:
    """The sum of ``x[..., i, i + offset]`` of each matrix [..., m, n], in ``dtype``; integers are summed as int64.
    Differentiable.

    >>> import needlecpp as ndl
    >>> ndl.linalg.trace(ndl.ones(2, 3, 3))
    tensor([3., 3.])
    """
    if dtype is None:
        return ops.trace(x, offset, -2, -1)
    return ops.trace(x.astype(dtype) if "float" in str(dtype) else x, offset, -2, -1).astype(dtype)


def outer(a: Tensor, b: Tensor) -> Tensor:
    """``a[i] * b[j]`` of two vectors: [len(a), len(b)]. Differentiable.

    >>> import needlecpp as ndl
    >>> ndl.linalg.outer(ndl.tensor([1.0, 2.0]), ndl.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    if a.ndim != 1 or b.ndim != 1:
        raise ValueError(f"[linalg.outer] not vectors: got shapes {a.shape} and {b.shape}, expected one axis each.")
    return ops.outer(a, b)


def _one_spelling(op: str, **named: Any) -> Any:
    """The one that is given of an argument's two spellings; None if neither is."""
    given = {name: value for name, value in named.items() if value is not None}
    if len(given) > 1:
        raise TypeError(f"[linalg.{op}] one argument twice: got {' and '.join(given)}, expected one of them.")
    return next(iter(given.values()), None)


def vector_norm(
    x: Tensor,
    ord: float = 2,
    axis: int | Sequence[int] | None = None,
    keepdims: bool = False,
    *,
    dtype: str | None = None,
    dim: int | Sequence[int] | None = None,
    keepdim: bool | None = None,
) -> Tensor:
    """``sum(|x| ** ord) ** (1 / ord)`` over the axes, all by default; the largest ``|x|`` for inf, the smallest for
    -inf, the number of elements other than 0 for 0. Computed in ``dtype``. Differentiable; the gradient where the norm
    is 0 is 0.

    >>> import needlecpp as ndl
    >>> ndl.linalg.vector_norm(ndl.tensor([[3.0, 4.0], [0.0, 2.0]]), axis=1)
    tensor([5., 2.])
    """
    if dtype is None:
        _check_floating("vector_norm", x)
    axes = _one_spelling("vector_norm", axis=axis, dim=dim)
    keep = bool(keepdims or keepdim)
    if axes is not None and not isinstance(axes, int) and len(axes) == 0:
        # No axis is reduced: each element is a vector of one.
        return ops.vector_norm(ops.expand_dims(x, -1), ord, -1, dtype=dtype)
    return ops.vector_norm(x, ord, axes, keep, dtype=dtype)


def matrix_norm(
    x: Tensor,
    ord: float | str = "fro",
    axis: tuple[int, int] | None = None,
    keepdims: bool = False,
    *,
    dtype: str | None = None,
    dim: tuple[int, int] | None = None,
    keepdim: bool | None = None,
) -> Tensor:
    """A norm of the matrices on two axes, the last ones by default.

    ``ord``: "fro", the root of the sum of squares; "nuc", the sum of the singular values; 2 and -2, the largest and the
    smallest of them; 1 and -1, the largest and the smallest sum of absolute values in a column; inf and -inf, in a row.
    Differentiable, to any order.

    >>> import needlecpp as ndl
    >>> x = ndl.tensor([[1.0, -2.0], [3.0, 4.0]])
    >>> [ndl.linalg.matrix_norm(x, ord=p).item() for p in (1, float("inf"))]
    [6.0, 7.0]
    """
    first, second = _one_spelling("matrix_norm", axis=axis, dim=dim) or (-2, -1)
    keep = bool(keepdims or keepdim)
    if dtype is not None:
        x = x.astype(dtype)
    y = _core.matrix_norm(ops.moveaxis(x, (first, second), (-2, -1)), ord, keep)
    return ops.moveaxis(y, (-2, -1), (first, second)) if keep else y


def norm(
    x: Tensor,
    ord: float | str | None = None,
    axis: int | tuple[int, int] | None = None,
    keepdims: bool = False,
    *,
    dtype: str | None = None,
    dim: int | tuple[int, int] | None = None,
    keepdim: bool | None = None,
) -> Tensor:
    """NumPy's and PyTorch's norm of either kind: ``vector_norm`` over one axis, ``matrix_norm`` over two. Without an
    axis, ``ord`` decides for x as it is, and without both it is the root of the sum of all squares.

    >>> import needlecpp as ndl
    >>> ndl.linalg.norm(ndl.tensor([[3.0], [4.0]])).item()
    5.0
    """
    axes = _one_spelling("norm", axis=axis, dim=dim)
    keep = bool(keepdims or keepdim)
    if axes is None and ord is not None:
        if x.ndim not in (1, 2):
            raise ValueError(
                f"[linalg.norm] which axes: got shape {x.shape}, expected a vector or a matrix beside ord alone."
            )
        axes = -1 if x.ndim == 1 else (-2, -1)
    if axes is None or isinstance(axes, int) or len(axes) == 1:
        if isinstance(ord, str):
            raise ValueError(f"[linalg.norm] bad ord of a vector: got {ord!r}, expected a number.")
        return vector_norm(x, 2 if ord is None else ord, axes, keep, dtype=dtype)
    return matrix_norm(x, "fro" if ord is None else ord, axes, keep, dtype=dtype)


def cond(x: Tensor, p: float | str | None = None) -> Tensor:
    """The condition number of each matrix: the norm times that of the inverse, for p = 2 (the default) and -2 the
    largest by the smallest singular value and the reverse, also of matrices that are not square. inf of singular ones
    for p = 2. Differentiable.

    >>> import needlecpp as ndl
    >>> ndl.linalg.cond(ndl.tensor([[1.0, 0.0], [0.0, 4.0]])).item()
    4.0
    """
    if p is None or p in (2, -2):
        s = svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return matrix_norm(x, p) * matrix_norm(inv(x), p)

"""The ``linalg`` extension of the array API standard (2024.12): ``needlecpp.linalg`` under the standard's signatures.

>>> import needlecpp as ndl
>>> xp = ndl.zeros(3).__array_namespace__()
>>> xp.linalg.det(xp.eye(3) * 2.0).item()
8.0
"""

from __future__ import annotations

from collections.abc import Sequence

from . import linalg
from ._core import Tensor

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """The triangular factor of symmetric positive definite matrices."""
    return linalg.cholesky(x, upper=upper)


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The cross product of 3-vectors along an axis."""
    return linalg.cross(x1, x2, axis)


def det(x: Tensor, /) -> Tensor:
    """The determinant."""
    return linalg.det(x)


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """The diagonal of the last two axes."""
    return linalg.diagonal(x, offset)


def eigh(x: Tensor, /) -> linalg.EighResult:
    """Eigenvalues and eigenvectors of symmetric matrices."""
    return linalg.eigh(x)


def eigvalsh(x: Tensor, /) -> Tensor:
    """The eigenvalues of symmetric matrices."""
    return linalg.eigvalsh(x)


def inv(x: Tensor, /) -> Tensor:
    """The inverse."""
    return linalg.inv(x)


def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The matrix product."""
    return linalg.matmul(x1, x2)


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: float | str | None = "fro") -> Tensor:
    """A norm of the last two axes."""
    return linalg.matrix_norm(x, "fro" if ord is None else ord, keepdims=keepdims)


def matrix_power(x: Tensor, n: int, /) -> Tensor:
    """A power of square matrices."""
    return linalg.matrix_power(x, n)


def matrix_rank(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """The number of singular values above rtol times the largest."""
    return linalg.matrix_rank(x, rtol)


def matrix_transpose(x: Tensor, /) -> Tensor:
    """The last two axes swapped."""
    return linalg.matrix_transpose(x)


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The outer product of two vectors."""
    return linalg.outer(x1, x2)


def pinv(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """The pseudo-inverse."""
    return linalg.pinv(x, rtol)


def qr(x: Tensor, /, *, mode: str = "reduced") -> linalg.QRResult:
    """The factorization into orthonormal columns and an upper triangle."""
    return linalg.qr(x, mode)


def slogdet(x: Tensor, /) -> linalg.SlogdetResult:
    """The determinant's sign and the logarithm of its absolute value."""
    return linalg.slogdet(x)


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The x of x1 @ x = x2; x2 is one vector where it has one axis."""
    return linalg.solve(x1, x2)


def svd(x: Tensor, /, *, full_matrices: bool = True) -> linalg.SVDResult:
    """Singular vectors and values."""
    return linalg.svd(x, full_matrices)


def svdvals(x: Tensor, /) -> Tensor:
    """The singular values."""
    return linalg.svdvals(x)


def tensordot(x1: Tensor, x2: Tensor, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """The sum of products over some axes of each."""
    return linalg.tensordot(x1, x2, axes)


def trace(x: Tensor, /, *, offset: int = 0, dtype: str | None = None) -> Tensor:
    """The sum of the diagonal of the last two axes."""
    return linalg.trace(x, offset, dtype)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The sum of products over one axis."""
    return linalg.vecdot(x1, x2, axis)


def vector_norm(
    x: Tensor, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, ord: float = 2
) -> Tensor:
    """A norm over axes."""
    return linalg.vector_norm(x, ord, axis, keepdims)

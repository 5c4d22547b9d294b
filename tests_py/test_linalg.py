"""needlecpp.linalg and the array API's extension: signatures, named results, dtypes, options, values, errors."""

from __future__ import annotations

import inspect
import itertools
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest

la = ndl.linalg
xp = ndl.zeros(1).__array_namespace__()
inf = float("inf")

# The standard's signatures: positional-only names, "*", then keywords with their defaults.
SIGNATURES = {
    "cholesky": "(x, /, *, upper=False)",
    "cross": "(x1, x2, /, *, axis=-1)",
    "det": "(x, /)",
    "diagonal": "(x, /, *, offset=0)",
    "eigh": "(x, /)",
    "eigvalsh": "(x, /)",
    "inv": "(x, /)",
    "matmul": "(x1, x2, /)",
    "matrix_norm": "(x, /, *, keepdims=False, ord='fro')",
    "matrix_power": "(x, n, /)",
    "matrix_rank": "(x, /, *, rtol=None)",
    "matrix_transpose": "(x, /)",
    "outer": "(x1, x2, /)",
    "pinv": "(x, /, *, rtol=None)",
    "qr": "(x, /, *, mode='reduced')",
    "slogdet": "(x, /)",
    "solve": "(x1, x2, /)",
    "svd": "(x, /, *, full_matrices=True)",
    "svdvals": "(x, /)",
    "tensordot": "(x1, x2, /, *, axes=2)",
    "trace": "(x, /, *, offset=0, dtype=None)",
    "vecdot": "(x1, x2, /, *, axis=-1)",
    "vector_norm": "(x, /, *, axis=None, keepdims=False, ord=2)",
}


def test_signatures_are_the_standards() -> None:
    assert sorted(SIGNATURES) == sorted(xp.linalg.__all__)
    for name, expected in SIGNATURES.items():
        signature = inspect.signature(getattr(xp.linalg, name))
        bare = signature.replace(
            parameters=[p.replace(annotation=p.empty) for p in signature.parameters.values()],
            return_annotation=signature.empty,
        )
        assert str(bare) == expected, name


def random(*shape: int, dtype: str = "float64", seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def test_the_extension_calls_what_it_names() -> None:
    a, b = random(2, 3, 3), random(2, 3, 3, seed=1)
    x, y = ndl.tensor(a), ndl.tensor(b)
    spd = x @ x.mT + xp.eye(3, dtype="float64")
    np.testing.assert_allclose(xp.linalg.cholesky(spd, upper=True).numpy(), np.linalg.cholesky(spd.numpy()).mT)
    np.testing.assert_allclose(xp.linalg.cross(x, y, axis=1).numpy(), np.cross(a, b, axis=1))
    np.testing.assert_allclose(xp.linalg.det(x).numpy(), np.linalg.det(a))
    np.testing.assert_array_equal(xp.linalg.diagonal(x, offset=-1).numpy(), np.diagonal(a, -1, 1, 2))
    np.testing.assert_allclose(xp.linalg.eigvalsh(spd).numpy(), np.linalg.eigvalsh(spd.numpy()))
    np.testing.assert_allclose(xp.linalg.eigh(spd).eigenvalues.numpy(), np.linalg.eigvalsh(spd.numpy()))
    np.testing.assert_allclose(xp.linalg.inv(x).numpy(), np.linalg.inv(a))
    np.testing.assert_allclose(xp.linalg.matmul(x, y).numpy(), a @ b)
    np.testing.assert_allclose(xp.linalg.matrix_norm(x, keepdims=True, ord=2).shape, (2, 1, 1))
    np.testing.assert_allclose(xp.linalg.matrix_power(x, -2).numpy(), np.linalg.matrix_power(a, -2))
    assert xp.linalg.matrix_rank(x, rtol=0.5).dtype == "int64"
    np.testing.assert_array_equal(xp.linalg.matrix_transpose(x).numpy(), a.mT)
    np.testing.assert_allclose(xp.linalg.outer(x[0, 0], y[0, 0]).numpy(), np.outer(a[0, 0], b[0, 0]))
    np.testing.assert_allclose(xp.linalg.pinv(x, rtol=1e-12).numpy(), np.linalg.inv(a))
    assert xp.linalg.qr(x[:, :, :2], mode="complete").Q.shape == (2, 3, 3)
    np.testing.assert_allclose(xp.linalg.slogdet(x).logabsdet.numpy(), np.linalg.slogdet(a).logabsdet)
    np.testing.assert_array_equal(xp.linalg.slogdet(x).sign.numpy(), np.linalg.slogdet(a).sign)
    np.testing.assert_allclose(xp.linalg.solve(x, y).numpy(), np.linalg.solve(a, b))
    assert [part.shape for part in xp.linalg.svd(x[:, :2])] == [(2, 2, 2), (2, 2), (2, 3, 3)]
    np.testing.assert_allclose(xp.linalg.svdvals(x).numpy(), np.linalg.svdvals(a))
    np.testing.assert_allclose(xp.linalg.tensordot(x, y[0], axes=1).numpy(), np.tensordot(a, b[0], 1))
    np.testing.assert_allclose(xp.linalg.trace(x, offset=1, dtype="float32").numpy(), np.trace(a, 1, 1, 2), rtol=1e-6)
    np.testing.assert_allclose(xp.linalg.vecdot(x, y, axis=-2).numpy(), (a * b).sum(-2))
    np.testing.assert_allclose(
        xp.linalg.vector_norm(x, axis=(0, 2), ord=3).numpy(), np.linalg.vector_norm(a, axis=(0, 2), ord=3)
    )


def test_results_have_the_standards_names() -> None:
    x = ndl.tensor(random(3, 3))
    assert la.slogdet(x)._fields == ("sign", "logabsdet")
    assert la.eigh(x)._fields == ("eigenvalues", "eigenvectors")
    assert la.qr(x)._fields == ("Q", "R")
    assert la.svd(x)._fields == ("U", "S", "Vh")
    assert la.lstsq(x, x)._fields == ("solution", "residuals", "rank", "singular_values")


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 4, 4), (0, 3), (3, 0), (0, 2, 2), (1, 1), (70, 40)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_factors(shape: tuple[int, ...], dtype: str) -> None:
    a = random(*shape, dtype=dtype)
    x = ndl.tensor(a)
    tolerance = 100 * float(np.finfo(dtype).eps)
    for full in (False, True):
        ours, numpys = la.svd(x, full_matrices=full), np.linalg.svd(a, full_matrices=full)
        assert [t.shape for t in ours] == [t.shape for t in numpys]
        assert [t.dtype for t in ours] == [dtype] * 3
        np.testing.assert_allclose(ours.S.numpy(), numpys.S, rtol=0, atol=20 * tolerance)
        k = min(shape[-2:])
        product = (ours.U[..., :k] * ours.S[..., None, :]) @ ours.Vh[..., :k, :]
        np.testing.assert_allclose(product.numpy(), a, atol=20 * tolerance)
        q, r = la.qr(x, "complete" if full else "reduced")
        assert [q.shape, r.shape] == [t.shape for t in np.linalg.qr(a, "complete" if full else "reduced")]
        np.testing.assert_allclose((q @ r).numpy(), a, atol=20 * tolerance)
        np.testing.assert_array_equal(r.numpy(), np.triu(r.numpy()))
    np.testing.assert_allclose(la.pinv(x).numpy(), np.linalg.pinv(a), atol=1e3 * tolerance)
    np.testing.assert_array_equal(la.matrix_rank(x).numpy(), np.linalg.matrix_rank(a))


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, inf, -inf])
def test_norms_of_matrices(ord: Any) -> None:
    a = random(2, 3, 4)
    x = ndl.tensor(a)
    np.testing.assert_allclose(la.matrix_norm(x, ord).numpy(), np.linalg.matrix_norm(a, ord=ord))
    np.testing.assert_allclose(la.norm(x, ord, (0, 2)).numpy(), np.linalg.norm(a, ord, (0, 2)))
    kept = np.linalg.norm(a, ord, (2, 0), keepdims=True)
    np.testing.assert_allclose(la.matrix_norm(x, ord, (2, 0), keepdims=True).numpy(), kept)
    np.testing.assert_allclose(la.matrix_norm(x, ord, dim=(2, 0), keepdim=True).numpy(), kept)
    square = random(3, 3)
    if ord not in ("nuc", "fro"):
        np.testing.assert_allclose(la.cond(ndl.tensor(square), ord).item(), np.linalg.cond(square, ord))


@pytest.mark.parametrize("ord", [0, 1, 2, 3, 2.5, -1, -2.5, 0.5, inf, -inf])
def test_norms_of_vectors(ord: float) -> None:
    a = random(2, 3, 4)
    x = ndl.tensor(a)
    for axis, keepdims in itertools.product((None, 0, -1, (0, 2), (0, 1, 2)), (False, True)):
        expected = np.linalg.vector_norm(a, ord=ord, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(la.vector_norm(x, ord, axis, keepdims).numpy(), expected)
        np.testing.assert_allclose(la.vector_norm(x, ord, dim=axis, keepdim=keepdims).numpy(), expected)
    np.testing.assert_allclose(la.norm(x[0, 0], ord).item(), np.linalg.norm(a[0, 0], ord))
    assert la.vector_norm(ndl.tensor(a, dtype="float32"), ord, dtype="float64").dtype == "float64"


def test_a_vector_norm_over_no_axis_is_the_size_of_each_element() -> None:
    np.testing.assert_array_equal(la.vector_norm(ndl.tensor([[-1.0, 2.0]]), axis=()).numpy(), [[1.0, 2.0]])


def test_right_sides_follow_the_standards_rule() -> None:
    a = random(2, 3, 3)
    for shape in ((3,), (3, 2), (2, 3, 4), (5, 1, 3, 2)):
        b = random(*shape, seed=2)
        np.testing.assert_allclose(la.solve(ndl.tensor(a), ndl.tensor(b)).numpy(), np.linalg.solve(a, b))
    with pytest.raises(ValueError, match=r"\[linalg.solve\] sizes differ"):
        la.solve(ndl.tensor(a), ndl.ones(2, 2, dtype="float64"))


def test_triangles_are_read_as_told() -> None:
    a = random(3, 3)
    both = np.tril(a) + np.tril(a, -1).T
    np.testing.assert_allclose(la.eigvalsh(ndl.tensor(a)).numpy(), np.linalg.eigvalsh(both))
    np.testing.assert_allclose(la.eigvalsh(ndl.tensor(a), UPLO="U").numpy(), np.linalg.eigvalsh(a, "U"))
    w, v = la.eigh(ndl.tensor(a), UPLO="U")
    np.testing.assert_allclose(w.numpy(), np.linalg.eigvalsh(a, "U"))
    np.testing.assert_allclose(((v * w) @ v.mT).numpy(), np.triu(a) + np.triu(a, 1).T, atol=1e-14)


def test_least_squares() -> None:
    a, b = random(6, 3), random(6, 2, seed=3)
    ours, numpys = la.lstsq(ndl.tensor(a), ndl.tensor(b)), np.linalg.lstsq(a, b)
    np.testing.assert_allclose(ours.solution.numpy(), numpys[0])
    np.testing.assert_allclose(ours.residuals.numpy(), numpys[1])
    assert ours.rank.item() == 3
    np.testing.assert_allclose(ours.singular_values.numpy(), numpys[3])
    vector = la.lstsq(ndl.tensor(a), ndl.tensor(b[:, 0]))
    np.testing.assert_allclose(vector.solution.numpy(), numpys[0][:, 0])
    assert vector.residuals.shape == ()
    flat = la.lstsq(ndl.tensor(a.T), ndl.tensor(random(3)))
    np.testing.assert_allclose(flat.solution.numpy(), np.linalg.lstsq(a.T, random(3))[0])
    assert flat.residuals.shape == (0,)


def test_traces_obey_their_dtype() -> None:
    x = ndl.tensor([[200, 1], [1, 100]], dtype="uint8")
    assert (la.trace(x).dtype, la.trace(x).item()) == ("int64", 300)
    assert (la.trace(x, dtype="uint8").dtype, la.trace(x, dtype="uint8").item()) == ("uint8", 44)
    assert la.trace(x, dtype="float64").dtype == "float64"
    assert la.trace(ndl.ones(2, 2), dtype="int32").dtype == "int32"


def test_sixteen_bits_are_computed_in_float32() -> None:
    a = random(4, 4, dtype="float16") + 4 * np.eye(4, dtype="float16")
    y = la.inv(ndl.tensor(a))
    assert y.dtype == "float16"
    np.testing.assert_array_equal(y.numpy(), la.inv(ndl.tensor(a).astype("float32")).astype("float16").numpy())
    assert la.svd(ndl.tensor(a)).S.dtype == "float16"


@pytest.mark.parametrize(
    "name",
    [
        "cholesky",
        "det",
        "eigh",
        "eigvalsh",
        "inv",
        "matrix_norm",
        "matrix_rank",
        "pinv",
        "qr",
        "slogdet",
        "svd",
        "svdvals",
    ],
)
def test_integers_and_vectors_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match=rf"\[linalg.{name}\] .*int64.*Cast first"):
        getattr(la, name)(ndl.ones(2, 2, dtype="int64"))
    with pytest.raises((ValueError, IndexError)):
        getattr(la, name)(ndl.ones(2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: la.inv(ndl.ones(2, 3)), ValueError, r"\[linalg.inv\] not a square matrix: got shape \(2, 3\)"),
        (lambda: la.inv(ndl.zeros(2, 2)), la.LinAlgError, r"\[linalg.inv\] singular matrix: got a zero pivot in row 0"),
        (lambda: la.solve(ndl.zeros(3, 2, 2), ndl.ones(2)), la.LinAlgError, r"singular matrix \(0,\)"),
        (lambda: la.cholesky(-ndl.eye(2)), la.LinAlgError, r"\[linalg.cholesky\] matrix is not positive definite"),
        (lambda: la.matrix_power(ndl.zeros(2, 2), -1), la.LinAlgError, r"\[linalg.inv\]"),
        (lambda: la.vector_norm(ndl.ones(2, dtype="int32")), TypeError, r"\[linalg.vector_norm\].*int32"),
        (lambda: la.matrix_norm(ndl.ones(2, 2), 3), ValueError, r"\[linalg.matrix_norm\] bad ord: got 3"),
        (lambda: la.matrix_norm(ndl.ones(2, 2), "two"), ValueError, r"bad ord: got two"),
        (lambda: la.norm(ndl.ones(2, 2, 2), 2), ValueError, r"\[linalg.norm\] which axes"),
        (lambda: la.norm(ndl.ones(2), "fro"), ValueError, r"\[linalg.norm\] bad ord of a vector"),
        (lambda: la.matrix_norm(ndl.ones(2, 2), axis=(0, 1), dim=(0, 1)), TypeError, r"\[linalg.matrix_norm\] one arg"),
        (lambda: la.norm(ndl.ones(2), axis=0, dim=0), TypeError, r"\[linalg.norm\] one argument twice"),
        (lambda: la.qr(ndl.ones(2, 2), "full"), ValueError, r"\[linalg.qr\] bad mode"),
        (lambda: la.eigh(ndl.ones(2, 2), "X"), ValueError, r"\[linalg.eigh\] bad UPLO"),
        (lambda: la.outer(ndl.ones(2, 2), ndl.ones(2)), ValueError, r"\[linalg.outer\] not vectors"),
        (lambda: la.multi_dot([ndl.ones(2, 3), ndl.ones(2, 3)]), ValueError, r"\[linalg.multi_dot\] inner sizes"),
    ],
)
def test_errors_are_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
    assert issubclass(la.LinAlgError, ValueError)


def test_a_singular_matrix_has_a_determinant_with_a_gradient() -> None:
    x = ndl.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    la.det(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), [[4.0, -2.0], [-2.0, 1.0]], rtol=1e-5)

"""Gradients keep their digits where inputs are large or infinite: they are made of differences of inputs, which are
exact, not of results, which are not. Expected values come from float64 arithmetic on those differences."""

from __future__ import annotations

from collections.abc import Callable

import needlecpp as ndl
import numpy as np
import pytest

F = ndl.nn.functional
INF = float("inf")
STEPS = np.array([0.0, 0.5, -1.0, 0.25])  # exact beside 1e4 in float32, and lost beside 1e9: a row of equals
SCALES = [0.0, 1e4, -1e4, 1e6, -1e6, 1e9, -1e9]
DTYPES = [("float64", 1e-12), ("float32", 2e-6), ("float16", 2e-3), ("bfloat16", 1e-2)]


def row(scale: float, dtype: str) -> ndl.Tensor:
    """STEPS around a number, as the dtype holds them."""
    if dtype == "float16":
        scale = np.sign(scale) * min(abs(scale), 6e4)
    return ndl.tensor(STEPS + scale, dtype="float64").astype(dtype).detach()


def exact(x: ndl.Tensor) -> np.ndarray:
    return x.astype("float64").numpy()


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


def gradient(fn: Callable[[ndl.Tensor], ndl.Tensor], x: ndl.Tensor, weights: np.ndarray | None = None) -> np.ndarray:
    x = x.detach().requires_grad_()
    y = fn(x)
    dy = ndl.ones_like(y) if weights is None else ndl.tensor(weights, dtype="float64").astype(y.dtype)
    y.backward(dy)
    return exact(x.grad)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
class TestLarge:
    def test_logsumexp(self, scale: float, dtype: str, tolerance: float) -> None:
        x = row(scale, dtype)
        expected = softmax(exact(x))
        for fn in (
            lambda x: ndl.logsumexp(x, 0),
            ndl.logsumexp,
            lambda x: ndl.logsumexp(x.reshape(2, 2)),
            lambda x: ndl.logsumexp(x.reshape(4, 1), 0),
            lambda x: ndl.logsumexp(x.reshape(2, 1, 2), (0, 2)),
        ):
            np.testing.assert_allclose(gradient(fn, x), expected, rtol=tolerance, atol=1e-7)

    def test_logcumsumexp(self, scale: float, dtype: str, tolerance: float) -> None:
        x = row(scale, dtype)
        values = exact(x)
        expected = np.zeros(4)
        for k in range(4):
            expected[: k + 1] += (k + 1) * softmax(values[: k + 1])
        got = gradient(lambda x: ndl.logcumsumexp(x, 0), x, np.arange(1.0, 5))
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=1e-7)

    def test_log_softmax(self, scale: float, dtype: str, tolerance: float) -> None:
        x = row(scale, dtype)
        weights = np.array([1.0, -2.0, 0.5, 0.25])
        expected = weights - softmax(exact(x)) * weights.sum()
        np.testing.assert_allclose(
            gradient(lambda x: ndl.log_softmax(x, 0), x, weights), expected, rtol=tolerance, atol=tolerance
        )
        np.testing.assert_allclose(
            exact(ndl.log_softmax(x, 0)), np.log(softmax(exact(x))), rtol=tolerance, atol=tolerance
        )

    def test_logaddexp(self, scale: float, dtype: str, tolerance: float) -> None:
        x = row(scale, dtype)
        got = gradient(lambda x: ndl.logaddexp(x[0], x[1]), x)
        np.testing.assert_allclose(got[:2], softmax(exact(x)[:2]), rtol=tolerance, atol=1e-7)

    @pytest.mark.parametrize("smoothing", [0.0, 0.25])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_cross_entropy(self, smoothing: float, weighted: bool, scale: float, dtype: str, tolerance: float) -> None:
        x = row(scale, dtype)
        w = np.array([0.5, 1.0, 2.0, 0.25]) if weighted else np.ones(4)
        weight = ndl.tensor(w, dtype="float64").astype(dtype) if weighted else None
        p = softmax(exact(x))
        share = smoothing / 4 * w
        share[1] += (1 - smoothing) * w[1]
        classes = lambda x: F.cross_entropy(  # noqa: E731
            x[None], ndl.tensor([1]), weight, reduction="sum", label_smoothing=smoothing
        )
        np.testing.assert_allclose(gradient(classes, x), p * share.sum() - share, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(exact(classes(x)), -(share * np.log(p)).sum(), rtol=tolerance, atol=tolerance)

    def test_probabilities(self, scale: float, dtype: str, tolerance: float) -> None:
        x = row(scale, dtype)
        q = np.array([0.5, 0.25, 0.25, 0.0])
        target = ndl.tensor(q, dtype="float64").astype(dtype)
        np.testing.assert_allclose(
            gradient(lambda x: F.cross_entropy(x, target), x), softmax(exact(x)) - q, rtol=tolerance, atol=tolerance
        )

    def test_attention(self, scale: float, dtype: str, tolerance: float) -> None:
        """Scores that are the numbers themselves: keys of one element and a query of 1."""
        key = row(scale, dtype)
        value = ndl.tensor([1.0, 2.0, 4.0, 8.0], dtype=dtype)
        p = softmax(exact(key))
        v = exact(value)

        def attend(key: ndl.Tensor) -> ndl.Tensor:
            return F.scaled_dot_product_attention(
                ndl.ones(1, 1, dtype=dtype), key.reshape(4, 1), value.reshape(4, 1), scale=1.0
            )

        np.testing.assert_allclose(gradient(attend, key), p * (v - p @ v), rtol=4 * tolerance, atol=4 * tolerance)

    def test_logistic(self, scale: float, dtype: str, tolerance: float) -> None:
        x = row(scale, dtype)
        v = exact(x)
        up, down = 0.5 * (1 + np.tanh(v / 2)), 0.5 * (1 - np.tanh(v / 2))  # sigmoid of v and -v
        np.testing.assert_allclose(gradient(F.logsigmoid, x), down, rtol=tolerance, atol=1e-7)
        np.testing.assert_allclose(gradient(F.softplus, x), up, rtol=tolerance, atol=1e-7)
        for target in (0.0, 1.0, 0.25):
            t = ndl.full((4,), target, dtype=dtype)
            got = gradient(lambda x, t=t: F.binary_cross_entropy_with_logits(x, t, reduction="sum"), x)
            np.testing.assert_allclose(got, (1 - target) * up - target * down, rtol=tolerance, atol=1e-7)
        sign = ndl.ones(4, dtype=dtype)
        got = gradient(lambda x: F.soft_margin_loss(x, sign, reduction="sum"), x)
        np.testing.assert_allclose(got, -down, rtol=tolerance, atol=1e-7)


@pytest.mark.parametrize("x", [-30.0, -20.0, -12.0, 12.0, 20.0, 30.0])
def test_small_losses_are_no_differences_of_large_numbers(x: float) -> None:
    """A logit on the right side: the loss and its gradient are about exp(-|x|), to all of float32's digits."""
    logit = ndl.tensor([x], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(logit, ndl.tensor([float(x > 0)]))
    loss.backward()
    expected = np.log1p(np.exp(-abs(x)))
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-6)
    np.testing.assert_allclose(logit.grad.item(), -np.sign(x) * np.exp(-abs(x)) / (1 + np.exp(-abs(x))), rtol=1e-6)


def test_binary_cross_entropy_with_logits_in_all_its_arguments() -> None:
    rng = np.random.default_rng(0)
    x, t, w = (ndl.tensor(rng.uniform(0.1, 2, (3, 4)), dtype="float64", requires_grad=True) for _ in range(3))
    for reduction in ("none", "mean", "sum"):

        def loss(x: ndl.Tensor, t: ndl.Tensor, w: ndl.Tensor, reduction: str = reduction) -> ndl.Tensor:
            return F.binary_cross_entropy_with_logits(x - 1.0, t * 0.4, reduction=reduction, pos_weight=w)

        assert ndl.gradcheck(loss, [x, t, w])
        assert ndl.gradgradcheck(loss, [x, t, w])
    plain = ndl.log(1 + ndl.exp(-x)) * w * t + (1 - t) * ndl.log(1 + ndl.exp(x))
    got = F.binary_cross_entropy_with_logits(x, t, reduction="none", pos_weight=w)
    np.testing.assert_allclose(got.numpy(), plain.numpy(), rtol=1e-12)


@pytest.mark.parametrize("x", [[1.0, 2.0, 0.5], [1e3, 1e3, 1e3 - 1], [-5.0, 4.0, 4.0]])
def test_derivatives_of_both_orders(x: list[float]) -> None:
    leaf = ndl.tensor(x, dtype="float64", requires_grad=True)
    for fn in (
        lambda x: ndl.logsumexp(x, 0),
        lambda x: ndl.logcumsumexp(x, 0),
        lambda x: ndl.logsumexp(ndl.stack([x, 2 * x]), (0, 1)),
        lambda x: F.cross_entropy(x, ndl.tensor(1), label_smoothing=0.1),
        lambda x: ndl.logaddexp(x[0], x[2]),
    ):
        assert ndl.gradcheck(fn, [leaf])
        assert ndl.gradgradcheck(fn, [leaf])


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([INF, 1.0], [1.0, 0.0]),
        ([INF, INF], [0.5, 0.5]),
        ([-INF, -INF], [0.0, 0.0]),
        ([-INF, 1.0], [0.0, 1.0]),
        ([float("nan"), 1.0], [float("nan")] * 2),
    ],
)
def test_infinite_inputs(x: list[float], expected: list[float]) -> None:
    """The limits of the softmax; equal infinities share, and a sum of nothing has no share."""
    leaf = ndl.tensor(x)
    np.testing.assert_array_equal(gradient(ndl.logsumexp, leaf), expected)
    np.testing.assert_array_equal(gradient(lambda x: ndl.logsumexp(x.reshape(1, 2), (0, 1)), leaf), expected)
    if not np.isnan(x[0]):
        last = gradient(lambda x: ndl.logcumsumexp(x, 0)[1], leaf)
        np.testing.assert_array_equal(last, expected)
    if x[0] != -INF or x[1] != -INF:
        np.testing.assert_array_equal(gradient(lambda x: ndl.logaddexp(x[0], x[1]), leaf), expected)


def test_infinite_logits() -> None:
    for dtype in ("float32", "float16", "bfloat16"):
        x = ndl.tensor([INF, -INF, INF, -INF], dtype=dtype)
        t = ndl.tensor([1.0, 0.0, 0.0, 1.0], dtype=dtype)
        loss = lambda x, t=t: F.binary_cross_entropy_with_logits(x, t, reduction="none")  # noqa: E731
        assert loss(x).tolist() == [0.0, 0.0, INF, INF]
        assert gradient(loss, x).tolist() == [0.0, 0.0, 1.0, -1.0]
        assert F.logsigmoid(x).tolist() == [0.0, -INF, 0.0, -INF]
        assert gradient(F.logsigmoid, x).tolist() == [0.0, 1.0, 0.0, 1.0]
        assert gradient(F.softplus, x).tolist() == [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("expm1", -20.0, 2.0611536e-09),
        ("asinh", 1e25, 1e-25),
        ("acosh", 1e25, 1e-25),
        ("asin", 1 - 2.0**-24, 2048 * 2**0.5),
        ("acos", 1 - 2.0**-24, -2048 * 2**0.5),
        ("atanh", 1 - 2.0**-24, 2.0**23),
    ],
)
def test_functions_of_one_number(name: str, x: float, expected: float) -> None:
    got = gradient(getattr(ndl, name), ndl.tensor([x]))
    np.testing.assert_allclose(got, [expected], rtol=1e-6)


@pytest.mark.parametrize("size", [1e-25, 1.0, 1e25])
def test_angles_of_any_size(size: float) -> None:
    got = gradient(lambda p: ndl.atan2(p[0], p[1]), ndl.tensor([3 * size, 4 * size]))
    np.testing.assert_allclose(got, np.array([4, -3]) / 25 / size, rtol=1e-6)

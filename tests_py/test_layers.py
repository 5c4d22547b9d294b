"""Losses and small layers at the points where a formula that is right elsewhere goes wrong; and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import needlecpp as ndl
import needlecpp.nn.functional as F
import pytest

INF = float("inf")


def gradient(fn: Callable[[ndl.Tensor], ndl.Tensor], at: list[float]) -> list[float]:
    x = ndl.tensor(at, requires_grad=True)
    return ndl.grad(fn(x).sum(), x)[0].tolist()


@pytest.mark.parametrize("loss", [F.huber_loss, F.smooth_l1_loss])
def test_huber_is_linear_to_infinity(loss: Callable[..., ndl.Tensor]) -> None:
    assert gradient(lambda x: loss(x, ndl.zeros(4), "sum"), [0.5, -3.0, INF, -INF]) == [0.5, -1.0, 1.0, -1.0]


def test_huber_is_not_curved_at_its_edge() -> None:
    x = ndl.tensor([0.5, 1.0, 2.0], requires_grad=True)
    slope = ndl.grad(F.huber_loss(x, ndl.zeros(3), "sum"), x, create_graph=True)[0]
    assert ndl.grad(slope.sum(), x)[0].tolist() == [1.0, 0.0, 0.0]


def test_margins_that_are_just_met_pull() -> None:
    one = ndl.ones(1)
    assert gradient(lambda x: F.margin_ranking_loss(x, one, one), [1.0]) == [-1.0]
    assert gradient(lambda x: F.hinge_embedding_loss(x, -one), [1.0]) == [-1.0]
    row = ndl.tensor([[1.0, 0.0]])
    assert gradient(lambda x: F.cosine_embedding_loss(x.reshape(1, 2), row, -one), [0.0, 2.0]) == [0.5, 0.0]
    far = ndl.tensor([[3.0]])
    assert gradient(lambda x: F.triplet_margin_loss(x.reshape(1, 1), far, far, margin=0.0), [1.0]) == [0.0]


def test_infinite_variance() -> None:
    zero = ndl.zeros(1)
    assert F.gaussian_nll_loss(zero, zero, ndl.tensor([INF])).item() == INF
    assert gradient(lambda x: F.gaussian_nll_loss(x, zero, ndl.tensor([INF])), [1.0]) == [0.0]


def test_class_weights_are_watched() -> None:
    x, weight = ndl.zeros(2, 3, requires_grad=True), ndl.ones(3)
    loss = F.cross_entropy(x, ndl.tensor([0, 2]), weight, label_smoothing=0.5)
    weight[:] = 7.0
    with pytest.raises(RuntimeError, match=r"\[cross_entropy\] a tensor was changed in place"):
        loss.backward()


def test_grid_sample_at_infinity_has_one_gradient() -> None:
    x = ndl.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], requires_grad=True)
    grid = ndl.tensor([[[[INF, 0.0], [0.0, 0.0]]]])
    y = F.grid_sample(x, grid, padding_mode="border")
    plain = ndl.grad(y.sum(), x, retain_graph=True)[0]
    assert ndl.grad(y.sum(), x, create_graph=True)[0].tolist() == plain.tolist()


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"\[linear\] wrong bias: got shape \(5, 2\)"):
        F.linear(ndl.ones(3), ndl.ones(2, 3), ndl.ones(5, 2))
    with pytest.raises(ValueError, match=r"\[bilinear\] wrong bias: got shape \(5, 2\)"):
        F.bilinear(ndl.ones(3), ndl.ones(2), ndl.ones(2, 3, 2), ndl.ones(5, 2))
    with pytest.raises(TypeError, match=r"\[interpolate\] no scale_factor: got"):
        F.interpolate(ndl.ones(1, 1, 2), scale_factor="2")  # type: ignore[arg-type]

"""Rows of the losses."""

from __future__ import annotations

from typing import Any

import needlecpp as ndl
import numpy as np

from .row import POSITIVE, Array, Op

PAIR = ((3, 4), (3, 4))
PROBABILITY: dict[str, Any] = {"low": 0.02, "high": 0.9}
CLASSES = np.array([2, 0, -100, 3, 1])
SIGNS = np.array([1.0, -1.0, 1.0])
WEIGHT = np.array([0.5, 1.5, 1.0, 2.0])


def _log_softmax(x: Array) -> Array:
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def _picked(x: Array, weight: Array | None = None, smoothing: float = 0.0) -> Array:
    """The mean of -weight[t] x[t] over the rows that are not ignored, smoothed over all classes."""
    weight = np.ones(x.shape[1]) if weight is None else weight
    kept = CLASSES >= 0
    rows, targets = np.arange(5)[kept], CLASSES[kept]
    loss = -x[rows, targets] * weight[targets] * (1 - smoothing)
    loss = loss - (x[rows] * weight).sum(1) * smoothing / x.shape[1]
    return loss.sum() / weight[targets].sum()


def _huber(d: Array, edge: float) -> Array:
    return np.where(np.abs(d) < edge, d * d / 2, edge * (np.abs(d) - edge / 2))


def _entropy(x: Array, t: Array) -> Array:
    return -(t * np.log(x) + (1 - t) * np.log(1 - x))


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _like(x: Any, values: Array) -> Any:
    return ndl.tensor(values.astype(x.dtype))


def _distance(a: Array, b: Array) -> Array:
    return np.sqrt(((a - b + 1e-6) ** 2).sum(-1))


def _triplet(a: Array, p: Array, n: Array) -> Array:
    far = np.minimum(_distance(a, n), _distance(p, n))
    return np.maximum(_distance(a, p) - far + 5, 0).mean()


def _cosine(a: Array, b: Array) -> Array:
    return (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))


def _poisson(x: Array, t: Array) -> Array:
    return np.exp(x) - t * x + np.where(t > 1, t * np.log(t) - t + np.log(2 * np.pi * t) / 2, 0)


ROWS = [
    Op("mse_loss", ndl.mse_loss, lambda x, t: ((x - t) ** 2).mean(), PAIR),
    Op("mse_loss none", lambda x, t: ndl.mse_loss(x, t, "none"), lambda x, t: (x - t) ** 2, PAIR, covers="mse_loss"),
    Op("l1_loss", lambda x, t: ndl.l1_loss(x, t, "sum"), lambda x, t: np.abs(x - t).sum(), PAIR),
    Op(
        "smooth_l1_loss",
        lambda x, t: ndl.smooth_l1_loss(x, t, "none", 0.01),
        lambda x, t: _huber(x - t, 0.01) / 0.01,
        PAIR,
    ),
    Op(
        "huber_loss",
        lambda x, t: ndl.huber_loss(x, t * 0.1, delta=0.7),
        lambda x, t: _huber(x - t * 0.1, 0.7).mean(),
        PAIR,
    ),
    Op("binary_cross_entropy", ndl.binary_cross_entropy, lambda x, t: _entropy(x, t).mean(), PAIR, **PROBABILITY),
    Op(
        "binary_cross_entropy_with_logits",
        lambda x, t, w, p: ndl.binary_cross_entropy_with_logits(x, t, w, "none", p),
        lambda x, t, w, p: -w * (p * t * np.log(_sigmoid(x)) + (1 - t) * np.log(1 - _sigmoid(x))),
        (*PAIR, (3, 1), (4,)),
        **PROBABILITY,
    ),
    Op("kl_div", lambda x, t: ndl.kl_div(x, t, "none"), lambda x, t: t * (np.log(t) - x), PAIR, **POSITIVE),
    Op(
        "kl_div log",
        lambda x, t: ndl.kl_div(x, t, "batchmean", True),
        lambda x, t: (np.exp(t) * (t - x)).sum() / 3,
        PAIR,
        covers="kl_div",
    ),
    Op(
        "poisson_nll_loss",
        lambda x, t: ndl.poisson_nll_loss(x, t, full=True, reduction="none"),
        _poisson,
        PAIR,
        **POSITIVE,
    ),
    Op(
        "poisson_nll_loss rates",
        lambda x, t: ndl.poisson_nll_loss(x, t, False),
        lambda x, t: (x - t * np.log(x + 1e-8)).mean(),
        PAIR,
        covers="poisson_nll_loss",
        **POSITIVE,
    ),
    Op(
        "gaussian_nll_loss",
        lambda x, t, v: ndl.gaussian_nll_loss(x, t, v, full=True),
        lambda x, t, v: ((np.log(v) + (x - t) ** 2 / v + np.log(2 * np.pi)) / 2).mean(),
        (*PAIR, (3, 1)),
        **POSITIVE,
    ),
    Op("nll_loss", lambda x: ndl.nll_loss(x, ndl.tensor(CLASSES)), _picked, ((5, 4),)),
    Op(
        "nll_loss spatial",
        lambda x: ndl.nll_loss(x, ndl.tensor(CLASSES[None, :, None]), reduction="sum"),
        lambda x: _picked(x[0, :, :, 0].T) * 4,
        ((1, 4, 5, 1),),
        covers="nll_loss",
    ),
    Op(
        "cross_entropy",
        lambda x: ndl.cross_entropy(x, ndl.tensor(CLASSES)),
        lambda x: _picked(_log_softmax(x)),
        ((5, 4),),
    ),
    Op(
        "cross_entropy smooth",
        lambda x: ndl.cross_entropy(x, ndl.tensor(CLASSES), _like(x, WEIGHT), label_smoothing=0.3),
        lambda x: _picked(_log_softmax(x), WEIGHT, 0.3),
        ((5, 4),),
        covers="cross_entropy",
    ),
    Op(
        "cross_entropy wide",
        lambda x: ndl.cross_entropy(x, ndl.tensor(CLASSES), label_smoothing=0.1),
        lambda x: _picked(_log_softmax(x), None, 0.1),
        ((5, 37),),
        covers="cross_entropy",
    ),
    Op(
        "cross_entropy probabilities",
        lambda x, t: ndl.cross_entropy(x, t, reduction="none"),
        lambda x, t: -(t * _log_softmax(x)).sum(1),
        ((2, 4, 3), (2, 4, 3)),
        covers="cross_entropy",
    ),
    Op(
        "hinge_embedding_loss",
        lambda x: ndl.hinge_embedding_loss(x, _like(x, SIGNS), reduction="none"),
        lambda x: np.where(SIGNS > 0, x, np.maximum(0, 1 - x)),
        ((3,),),
    ),
    Op(
        "margin_ranking_loss",
        lambda a, b: ndl.margin_ranking_loss(a, b, _like(a, SIGNS), 0.5, "none"),
        lambda a, b: np.maximum(0, -SIGNS * (a - b) + 0.5),
        ((3,), (3,)),
    ),
    Op(
        "soft_margin_loss",
        lambda x: ndl.soft_margin_loss(x, _like(x, SIGNS)),
        lambda x: np.log(1 + np.exp(-SIGNS * x)).mean(),
        ((3,),),
    ),
    Op(
        "cosine_embedding_loss",
        lambda a, b: ndl.cosine_embedding_loss(a, b, _like(a, SIGNS), 0.1, "none"),
        lambda a, b: np.where(SIGNS > 0, 1 - _cosine(a, b), np.maximum(0, _cosine(a, b) - 0.1)),
        ((3, 4), (3, 4)),
    ),
    Op(
        "triplet_margin_loss",
        lambda a, p, n: ndl.triplet_margin_loss(a, p, n, 5.0, swap=True),
        _triplet,
        ((3, 4), (3, 4), (3, 4)),
    ),
]

"""Rows of the normalization layers, lengths and angles."""

from __future__ import annotations

from typing import Any

import needlecpp as ndl
import numpy as np

from .row import Array, Op

GROUPED = ((2, 6, 2, 3), (6,), (6,))
WIDE = ((3, 4, 18), (4,), (4,))  # a channel's samples are not moved together


def _standard(x: Array, axes: tuple[int, ...], eps: float = 1e-5) -> Array:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def _affine(y: Array, weight: Array, bias: Array) -> Array:
    spread = (1, -1) + (1,) * (y.ndim - 2)
    return y * weight.reshape(spread) + bias.reshape(spread)


def _group_norm(x: Array, weight: Array, bias: Array) -> Array:
    return _affine(_standard(x.reshape(2, 3, -1), (2,)).reshape(x.shape), weight, bias)


def _rms(x: Array, eps: float = 1e-3) -> Array:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps)


def _length(x: Array, p: float, axis: int) -> Array:
    return (np.abs(x) ** p).sum(axis, keepdims=True) ** (1 / p)


def _cosine(a: Array, b: Array, axis: int = 1) -> Array:
    return ((a / _length(a, 2, axis)) * (b / _length(b, 2, axis))).sum(axis)


def _running(x: Any, axis_stats: bool) -> tuple[Any, Any]:
    channels = x.shape[1]
    mean = np.linspace(-0.5, 0.5, channels)
    var = np.linspace(0.5, 1.5, channels)
    if axis_stats:
        return mean.reshape(1, -1, 1), var.reshape(1, -1, 1)
    return ndl.tensor(mean.astype(x.dtype)), ndl.tensor(var.astype(x.dtype))


def _evaluated(x: Array, weight: Array, bias: Array) -> Array:
    mean, var = _running(x, True)
    return _affine((x - mean) / np.sqrt(var + 1e-5), weight, bias)


ROWS = [
    Op(
        "layer_norm",
        lambda x, w, b: ndl.layer_norm(x, (2, 5), w, b),
        lambda x, w, b: _standard(x, (2, 3)) * w + b,
        ((2, 3, 2, 5), (2, 5), (2, 5)),
    ),
    Op(
        "layer_norm long",
        lambda x: ndl.layer_norm(x, 37),
        lambda x: _standard(x, (1,)),
        ((2, 37),),
        covers="layer_norm",
    ),
    Op(
        "layer_norm bias",
        lambda x, b: ndl.layer_norm(x, 4, bias=b),
        lambda x, b: _standard(x, (1,)) + b,
        ((3, 4), (4,)),
        covers="layer_norm",
    ),
    Op(
        "rms_norm",
        lambda x, w: ndl.rms_norm(x, 5, w, eps=1e-3),
        lambda x, w: _rms(x) * w,
        ((3, 5), (5,)),
    ),
    Op("group_norm", lambda x, w, b: ndl.group_norm(x, 3, w, b), _group_norm, GROUPED),
    Op(
        "group_norm weight",
        lambda x, w: ndl.group_norm(x, 3, w),
        lambda x, w: _group_norm(x, w, np.zeros(6)),
        GROUPED[:2],
        covers="group_norm",
    ),
    Op(
        "instance_norm",
        lambda x, w, b: ndl.instance_norm(x, weight=w, bias=b),
        lambda x, w, b: _affine(_standard(x, (2, 3)), w, b),
        GROUPED,
    ),
    Op(
        "instance_norm running",
        lambda x, w, b: ndl.instance_norm(x, *_running(x, False), w, b, use_input_stats=False),
        _evaluated,
        WIDE,
        covers="instance_norm",
    ),
    Op(
        "batch_norm",
        lambda x, w, b: ndl.batch_norm(x, None, None, w, b, training=True),
        lambda x, w, b: _affine(_standard(x, (0, 2)), w, b),
        WIDE,
    ),
    Op(
        "batch_norm short",
        lambda x, w, b: ndl.batch_norm(x, None, None, w, b, training=True),
        lambda x, w, b: _affine(_standard(x, (0,)), w, b),
        ((5, 4), (4,), (4,)),
        covers="batch_norm",
    ),
    Op(
        "batch_norm evaluated",
        lambda x, w, b: ndl.batch_norm(x, *_running(x, False), w, b),
        _evaluated,
        WIDE,
        covers="batch_norm",
    ),
    Op("normalize", ndl.normalize, lambda x: x / _length(x, 2, 1)),
    Op(
        "normalize p",
        lambda x: ndl.normalize(x, 2.5, axis=0),
        lambda x: x / _length(x, 2.5, 0),
        covers="normalize",
    ),
    Op(
        "normalize maximum",
        lambda x: ndl.normalize(x, np.inf),
        lambda x: x / np.abs(x).max(1, keepdims=True),
        covers="normalize",
    ),
    Op("cosine_similarity", ndl.cosine_similarity, _cosine, ((3, 4), (3, 4))),
    Op(
        "cosine_similarity broadcast",
        lambda a, b: ndl.cosine_similarity(a, b, axis=-1),
        lambda a, b: _cosine(*np.broadcast_arrays(a, b), -1),
        ((3, 1, 4), (2, 4)),
        covers="cosine_similarity",
    ),
    Op(
        "pairwise_distance",
        lambda a, b: ndl.pairwise_distance(a, b, 3.0, keepdims=True),
        lambda a, b: _length(a - b + 1e-6, 3, 1),
        ((3, 4), (3, 4)),
    ),
]

"""Rows of attention and the small functions of layers."""

from __future__ import annotations

from typing import Any

import needlecpp as ndl
import numpy as np

from .row import CONSTANT, Array, Op

HEADS = ((2, 3, 4), (2, 5, 4), (2, 5, 3))
SEEN = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 0, 1, 1, 1]]) > 0  # query 1 looks at nothing
INDEX = np.array([[2, 0], [2, 1]])


def _attention(q: Array, k: Array, v: Array, add: Any = 0.0, scale: float = 0.5) -> Array:
    scores = q @ k.swapaxes(-1, -2) * scale + add
    weights = np.exp(scores - np.maximum(scores.max(-1, keepdims=True), -1e30))
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total) @ v


def _bilinear(a: Array, b: Array, weight: Array, bias: Array) -> Array:
    return np.einsum("ni,oij,nj->no", a, weight, b) + bias


ROWS = [
    Op("scaled_dot_product_attention", ndl.scaled_dot_product_attention, _attention, HEADS),
    Op(
        "attention causal",
        lambda q, k, v: ndl.scaled_dot_product_attention(q, k, v, is_causal=True),
        lambda q, k, v: _attention(q, k, v, np.where(np.tri(3, 5) > 0, 0, -np.inf)),
        HEADS,
        covers="scaled_dot_product_attention",
    ),
    Op(
        "attention masked",
        lambda q, k, v: ndl.scaled_dot_product_attention(q, k, v, ndl.tensor(SEEN), scale=0.3),
        lambda q, k, v: _attention(q, k, v, np.where(SEEN, 0, -np.inf), 0.3),
        HEADS,
        covers="scaled_dot_product_attention",
    ),
    Op(
        "attention added",
        lambda q, k, v, m: ndl.scaled_dot_product_attention(q, k, v, m),
        _attention,
        (*HEADS, (3, 5)),
        covers="scaled_dot_product_attention",
    ),
    Op(
        "attention groups",
        lambda q, k, v: ndl.scaled_dot_product_attention(q, k, v, enable_gqa=True),
        lambda q, k, v: _attention(q, k.repeat(2, 0), v.repeat(2, 0)),
        ((4, 3, 4), (2, 5, 4), (2, 5, 3)),
        covers="scaled_dot_product_attention",
    ),
    Op("linear", ndl.linear, lambda x, w, b: x @ w.T + b, ((2, 3, 4), (5, 4), (5,))),
    Op("linear vector", ndl.linear, lambda x, w: x @ w, ((3, 4), (4,)), covers="linear"),
    Op("bilinear", ndl.bilinear, _bilinear, ((3, 4), (3, 2), (5, 4, 2), (5,))),
    Op("embedding", lambda w: ndl.embedding(ndl.tensor(INDEX), w), lambda w: w[INDEX]),
    Op("embedding weight first", lambda w: ndl.embedding(w, ndl.tensor(INDEX)), lambda w: w[INDEX], covers="embedding"),
    Op(
        "embedding padding",
        lambda w: ndl.embedding(ndl.tensor(INDEX), w, padding_idx=-1),
        lambda w: w[INDEX],
        covers="embedding",
        **CONSTANT,
    ),
    Op("dropout", lambda x: ndl.dropout(x, 0.3, False), lambda x: x),
    Op("dropout all", lambda x: ndl.dropout(x, 1.0), lambda x: x * 0, covers="dropout"),
]

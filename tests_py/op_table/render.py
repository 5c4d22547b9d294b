"""Rows of the fused ops of radiance fields: encodings, small networks, volume rendering."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import needlecpp as ndl
import numpy as np
from argument_table import OFFSETS as TWO_RAYS
from argument_table import SQUARE, UNEQUAL, numbers, pair
from needlecpp import _core

from .row import Array, Op

UNIT: dict[str, Any] = {"low": 0.05, "high": 0.95}
SMALL: dict[str, Any] = {"low": -0.5, "high": 0.5}

GRID = _core.HashGridConfig(levels=2, features=2, log2_table_size=4, base_resolution=2, growth=2.0)
LEVELS = ((1.0, 2, 0, 8), (3.0, 4, 8, 16))  # scale, resolution, first entry and entries: one dense, one hashed
ENTRIES = 24

OFFSETS = np.array([0, 3, 3, 4, 7])  # rays of 3, 0, 1 and 3 samples
SAMPLES = 7
T = 1 + 0.2 * np.arange(SAMPLES)
DT = 0.1 + 0.03 * np.arange(SAMPLES)


def _harmonics(directions: Array, degree: int) -> Array:
    x, y, z = directions.T
    third = np.sqrt(
        [1 / 4, 3 / 4, 15 / 4, 5 / 16, 15 / 16, 35 / 32, 105 / 4, 21 / 32, 7 / 16, 105 / 16] / np.array(np.pi)
    )
    one, first, xy, zz, xx_yy, y3, xyz, y5, z5, zxx = third
    columns = [
        one + 0 * x,
        -first * y,
        first * z,
        -first * x,
        xy * x * y,
        -xy * y * z,
        zz * (3 * z * z - 1),
        -xy * x * z,
        xx_yy * (x * x - y * y),
        -y3 * y * (3 * x * x - y * y),
        xyz * x * y * z,
        -y5 * y * (5 * z * z - 1),
        z5 * z * (5 * z * z - 3),
        -y5 * x * (5 * z * z - 1),
        zxx * z * (x * x - y * y),
        -y3 * x * (x * x - 3 * y * y),
    ]
    return np.stack(columns[: degree * degree], -1)


def _frequencies(x: Array, count: int) -> Array:
    angles = x[..., None] * (2.0 ** np.arange(count) * np.pi)
    return np.stack([np.sin(angles), np.cos(angles)], -1).reshape(len(x), -1)


def _hashgrid(positions: Array, table: Array) -> Array:
    encoded = []
    for scale, resolution, first, entries in LEVELS:
        places = positions * scale + 0.5
        cells = np.floor(places)
        value: Any = 0
        for corner in np.ndindex(2, 2, 2):
            x, y, z = (cells + corner).astype(np.int64).T
            dense = x + y * resolution + z * resolution**2
            entry = dense if resolution**3 <= entries else x ^ (y * 2654435761) ^ (z * 805459861)
            weight = np.prod(np.where(corner, places - cells, 1 - (places - cells)), -1)
            value = value + weight[:, None] * table[first + entry % entries]
        encoded.append(value)
    return np.concatenate(encoded, -1)


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _volume(sigma: Array, rgb: Array, early_stop: float = 0.0) -> Array:
    rays = []
    for begin, end in pairwise(OFFSETS):
        tau = (sigma * DT)[begin:end]
        before = np.exp(-(np.cumsum(tau) - tau))
        weights = before * (1 - np.exp(-tau)) * (before >= early_stop)
        rays.append([*(weights @ rgb[begin:end]), weights.sum(), weights @ T[begin:end]])
    return np.array(rays)


def _rendered(sigma: ndl.Tensor, rgb: ndl.Tensor, early_stop: float = 0.0) -> ndl.Tensor:
    dtype = "float64" if sigma.dtype == "float64" else "float32"  # it takes no others
    floats = (x.astype(dtype) for x in (sigma, rgb, ndl.tensor(T), ndl.tensor(DT)))
    color, opacity, depth = ndl.render_volume(*floats, ndl.tensor(OFFSETS), early_stop)
    return ndl.concat([color, opacity[:, None], depth[:, None]], 1)


GRIDS: dict[str, list[Any]] = {
    "positions": pair(numbers(2, 3, scale=0.5)),
    "table": pair(numbers(32, 2)),
    "config": [_core.HashGridConfig(2, 2, 4, growth=growth) for growth in (1.5, 2.0)],
}
NETWORKS: dict[str, list[Any]] = {
    "weights": [[numbers(4, 3), -SQUARE], [numbers(4, 3) + 1, SQUARE]],
    "low": [(-1.0, -1.0, -1.0)],
    "high": [(2.0, 2.0, 2.0)],
    "hidden": ["sigmoid"],
    "output": ["sigmoid"],
    "precision": ["bfloat16"],
}
VOLUMES: dict[str, list[Any]] = {
    "sigma": pair(UNEQUAL),
    "rgb": pair(SQUARE),
    "t": pair(UNEQUAL),
    "dt": [UNEQUAL / 9, UNEQUAL / 3],
    "offsets": TWO_RAYS,
    "early_stop": [0.5],
}

ROWS = [
    Op("spherical_harmonics", ndl.spherical_harmonics, lambda x: _harmonics(x, 4), ((5, 3),), **SMALL),
    Op(
        "harmonics of degree 2",
        lambda x: ndl.spherical_harmonics(x, 2),
        lambda x: _harmonics(x, 2),
        ((5, 3),),
        covers="spherical_harmonics",
        **SMALL,
    ),
    Op("frequency_encoding", lambda x: ndl.frequency_encoding(x, 2), lambda x: _frequencies(x, 2), ((5, 3),), **SMALL),
    Op(
        "hashgrid",
        lambda x, table: ndl.hashgrid(x, table, GRID),
        _hashgrid,
        ((6, 3), (ENTRIES, 2)),
        arguments=GRIDS,
        **UNIT,
    ),
    Op(
        "fused_mlp",
        lambda x, *weights: ndl.fused_mlp(x, list(weights)),
        lambda x, v, w: _relu(x @ v) @ w,
        ((5, 4), (4, 6), (6, 3)),
        **SMALL,
    ),
    Op(
        "fused_mlp sigmoids",
        lambda x, *weights: ndl.fused_mlp(x, list(weights), "sigmoid", "sigmoid"),
        lambda x, v, w: _sigmoid(_sigmoid(x @ v) @ w),
        ((5, 4), (4, 6), (6, 3)),
        covers="fused_mlp",
        **SMALL,
    ),
    Op(
        "hashgrid_mlp",
        lambda x, table, *weights: ndl.hashgrid_mlp(
            x, table, list(weights), GRID, (-1.0, -1.0, -1.0), (3.0, 3.0, 3.0), output="sigmoid"
        ),
        lambda x, table, v, w: _sigmoid(_relu(_hashgrid((x + 1) / 4, table) @ v) @ w),
        ((6, 3), (ENTRIES, 2), (4, 3), (3, 2)),
        arguments=GRIDS | NETWORKS,
        **UNIT,
    ),
    Op("render_volume", _rendered, _volume, ((SAMPLES,), (SAMPLES, 3)), low=0.3, high=3.0, arguments=VOLUMES),
    Op(
        "render_volume stopped",
        lambda sigma, rgb: _rendered(sigma, rgb, 0.8),
        lambda sigma, rgb: _volume(sigma, rgb, 0.8),
        ((SAMPLES,), (SAMPLES, 3)),
        covers="render_volume",
        low=0.3,
        high=3.0,
    ),
]

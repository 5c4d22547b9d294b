"""Rows of the shapes and views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import Op

ROWS = [
    Op("reshape", lambda x: ndl.reshape(x, (2, -1)), lambda x: x.reshape(2, -1)),
    Op("reshape of a view", lambda x: ndl.reshape(x.T, (6, 2)), lambda x: x.T.reshape(6, 2), covers="reshape"),
    Op("broadcast_to", lambda x: ndl.broadcast_to(x, (2, 3, 4)), lambda x: np.broadcast_to(x, (2, 3, 4)), ((3, 1),)),
    Op("permute", lambda x: ndl.permute(x, (2, 0, 1)), lambda x: x.transpose(2, 0, 1), ((2, 3, 4),)),
    Op("transpose", ndl.transpose, lambda x: x.swapaxes(-1, -2), ((2, 3, 4),)),
    Op(
        "transpose axes",
        lambda x: ndl.transpose(x, axes=(0, 2)),
        lambda x: x.swapaxes(0, 2),
        ((2, 3, 4),),
        covers="transpose",
    ),
    Op("flip", lambda x: ndl.flip(x, (0, 1)), lambda x: x[::-1, ::-1]),
    Op("squeeze", ndl.squeeze, np.squeeze, ((1, 3, 1),)),
    Op("unsqueeze", lambda x: ndl.unsqueeze(x, 1), lambda x: x[:, None]),
    Op("slices", lambda x: x[1:, ::-2], lambda x: x[1:, ::-2], covers="reshape"),
    Op("integers", lambda x: x[1, -1], lambda x: x[1, -1], covers="reshape"),
    Op("newaxis and ellipsis", lambda x: x[None, ..., 2], lambda x: x[None, ..., 2], covers="reshape"),
    Op("concat", lambda a, b: ndl.concat([a, b], 1), lambda a, b: np.concatenate([a, b], 1), ((3, 4), (3, 2))),
    Op("concatenate", lambda a, b: ndl.concatenate([a, b]), lambda a, b: np.concatenate([a, b]), ((3, 4), (1, 4))),
    Op("stack", lambda a, b: ndl.stack([a, b], 1), lambda a, b: np.stack([a, b], 1), ((3, 4), (3, 4))),
    Op("split", lambda x: ndl.split(x, 3, 1)[1], lambda x: x[:, 3:]),
    Op("split slices", lambda x: ndl.split(x, axis=1)[2], lambda x: x[:, 2], covers="split"),
    Op("split sizes", lambda x: ndl.split(x, (1, 0, 3), 1)[2], lambda x: x[:, 1:], covers="split"),
    Op("unbind", lambda x: ndl.unbind(x, 1)[2], lambda x: x[:, 2]),
    Op(
        "pad",
        lambda x: ndl.pad(x, [(1, 0), (0, 2)], 3.0),
        lambda x: np.pad(x, [(1, 0), (0, 2)], constant_values=3.0),
    ),
]

# PyTorch operators whose call differs from ours in more than the names of axes.
GOLDEN: dict[str, Callable[..., Any]] = {}

"""Rows of the scans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl

from .row import Op

ROWS = [
    Op("cumsum", lambda x: ndl.cumsum(x, 1), lambda x: x.cumsum(1)),
    Op("cumsum axis", lambda x: ndl.cumsum(x, 0), lambda x: x.cumsum(0), ((5, 2, 3),), covers="cumsum"),
    Op(
        "cumsum exclusive",
        lambda x: ndl.cumsum(x, 1, exclusive=True),
        lambda x: x.cumsum(1) - x,
        covers="cumsum",
    ),
    Op(
        "cumsum reverse",
        lambda x: ndl.cumsum(x, 1, reverse=True),
        lambda x: x[:, ::-1].cumsum(1)[:, ::-1],
        covers="cumsum",
    ),
]

# PyTorch operators whose call differs from ours in more than the names of axes.
GOLDEN: dict[str, Callable[..., Any]] = {}

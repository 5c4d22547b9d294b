"""Rows of the padding."""

from __future__ import annotations

import needlecpp as ndl
import numpy as np

from .row import Op

WIDTHS = [(1, 3), (2, 0)]

ROWS = [
    Op(
        "pad",
        lambda x: ndl.pad(x, [(1, 0), (0, 2)], value=3.0),
        lambda x: np.pad(x, [(1, 0), (0, 2)], constant_values=3.0),
    ),
    Op(
        "pad crop",
        lambda x: ndl.pad(x, [(-1, 2), (1, -3)]),
        lambda x: np.pad(x[1:, :1], [(0, 2), (1, 0)]),
        covers="pad",
    ),
    *(
        Op(
            f"pad {mode}",
            lambda x, mode=mode: ndl.pad(x, WIDTHS, mode),
            lambda x, mode=mode: np.pad(x, WIDTHS, mode),
            covers="pad",
        )
        for mode in ("edge", "reflect", "symmetric", "wrap")
    ),
    *(
        Op(
            f"pad far {mode}",
            lambda x, mode=mode: ndl.pad(x, 7, mode),
            lambda x, mode=mode: np.pad(x, 7, mode),
            ((2, 3),),
            covers="pad",
        )
        for mode in ("edge", "reflect", "symmetric", "wrap")
    ),
]

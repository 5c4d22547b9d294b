"""Rows of needlecpp.fft: complex numbers are pairs on the last axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import CONSTANT, Array, Op


def complex_of(pairs: Array) -> Array:
    return pairs[..., 0] + 1j * pairs[..., 1]


def pairs_of(numbers: Array) -> Array:
    return np.stack([numbers.real, numbers.imag], -1)


def row(name: str, shape: tuple[int, ...], *args: Any, takes: str = "pairs", gives: str = "pairs", **kwargs: Any) -> Op:
    """Of the transform ``name`` with arguments, scaled down so that 16 bits can hold the result."""
    ours, numpys = getattr(ndl.fft, name), getattr(np.fft, name)
    into: Callable[[Array], Array] = complex_of if takes == "pairs" else np.asarray
    back: Callable[[Array], Array] = pairs_of if gives == "pairs" else np.asarray
    return Op(
        " ".join([f"fft.{name}", str(shape), *map(str, args), *(f"{k}={v}" for k, v in kwargs.items())]),
        lambda x: ours(x * 0.0625, *args, **kwargs),
        lambda x: back(numpys(into(x) * 0.0625, *args, **kwargs)),
        (shape,),
        covers=f"fft.{name}",
    )


ROWS = [
    row("fft", (3, 8, 2)),
    row("fft", (7, 2), 5),
    row("fft", (2, 11, 2), 13, norm="ortho"),
    row("fft", (5, 3, 2), axis=0, norm="forward"),
    row("ifft", (3, 6, 2)),
    row("ifft", (4, 3, 2), 7, 0, norm="ortho"),
    row("fftn", (2, 3, 4, 2)),
    row("fftn", (2, 3, 4, 2), (5, 3), (1, 2)),
    row("ifftn", (2, 3, 4, 2), axes=(0, 2)),
    row("fft2", (2, 3, 4, 2), norm="ortho"),
    row("ifft2", (2, 3, 4, 2), (4, 2)),
    row("rfft", (3, 8), takes="real"),
    row("rfft", (3, 7), 6, 0, takes="real", norm="ortho"),
    row("irfft", (3, 5, 2), gives="real"),
    row("irfft", (5, 3, 2), 7, 0, gives="real", norm="forward"),
    row("irfft", (4, 2), 11, gives="real"),
    row("rfftn", (2, 3, 4), takes="real"),
    row("rfftn", (2, 3, 4), (5, 3), (2, 0), takes="real"),
    row("irfftn", (2, 3, 4, 2), gives="real"),
    row("irfftn", (2, 3, 4, 2), (3, 5), (0, 2), gives="real", norm="ortho"),
    row("rfft2", (2, 3, 4), takes="real"),
    row("irfft2", (2, 3, 4, 2), gives="real"),
    row("hfft", (3, 5, 2), gives="real", norm="ortho"),
    row("ihfft", (3, 6), takes="real"),
    Op(
        "fft.fftshift",
        ndl.fft.fftshift,
        lambda x: pairs_of(np.fft.fftshift(complex_of(x))),
        ((3, 4, 2),),
    ),
    Op(
        "fft.ifftshift",
        lambda x: ndl.fft.ifftshift(x, -1, real=True),
        lambda x: np.fft.ifftshift(x, -1),
        ((3, 5),),
    ),
    Op("fft.fftfreq", lambda: ndl.fft.fftfreq(8, 0.5), lambda: np.fft.fftfreq(8, 0.5), (), **CONSTANT),
    Op("fft.rfftfreq", lambda: ndl.fft.rfftfreq(8, 0.5), lambda: np.fft.rfftfreq(8, 0.5), (), **CONSTANT),
]

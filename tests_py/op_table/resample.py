"""Rows of the resizing and sampling of images and volumes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import Array, Op

# Places inside the image, at the edges and beyond, none of them on a pixel.
PLACES = np.array([[-0.31, 0.42], [0.73, -0.84], [1.13, 0.21], [-1.37, -1.11], [0.07, 2.41], [-0.93, 0.95]])
PLACES3 = np.array([[-0.31, 0.42, 0.13], [0.73, -0.84, 1.2], [1.13, 0.21, -0.97], [-1.37, -1.11, 0.4]])


def _tent(d: Array) -> Array:
    return np.maximum(0, 1 - np.abs(d))


def _keys(d: Array) -> Array:
    d = np.abs(d)
    near, far = (1.25 * d - 2.25) * d * d + 1, ((-0.75 * d + 3.75) * d - 6) * d + 3
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def _matrix(size: int, result: int, kernel: Callable[[Array], Array], corners: bool = False) -> Array:
    """[result, size]: what each new pixel draws from each old one."""
    at = np.arange(result) * (size - 1) / (result - 1) if corners else (np.arange(result) + 0.5) * size / result - 0.5
    if kernel is _tent:
        at = np.clip(at, 0, size - 1)
    reach = np.arange(-3, size + 3)
    weights = kernel(at[:, None] - reach)
    matrix = np.zeros((result, size))
    np.add.at(matrix, (slice(None), np.clip(reach, 0, size - 1)), weights)
    return matrix


def _resized(x: Array, matrices: list[Array]) -> Array:
    for axis, matrix in enumerate(matrices, 2):
        x = np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.T, -1, axis)
    return x


def _area(size: int, result: int) -> Array:
    matrix = np.zeros((result, size))
    for i in range(result):
        begin, end = i * size // result, -(-(i + 1) * size // result)
        matrix[i, begin:end] = 1 / (end - begin)
    return matrix


def _reflect(i: int, size: int) -> int:
    i = abs(i + 0.5) - 0.5
    i = i % (2 * size)
    return int(2 * size - 1 - i if i >= size else i)


def _sampled(x: Array, grid: Array, kernel: Callable[[Array], Array], padding: str) -> Array:
    """Every point as a sum over pixels of an image that is zero, repeated or mirrored outside; corners not aligned."""
    n, c, *size = x.shape
    points = grid.reshape(n, -1, len(size))
    y = np.zeros((n, c, points.shape[1]))
    for i, p in itertools.product(range(n), range(points.shape[1])):
        at = [((g + 1) * s - 1) / 2 for g, s in zip(points[i, p][::-1], size, strict=True)]
        for pixel in itertools.product(*(range(int(np.floor(a)) - 1, int(np.floor(a)) + 3) for a in at)):
            weight = np.prod([kernel(np.array(a - k)) for a, k in zip(at, pixel, strict=True)])
            if padding == "border":
                pixel = tuple(int(np.clip(k, 0, s - 1)) for k, s in zip(pixel, size, strict=True))
            elif padding == "reflection":
                pixel = tuple(_reflect(k, s) for k, s in zip(pixel, size, strict=True))
            if all(0 <= k < s for k, s in zip(pixel, size, strict=True)):
                y[i, :, p] += weight * x[(i, slice(None), *pixel)]
    return y.reshape(n, c, *grid.shape[1:-1])


def _grid_row(mode: str, padding: str, places: Array = PLACES) -> Op:
    kernel = _keys if mode == "bicubic" else _tent
    axes = places.shape[1]
    shape = (2, 1, 2, 3) if axes == 3 else (2, 2, 3)

    def grid_of(x: Any) -> Array:
        return np.resize(np.concatenate([places, places[::-1] * 0.9]), (*shape, axes))

    def fn(x: Any, moved: Any) -> Any:
        grid = ndl.tensor(grid_of(x).astype(x.dtype)) + moved * 0.01
        return ndl.grid_sample(x, grid, mode, padding)

    return Op(
        f"grid_sample {mode} {padding} {axes}",
        fn,
        lambda x, moved: _sampled(x, grid_of(x).astype(x.dtype) + moved * 0.01, kernel, padding),
        ((2, 2, 4, 5), (*shape, axes)) if axes == 2 else ((2, 1, 3, 4, 3), (*shape, axes)),
        covers="grid_sample",
    )


def _resize_row(
    name: str, shape: tuple[int, ...], size: tuple[int, ...], make: Callable[..., Array], **options: Any
) -> Op:
    return Op(
        f"interpolate {name}",
        lambda x: ndl.interpolate(x, size, **options),
        lambda x: _resized(x, [make(s, r) for s, r in zip(x.shape[2:], size, strict=True)]),
        shape if isinstance(shape[0], tuple) else (shape,),
        covers="interpolate",
    )


def _nearest(size: int, result: int) -> Array:
    return np.eye(size)[np.arange(result) * size // result]


def _nearest_exact(size: int, result: int) -> Array:
    return np.eye(size)[(2 * np.arange(result) + 1) * size // (2 * result)]


def _tents(size: int, result: int) -> Array:
    return _matrix(size, result, _tent)


def _corners(size: int, result: int) -> Array:
    return _matrix(size, result, _tent, True)


def _cubic(size: int, result: int) -> Array:
    return _matrix(size, result, _keys)


ROWS = [
    _resize_row("nearest", (2, 1, 5, 4), (3, 7), _nearest),
    _resize_row("nearest-exact", (2, 1, 5, 4), (3, 7), _nearest_exact, mode="nearest-exact"),
    _resize_row("linear", (2, 3, 5), (9,), _tents, mode="linear"),
    _resize_row("bilinear", (1, 2, 4, 5), (7, 3), _tents, mode="bilinear"),
    _resize_row("corners", (1, 2, 4, 5), (7, 3), _corners, mode="bilinear", align_corners=True),
    _resize_row("trilinear", (1, 1, 2, 3, 4), (3, 2, 5), _tents, mode="trilinear"),
    _resize_row("bicubic", (1, 2, 4, 5), (7, 3), _cubic, mode="bicubic"),
    _resize_row("area", (1, 2, 4, 5), (3, 2), _area, mode="area"),
    Op(
        "upsample_bilinear",
        lambda x: ndl.upsample_bilinear(x, scale_factor=2),
        lambda x: _resized(x, [_corners(s, 2 * s) for s in x.shape[2:]]),
        ((1, 2, 3, 2),),
    ),
    Op(
        "upsample_nearest",
        lambda x: ndl.upsample_nearest(x, scale_factor=(2, 3)),
        lambda x: x.repeat(2, 2).repeat(3, 3),
        ((1, 2, 3, 2),),
    ),
    Op(
        "pixel_shuffle",
        lambda x: ndl.pixel_shuffle(x, 2),
        lambda x: x.reshape(2, 1, 2, 2, 3, 2).transpose(0, 1, 4, 2, 5, 3).reshape(2, 1, 6, 4),
        ((2, 4, 3, 2),),
    ),
    Op(
        "pixel_unshuffle",
        lambda x: ndl.pixel_unshuffle(x, 2),
        lambda x: x.reshape(2, 1, 3, 2, 2, 2).transpose(0, 1, 3, 5, 2, 4).reshape(2, 4, 3, 2),
        ((2, 1, 6, 4),),
    ),
    *(_grid_row(m, p) for m in ("bilinear", "bicubic") for p in ("zeros", "border", "reflection")),
    *(_grid_row("bilinear", p, PLACES3) for p in ("zeros", "border", "reflection")),
    Op(
        "affine_grid",
        lambda t: ndl.affine_grid(t, (2, 1, 2, 3)),
        lambda t: np.einsum(
            "nij,hwj->nhwi",
            t,
            np.stack([*np.meshgrid([-2 / 3, 0, 2 / 3], [-0.5, 0.5]), np.ones((2, 3))], -1),
        ),
        ((2, 2, 3),),
    ),
    Op(
        "affine_grid corners",
        lambda t: ndl.affine_grid(t, (1, 1, 2, 1, 3), align_corners=True),
        lambda t: np.einsum(
            "nij,dhwj->ndhwi",
            t,
            np.stack([*np.meshgrid([-1, 1], [0], [-1, 0, 1], indexing="ij")[::-1], np.ones((2, 1, 3))], -1),
        ),
        ((1, 3, 4),),
        covers="affine_grid",
    ),
]

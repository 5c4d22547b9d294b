"""Image quality as the field measures it: PSNR and SSIM of 8-bit sRGB images.

The protocol is that of nerfbaselines ("nerf"): clip to [0, 1], round both images to 8 bit, compare
per image, average the numbers of the images. SSIM is Wang et al., "Image Quality Assessment", 2004,
in mip-NeRF's form.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_K1, SSIM_K2 = 0.01, 0.03

Plane = NDArray[np.float64]
Image = NDArray[Any]  # [h, w, c]: floating point, meant in [0, 1], or uint8
Mask = NDArray[np.bool_]


def to_uint8(image: Image) -> NDArray[np.uint8]:
    """Clips to [0, 1] and rounds to 8 bit, half up; uint8 passes. Raises ValueError for NaN and
    other dtypes.

    >>> to_uint8(np.array([-1.0, 0.5, 0.2, 7.0])).tolist()
    [0, 128, 51, 255]
    """
    pixels = np.asarray(image)
    if pixels.dtype == np.uint8:
        return pixels
    if not np.issubdtype(pixels.dtype, np.floating):
        raise ValueError(f"[to_uint8] image: got dtype {pixels.dtype}, expected uint8 or floating point.")
    if np.isnan(pixels).any():
        raise ValueError("[to_uint8] image: got NaN, expected numbers in [0, 1].")
    # In float64, as 0.5 / 255 steps are not exact in float16 and float32 sums.
    rounded: NDArray[Any] = np.floor(np.clip(pixels, 0, 1).astype(np.float64) * 255 + 0.5)
    return rounded.astype(np.uint8)


def psnr(a: Image, b: Image, mask: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB of two images, each rounded to 8 bit; infinite for equal
    ones. Only pixels where ``mask`` [h, w] is True count; NaN where it is nowhere.

    >>> round(psnr(np.zeros((4, 4, 3)), np.full((4, 4, 3), 0.1)), 3)
    19.831
    """
    x, y = _pair(a, b, "psnr")
    squares = (x - y) ** 2
    if mask is not None:
        squares = squares[_fitting(mask, a, "psnr")]
    if not squares.size:
        return math.nan
    mse = float(np.mean(squares))
    return math.inf if mse == 0 else -10 * math.log10(mse)


def ssim(a: Image, b: Image, mask: Mask | None = None) -> float:
    """Structural similarity of two images [h, w, c], each rounded to 8 bit: 1 for equal ones.

    With ``mask`` [h, w] only windows around a pixel where it is True count, and pixels where it is
    False are taken as black in both; NaN where no window counts.

    Window: Gaussian 11x11, sigma 1.5, only where it fits inside; per channel; K1 0.01, K2 0.03.
    Raises ValueError for images smaller than the window.

    >>> image = np.linspace(0, 1, 16 * 16 * 3).reshape(16, 16, 3)
    >>> round(ssim(image, image), 6)
    1.0
    """
    x, y = _pair(a, b, "ssim")
    if x.ndim != 3 or min(x.shape[:2]) < SSIM_WINDOW:
        raise ValueError(f"[ssim] image: got shape {x.shape}, expected [h, w, c] of at least 11x11 pixels.")
    counts: slice | Mask = slice(None)
    if mask is not None:
        use, rim = _fitting(mask, a, "ssim"), SSIM_WINDOW // 2
        x, y = x * use[..., None], y * use[..., None]
        counts = use[rim:-rim, rim:-rim]
        if not counts.any():
            return math.nan
    # A channel at a time: its planes stay in cache.
    return float(np.mean([_ssim_plane(x[..., c].copy(), y[..., c].copy())[counts].mean() for c in range(x.shape[2])]))


def _ssim_plane(x: Plane, y: Plane) -> Plane:
    mean_x, mean_y = _blur(x), _blur(y)
    least = float(np.finfo(np.float32).eps) ** 2
    var_x = np.maximum(_blur(x * x) - mean_x * mean_x, least)
    var_y = np.maximum(_blur(y * y) - mean_y * mean_y, least)
    cov = _blur(x * y) - mean_x * mean_y
    cov = np.sign(cov) * np.minimum(np.sqrt(var_x * var_y), np.abs(cov))
    c1, c2 = SSIM_K1**2, SSIM_K2**2
    numerator = (2 * mean_x * mean_y + c1) * (2 * cov + c2)
    denominator = (mean_x * mean_x + mean_y * mean_y + c1) * (var_x + var_y + c2)
    similarity: Plane = numerator / denominator
    return similarity


def composite(image: NDArray[np.uint8], background: float | tuple[float, float, float]) -> NDArray[np.float32]:
    """An image [h, w, 3 or 4] with straight alpha over a grey level or a colour in [0, 1]: [h, w, 3] float32.

    >>> composite(np.array([[[255, 0, 0, 51]]], np.uint8), 1.0).round(3).astype(str).tolist()
    [[['1.0', '0.8', '0.8']]]
    """
    pixels: NDArray[np.float32] = image.astype(np.float32) / np.float32(255)
    if image.shape[-1] == 3:
        return pixels
    alpha = pixels[..., 3:]
    out: NDArray[np.float32] = pixels[..., :3] * alpha + np.asarray(background, np.float32) * (1 - alpha)
    return out


def _pair(a: Image, b: Image, op: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if np.shape(a) != np.shape(b) or np.size(a) == 0:
        raise ValueError(f"[{op}] images: got shapes {np.shape(a)} and {np.shape(b)}, expected equal ones, not empty.")
    return to_uint8(a) / 255.0, to_uint8(b) / 255.0


def _fitting(mask: Mask, image: Image, op: str) -> Mask:
    if mask.dtype != np.bool_ or mask.shape != image.shape[:2]:
        raise ValueError(f"[{op}] mask: got {mask.dtype} of {mask.shape}, expected bool of {image.shape[:2]}.")
    return mask


def _blur(plane: Plane) -> Plane:
    """Gaussian window, down then across, valid part only: [h, w] -> [h - 10, w - 10]."""
    offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    weights = np.exp(-0.5 * (offsets / SSIM_SIGMA) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        size = plane.shape[axis] - SSIM_WINDOW + 1
        total = np.zeros((size, plane.shape[1]) if axis == 0 else (plane.shape[0], size))
        term = np.empty_like(total)
        for i, weight in enumerate(weights):
            part = plane[i : i + size] if axis == 0 else plane[:, i : i + size]
            total += np.multiply(part, weight, out=term)
        plane = total
    return plane

"""Reads image files in parallel into one uint8 array, reduced on the way by area averaging."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from needlecpp.data.scene import DataError

if TYPE_CHECKING:
    from PIL.Image import Image


STRIP = 64  # rows


def probe_images(files: Sequence[Path], wheres: Sequence[str]) -> tuple[list[tuple[int, int]], bool]:
    """Sizes [(width, height)] of image files and whether any has an alpha channel, from their
    headers alone."""
    sizes: list[tuple[int, int]] = []
    has_alpha = False
    for file, where in zip(files, wheres, strict=True):
        with _open(file, where) as image:
            if image.mode.startswith(("I", "F")):
                raise DataError(f"{where}: {file.name} has pixels of type {image.mode}, expected 8-bit colour")
            sizes.append(image.size)
            has_alpha |= image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    return sizes, has_alpha


def load_images(
    files: Sequence[Path], wheres: Sequence[str], has_alpha: bool, size: tuple[int, int], keep: bool = True
) -> NDArray[np.uint8]:
    """Decodes image files to [n, height, width, 3 or 4] at ``size`` (width, height), in threads.

    Only the result and one full-size image a thread are held at a time. Raises DataError for a file
    that is truncated or broken. Without ``keep`` that is all it does, and the result is empty.
    """
    width, height = size
    out = np.empty((len(files) if keep else 0, height, width, 4 if has_alpha else 3), np.uint8)

    def load(i: int) -> None:
        with _open(files[i], wheres[i]) as image:
            try:
                pixels = np.asarray(image.convert("RGBA" if has_alpha else "RGB"))
            except MemoryError:
                raise
            except Exception as e:  # Pillow's decoders raise whatever their format's parser stumbles over
                reason = str(e) or type(e).__name__
                raise DataError(f"{wheres[i]}: {files[i]} is truncated or broken ({reason})") from None
        if keep:
            out[i] = area_average(pixels, width, height)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for _ in pool.map(load, range(len(files))):
            pass
    return out


def area_average(
    image: NDArray[np.uint8],  # [h, w, 3 or 4] straight alpha
    width: int,
    height: int,
) -> NDArray[np.uint8]:  # [height, width, 3 or 4]
    """Reduces an image: each pixel becomes the mean over the area it covers, rounded half up to 8
    bit.

    Colour is weighted by alpha, so that what a transparent pixel hides does not bleed into its
    neighbours; it is 0 where alpha is 0 all over. Partly covered pixels count by the covered
    fraction.

    >>> pixels = np.array([[[200, 0, 0, 255], [9, 9, 9, 0]]], np.uint8)
    >>> area_average(pixels, 1, 1).tolist()
    [[[200, 0, 0, 128]]]
    """
    h, w, channels = image.shape
    if (w, h) == (width, height):
        return image
    total: NDArray[Any]
    if h % height == 0 and w % width == 0:
        total = _block_sums(image, w // width, h // height)
        area: float = (w // width) * (h // height)
    else:
        total = _fractional_sums(image, width, height)
        area = (w / width) * (h / height)
    if channels == 3:
        return _divide(total, area)
    alpha = total[..., 3:]
    out = np.zeros((height, width, 4), np.uint8)
    out[..., :3] = np.where(alpha > 0, _divide(total[..., :3], np.where(alpha > 0, alpha, 1)), 0)
    out[..., 3:] = _divide(alpha, area)
    return out


def _block_sums(image: NDArray[np.uint8], kx: int, ky: int) -> NDArray[Any]:
    """Sums of alpha-weighted colour and of alpha over blocks of whole pixels."""
    h, w, channels = image.shape
    total = np.zeros((h // ky, w // kx, channels), np.uint32 if kx * ky <= 2**15 else np.uint64)
    for y in range(ky):
        for x in range(kx):
            part = image[y::ky, x::kx]
            if channels == 4:
                alpha = part[..., 3:].astype(np.uint32)
                total[..., :3] += part[..., :3] * alpha
                total[..., 3:] += alpha
            else:
                total += part
    return total


def _fractional_sums(image: NDArray[np.uint8], width: int, height: int) -> NDArray[Any]:
    """The same over areas that cut through pixels; a strip of rows at a time, to hold little in float64."""
    h, w, channels = image.shape
    across, down = _coverage(w, width).T, _coverage(h, height)  # [w, width], [height, h]
    total = np.zeros((channels, height, width))
    for y in range(0, h, STRIP):
        strip = image[y : y + STRIP].astype(np.float64)
        if channels == 4:
            strip[..., :3] *= strip[..., 3:]
        total += down[:, y : y + STRIP] @ (strip.transpose(2, 0, 1) @ across)
    return np.ascontiguousarray(total.transpose(1, 2, 0))


def _coverage(old: int, new: int) -> NDArray[np.float64]:
    """[new, old]: how much of each old pixel lies in each new one, in old pixels."""
    edges = np.arange(new + 1) * (old / new)
    pixels = np.arange(old)
    low, high = edges[:-1, None], edges[1:, None]
    cover: NDArray[np.float64] = np.minimum(high, pixels + 1) - np.maximum(low, pixels)
    return cover.clip(0, 1)


def _divide(total: NDArray[Any], by: Any) -> NDArray[np.uint8]:
    """total / by, rounded half up; exactly so for integers."""
    if np.issubdtype(total.dtype, np.integer):
        twice = 2 * np.asarray(by, total.dtype)
        quotient: NDArray[Any] = (2 * total + np.asarray(by, total.dtype)) // twice
    else:
        quotient = np.floor(total / by + (0.5 + 1e-9)).clip(0, 255)
    return quotient.astype(np.uint8)


def _open(file: Path, where: str) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(file)
    except UnidentifiedImageError:
        raise DataError(f"{where}: {file} is not an image file") from None
    except Image.DecompressionBombError as e:
        raise DataError(f"{where}: {file} is too large an image ({e})") from None
    except MemoryError:
        raise
    except Exception as e:  # see load_images
        reason = getattr(e, "strerror", None) or str(e) or type(e).__name__
        raise DataError(f"{where}: {file} cannot be read as an image ({reason})") from None

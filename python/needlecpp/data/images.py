"""Reads picture files in threads into one uint8 array, shrunk on the way by area averaging.

Pillow decodes, outside Python's lock, and so does the engine shrink: a picture costs little more
than its decoding. Pixels are taken as they are stored: an orientation in a picture's EXIF data is
not followed, since intrinsics refer to the stored pixels (as instant-ngp, nerfstudio and COLMAP have
it), unless the caller finds that they refer to the upright picture and asks for it. Numbers of 16
bit are rounded to 8 in grey pictures; Pillow drops their lower byte in coloured ones. CMYK, YCbCr,
Lab and palettes become RGB as Pillow has it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from needlecpp.data.scene import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

Size = tuple[int, int]  # width, height

ORIENTATION = 0x0112  # EXIF's tag; 5 to 8 lie on their side
LONGEST_SIDE = 65535  # of a picture file, pixels


@dataclass(frozen=True)
class Picture:
    """A picture file of a frame and what its header says."""

    file: Path
    where: str  # the frame, for messages
    size: Size  # as it is to be read
    has_alpha: bool
    upright: bool = False  # turn it by its EXIF orientation


def probe_image(file: Path, where: str, has_shape: Callable[[Size], bool]) -> Picture:
    """What the header of a picture file says. The picture is to be turned upright if only so it
    ``has_shape``."""
    with _open(file, where) as image:
        if image.mode == "F":
            raise DataError(
                f"{where}: {file.name} has pixels of type F (floating point), expected 8 or 16 bit a channel"
            )
        width, height = image.size
        if max(width, height) > LONGEST_SIDE:
            raise DataError(f"{where}: the image is {width}x{height}, expected at most {LONGEST_SIDE} pixels a side")
        has_alpha = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
        upright = (
            not has_shape((width, height))
            and has_shape((height, width))
            and image.getexif().get(ORIENTATION) in (5, 6, 7, 8)
        )
        return Picture(file, where, (height, width) if upright else (width, height), has_alpha, upright)


def load_images(
    pictures: Sequence[Picture], has_alpha: bool, sizes: Sequence[Size], keep: bool = True
) -> NDArray[np.uint8]:
    """Decodes picture files to ``sizes``, behind one another: [pixels, 3 or 4].

    Only the result and one full-size picture a thread are held at a time. Raises DataError for a
    file that is truncated or broken. Without ``keep`` that is all it does, and the result is empty.
    """
    mode = "RGBA" if has_alpha else "RGB"
    ends = np.cumsum([0, *(width * height for width, height in sizes)])
    out = np.empty((int(ends[-1]) if keep else 0, len(mode)), np.uint8)

    from needlecpp import _core

    def load(i: int) -> None:
        pixels = _decode(pictures[i], mode)
        if keep:
            width, height = sizes[i]
            _core.area_average(pixels, out[ends[i] : ends[i + 1]].reshape(height, width, len(mode)))

    in_threads(load, len(pictures))
    return out


def load_masks(masks: Sequence[Sequence[tuple[Path, bool]]], pictures: Sequence[Picture], sizes: Sequence[Size]) -> Any:
    """Which pixels of the shrunk pictures may be used, behind one another: [pixels] bool.

    ``masks`` lists a picture's mask files, each with whether its lit pixels (any channel above 0)
    are those to use or those to ignore. Of a shrunk picture a pixel may be used if all that it
    covers may.
    """
    ends = np.cumsum([0, *(width * height for width, height in sizes)])
    out = np.ones(int(ends[-1]), np.bool_)

    def load(i: int) -> None:
        width, height = sizes[i]
        use = out[ends[i] : ends[i + 1]].reshape(height, width)
        for file, lit_is_used in masks[i]:
            lit = _lit(file, pictures[i])
            use &= _none_covered(~lit if lit_is_used else lit, width, height)

    in_threads(load, len(pictures))
    return out


def in_threads(work: Callable[[int], None], count: int) -> None:
    """Calls ``work`` with 0 to count - 1 on all processors; the first error ends it."""
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        processors = os.cpu_count() or 1
    with ThreadPoolExecutor(min(processors, max(count, 1))) as pool:
        try:
            for _ in pool.map(work, range(count)):
                pass
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def area_average(
    image: NDArray[np.uint8],  # [h, w, 3 or 4] straight alpha
    width: int,
    height: int,
) -> NDArray[np.uint8]:  # [height, width, 3 or 4]
    """Shrinks an image: each pixel becomes the mean over the area it covers, rounded half up to 8
    bit.

    Colour is weighted by alpha, so that what a transparent pixel hides does not bleed into its
    neighbours; it is 0 where alpha is 0 all over. Partly covered pixels count by the covered
    fraction. All in whole numbers, so that the result is exact.

    >>> pixels = np.array([[[200, 0, 0, 255], [9, 9, 9, 0]]], np.uint8)
    >>> area_average(pixels, 1, 1).tolist()
    [[[200, 0, 0, 128]]]
    """
    if image.shape[:2] == (height, width):
        return image
    from needlecpp import _core

    out = np.empty((height, width, image.shape[2]), np.uint8)
    _core.area_average(image, out)
    return out


def _none_covered(marked: NDArray[np.bool_], width: int, height: int) -> NDArray[np.bool_]:
    """Which pixels of the shrunk picture cover no marked pixel, not even in part."""
    for axis, new in ((0, height), (1, width)):
        old = marked.shape[axis]
        if new == old:
            continue
        sums = np.insert(np.cumsum(marked, axis=axis, dtype=np.int64), 0, 0, axis=axis)
        edges = np.arange(new + 1) * old
        covered = np.take(sums, -(-edges[1:] // new), axis=axis) - np.take(sums, edges[:-1] // new, axis=axis)
        marked = covered > 0
    return ~marked


def _decode(picture: Picture, mode: str) -> Any:
    """Pixels [h, w, 3 or 4] of a file; of mode RGB they may have a fourth byte that means nothing."""
    with _open(picture.file, picture.where) as image:
        try:
            image.load()
            upright = image
            if picture.upright:
                from PIL import ImageOps

                upright = ImageOps.exif_transpose(image) or image
            if upright.mode.startswith("I"):
                return _from_grey(np.asarray(upright), len(mode), picture)
            return _pixels(upright if upright.mode == mode else upright.convert(mode))
        except (MemoryError, DataError):
            raise
        except Exception as e:  # Pillow's decoders raise whatever their format's parser stumbles over
            reason = str(e) or type(e).__name__
            raise DataError(f"{picture.where}: {picture.file} is truncated or broken ({reason})") from None


def _pixels(image: Image) -> Any:
    """Pillow's own memory of an RGB or RGBA picture [h, w, 4] where it hands it out, else a copy."""
    from needlecpp import _core

    try:
        _, pixels = image.__arrow_c_array__()
    except (AttributeError, ValueError):  # Pillow before 11.2; a picture so large that it stands in pieces
        return np.asarray(image)
    return _core.arrow_pixels(pixels, *image.size)


def _from_grey(values: NDArray[Any], channels: int, picture: Picture) -> NDArray[np.uint8]:
    """Grey [h, w] of 16 bit to 8-bit colour."""
    if values.size and not 0 <= int(values.min()) <= int(values.max()) <= 65535:
        raise DataError(f"{picture.where}: {picture.file} has pixels of 32 bit, expected 8 or 16 bit a channel")
    out = np.full((*values.shape, channels), 255, np.uint8)
    out[..., :3] = ((values.astype(np.uint32) + 128) // 257)[..., None]
    return out


def _lit(file: Path, picture: Picture) -> NDArray[np.bool_]:
    with _open(file, picture.where) as image:
        try:
            values = np.asarray(image if image.mode[0] in "IFL1" else image.convert("RGB"))
        except MemoryError:
            raise
        except Exception as e:  # see _decode
            raise DataError(f"{picture.where}: the mask {file} is truncated or broken ({e})") from None
    if image.mode in ("LA", "La"):
        values = values[..., 0]
    lit: NDArray[np.bool_] = (values != 0).reshape(*values.shape[:2], -1).any(axis=-1)
    width, height = picture.size
    if lit.shape != (height, width):
        raise DataError(
            f"{picture.where}: the mask {file.name} is {lit.shape[1]}x{lit.shape[0]} but the image is {width}x{height}"
        )
    return lit


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
    except Exception as e:  # see _decode
        reason = getattr(e, "strerror", None) or str(e) or type(e).__name__
        raise DataError(f"{where}: {file} cannot be read as an image ({reason})") from None

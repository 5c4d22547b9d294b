"""Finds out what kind of scene a path holds, and loads one split of it."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from needlecpp.data.images import load_images, probe_images
from needlecpp.data.jsonc import Record, is_number, read_json
from needlecpp.data.sanity import look_together, near_plane, settle
from needlecpp.data.scene import MOST_PIXELS, Box, DataError, DataWarning, SceneData
from needlecpp.data.transforms import (
    Frame,
    check_lens,
    make_box,
    natural_key,
    parse_frames,
    parse_intrinsics,
    parse_world,
)

SPLITS = ("train", "val", "test")
NAMED_MISSING = 32  # a warning about frames without image names at most so many
BoxArgument = float | Box | Sequence[Sequence[float]]


def load_scene(
    path: str | os.PathLike[str],
    split: str = "train",
    downscale: int = 1,
    holdout: int = 8,
    box: BoxArgument | None = None,
    *,
    images: bool | Literal["check"] = True,
) -> SceneData:
    """Loads one split of a scene.

    Args:
        path: a folder with ``transforms_train.json`` (NeRF's Blender layout) or ``transforms.json``
            (instant-ngp, nerfstudio), one of those files itself, or ``"demo"`` for the built-in
            scene.
        split: ``"train"``, ``"val"`` or ``"test"``. A ``transforms.json`` that names no splits is
            split by ``holdout``.
        downscale: both sides of the images shrink by this factor, by area averaging in
            premultiplied alpha.
        holdout: every so-many-th frame in natural order of file_path, the first included, is a test
            frame; the others train. 0 keeps all for training.
        box: overrides the scene box: a half extent around the origin, or (low, high) corners; world
            units.
        images: False checks everything but leaves the pictures undecoded, ``"check"`` decodes them but keeps
            none: ``images`` is [0, h, w, c] then.

    Returns:
        Images, cameras and bounds, see :class:`SceneData`.

    Raises:
        DataError: with one sentence that names file, frame and key, if the scene cannot be used.

    Warns:
        DataWarning: once, naming them, if listed frames have no image file; those are left out.

    >>> scene = load_scene("demo", "test", downscale=4)
    >>> scene.images.shape, scene.intrinsics[0, 2:4].tolist()
    ((10, 50, 50, 4), [25.0, 25.0])
    """
    downscale = _integer(downscale, "downscale", 1)
    holdout = _integer(holdout, "holdout", 0)
    if os.fspath(path) == "demo":
        from needlecpp.data.demo import demo_scene

        scene = demo_scene(split, downscale, images is True)
    else:
        scene = _load_transforms(Path(path), split, downscale, holdout, images)
    if box is not None:
        scene.box, scene.box_source = parse_box(box), "as given"
    return scene


def parse_box(box: BoxArgument) -> Box:
    """A box from a half extent around the origin or from two corners, world units.

    >>> parse_box(1.5)
    ((-1.5, -1.5, -1.5), (1.5, 1.5, 1.5))
    """
    try:
        if is_number(box):
            half = float(box)  # type: ignore[arg-type]
            low, high = [-half] * 3, [half] * 3
        else:
            low, high = ([float(v) for v in corner] for corner in box)  # type: ignore[union-attr]
        valid = len(low) == len(high) == 3 and all(
            math.isfinite(a) and math.isfinite(b) and a < b for a, b in zip(low, high, strict=True)
        )
    except (TypeError, ValueError, OverflowError):
        valid = False
    if not valid:
        raise DataError(f"box is {box!r}, expected a half extent above 0, or (low, high) corners with low < high")
    return make_box(low, high, f"box is {box!r}")


def _integer(value: int, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise DataError(f"{name} is {value!r}, expected a whole number of at least {least}")
    return int(value)


def _load_transforms(
    path: Path, split: str, downscale: int, holdout: int, images: bool | Literal["check"]
) -> SceneData:
    kind, files = _locate(path)
    if split not in files and kind == "blender":
        raise _unknown_split(path, split, tuple(files))
    file = files[split] if kind == "blender" else files["all"]
    document = read_json(file)
    check_lens(document, str(file))
    frames, missing = parse_frames(document, file)
    if not frames:
        raise DataError(f"{file}: none of its {len(missing)} frames has an image file (the first is {missing[0]})")
    if missing:
        _warn_missing(file, missing, len(frames))
    if any("mask_path" in frame.record for frame in frames):
        warnings.warn(f"{file}: the frames' masks (mask_path) are not used", DataWarning, stacklevel=3)
    world = parse_world(document, file, [frame.pose for frame in frames], kind)

    if kind == "blender":
        splits: tuple[str, ...] = tuple(files)
    else:
        frames.sort(key=lambda frame: natural_key(frame.name))
        parts = _split_frames(document, file, frames, holdout)
        splits = tuple(parts)
        if split not in parts:
            raise _unknown_split(path, split, splits)
        if not parts[split]:
            raise DataError(f"{file}: split {split} is empty ({len(frames)} frames, holdout {holdout})")
        frames = parts[split]

    for frame in frames:
        check_lens(frame.record, frame.where)
    image_files = [frame.file for frame in frames]
    wheres = [frame.where for frame in frames]
    sizes, has_alpha = probe_images(image_files, wheres)
    for frame, size in zip(frames, sizes, strict=True):
        if size != sizes[0]:
            raise DataError(
                f"{frame.where}: the image is {size[0]}x{size[1]} but that of {frames[0].name} is "
                f"{sizes[0][0]}x{sizes[0][1]}"
            )
    intrinsics = np.array(
        [parse_intrinsics(document, frame, size, file) for frame, size in zip(frames, sizes, strict=True)]
    )
    full_width, full_height = sizes[0]
    if downscale > min(full_width, full_height):
        raise DataError(f"downscale is {downscale}, expected at most the image's size {full_width}x{full_height}")
    # Rounded to the nearest size; intrinsics follow the ratio that comes of it.
    width, height = ((2 * s + downscale) // (2 * downscale) for s in sizes[0])
    if max(width, height) > MOST_PIXELS:
        raise DataError(
            f"{frames[0].where}: the image is {width}x{height}, expected at most {MOST_PIXELS} pixels a side, "
            "choose a larger downscale"
        )
    intrinsics[:, 0:4:2] *= width / full_width
    intrinsics[:, 1:4:2] *= height / full_height
    poses = np.stack([frame.pose for frame in frames])
    sight = look_together(poses, intrinsics, np.array([width, height]))
    world = settle(world, sight, poses, has_alpha, str(file))
    return SceneData(
        images=load_images(image_files if images else [], wheres, has_alpha, (width, height), images is True),
        poses=poses.astype(np.float32),
        intrinsics=intrinsics.astype(np.float32),
        names=[frame.name for frame in frames],
        width=width,
        height=height,
        box=world.box,
        near=near_plane(world, kind, sight),
        has_alpha=has_alpha,
        splits=splits,
        split=split,
        path=str(path),
        kind=kind,
        aabb_scale=world.aabb_scale,
        unit_scale=world.unit_scale,
        unit_offset=world.unit_offset,
        box_source=world.source,
    )


def _locate(path: Path) -> tuple[str, dict[str, Path]]:
    """("blender", file of each split) or ("ngp", {"all": file})."""
    try:
        if path.is_file():
            if path.name in {f"transforms_{split}.json" for split in SPLITS}:
                path = path.parent
            elif path.suffix == ".json":
                return "ngp", {"all": path}
            else:
                raise DataError(f"{path} is a file, expected a folder with transforms.json or transforms_train.json")
        if not path.is_dir():
            raise DataError(f"{path} does not exist, expected a folder with transforms.json or transforms_train.json")
        files = {split: path / f"transforms_{split}.json" for split in SPLITS}
        files = {split: file for split, file in files.items() if file.is_file()}
        if files:
            return "blender", files
        if (path / "transforms.json").is_file():
            return "ngp", {"all": path / "transforms.json"}
    except (OSError, ValueError) as e:
        if isinstance(e, DataError):
            raise
        raise DataError(f"{path} cannot be read ({getattr(e, 'strerror', None) or e})") from None
    raise DataError(f"{path} holds neither transforms.json nor transforms_train.json")


def _split_frames(document: Record, file: Path, frames: list[Frame], holdout: int) -> dict[str, list[Frame]]:
    explicit = {split: document.get(f"{split}_filenames") for split in SPLITS}
    explicit = {split: names for split, names in explicit.items() if names is not None}
    if not explicit:
        if holdout == 0:
            return {"train": frames}
        return {"train": [frame for i, frame in enumerate(frames) if i % holdout], "test": frames[::holdout]}
    parts = {}
    for split, names in explicit.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError(f"{file}: {split}_filenames is not a list of file names")
        wanted = {_normal(name) for name in names}
        parts[split] = [frame for frame in frames if _normal(frame.name) in wanted]
    return parts


def _normal(name: str) -> str:
    return os.path.normpath(name.replace("\\", "/"))


def _unknown_split(path: Path, split: str, available: tuple[str, ...]) -> DataError:
    return DataError(f"{path}: there is no split {split!r}, available are {', '.join(available)}")


def _warn_missing(file: Path, missing: list[str], found: int) -> None:
    names = ", ".join(missing[:NAMED_MISSING])
    if len(missing) > NAMED_MISSING:
        names += f" and {len(missing) - NAMED_MISSING} more"
    warnings.warn(
        f"{file}: {len(missing)} of {len(missing) + found} frames have no image file and are left out: {names}",
        DataWarning,
        stacklevel=4,
    )

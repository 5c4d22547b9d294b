"""Finds out what kind of scene a path holds, and loads one split of it."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from needlecpp.data.files import SPLITS
from needlecpp.data.images import Picture, load_images, load_masks, probe_image
from needlecpp.data.jsonc import Record, is_number, read_json
from needlecpp.data.lens import Camera, Level, check_folds, parse_camera, same_shape, stated_size
from needlecpp.data.masks import find_masks
from needlecpp.data.sanity import look_together, near_plane, settle
from needlecpp.data.scene import MOST_PIXELS, Box, DataError, Notes, SceneData
from needlecpp.data.transforms import Frame, make_box, natural_key, parse_frames, parse_world

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
        DataWarning: once for each kind of decision that loading took: frames left out, pictures found elsewhere
            than ``file_path`` says, a scale taken out of poses, intrinsics scaled to pictures that were resized,
            masks used. ``notes`` of the result lists them.

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
    notes = Notes()
    frames = parse_frames(document, file, notes)
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

    pictures, cameras = _measure(document, file, frames, notes)
    full = np.array([picture.size for picture in pictures])
    sizes = [_shrunk(picture, downscale) for picture in pictures]
    intrinsics = np.array([camera.row for camera in cameras])
    intrinsics[:, 0:4:2] *= np.array(sizes)[:, :1] / full[:, :1]
    intrinsics[:, 1:4:2] *= np.array(sizes)[:, 1:] / full[:, 1:]
    has_alpha = any(picture.has_alpha for picture in pictures)
    masks = find_masks(frames, file, notes)
    pixels = load_images(pictures if images else [], has_alpha, sizes if images else [], images is True)
    poses = np.stack([frame.pose for frame in frames])
    sight = look_together(poses, intrinsics, np.array(sizes))
    world = settle(world, sight, poses, has_alpha, str(file))
    scene = SceneData(
        images=pixels,
        poses=poses.astype(np.float32),
        intrinsics=_narrowed(intrinsics).astype(np.float32),
        names=[frame.name for frame in frames],
        sizes=np.array(sizes, np.int64),
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
        lenses=np.array([camera.lens for camera in cameras], np.int32) if any(c.lens for c in cameras) else None,
        masks=load_masks(masks, pictures, sizes) if images and any(masks) else None,
        notes=tuple(notes.texts),
    )
    if scene.masks is not None and not scene.masks.any():
        raise DataError(
            f"{file}: the masks hide every pixel of split {split}, expected some to be left (black is ignored)"
        )
    if scene.one_size():
        scene.images = pixels.reshape(-1, scene.height, scene.width, pixels.shape[1])
    return scene


def _measure(document: Record, file: Path, frames: Sequence[Frame], notes: Notes) -> tuple[list[Picture], list[Camera]]:
    """Sizes and intrinsics of the frames' pictures, from the files' headers and the document."""
    pictures: list[Picture] = []
    cameras: list[Camera] = []
    for frame in frames:
        levels = ((frame.record, frame.where), (document, str(file)))
        picture = probe_image(frame.file, frame.where, partial(_has_stated_shape, levels))
        pictures.append(picture)
        cameras.append(parse_camera(levels, picture.size, frame.name))
    resized = [i for i, camera in enumerate(cameras) if camera.stated is not None]
    if resized:
        (width, height), stated = pictures[resized[0]].size, cameras[resized[0]].stated or (0, 0)
        notes.say(
            f"{file}: the pictures are {width}x{height} where w and h say {stated[0]:g}x{stated[1]:g}, "
            f"the intrinsics were scaled by {width / stated[0]:.6g}"
        )
    if any(picture.upright for picture in pictures):
        notes.say(f"{file}: pictures were turned upright by their EXIF orientation, as w and h ask for")
    check_folds(cameras, [picture.size for picture in pictures], [frame.where for frame in frames])
    return pictures, cameras


def _has_stated_shape(levels: Sequence[Level], size: tuple[int, int]) -> bool:
    return same_shape(stated_size(levels, size), size)


def _shrunk(picture: Picture, downscale: int) -> tuple[int, int]:
    """The size of a shrunk picture: rounded to the nearest; intrinsics follow the ratio that comes of it."""
    if downscale > min(picture.size):
        raise DataError(
            f"downscale is {downscale}, expected at most the image's size {'x'.join(map(str, picture.size))}"
        )
    width, height = ((2 * side + downscale) // (2 * downscale) for side in picture.size)
    if max(width, height) > MOST_PIXELS:
        raise DataError(
            f"{picture.where}: the image is {width}x{height}, expected at most {MOST_PIXELS} pixels a side, "
            "choose a larger downscale"
        )
    return width, height


def _narrowed(intrinsics: NDArray[np.float64]) -> NDArray[np.float64]:
    """[n, 16] without the lens terms that no camera has: [n, 8, 9, 12 or 16]."""
    used = np.flatnonzero(intrinsics.any(axis=0))
    return intrinsics[:, : next(width for width in (8, 9, 12, 16) if width > used[-1])]


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

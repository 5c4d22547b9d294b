"""Frames, poses, lenses and boxes of the transforms.json family (NeRF's Blender sets, instant-ngp,
nerfstudio)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from needlecpp.data.jsonc import Record, is_number, number, shape_of, vector
from needlecpp.data.scene import LEAST_SIDE, MOST_SIDE, Box, DataError, Vec3

LEAST_SCALE, MOST_SCALE = 1e-9, 1e9  # of the way into the unit cube
POSE_TOLERANCE = 1e-3  # of a column's length, and of the cosine between two columns
EXTENSIONS = (".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".JPEG", ".webp", ".bmp")
PINHOLE_MODELS = {"", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "PERSPECTIVE"}
LENS_SWITCHES = ("is_fisheye", "latlong", "equirectangular", "orthographic", "ftheta")


@dataclass(frozen=True)
class Frame:
    """A frame of the JSON whose image file exists."""

    name: str  # file_path as written
    file: Path
    pose: NDArray[np.float64]  # [3, 4] camera-to-world, OpenCV axes
    record: Record
    where: str  # "file: frame 3 (name)", for messages


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sorts numbers inside names by value.

    >>> sorted(["r_10", "r_9", "r_1"], key=natural_key)
    ['r_1', 'r_9', 'r_10']
    """
    parts = re.split(r"(\d+)", text)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]


def parse_frames(document: Record, file: Path) -> tuple[list[Frame], list[str]]:
    """The frames that have an image file, and the names of those that have none."""
    records = document.get("frames")
    if not isinstance(records, list):
        raise DataError(
            f"{file}: frames is {shape_of(records) if 'frames' in document else 'missing'}, expected a list"
        )
    if not records:
        raise DataError(f"{file}: frames is an empty list")
    frames: list[Frame] = []
    missing: list[str] = []
    for i, record in enumerate(records):
        if not isinstance(record, dict):
            raise DataError(f"{file}: frame {i} is {shape_of(record)}, expected an object")
        name = record.get("file_path")
        if not isinstance(name, str) or not name:
            raise DataError(f"{file}: frame {i} has no file_path")
        image = find_image(file.parent, name)
        if image is None:
            missing.append(name)
            continue
        where = f"{file}: frame {i} ({name})"
        frames.append(Frame(name, image, parse_pose(record, where), record, where))
    return frames, missing


def find_image(root: Path, name: str) -> Path | None:
    """The file that a frame's ``file_path`` means: with or without extension, with either kind of
    slash, relative to ``root`` or absolute; an absolute path of another machine is looked up under
    ``root`` by its tail."""
    text = name.replace("\\", "/")
    absolute = text.startswith("/") or re.match(r"[A-Za-z]:/", text) is not None
    parts = [p for p in text.split("/") if p]
    candidates = [Path(text)] if absolute else [root / text]
    if absolute:
        candidates += [root.joinpath(*parts[i:]) for i in range(1, len(parts))]
    try:
        for candidate in candidates:
            if candidate.is_file():
                return candidate
            for extension in EXTENSIONS:
                with_extension = candidate.with_name(candidate.name + extension)
                if with_extension.is_file():
                    return with_extension
    except (OSError, ValueError):  # a name too long or with a NUL in it names no file
        pass
    return None


def parse_pose(record: Record, where: str, key: str = "transform_matrix") -> NDArray[np.float64]:
    """Checks a camera-to-world matrix with OpenGL axes and returns it [3, 4] with OpenCV axes."""
    rows = record.get(key)
    if rows is None:
        raise DataError(f"{where}: {key} is missing")
    if (
        not isinstance(rows, list)
        or len(rows) not in (3, 4)
        or not all(isinstance(r, list) and len(r) == 4 for r in rows)
    ):
        raise DataError(f"{where}: {key} is {shape_of(rows)}, expected 4x4 or 3x4 numbers")
    if not all(is_number(v) for row in rows for v in row):
        raise DataError(f"{where}: {key} holds something other than numbers")
    return opencv_pose(rows, where, key)


def opencv_pose(rows: Sequence[Sequence[float]], where: str, key: str) -> NDArray[np.float64]:
    """OpenGL camera axes (+Y up, looking along -Z) to OpenCV's (+Y down, looking along +Z): columns
    1 and 2 change sign. Raises DataError for a matrix that is not a rigid motion."""
    try:
        matrix = np.array(rows, np.float64)
    except OverflowError:
        matrix = np.full((4, 4), np.inf)
    if not np.isfinite(matrix).all() or np.abs(matrix).max() > 1e30:
        raise DataError(f"{where}: {key} holds a number that is not finite")
    if len(matrix) == 4 and np.abs(matrix[3] - [0, 0, 0, 1]).max() > POSE_TOLERANCE:
        last = ", ".join(f"{v:g}" for v in matrix[3])
        raise DataError(f"{where}: the last row of {key} is [{last}], expected [0, 0, 0, 1]")
    rotation = matrix[:3, :3]
    lengths = np.linalg.norm(rotation, axis=0)
    worst = lengths[np.abs(lengths - 1).argmax()]
    if abs(worst - 1) > POSE_TOLERANCE:
        raise DataError(f"{where}: {key} is not a rotation (a column has length {worst:.6g}, expected 1)")
    cosines = np.abs(rotation.T @ rotation - np.diag(lengths**2)).max()
    if cosines > POSE_TOLERANCE:
        raise DataError(f"{where}: {key} is not a rotation (its columns are not orthogonal, cosine {cosines:.3g})")
    if np.linalg.det(rotation) < 0:
        raise DataError(f"{where}: {key} mirrors the world (determinant -1, expected 1)")
    pose: NDArray[np.float64] = matrix[:3].copy()
    pose[:, 1:3] *= -1
    return pose


def check_lens(document: Record, where: str) -> None:
    """Raises DataError for a lens other than a pinhole with OpenCV's k1 k2 p1 p2."""
    model = document.get("camera_model")
    if model is not None and str(model).upper() not in PINHOLE_MODELS:
        raise DataError(f"{where}: camera_model {model} is not supported, expected a pinhole or OPENCV camera")
    for key in document:
        if document[key] and (key in LENS_SWITCHES or key.startswith("ftheta_")):
            raise DataError(
                f"{where}: {key} asks for a lens that is not supported, expected a pinhole or OPENCV camera"
            )
    for key in ("k3", "k4", "k5", "k6"):
        if number(document, key, where):
            raise DataError(f"{where}: {key} is not supported, expected only k1, k2, p1, p2")


def parse_intrinsics(document: Record, frame: Frame, size: tuple[int, int], file: Path) -> list[float]:
    """fx fy cx cy k1 k2 p1 p2 in pixels of the image file; the frame's own keys go before the
    document's.

    Raises DataError where neither gives a focal length, or where w or h disagree with the image's
    ``size``.
    """
    width, height = size
    levels = ((frame.record, frame.where), (document, str(file)))
    for key, actual in (("w", width), ("h", height)):
        for record, where in levels:
            stated = number(record, key, where)
            if stated is not None:
                if stated != actual:
                    raise DataError(f"{frame.where}: the image is {width}x{height} but {key} says {stated:g}")
                break

    def first(key: str, default: float) -> float:
        for record, where in levels:
            value = number(record, key, where)
            if value is not None:
                return value
        return default

    fx = fy = None
    for record, where in levels:
        fx = fx or _focal(record, where, "fl_x", "camera_angle_x", "x_fov", width)
        fy = fy or _focal(record, where, "fl_y", "camera_angle_y", "y_fov", height)
    if fx is None and fy is None:
        raise DataError(f"{file}: camera_angle_x and fl_x are both missing (needed by {frame.name})")
    fx, fy = fx or fy or 0.0, fy or fx or 0.0
    center = [first("cx", width / 2), first("cy", height / 2)]
    return [fx, fy, *center, *(first(key, 0.0) for key in ("k1", "k2", "p1", "p2"))]


def _focal(
    record: Record, where: str, length_key: str, radians_key: str, degrees_key: str, pixels: int
) -> float | None:
    length = number(record, length_key, where)
    if length is not None:
        if length <= 0:
            raise DataError(f"{where}: {length_key} is {length:g}, expected more than 0 pixels")
        return length
    for key, unit, half_turn in ((radians_key, 1.0, "pi"), (degrees_key, math.pi / 180, "180")):
        angle = number(record, key, where)
        if angle is not None:
            if not 0 < angle * unit < math.pi:
                raise DataError(f"{where}: {key} is {angle:g}, expected an angle between 0 and {half_turn}")
            return 0.5 * pixels / math.tan(0.5 * angle * unit)
    return None


BLENDER_CONVENTION = "by Blender's convention"  # sources of a box
FROM_AABB = "of aabb"
AROUND_CAMERAS = "twice around the cameras"


@dataclass(frozen=True)
class World:
    """Where the scene is: its box, and the way into instant-ngp's unit cube."""

    box: Box
    aabb_scale: float
    unit_scale: float
    unit_offset: Vec3
    source: str  # of the box, in words


@np.errstate(all="ignore")  # what overflows is found in the box
def parse_world(document: Record, file: Path, poses: Sequence[NDArray[np.float64]], kind: str) -> World:
    """The scene box in world units: ``aabb`` and ``aabb_scale`` as instant-ngp reads them, else a
    default.

    Default for Blender sets: +-1.5, which :func:`needlecpp.data.sanity.settle` gives up where the
    cameras look elsewhere. Default for captures (nerfstudio writes no box): the cube around the
    point that the cameras look at, twice as large as needed to hold every camera, with
    ``aabb_scale`` taken as 4.
    """
    where = str(file)
    scale = number(document, "scale", where)
    scale = 0.33 if scale is None else scale
    if not LEAST_SCALE <= scale <= MOST_SCALE:
        raise DataError(f"{where}: scale is {scale:g}, expected from {LEAST_SCALE:g} to {MOST_SCALE:g}")
    offset = tuple(_offset(document, where))
    if not np.isfinite(np.array(offset, np.float32)).all():
        raise DataError(f"{where}: offset is {max(offset, key=abs):g}, expected a number that float32 holds")
    aabb_scale = number(document, "aabb_scale", where)
    if aabb_scale is not None and not 0 < aabb_scale <= 1024:
        raise DataError(f"{where}: aabb_scale is {aabb_scale:g}, expected a number above 0 and at most 1024")
    corners = document.get("aabb")
    if corners is not None:
        if not isinstance(corners, list) or len(corners) != 2:
            raise DataError(f"{where}: aabb is {shape_of(corners)}, expected [[min x, y, z], [max x, y, z]]")
        low = np.array(vector({"aabb": corners[0]}, "aabb", 3, where) or [0, 0, 0])
        high = np.array(vector({"aabb": corners[1]}, "aabb", 3, where) or [0, 0, 0])
        if not (low < high).all():
            raise DataError(f"{where}: aabb has no volume, expected [[min x, y, z], [max x, y, z]]")
        middle, half = (low + high) / 2, (high - low) / 2 * (aabb_scale or 1)
        cause = f"{where}: aabb" if aabb_scale is None else f"{where}: aabb with aabb_scale {aabb_scale:g}"
        box = make_box(middle - half, middle + half, cause)
        scale = float(1 / (high - low).max())
        offset = tuple(0.5 - middle * scale)
        return World(box, aabb_scale or 1.0, scale, _vec3(offset), FROM_AABB)
    if aabb_scale is not None:
        middle = (0.5 - np.array(offset)) / scale
        half = 0.5 * aabb_scale / scale
        largest = max(offset, key=abs)
        cause = f"{where}: aabb_scale {aabb_scale:g} with scale {scale:g} and offset {largest:g}"
        box = make_box(middle - half, middle + half, cause)
        return World(box, aabb_scale, scale, _vec3(offset), f"of aabb_scale {aabb_scale:g}")
    if kind == "blender":
        return World(((-1.5, -1.5, -1.5), (1.5, 1.5, 1.5)), 1.0, scale, _vec3(offset), BLENDER_CONVENTION)
    return World(capture_box(np.stack(poses), where), 4.0, scale, _vec3(offset), AROUND_CAMERAS)


def capture_box(poses: NDArray[Any], where: str) -> Box:
    """The cube around the point that cameras [n, 3, 4] look at, twice as large as needed to hold them."""
    middle = focus_point(poses)
    half = 2 * max(float(np.abs(poses[:, :, 3] - middle).max()), 1e-3)
    return make_box(middle - half, middle + half, f"{where}: transform_matrix of the frames")


def _offset(document: Record, where: str) -> list[float]:
    if is_number(document.get("offset")):  # instant-ngp also takes one number for all axes
        return [float(document["offset"])] * 3
    return vector(document, "offset", 3, where) or [0.5, 0.5, 0.5]


def focus_point(poses: NDArray[Any]) -> NDArray[np.float64]:
    """The point nearest to all optical axes in the least-squares sense: [n, 3, 4] -> [3], world
    units.

    Where the axes are (nearly) parallel it falls back to a point in front of the mean camera.

    >>> from needlecpp.render.paths import look_at
    >>> eyes = ((4, 0, 0), (0, 5, 1), (-3, -3, 2))
    >>> poses = np.stack([look_at(eye, (1, 2, 3), (0, 0, 1)) for eye in eyes])
    >>> np.round(focus_point(poses), 4).tolist()
    [1.0, 2.0, 3.0]
    """
    stack = np.asarray(poses, np.float64)
    axes, eyes = stack[:, :, 2], stack[:, :, 3]
    projectors = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    normal = projectors.mean(axis=0)
    mean_eye = eyes.mean(axis=0)
    ahead = axes.mean(axis=0)
    spread = max(float(np.linalg.norm(eyes - mean_eye, axis=1).max()), 1e-3)
    if np.linalg.eigvalsh(normal)[0] < 1e-4:
        in_front: NDArray[np.float64] = mean_eye + ahead * spread
        return in_front
    point: NDArray[np.float64] = np.linalg.solve(normal, (projectors @ eyes[:, :, None]).mean(axis=0)[:, 0])
    return point


@np.errstate(all="ignore")
def make_box(low: Sequence[float] | NDArray[Any], high: Sequence[float] | NDArray[Any], cause: str) -> Box:
    """Checks a scene box as the engine will hold it, in float32; ``cause`` is what gave it, for the message."""
    sides = np.array(high, np.float32) - np.array(low, np.float32)
    if not ((sides >= np.float32(LEAST_SIDE)) & (sides <= np.float32(MOST_SIDE))).all():
        got = " x ".join(f"{b - a:g}" for a, b in zip(_vec3(low), _vec3(high), strict=True))
        raise DataError(
            f"{cause}: the scene box is {got} in size, expected sides of {LEAST_SIDE:g} to {MOST_SIDE:g} "
            "that float32 resolves"
        )
    return _vec3(low), _vec3(high)


def _vec3(values: Sequence[float] | NDArray[Any]) -> Vec3:
    x, y, z = (float(v) for v in values)
    return x, y, z

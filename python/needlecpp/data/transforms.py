"""Frames, poses and boxes of the transforms.json family (NeRF's Blender sets, instant-ngp,
nerfstudio)."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from needlecpp.data.files import PictureFinder
from needlecpp.data.jsonc import Record, is_number, number, numeric, shape_of, vector
from needlecpp.data.scene import LEAST_SIDE, MOST_SIDE, Box, DataError, Notes, Vec3, listed

LEAST_SCALE, MOST_SCALE = 1e-9, 1e9  # of the way into the unit cube
# How far a pose may be from a rotation times one factor: of the columns' lengths among each other, and of the cosine
# between two of them. What is below is numbers written with few digits, and taken out.
POSE_TOLERANCE = 1e-3
EXACT = 1e-5  # deviations that stay as they are: those of numbers in single precision


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


def parse_frames(document: Record, file: Path, notes: Notes) -> list[Frame]:
    """The frames that have a picture and a pose, in the document's order. What is left out or
    mended is said in ``notes``.

    Raises DataError where no frame is left, and for one that is malformed.
    """
    records = records_of(document, file)
    names: list[str] = []
    for i, record in enumerate(records):
        if not isinstance(record, dict):
            raise DataError(f"{file}: frame {i} is {shape_of(record)}, expected an object")
        name = record.get("file_path")
        if not isinstance(name, str) or not name:
            raise DataError(f"{file}: frame {i} has no file_path")
        names.append(name)
    wheres = [f"{file}: frame {i} ({name})" for i, name in enumerate(names)]
    found = PictureFinder(file.parent).find_all(names, wheres)
    missing = [name for name, picture in zip(names, found, strict=True) if picture is None]
    if len(missing) == len(names):
        raise DataError(f"{file}: none of its {len(missing)} frames has an image file (the first is {missing[0]})")
    if missing:
        notes.say(
            f"{file}: {len(missing)} of {len(names)} frames have no image file and are left out: {listed(missing)}"
        )
    moved = [(name, found_at.file) for name, found_at in zip(names, found, strict=True) if found_at and found_at.moved]
    if moved:
        name, place = moved[0][0], os.path.relpath(moved[0][1], file.parent)
        notes.say(
            f"{file}: {len(moved)} pictures are not where file_path says and were found by the end of their path, "
            f"such as {place} for {name}"
        )
    frames: list[Frame] = []
    unposed: list[str] = []
    scales: list[float] = []
    for name, picture, record, where in zip(names, found, records, wheres, strict=True):
        if picture is None:
            continue
        matrix = read_matrix(record, where)
        if matrix is None:
            unposed.append(name)
            continue
        pose, scale = opencv_pose(matrix, where)
        scales.append(scale)
        frames.append(Frame(name, picture.file, pose, record, where))
    if not frames:
        raise DataError(
            f"{file}: no frame has a transform_matrix of finite numbers (it is missing or not finite in {unposed[0]})"
        )
    if unposed:
        notes.say(
            f"{file}: {len(unposed)} frames have no transform_matrix of finite numbers "
            f"and are left out: {listed(unposed)}"
        )
    if max(abs(scale - 1) for scale in scales) > POSE_TOLERANCE:
        some = (
            f"{min(scales):g}" if max(scales) - min(scales) < POSE_TOLERANCE else f"{min(scales):g} to {max(scales):g}"
        )
        notes.say(f"{file}: the rotations of transform_matrix are scaled by {some}, the scale was taken out")
    return _without_repeats(frames, file, notes)


def records_of(document: Record, file: Path) -> list[Any]:
    """The entries of ``frames``, a list or an object of them."""
    records = document.get("frames")
    if isinstance(records, dict) and records and all(isinstance(r, dict) for r in records.values()):
        records = [records[key] for key in sorted(records, key=natural_key)]
    if not isinstance(records, list):
        raise DataError(
            f"{file}: frames is {shape_of(records) if 'frames' in document else 'missing'}, expected a list"
        )
    if not records:
        raise DataError(f"{file}: frames is an empty list")
    return records


def _without_repeats(frames: list[Frame], file: Path, notes: Notes) -> list[Frame]:
    """Each picture once, where it is listed first."""
    first: dict[Path, Frame] = {}
    repeats: list[str] = []
    for frame in frames:
        if first.setdefault(frame.file, frame) is not frame:
            repeats.append(frame.name)
    if repeats:
        notes.say(f"{file}: {len(repeats)} frames list a picture again and are left out: {listed(repeats)}")
    return list(first.values())


def read_matrix(record: Record, where: str, key: str = "transform_matrix") -> NDArray[np.float64] | None:
    """A 4x4 or 3x4 matrix as it is written; None where it is missing, null or not finite. Raises
    DataError for anything else."""
    rows = record.get(key)
    if rows is None:
        return None
    if (
        not isinstance(rows, list)
        or len(rows) not in (3, 4)
        or not all(isinstance(r, list) and len(r) == 4 for r in rows)
    ):
        raise DataError(f"{where}: {key} is {shape_of(rows)}, expected 4x4 or 3x4 numbers")
    values = [[math.nan if v is None else numeric(v) for v in row] for row in rows]
    if any(v is None for row in values for v in row):
        raise DataError(f"{where}: {key} holds something other than numbers")
    try:
        matrix = np.array(values, np.float64)
    except OverflowError:
        return None
    return matrix if np.isfinite(matrix).all() and np.abs(matrix).max() <= 1e30 else None


def opencv_pose(
    matrix: NDArray[np.float64], where: str, key: str = "transform_matrix"
) -> tuple[NDArray[np.float64], float]:
    """A camera-to-world matrix [4, 4] or [3, 4] with OpenGL camera axes (+Y up, looking along -Z) as
    a rigid motion [3, 4] with OpenCV's (+Y down, looking along +Z: columns 1 and 2 change sign), and
    the factor that was taken out of its rotation.

    A homogeneous matrix is divided by its last number. A factor that all three axes of the camera
    share is taken out, the camera stays where it is, as in instant-ngp; what is left within
    POSE_TOLERANCE becomes the nearest rotation. Raises DataError for a matrix that is anything else.
    """
    unit = 1.0
    if len(matrix) == 4:
        unit = abs(float(matrix[3, 3]))
        if unit == 0 or np.abs(matrix[3, :3]).max() > POSE_TOLERANCE * unit:
            last = ", ".join(f"{v:g}" for v in matrix[3])
            raise DataError(f"{where}: the last row of {key} is [{last}], expected [0, 0, 0, 1]")
        if abs(unit - 1) > POSE_TOLERANCE or matrix[3, 3] < 0:
            matrix = matrix / matrix[3, 3]
    rotation = matrix[:3, :3]
    lengths = np.linalg.norm(rotation, axis=0)
    scale = float(lengths.mean())
    if not 1e-12 < scale < 1e12:
        raise DataError(f"{where}: {key} is not a rotation (a column has length {lengths[0]:.6g}, expected 1)")
    worst = lengths[np.abs(lengths - scale).argmax()]
    if abs(worst - scale) > POSE_TOLERANCE * scale:
        raise DataError(
            f"{where}: {key} is not a rotation (its columns have lengths {', '.join(f'{v:.4g}' for v in lengths)}, "
            "expected one length)"
        )
    if abs(scale - 1) > POSE_TOLERANCE:
        rotation = rotation / scale
    deviation = np.abs(rotation.T @ rotation - np.eye(3))
    cosine = (deviation - np.diag(np.diag(deviation))).max()
    if cosine > POSE_TOLERANCE:
        raise DataError(f"{where}: {key} is not a rotation (its columns are not orthogonal, cosine {cosine:.3g})")
    if np.linalg.det(rotation) < 0:
        raise DataError(f"{where}: {key} mirrors the world (determinant -1, expected 1)")
    if deviation.max() > EXACT:
        left, _, right = np.linalg.svd(rotation)
        rotation = left @ right
    pose = np.concatenate([rotation, matrix[:3, 3:]], axis=1)
    pose[:, 1:3] *= -1
    return pose, scale * unit


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

"""Camera paths: an orbit that suits the training cameras, those that nerfstudio and instant-ngp
write, and the cameras of a data set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from needlecpp.data.jsonc import Record, number, read_json, shape_of, vector
from needlecpp.data.lens import check_folds, parse_camera, stated_size
from needlecpp.data.sanity import look_together
from needlecpp.data.scene import MOST_FPS, MOST_PIXELS, DataError, Vec3
from needlecpp.data.transforms import focus_point, natural_key, opencv_pose, read_matrix, records_of

if TYPE_CHECKING:
    from needlecpp import _core

FLOAT32_MAX = float(np.finfo(np.float32).max)
F64 = NDArray[np.float64]


@dataclass
class CameraPath:
    """The cameras of a film, in order."""

    poses: NDArray[np.float32]  # [n, 3, 4] camera-to-world, OpenCV axes
    intrinsics: NDArray[np.float32]  # [n, 8 or more] fx fy cx cy (pixels) and lens terms, see needlecpp.render.Cameras
    width: int  # pixels
    height: int
    fps: float | None = None  # as the file states it
    lenses: NDArray[np.int32] | None = None  # [n] 0 perspective, 1 fisheye; None: all perspective

    def __len__(self) -> int:
        return len(self.poses)

    def cameras(self) -> _core.Cameras:
        from needlecpp import _core

        return _core.Cameras(self.poses, self.intrinsics, self.width, self.height, self.lenses)

    def resized(self, width: int | None, height: int | None) -> CameraPath:
        """The same views in another size; one side given, the other follows. The vertical field of
        view stays.

        >>> path = CameraPath(np.zeros((1, 3, 4)), np.array([[50.0, 50, 40, 30, 0, 0, 0, 0]]), 80, 60)
        >>> path.resized(160, None).intrinsics[0, :4].tolist()
        [100.0, 100.0, 80.0, 60.0]
        """
        if width is None and height is None:
            return self
        if height is None:
            height = max(1, round(self.height * (width or 1) / self.width))
        if width is None:
            width = max(1, round(self.width * height / self.height))
        scale = height / self.height
        k = self.intrinsics.copy()
        k[:, :4] *= scale
        k[:, 2] += (width - self.width * scale) / 2
        return replace(self, intrinsics=k, width=width, height=height)

    def sampled(self, frames: int) -> CameraPath:
        """``frames`` cameras spread evenly over this path, first and last included."""
        picks = np.round(np.linspace(0, len(self) - 1, frames)).astype(int)
        lenses = None if self.lenses is None else self.lenses[picks]
        return replace(self, poses=self.poses[picks], intrinsics=self.intrinsics[picks], lenses=lenses)


def look_at(eye: ArrayLike, target: ArrayLike, up: ArrayLike) -> F64:
    """Camera-to-world [3, 4] with OpenCV axes of a camera at ``eye`` that sees ``target`` in its
    middle, ``up`` up.

    >>> look_at((0, -2, 0), (0, 0, 0), (0, 0, 1)).tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, -2.0], [0.0, -1.0, 0.0, 0.0]]
    """
    eye, target, up = (np.asarray(v, np.float64) for v in (eye, target, up))
    forward = _unit(target - eye)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-6:  # straight up or down: any direction will do
        right = np.cross(forward, (0, 1, 0) if abs(forward[1]) < 0.9 else (1, 0, 0))
    right = _unit(right)
    return np.stack([right, np.cross(forward, right), forward, eye], axis=1) + 0.0


def orbit(
    poses: NDArray[Any],  # [n, 3, 4] training cameras
    intrinsics: NDArray[Any],  # [n, 8 or more]
    width: int,
    height: int,
    frames: int,
    kind: str = "blender",
    center: Sequence[float] = (0.0, 0.0, 0.0),
) -> CameraPath:
    """A closed path of ``frames`` cameras around what the training cameras saw.

    Scenes of kind ``"blender"`` and ``"demo"``, and those whose cameras stand all around what they look at: a full
    circle at the median height and distance of the cameras. Other captures: an ellipse around the mean
    camera, half as wide as the cameras' spread, that keeps looking at the point the cameras have in
    common. Up is the cameras' mean up; z for scenes of those kinds unless their cameras stand quite differently. The
    circle is around ``center``, or around what the cameras look at if that is elsewhere. The lens is the median of the
    training cameras' without distortion.

    >>> from needlecpp.data import load_scene
    >>> scene = load_scene("demo", "test", downscale=8)
    >>> path = orbit(scene.poses, scene.intrinsics, 25, 25, frames=12, kind="demo")
    >>> len(path), path.poses.shape
    (12, (12, 3, 4))
    """
    stack = np.asarray(poses, np.float64)
    angles = np.arange(frames) * (2 * math.pi / frames)
    eyes_seen = stack[:, :, 3]
    synthetic = kind in ("blender", "demo")
    sight = look_together(stack, np.asarray(intrinsics), np.array([width, height]))
    up = _unit(-stack[:, :, 1].mean(axis=0))
    if synthetic and up[2] > math.cos(math.radians(30)):
        up = np.array([0.0, 0.0, 1.0])
    target = np.asarray(center, np.float64) if synthetic else focus_point(stack)
    if sight is not None and np.linalg.norm(sight.center - target) > 0.1 * sight.distance:
        target = sight.center
    offset = eyes_seen - target
    right, ahead = _level(up)
    if synthetic or (sight is not None and _surround(offset @ right, offset @ ahead)):
        radius = float(np.median(np.linalg.norm(offset, axis=1)))
        rise = float(np.clip(np.median(offset @ up), -0.95 * radius, 0.95 * radius))
        flat = math.sqrt(radius * radius - rise * rise)
        circle = np.cos(angles)[:, None] * right + np.sin(angles)[:, None] * ahead
        eyes = target + flat * circle + rise * up
    else:
        mean = eyes_seen.mean(axis=0)
        forward = _unit(target - mean)
        right = _unit(np.cross(forward, up))
        above = np.cross(right, forward)
        sideways, upward = (0.5 * np.percentile(np.abs((eyes_seen - mean) @ axis), 90) for axis in (right, above))
        eyes = mean + np.cos(angles)[:, None] * right * sideways + np.sin(angles)[:, None] * above * upward
    path = np.stack([look_at(eye, target, up) for eye in eyes])
    focal = np.median(np.asarray(intrinsics, np.float64)[:, :2], axis=0)
    lens = np.array([*focal, width / 2, height / 2, 0, 0, 0, 0])
    return CameraPath(path.astype(np.float32), np.tile(lens.astype(np.float32), (frames, 1)), width, height)


def _level(up: F64) -> tuple[F64, F64]:
    """Two axes that span the ground; x and y where up is z."""
    first = np.cross((0.0, 1.0, 0.0) if abs(up[1]) < 0.9 else (0.0, 0.0, 1.0), up)
    right = _unit(first)
    return right, np.cross(up, right)


def _surround(x: F64, y: F64) -> bool:
    """Whether the directions to points leave no gap of a third of the circle around the origin."""
    turns = np.sort(np.arctan2(y, x))
    return bool(np.diff(np.append(turns, turns[0] + 2 * math.pi)).max() < 2 * math.pi / 3)


def read_camera_path(
    file: Path,
    width: int,
    height: int,
    frames: int | None = None,
    unit_scale: float = 0.33,
    unit_offset: Vec3 = (0.5, 0.5, 0.5),
) -> CameraPath:
    """Reads a camera path of nerfstudio (``camera_path``, taken as world units) or instant-ngp
    (``path``), or the cameras of a data set (``frames``), in natural order of ``file_path``, each
    with its own lens.

    Args:
        file: the JSON file.
        width, height: size for files that do not state one, pixels.
        frames: how many cameras to return; default: nerfstudio's own, or 30 for each of
        instant-ngp's key frames. unit_scale, unit_offset: the map from world to instant-ngp's unit
        cube, see :class:`SceneData`.

    Raises:
        DataError: naming file, key and frame.
    """
    document = read_json(file)
    if "camera_path" in document:
        path = _nerfstudio(document, file, width, height)
        return path if frames is None else path.sampled(frames)
    if "path" in document:
        return _instant_ngp(document, file, width, height, frames, unit_scale, unit_offset)
    if "frames" in document:
        path = _data_set(document, file, width, height)
        return path if frames is None else path.sampled(frames)
    raise DataError(f"{file}: none of camera_path (nerfstudio), path (instant-ngp) and frames (a data set) is there")


def _entries(document: Record, key: str, file: Path) -> list[tuple[Record, str]]:
    records = document[key]
    if not isinstance(records, list) or not records or not all(isinstance(r, dict) for r in records):
        raise DataError(f"{file}: {key} is {shape_of(records)}, expected a list of cameras")
    return [(record, f"{file}: frame {i}") for i, record in enumerate(records)]


def _data_set(document: Record, file: Path, width: int, height: int) -> CameraPath:
    """The cameras of a transforms.json whose pictures need not be there. Where they have several
    sizes the film takes the first, and keeps the other cameras' vertical fields of view."""
    records = records_of(document, file)
    for i, record in enumerate(records):
        if not isinstance(record, dict):
            raise DataError(f"{file}: frame {i} is {shape_of(record)}, expected an object")
    named = [
        (record, f"{file}: frame {i} ({record.get('file_path', 'no file_path')})") for i, record in enumerate(records)
    ]
    if all(isinstance(record.get("file_path"), str) for record, _ in named):
        named.sort(key=lambda pair: natural_key(pair[0]["file_path"]))
    poses, cameras, sizes, wheres = [], [], [], []
    for record, where in named:
        matrix = read_matrix(record, where)
        if matrix is None:  # as loading leaves it out
            continue
        levels = ((record, where), (document, str(file)))
        stated_width, stated_height = stated_size(levels, (width, height))
        size = (max(1, round(stated_width)), max(1, round(stated_height)))
        if max(size) > MOST_PIXELS:
            raise DataError(f"{where}: w and h say {size[0]}x{size[1]}, expected at most {MOST_PIXELS} pixels a side")
        poses.append(opencv_pose(matrix, where)[0])
        cameras.append(parse_camera(levels, size, where))
        sizes.append(size)
        wheres.append(where)
    if not poses:
        raise DataError(f"{file}: no frame has a transform_matrix of finite numbers")
    check_folds(cameras, sizes, wheres)
    first_width, first_height = sizes[0]
    rows = []
    for camera, size in zip(cameras, sizes, strict=True):
        alone = CameraPath(np.stack(poses[:1]), np.array([camera.row]), *size)
        rows.append(alone.resized(first_width, first_height).intrinsics[0])
    lenses = np.array([camera.lens for camera in cameras], np.int32)
    stack = np.stack(poses).astype(np.float32)
    return CameraPath(stack, np.array(rows, np.float32), first_width, first_height, None, lenses)


def _nerfstudio(document: Record, file: Path, width: int, height: int) -> CameraPath:
    kind = document.get("camera_type", "perspective")
    if kind != "perspective":
        raise DataError(f"{file}: camera_type {kind} is not supported, expected perspective")
    width = _size(document, "render_width", width, file)
    height = _size(document, "render_height", height, file)
    poses, focals = [], []
    for record, where in _entries(document, "camera_path", file):
        flat = vector(record, "camera_to_world", 16, where)
        if flat is None:
            raise DataError(f"{where}: camera_to_world is missing")
        poses.append(opencv_pose(np.reshape(flat, (4, 4)), where, "camera_to_world")[0])
        focals.append(_focal(record, height, where))
    fps = number(document, "fps", str(file))
    if fps is not None and not 0 < fps <= MOST_FPS:
        raise DataError(f"{file}: fps is {fps:g}, expected more than 0 and at most {MOST_FPS}")
    return CameraPath(np.stack(poses).astype(np.float32), _lenses(focals, width, height), width, height, fps)


def _instant_ngp(
    document: Record, file: Path, width: int, height: int, frames: int | None, scale: float, offset: Vec3
) -> CameraPath:
    """Key frames are the control points of a uniform cubic B-spline, in the unit cube with its axes
    cycled."""
    keys: list[F64] = []
    fovs: list[float] = []
    for record, where in _entries(document, "path", file):
        quaternion, position = vector(record, "R", 4, where), vector(record, "T", 3, where)
        if quaternion is None or position is None:
            raise DataError(f"{where}: {'R' if quaternion is None else 'T'} is missing")
        world = [(v - o) / scale for v, o in zip(position, offset[1:] + offset[:1], strict=True)]
        for key, values in (("R", quaternion), ("T", world)):
            if max(map(abs, values)) > FLOAT32_MAX:
                raise DataError(f"{where}: {key} is too large a number for float32")
        if keys and np.dot(keys[-1][:4], quaternion) < 0:  # the short way round
            quaternion = [-v for v in quaternion]
        keys.append(np.array(quaternion + position))
        fovs.append(_focal(record, height, where))
    count = frames or 30 * len(keys)
    knots = np.array([np.append(key, focal) for key, focal in zip(keys, fovs, strict=True)])
    points = np.stack([_spline(knots, t) for t in np.linspace(0, len(keys) - 1, count)])
    poses = []
    for i, value in enumerate(points):
        length = np.linalg.norm(value[:4])
        if length < 1e-6:
            raise DataError(f"{file}: R vanishes near frame {i * len(keys) // count}, expected a unit quaternion")
        pose = np.empty((3, 4))
        pose[:, :3] = _rotation(value[:4] / length)
        pose[:, 3] = value[4:7]
        pose = pose[[2, 0, 1]]  # the unit cube's (y, z, x) are the world's axes
        pose[:, 3] = (pose[:, 3] - np.array(offset)) / scale
        poses.append(pose)
    return CameraPath(np.stack(poses).astype(np.float32), _lenses(list(points[:, 7]), width, height), width, height)


def _spline(knots: F64, t: float) -> F64:
    """Uniform cubic B-spline at t in [0, n - 1], its ends repeated: [n, d] -> [d]."""
    i = min(int(t), len(knots) - 1)
    u = t - i
    weights = np.array([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]) / 6
    picks = np.clip(np.arange(i - 1, i + 3), 0, len(knots) - 1)
    value: F64 = weights @ knots[picks]
    return value


def _rotation(q: F64) -> F64:
    x, y, z, w = q
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _focal(record: Record, height: int, where: str) -> float:
    fov = number(record, "fov", where)
    if fov is None:
        raise DataError(f"{where}: fov is missing")
    if not 0 < fov < 180:
        raise DataError(f"{where}: fov is {fov:g}, expected a vertical angle between 0 and 180 degrees")
    half = math.tan(math.radians(fov) / 2)
    focal = 0.5 * height / half if half > 0 else math.inf
    if not 0 < focal <= FLOAT32_MAX:
        raise DataError(f"{where}: fov is {fov:g}, whose focal length is not a number that float32 holds")
    return focal


def _size(document: Record, key: str, default: int, file: Path) -> int:
    value = number(document, key, str(file))
    if value is None:
        return default
    if not 1 <= value <= MOST_PIXELS or value != int(value):
        raise DataError(f"{file}: {key} is {value:g}, expected a whole number of pixels from 1 to {MOST_PIXELS}")
    return int(value)


def _lenses(focals: Sequence[float], width: int, height: int) -> NDArray[np.float32]:
    return np.array([[f, f, width / 2, height / 2, 0, 0, 0, 0] for f in focals], np.float32)


def _unit(v: F64) -> F64:
    length = float(np.linalg.norm(v))
    return v / length if length > 1e-12 else np.array([0.0, 0.0, 1.0])

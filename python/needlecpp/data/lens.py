"""Intrinsics of a frame, however they are spelled, and lenses that cannot be what was meant.

A key is looked for in the frame first and then in the document. Within one of them lengths in
pixels go before a 3x3 matrix, and the matrix before angles of view. All refer to the size that
``w`` and ``h`` state, or to the picture's own where they do not; a picture of another size but the
same shape was resized after calibration, and its intrinsics are scaled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from needlecpp.data.jsonc import Record, finite, number, numeric, shape_of
from needlecpp.data.scene import DataError

PERSPECTIVE, FISHEYE = 0, 1  # as the engine numbers lenses
TERMS = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", "s1", "s2", "s3", "s4")  # OpenCV's order
FISHEYE_TERMS = ("k1", "k2", "k3", "k4")
PERSPECTIVE_MODELS = {"", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "PERSPECTIVE"}
RATIONAL_MODELS = {"FULL_OPENCV", "OPENCV_FULL"}
FISHEYE_MODELS = {"OPENCV_FISHEYE", "FISHEYE", "RADIAL_FISHEYE", "SIMPLE_RADIAL_FISHEYE"}
UNSUPPORTED_SWITCHES = ("latlong", "equirectangular", "orthographic", "ftheta")

LENGTHS = {
    "fx": ("fl_x", "fx", "f_x", "focal_x"),
    "fy": ("fl_y", "fy", "f_y", "focal_y"),
    "cx": ("cx", "c_x", "pp_x"),
    "cy": ("cy", "c_y", "pp_y"),
}
COMMON_LENGTHS = ("focal", "focal_length")  # of both axes
SIZES = (("w", "h"), ("width", "height"), ("image_width", "image_height"), ("img_w", "img_h"), ("W", "H"))
MATRICES = ("K", "intrinsics", "intrinsic_matrix", "camera_matrix", "intrinsic", "camera_intrinsics")
VECTORS = ("distortion", "dist_coeffs", "distortion_coefficients")
LEAST_FOCAL = 0.2  # of a picture's width; less is a length in millimetres
LARGEST_SKEW = 1e-3  # of the focal length

Level = tuple[Record, str]  # a frame or the document, and its name for messages


@dataclass(frozen=True)
class Camera:
    """Lens of one picture, in pixels of the stored file."""

    row: tuple[float, ...]  # fx fy cx cy and TERMS, or FISHEYE_TERMS and zeros
    lens: int
    stated: tuple[float, float] | None  # the size that the calibration is of, where the picture has another


def parse_camera(levels: Sequence[Level], size: tuple[int, int], name: str) -> Camera:
    """The camera of a picture of ``size`` (width, height), from the frame's and the document's keys.

    Raises DataError where neither gives a focal length, where the stated size has another shape
    than the picture, and for lenses that are not supported.
    """
    merged = [(_canonical(record, where), where) for record, where in levels]
    stated = stated_size(levels, size)
    fx = fy = None
    for keys, where in merged:
        fx = fx or _focal(keys, "fx", "camera_angle_x", "x_fov", stated[0], where)
        fy = fy or _focal(keys, "fy", "camera_angle_y", "y_fov", stated[1], where)
    if fx is None and fy is None:
        raise DataError(f"{levels[-1][1]}: camera_angle_x and fl_x are both missing (needed by {name})")

    def first(key: str, default: float) -> float:
        return next((keys[key] for keys, _ in merged if key in keys), default)

    lens, terms = _lens(levels, merged)
    ratio = _ratio(stated, size, levels[0][1])
    row = [fx or fy or 0.0, fy or fx or 0.0, first("cx", stated[0] / 2), first("cy", stated[1] / 2)]
    scaled = (row[0] * ratio[0], row[1] * ratio[1], row[2] * ratio[0], row[3] * ratio[1])
    return Camera((*scaled, *terms), lens, None if stated == size else stated)


def stated_size(levels: Sequence[Level], size: tuple[int, int]) -> tuple[float, float]:
    """The size that ``w`` and ``h`` state. One of them alone implies the other by the picture's
    shape."""
    sides: list[float | None] = [None, None]
    for record, where in levels:
        for pair in SIZES:
            values = [number(record, key, where) if not isinstance(record.get(key), list) else None for key in pair]
            if pair != SIZES[0] and None in values:  # a height alone may be that of the camera over the ground
                continue
            for axis, value in enumerate(values):
                if sides[axis] is None and value is not None:
                    if value <= 0:
                        raise DataError(f"{where}: {pair[axis]} is {value:g}, expected more than 0 pixels")
                    sides[axis] = value
    width, height = sides
    if width is None and height is None:
        return size
    if width is None:
        return size[0] * (height or 0) / size[1], height or 0
    return width, size[1] * width / size[0] if height is None else height


def same_shape(stated: tuple[float, float], size: tuple[int, int]) -> bool:
    """Whether a picture of the stated size can have become one of ``size`` by one factor and the
    rounding of its sides.

    >>> same_shape((4000, 3001), (500, 375)), same_shape((4000, 3001), (500, 376))
    (True, True)
    >>> same_shape((4000, 3001), (500, 380)), same_shape((4000, 3001), (4000, 3000))
    (False, False)
    """
    if any(a == b for a, b in zip(stated, size, strict=True)):
        return stated == size
    for below, above in ((0, 1), (0.5, 0.5), (1, 0)):  # cut off, rounded, rounded up
        least = max((new - below) / old for old, new in zip(stated, size, strict=True))
        most = min((new + above) / old for old, new in zip(stated, size, strict=True))
        if least < most:
            return True
    return False


def _ratio(stated: tuple[float, float], size: tuple[int, int], where: str) -> tuple[float, float]:
    if not same_shape(stated, size):
        axis = int(stated[0] == size[0])
        raise DataError(
            f"{where}: the image is {size[0]}x{size[1]} but {'wh'[axis]} says {stated[axis]:g} "
            f"({stated[0]:g}x{stated[1]:g}), which is no resizing by one factor"
        )
    return size[0] / stated[0], size[1] / stated[1]


def _canonical(record: Record, where: str) -> dict[str, float]:
    """The lengths of a record under one name each: fx fy cx cy, and angles as they are."""
    keys: dict[str, float] = {}
    for name, spellings in LENGTHS.items():
        for spelling in spellings:
            value = number(record, spelling, where)
            if value is not None:
                if name.startswith("f") and value <= 0:
                    raise DataError(f"{where}: {spelling} is {value:g}, expected more than 0 pixels")
                keys.setdefault(name, value)
    for spelling in COMMON_LENGTHS:
        if "fx" in keys or "fy" in keys or record.get(spelling) is None:
            continue
        value = number(record, spelling, where) or 0.0
        if value <= 0:
            raise DataError(f"{where}: {spelling} is {value:g}, expected more than 0 pixels")
        keys["fx"] = keys["fy"] = keys["common"] = value
    for spelling in MATRICES:
        for name, value in _matrix(record.get(spelling), spelling, where).items():
            keys.setdefault(name, value)
    for angle in ("camera_angle_x", "camera_angle_y", "x_fov", "y_fov"):
        value = number(record, angle, where)
        if value is not None:
            keys[angle] = value
    return keys


def _matrix(value: Any, key: str, where: str) -> dict[str, float]:
    """fx fy cx cy of a 3x3 matrix (as rows, flat, or OpenCV's {"data": ...}), of a list of the four,
    or of an object that names them."""
    if isinstance(value, Mapping):
        if not isinstance(value.get("data"), list):
            nested = {k: v for k, v in value.items() if k not in MATRICES}
            return _canonical(nested, f"{where}: {key}")
        value = value["data"]
    if not isinstance(value, list):
        return {}  # a file's name, or nothing
    rows = value if all(isinstance(row, list) for row in value) else None
    if rows is None and len(value) in (9, 16):
        side = math.isqrt(len(value))
        rows = [value[i * side : (i + 1) * side] for i in range(3)]
    elif rows is None and len(value) == 4:
        rows = [[value[0], 0, value[2]], [0, value[1], value[3]], [0, 0, 1]]
    if rows is None or len(rows) not in (3, 4) or any(len(row) not in (3, 4) for row in rows):
        raise DataError(f"{where}: {key} is {shape_of(value)}, expected 3x3 numbers")
    numbers = [[numeric(v) for v in row[:3]] for row in rows[:3]]
    m = [[finite(math.nan if v is None else v, key, where) for v in row] for row in numbers]
    unit = m[2][2]
    if unit <= 0 or m[0][0] / unit <= 0 or m[1][1] / unit <= 0:
        raise DataError(f"{where}: {key} has {m[0][0]:g}, {m[1][1]:g}, {unit:g} on its diagonal, expected more than 0")
    if max(abs(m[0][1]), abs(m[1][0])) > LARGEST_SKEW * m[0][0]:
        raise DataError(f"{where}: {key} has a skew of {m[0][1] or m[1][0]:g}, expected 0")
    return {"fx": m[0][0] / unit, "fy": m[1][1] / unit, "cx": m[0][2] / unit, "cy": m[1][2] / unit}


def _focal(
    keys: Mapping[str, float], length: str, radians_key: str, degrees_key: str, pixels: float, where: str
) -> float | None:
    if length in keys:
        if keys.get("common") == keys[length] < LEAST_FOCAL * pixels:
            raise DataError(f"{where}: the focal length is {keys[length]:g}, expected pixels, not millimetres")
        return keys[length]
    for key, unit, half_turn in ((radians_key, 1.0, "pi"), (degrees_key, math.pi / 180, "180")):
        if key in keys:
            if not 0 < keys[key] * unit < math.pi:
                raise DataError(f"{where}: {key} is {keys[key]:g}, expected an angle between 0 and {half_turn}")
            return 0.5 * pixels / math.tan(0.5 * keys[key] * unit)
    return None


def _lens(levels: Sequence[Level], merged: Sequence[tuple[Mapping[str, float], str]]) -> tuple[int, tuple[float, ...]]:
    """Which lens, and its terms in the order of TERMS."""
    model, model_where = "", levels[0][1]
    for record, where in reversed(levels):
        for key in record:
            if record[key] and (key in UNSUPPORTED_SWITCHES or key.startswith("ftheta_")):
                raise DataError(
                    f"{where}: {key} asks for a lens that is not supported, expected perspective or fisheye"
                )
        if record.get("camera_model") is not None:
            model, model_where = str(record["camera_model"]).upper(), where
    if model not in PERSPECTIVE_MODELS | RATIONAL_MODELS | FISHEYE_MODELS:
        raise DataError(
            f"{model_where}: camera_model {model} is not supported, "
            "expected PINHOLE, OPENCV, FULL_OPENCV or OPENCV_FISHEYE"
        )
    switch = next((record["is_fisheye"] for record, _ in levels if record.get("is_fisheye") is not None), False)
    fisheye = model in FISHEYE_MODELS or bool(switch)
    order = FISHEYE_TERMS if fisheye else TERMS
    terms: dict[str, float] = {}
    for record, where in levels:
        for name, value in _distortion(record, order, where).items():
            terms.setdefault(name, value)
    where = levels[0][1]
    for name in TERMS:
        if terms.get(name) and name not in order:
            raise DataError(f"{where}: {name} is {terms[name]:g}, but a fisheye has only k1, k2, k3, k4")
    rational = model in RATIONAL_MODELS or terms.get("k5") or terms.get("k6")
    if terms.get("k4") and not fisheye and not rational:
        raise DataError(
            f"{where}: k4 is {terms['k4']:g}, which camera_model {model or 'OPENCV'} has not, "
            "write FULL_OPENCV or OPENCV_FISHEYE"
        )
    values = [terms.get(name, 0.0) for name in order]
    return (FISHEYE if fisheye else PERSPECTIVE), tuple(values + [0.0] * (len(TERMS) - len(values)))


def _distortion(record: Record, order: Sequence[str], where: str) -> dict[str, float]:
    """The terms of a record by name, from their own keys or from a list in OpenCV's order."""
    terms = {name: value for name in TERMS if (value := number(record, name, where)) is not None}
    for key in VECTORS:
        values = record.get(key)
        if isinstance(values, Mapping):
            values = values.get("data", [values.get(name, 0) for name in order])
        if not isinstance(values, list) or not values:
            continue
        flat = [v for row in values for v in (row if isinstance(row, list) else [row])]
        numbers = [numeric(v) for v in flat]
        if None in numbers or len(numbers) > 14 or any(numbers[len(order) :]):
            raise DataError(f"{where}: {key} is {shape_of(values)}, expected {', '.join(order)}")
        for name, v in zip(order, numbers, strict=False):
            terms.setdefault(name, finite(v or 0.0, key, where))
    return terms


# Lenses that fold over.

STAGES = 48  # from the middle of the picture to its edge
LEAST_DETERMINANT = 1e-3  # of the Jacobian of the distortion
ANGLES = 2048  # of a fisheye, from 0 to 180 degrees


def folded_part(rows: NDArray[np.float64], lens: int, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far from the middle of its picture each lens can be inverted: [n, 16], [n, 2] -> [n].

    1 is the whole way to the farthest edge or more. The point where a lens folds over is found by
    following its inverse along straight lines from the middle to the edge of the picture, in small
    steps of Newton's method: as long as the Jacobian's determinant is positive, one ray meets one
    point.

    >>> brown = np.array([[50.0, 50, 40, 30, -0.3] + [0.0] * 11])
    >>> folded_part(brown, PERSPECTIVE, np.array([[80.0, 60]])).tolist()
    [0.6875]
    """
    along = np.linspace(0, 1, 13)
    edge = np.array([p for t in along for p in ((t, 0), (t, 1), (0, t), (1, t))])  # [e, 2]
    points = (edge[None] * sizes[:, None] - rows[:, None, 2:4]) / rows[:, None, 0:2]  # [n, e, 2]
    if lens == FISHEYE:
        return _fisheye_reach(rows, points)
    terms = [rows[:, 4 + k, None] for k in range(len(TERMS))]
    reach = np.ones(points.shape[:2])
    at = np.zeros_like(points)
    with np.errstate(all="ignore"):
        for stage in range(1, STAGES + 1):
            target = points * (stage / STAGES)
            for _ in range(4):
                value, (xx, xy, yx, yy) = _distort(terms, at[..., 0], at[..., 1])
                ex, ey = value[0] - target[..., 0], value[1] - target[..., 1]
                determinant = xx * yy - xy * yx
                at = at - np.stack([ex * yy - ey * xy, ey * xx - ex * yx], -1) / determinant[..., None]
            value, (xx, xy, yx, yy) = _distort(terms, at[..., 0], at[..., 1])
            error = np.abs(value[0] - target[..., 0]) + np.abs(value[1] - target[..., 1])
            good = (error < 1e-6 * (1 + np.abs(target).sum(-1))) & (xx * yy - xy * yx > LEAST_DETERMINANT)
            reach = np.where(good | (reach < 1), reach, (stage - 1) / STAGES)
    least: NDArray[np.float64] = reach.min(axis=1)
    return least


def _distort(terms: Sequence[Any], x: Any, y: Any) -> tuple[tuple[Any, Any], tuple[Any, Any, Any, Any]]:
    """OpenCV's distortion of ideal points, and its Jacobian."""
    k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4 = terms
    r2 = x * x + y * y
    below = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
    radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / below
    rise = k1 + r2 * (2 * k2 + r2 * 3 * k3) - radial * (k4 + r2 * (2 * k5 + r2 * 3 * k6))
    slope = 2 * rise / below
    to_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x) + r2 * (s1 + r2 * s2)
    to_y = y * radial + 2 * p2 * x * y + p1 * (r2 + 2 * y * y) + r2 * (s3 + r2 * s4)
    prism_x, prism_y = 2 * (s1 + 2 * r2 * s2), 2 * (s3 + 2 * r2 * s4)
    mixed = slope * x * y + 2 * p1 * x + 2 * p2 * y
    xx = radial + slope * x * x + 2 * p1 * y + 6 * p2 * x + prism_x * x
    yy = radial + slope * y * y + 2 * p2 * x + 6 * p1 * y + prism_y * y
    return (to_x, to_y), (xx, mixed + prism_x * y, mixed + prism_y * x, yy)


def _fisheye_reach(rows: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    radius = np.linalg.norm(points, axis=-1).max(axis=1)
    angle = np.linspace(0, math.pi, ANGLES)
    a2 = angle * angle
    k1, k2, k3, k4 = (rows[:, 4 + k, None] for k in range(4))
    with np.errstate(all="ignore"):
        at = angle * (1 + a2 * (k1 + a2 * (k2 + a2 * (k3 + a2 * k4))))
        slope = 1 + a2 * (3 * k1 + a2 * (5 * k2 + a2 * (7 * k3 + a2 * 9 * k4)))
    rising = np.logical_and.accumulate(slope > 0, axis=1)
    reach = np.where(rising, at, 0).max(axis=1)
    part: NDArray[np.float64] = np.minimum(reach / radius, 1)
    return part


def check_folds(cameras: Sequence[Camera], sizes: Sequence[tuple[int, int]], wheres: Sequence[str]) -> None:
    """Raises DataError for a lens that folds over within its picture: there several rays meet one
    pixel, and none can be told to be the pixel's own."""
    distinct: dict[tuple[Any, ...], int] = {}
    for i, (camera, size) in enumerate(zip(cameras, sizes, strict=True)):
        if any(camera.row[4:]) or camera.lens == FISHEYE:
            distinct.setdefault((camera.row, camera.lens, size), i)
    for lens in (PERSPECTIVE, FISHEYE):
        picks = [i for (_, kind, _), i in distinct.items() if kind == lens]
        if not picks:
            continue
        rows = np.array([cameras[i].row for i in picks], np.float64)
        parts = folded_part(rows, lens, np.array([sizes[i] for i in picks], np.float64))
        if (parts < 1).any():
            worst = picks[int(parts.argmin())]
            names = FISHEYE_TERMS if lens == FISHEYE else TERMS
            terms = zip(names, cameras[worst].row[4:], strict=False)
            given = ", ".join(f"{name} {value:g}" for name, value in terms if value) or "no terms"
            raise DataError(
                f"{wheres[worst]}: the distortion ({given}) folds the picture over from "
                f"{100 * parts.min():.0f} % of the "
                "way between its middle and its edge outwards, so that it cannot be undone; calibrate again"
            )

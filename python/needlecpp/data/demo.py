"""The built-in scene: a sewing table, ray traced in numpy, so that everything can be tried without
a download.

How it works: each solid knows its bounding sphere, where rays given in its own frame meet it, its
normal and its texture. A view is traced in one go, four rays a pixel: rays that hit a solid's
bounding sphere are gathered, moved into its frame and intersected; the nearest hit wins. Hits are
shaded with sky light (darkened near other solids), one lamp with shadows, and a highlight that
moves with the viewer. Read :func:`_trace` first, then :func:`_table` for the solids. The four rays
of a pixel look at four points of the lamp, which makes the edges of shadows soft. All numbers are
float32 and nothing is random: the same views on every run.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from needlecpp.data.images import area_average
from needlecpp.data.scene import DataError, SceneData

SIZE = 200  # pixels, both sides
FIELD_OF_VIEW = 0.69  # radians
DISTANCE = 3.2  # of the cameras from the origin, world units
VIEWS = {"train": 60, "test": 10}
FLOOR = -0.24  # height of the table top, world units

F32 = NDArray[Any]  # float32
Ray = tuple[F32, F32]  # origins and directions in a solid's frame: [3, n], or [3, 1] where all are the same
Texture = Callable[[F32], F32]  # points in a solid's frame [3, n] -> linear RGB [3, n]

LAMP = np.array(
    [[1.9, -1.3, 3.0], [2.1, -1.3, 3.0], [2.0, -1.4, 2.9], [2.0, -1.2, 3.1]], np.float32
)  # [4, 3], one point for each of a pixel's rays


def demo_scene(split: str = "train", downscale: int = 1, images: bool = True) -> SceneData:
    """The scene ``"demo"``: 60 training views on a hemisphere and 10 test views on an orbit,
    200x200 RGBA.

    >>> scene = demo_scene("test", downscale=8)
    >>> len(scene), scene.width, scene.has_alpha, scene.splits
    (10, 25, True, ('train', 'test'))
    """
    if split not in VIEWS:
        raise DataError(f"demo: there is no split {split!r}, available are {', '.join(VIEWS)}")
    if downscale > SIZE:
        raise DataError(f"downscale is {downscale}, expected at most the image's size {SIZE}x{SIZE}")
    poses = _orbit_poses(VIEWS["test"]) if split == "test" else _hemisphere_poses(VIEWS["train"])
    size = (2 * SIZE + downscale) // (2 * downscale)
    focal = 0.5 * size / math.tan(0.5 * FIELD_OF_VIEW)
    intrinsics = np.tile(np.array([focal, focal, size / 2, size / 2, 0, 0, 0, 0], np.float32), (len(poses), 1))
    solids = _table()
    pixels = np.empty((len(poses) if images else 0, size, size, 4), np.uint8)

    def draw(i: int) -> None:
        pixels[i] = area_average(_render(solids, poses[i]), size, size)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for _ in pool.map(draw, range(len(pixels))):
            pass
    return SceneData(
        images=pixels,
        poses=poses,
        intrinsics=intrinsics,
        names=[f"{split}/{i:03d}" for i in range(len(poses))],
        sizes=np.full((len(poses), 2), size, np.int64),
        box=((-1.05, -1.05, -1.05), (1.05, 1.05, 1.05)),
        box_source="of the built-in scene",
        near=0.05,
        has_alpha=True,
        splits=tuple(VIEWS),
        split=split,
        path="demo",
        kind="demo",
    )


# Cameras.


def _hemisphere_poses(count: int) -> F32:
    i = np.arange(count)
    height = np.sin(np.radians(8)) + (i + 0.5) / count * (np.sin(np.radians(80)) - np.sin(np.radians(8)))
    return _poses(np.arcsin(height), i * (math.pi * (3 - math.sqrt(5))))  # a golden spiral


def _orbit_poses(count: int) -> F32:
    around = (np.arange(count) + 0.25) / count * 2 * math.pi
    return _poses(np.radians(32 + 12 * np.sin(2 * around)), around)


def _poses(elevation: NDArray[Any], azimuth: NDArray[Any]) -> F32:
    from needlecpp.render.paths import look_at

    eyes = DISTANCE * np.stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], axis=1
    )
    return np.stack([look_at(eye, (0, 0, 0), (0, 0, 1)) for eye in eyes]).astype(np.float32)


# Solids. In their own frame: ellipsoids are unit spheres times `size`; cylinders stand on the z
# axis.


@dataclass
class Solid:
    center: F32  # [3]
    size: F32  # [3] half extents; a torus: (ring radius, tube radius, -)
    texture: Texture
    gloss: float = 0.25  # strength of the highlight
    sharpness: float = 24.0  # its Phong exponent
    axes: F32 = field(default_factory=lambda: np.eye(3, dtype=np.float32))  # columns: the frame's axes in the world
    group: int = 0  # solids of one thing do not darken each other

    def bound(self) -> float:
        return float(np.linalg.norm(self.size))

    def meet(self, ray: Ray) -> F32:
        """Distance to the first hit in front of the origin, inf for a miss: [n]."""
        raise NotImplementedError

    def normal(self, p: F32) -> F32:
        """Outward unit normal at surface points [3, n] of the frame."""
        raise NotImplementedError


class Ellipsoid(Solid):
    def bound(self) -> float:
        return float(self.size.max())

    def meet(self, ray: Ray) -> F32:
        o, d = (v / self.size[:, None] for v in ray)
        a, b, c = _dot(d, d), _dot(o, d), _dot(o, o) - 1
        root = b * b - a * c
        near: F32 = (-b - np.sqrt(np.maximum(root, 0))) / a
        near[(root <= 0) | (near <= 0)] = np.inf
        return near

    def normal(self, p: F32) -> F32:
        return _unit(p / self.size[:, None] ** 2)


class Cylinder(Solid):
    def bound(self) -> float:
        return float(math.hypot(self.size[0], self.size[2]))

    def meet(self, ray: Ray) -> F32:
        (ox, oy, oz), (dx, dy, dz) = ray
        radius, half = self.size[0], self.size[2]
        a = np.maximum(dx * dx + dy * dy, np.float32(1e-9))
        b, c = ox * dx + oy * dy, ox * ox + oy * oy - radius * radius
        root = b * b - a * c
        side = (-b - np.sqrt(np.maximum(root, 0))) / a
        on_side = (root > 0) & (side > 0) & (np.abs(oz + side * dz) <= half)
        cap = (np.where(dz < 0, half, -half) - oz) / np.where(np.abs(dz) > 1e-6, dz, np.float32(1e-6))
        x, y = ox + cap * dx, oy + cap * dy
        on_cap = (cap > 0) & (x * x + y * y <= radius * radius)
        side[~on_side], cap[~on_cap] = np.inf, np.inf
        nearest: F32 = np.minimum(side, cap)
        return nearest

    def normal(self, p: F32) -> F32:
        radius, half = self.size[0], self.size[2]
        on_cap = np.abs(np.abs(p[2]) - half) < np.abs(np.hypot(p[0], p[1]) - radius)
        flat = np.where(on_cap, np.float32(0), np.float32(1))
        return _unit(np.stack([p[0] * flat, p[1] * flat, np.sign(p[2]) * (1 - flat)]))


class Block(Solid):
    def meet(self, ray: Ray) -> F32:
        o, d = ray
        d = np.where(np.abs(d) > 1e-7, d, np.float32(1e-7))
        half = self.size[:, None]
        enter: F32 = np.max((-np.sign(d) * half - o) / d, axis=0)
        leave = np.min((np.sign(d) * half - o) / d, axis=0)
        enter[(enter >= leave) | (enter <= 0)] = np.inf
        return enter

    def normal(self, p: F32) -> F32:
        q = p / self.size[:, None]
        face = np.abs(q).argmax(axis=0)
        return np.where(np.arange(3)[:, None] == face, np.sign(q), np.float32(0)).astype(np.float32)


class Torus(Solid):
    def bound(self) -> float:
        return float(self.size[0] + self.size[1])

    def meet(self, ray: Ray) -> F32:
        """Sphere tracing: the rays still on their way advance by their distance to the surface."""
        d = ray[1]
        o = np.broadcast_to(ray[0], d.shape) if d.shape[1] > 1 else ray[0]
        d = np.broadcast_to(d, o.shape)
        out = np.full(o.shape[1], np.inf, np.float32)
        b, reach = _dot(o, d), np.float32(self.bound())
        half_chord = np.sqrt(np.maximum(b * b - _dot(o, o) + reach * reach, 0))
        going = np.flatnonzero((half_chord > 0) & (half_chord - b > 0))
        t = np.maximum(-b - half_chord, np.float32(0))[going]
        end = (half_chord - b)[going]
        o, d = o[:, going], d[:, going]
        for _ in range(64):
            p = o + t * d
            gap = np.hypot(np.hypot(p[0], p[1]) - self.size[0], p[2]) - self.size[1]
            arrived = gap < 4e-4
            out[going[arrived]] = t[arrived]
            t = t + gap
            keep = ~arrived & (t < end)
            if not keep.any():
                break
            going, t, end, o, d = going[keep], t[keep], end[keep], o[:, keep], d[:, keep]
        return out

    def normal(self, p: F32) -> F32:
        around = np.hypot(p[0], p[1])
        inward = 1 - self.size[0] / np.maximum(around, np.float32(1e-6))
        return _unit(np.stack([p[0] * inward, p[1] * inward, p[2]]))


# The still life.


def _table() -> list[Solid]:
    wood = _rings((0.56, 0.34, 0.17), (0.44, 0.24, 0.11), 0.09)
    solids: list[Solid] = [
        Cylinder(_vec(0, 0, FLOOR - 0.05), _vec(1, 1, 0.05), _mat, gloss=0.05, sharpness=12, group=0),
        # A spool of thread.
        *_spool(_vec(-0.42, 0.24, FLOOR), (0.72, 0.05, 0.09), wood, 1, tall=0.22),
        *_spool(_vec(-0.05, 0.62, FLOOR), (0.05, 0.19, 0.55), wood, 2, tall=0.15),
        # Two buttons, one leaning on the other.
        Cylinder(
            _vec(-0.34, -0.46, FLOOR + 0.035), _vec(0.19, 0.19, 0.035), _button((0.95, 0.62, 0.05)), 0.35, 30, group=3
        ),
        Cylinder(
            _vec(-0.55, -0.28, FLOOR + 0.105),
            _vec(0.15, 0.15, 0.03),
            _button((0.03, 0.45, 0.42)),
            0.35,
            30,
            axes=_frame(_vec(-0.45, 0.38, 1)),
            group=4,
        ),
        # A brass ring and the needle lying on it.
        Torus(_vec(0.22, -0.52, FLOOR + 0.06), _vec(0.24, 0.06, 0), _plain(0.78, 0.5, 0.13), 0.5, 18, group=5),
        Ellipsoid(
            _vec(0.22, -0.5, FLOOR + 0.145),
            _vec(0.022, 0.022, 0.42),
            _plain(0.55, 0.58, 0.64),
            0.8,
            20,
            axes=_frame(_vec(0.9, 0.38, 0.1)),
            group=6,
        ),
        # A tin with dots.
        Block(_vec(0.68, 0.12, FLOOR + 0.13), _vec(0.15, 0.15, 0.13), _dots, 0.2, 20, axes=_turned(0.5), group=7),
        Block(
            _vec(0.68, 0.12, FLOOR + 0.275),
            _vec(0.165, 0.165, 0.02),
            _plain(0.85, 0.8, 0.7),
            0.3,
            20,
            axes=_turned(0.5),
            group=7,
        ),
    ]
    return solids + _pincushion(_vec(0.26, 0.16, FLOOR + 0.2))


def _spool(foot: F32, color: tuple[float, float, float], wood: Texture, group: int, tall: float) -> list[Solid]:
    dark, light = _rgb(*color) * np.float32(0.55), _rgb(*color)

    def thread(p: F32) -> F32:
        turn = np.arctan2(p[1], p[0]) / (2 * math.pi)
        return _mix(dark, light, _wave(p[2] / 0.075 + turn, 1.2))

    def disc(height: float) -> Cylinder:
        return Cylinder(foot + _vec(0, 0, height), _vec(0.22, 0.22, 0.03), wood, 0.15, 16, group=group)

    middle = foot + _vec(0, 0, 0.06 + tall)
    return [disc(0.03), Cylinder(middle, _vec(0.17, 0.17, tall), thread, 0.12, 10, group=group), disc(0.09 + 2 * tall)]


def _pincushion(middle: F32) -> list[Solid]:
    red, seam = _rgb(0.75, 0.09, 0.08), _rgb(0.33, 0.02, 0.03)

    def tomato(p: F32) -> F32:
        angle = np.arctan2(p[1], p[0]) * (8 / (2 * math.pi))
        from_seam = np.abs(angle - np.round(angle)) * np.hypot(p[0], p[1]) * 4
        return _mix(seam, red, np.clip(from_seam / 0.12, 0, 1))

    solids: list[Solid] = [
        Ellipsoid(middle, _vec(0.29, 0.29, 0.205), tomato, 0.15, 14, group=8),
        Ellipsoid(middle + _vec(0, 0, 0.19), _vec(0.13, 0.13, 0.035), _plain(0.1, 0.36, 0.08), 0.1, 12, group=8),
    ]
    pins = [
        ((0.55, 0.2, 1.0), (0.95, 0.75, 0.1)),
        ((-0.35, 0.6, 1.0), (0.1, 0.42, 0.85)),
        ((-0.5, -0.35, 1.0), (0.92, 0.92, 0.9)),
        ((0.15, -0.7, 0.9), (0.12, 0.6, 0.3)),
        ((0.0, 0.15, 1.0), (0.85, 0.25, 0.6)),
    ]
    for toward, color in pins:
        axis = _unit(_rgb(*toward))[:, 0]
        steel = _plain(0.5, 0.52, 0.56)
        solids.append(
            Cylinder(middle + axis * 0.28, _vec(0.016, 0.016, 0.13), steel, 0.5, 16, axes=_frame(axis), group=8)
        )
        solids.append(Ellipsoid(middle + axis * 0.43, _vec(0.05, 0.05, 0.05), _plain(*color), 0.6, 40, group=8))
    return solids


def _mat(p: F32) -> F32:
    """Soft checks inside a cream border with a stitched line."""
    far = np.hypot(p[0], p[1])
    checks = _mix(
        _rgb(0.11, 0.34, 0.42),
        _rgb(0.42, 0.66, 0.66),
        _edge(np.sin(p[0] * (math.pi / 0.25)) * np.sin(p[1] * (math.pi / 0.25)), 0.12),
    )
    angle = np.arctan2(p[1], p[0])
    stitch = _edge(0.012 - np.abs(far - 0.92), 0.006) * _edge(np.sin(angle * 36), 0.25)
    border = _mix(_rgb(0.86, 0.78, 0.62), _rgb(0.66, 0.16, 0.12), stitch)
    return _mix(checks, border, _edge(far - 0.83, 0.008))


def _button(color: tuple[float, float, float]) -> Texture:
    def texture(p: F32) -> F32:
        far = np.hypot(p[0], p[1])
        hole = np.hypot(np.abs(p[0]) - 0.042, np.abs(p[1]) - 0.042)
        rim = 0.8 + 0.2 * _edge(np.abs(far - 0.115) - 0.012, 0.008)
        return _rgb(*color) * rim * (0.12 + 0.88 * _edge(hole - 0.024, 0.008))

    return texture


def _dots(p: F32) -> F32:
    face = np.abs(p / _rgb(0.15, 0.15, 0.13)).argmax(axis=0)
    u = np.where(face == 0, p[1], p[0]) / 0.1
    v = p[2] / 0.1
    cell = np.hypot(u - np.round(u), v - np.round(v)) * 0.1
    return _mix(_rgb(0.9, 0.86, 0.78), _rgb(0.13, 0.16, 0.42), _edge(cell - 0.028, 0.006))


def _plain(r: float, g: float, b: float) -> Texture:
    color = _rgb(r, g, b)
    return lambda p: np.broadcast_to(color, p.shape)


def _rings(a: tuple[float, float, float], b: tuple[float, float, float], period: float) -> Texture:
    first, second = _rgb(*a), _rgb(*b)
    return lambda p: _mix(first, second, _wave(np.hypot(p[0] - 0.05, p[1]) / period, 1.0))


# Tracing and shading.


def _render(solids: list[Solid], pose: F32) -> NDArray[np.uint8]:
    """One view [SIZE, SIZE, 4], the mean of four rays a pixel."""
    focal = 0.5 * SIZE / math.tan(0.5 * FIELD_OF_VIEW)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    light = np.zeros((3, SIZE * SIZE), np.float32)
    cover = np.zeros(SIZE * SIZE, np.float32)
    for sub, (dx, dy) in enumerate(((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))):
        u, v = (x.ravel() + dx - SIZE / 2) / focal, (y.ravel() + dy - SIZE / 2) / focal
        directions = _unit(pose[:, :3] @ np.stack([u, v, np.ones_like(u)]).astype(np.float32))
        eye = np.ascontiguousarray(pose[:, 3:])
        which, t = _trace(solids, eye, directions)
        hit = np.flatnonzero(which >= 0)
        color = _shade(solids, which[hit], eye + t[hit] * directions[:, hit], directions[:, hit], LAMP[sub])
        light[:, hit] += color / 4
        cover[hit] += np.float32(0.25)
    color = light / np.maximum(cover, np.float32(0.25))
    pixels = np.concatenate([color, cover[None]]) * 255 + np.float32(0.5)
    return np.ascontiguousarray(pixels.T.reshape(SIZE, SIZE, 4)).astype(np.uint8)


def _trace(solids: list[Solid], origins: F32, directions: F32) -> tuple[NDArray[np.int32], F32]:
    """Which solid each ray [3, n] meets first (-1: none) and how far away."""
    n = directions.shape[1]
    which, nearest = np.full(n, -1, np.int32), np.full(n, np.inf, np.float32)
    for i, solid in enumerate(solids):
        rays, ray = _rays_near(solid, origins, directions)
        if not len(rays):
            continue
        t = solid.meet(ray)
        closer = t < nearest[rays]
        rays = rays[closer]
        nearest[rays] = t[closer]
        which[rays] = i
    return which, nearest


def _rays_near(solid: Solid, origins: F32, directions: F32) -> tuple[NDArray[np.intp], Ray]:
    """The rays that hit a solid's bounding sphere, and those rays in its frame."""
    o = origins - solid.center[:, None]
    b = _dot(o, directions)
    root = b * b - _dot(o, o) + np.float32(solid.bound() ** 2)
    rays = np.flatnonzero((root > 0) & (b < np.sqrt(np.maximum(root, 0))))
    if o.shape[1] > 1:
        o = o[:, rays]
    return rays, (solid.axes.T @ o, solid.axes.T @ directions[:, rays])


def _shade(solids: list[Solid], which: NDArray[np.int32], points: F32, directions: F32, lamp: F32) -> F32:
    """sRGB [3, n] of surface points seen along ``directions``."""
    normals, albedo = np.empty_like(points), np.empty_like(points)
    gloss, sharpness = (np.empty(len(which), np.float32) for _ in range(2))
    open_sky = np.ones(len(which), np.float32)
    for i, solid in enumerate(solids):
        at = np.flatnonzero(which == i)
        if not len(at):
            continue
        local = solid.axes.T @ (points[:, at] - solid.center[:, None])
        normals[:, at] = solid.axes @ solid.normal(local)
        albedo[:, at] = solid.texture(local)
        gloss[at], sharpness[at] = solid.gloss, solid.sharpness
    groups = np.array([solid.group for solid in solids])[which]
    for solid in solids:  # sky light that a solid's neighbours keep away, each taken as a ball
        if solid.group == 0:
            continue
        away = solid.center[:, None] - points
        far2 = np.maximum(_dot(away, away), np.float32(1e-6))
        facing = np.maximum(_dot(away, normals), 0) / np.sqrt(far2)
        ball2 = np.float32(0.7 * np.prod(np.sort(solid.size)[-2:]) if not isinstance(solid, Torus) else 0.02)
        hidden = facing * np.minimum(ball2 / far2, 1)
        open_sky *= np.where(groups == solid.group, np.float32(1), 1 - np.minimum(hidden, np.float32(0.85)))
    to_lamp = lamp[:, None] - points
    distance = np.sqrt(_dot(to_lamp, to_lamp))
    to_lamp = to_lamp / distance
    cosine = np.maximum(_dot(normals, to_lamp), 0)
    lit = np.flatnonzero(cosine > 0)
    shadow = np.ones(len(which), np.float32)
    blocker, _ = _trace(solids, points[:, lit] + normals[:, lit] * np.float32(2e-3), to_lamp[:, lit])
    shadow[lit[blocker >= 0]] = 0
    half = _unit(to_lamp - directions)
    highlight = gloss * shadow * np.maximum(_dot(normals, half), 0) ** sharpness
    grazing = (1 - np.abs(_dot(normals, directions))) ** 4 * gloss * np.float32(0.35)
    sky = 0.5 + 0.5 * normals[2]
    ambient = _mix(_rgb(0.26, 0.22, 0.20), _rgb(0.36, 0.40, 0.47), sky) * open_sky
    sun = _rgb(0.86, 0.79, 0.69) * (cosine * shadow)
    linear = albedo * (ambient + sun) + highlight + grazing * open_sky
    color: F32 = np.clip(linear, 0, 1) ** np.float32(1 / 2.2)
    return color


# Small mathematics on [3, n] arrays.


def _dot(a: F32, b: F32) -> F32:
    sums: F32 = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return sums


def _unit(a: F32) -> F32:
    unit: F32 = a / np.sqrt(np.maximum(_dot(a, a), np.float32(1e-20)))
    return unit


def _vec(x: float, y: float, z: float) -> F32:
    return np.array([x, y, z], np.float32)


def _rgb(r: float, g: float, b: float) -> F32:
    """A colour (or direction) for arrays [3, n] to broadcast with: [3, 1]."""
    return np.array([[r], [g], [b]], np.float32)


def _frame(z: F32) -> F32:
    """Axes whose third column points along ``z``."""
    z = z / np.linalg.norm(z)
    x = np.cross(_vec(0, 1, 0) if abs(z[1]) < 0.9 else _vec(1, 0, 0), z)
    x = x / np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1).astype(np.float32)


def _turned(angle: float) -> F32:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)


def _mix(a: F32, b: F32, how: F32) -> F32:
    mixed: F32 = a + (b - a) * how
    return mixed


def _edge(x: F32, width: float) -> F32:
    """0 below -width, 1 above width, smooth between."""
    s = np.clip(x / (2 * width) + 0.5, 0, 1)
    return s * s * (3 - 2 * s)


def _wave(x: F32, power: float) -> F32:
    wave: F32 = (0.5 + 0.5 * np.sin(x * (2 * math.pi))) ** np.float32(power)
    return wave

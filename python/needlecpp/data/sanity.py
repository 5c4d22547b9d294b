"""Whether a scene's cameras, box and pictures fit together.

What cameras look at together decides where the scene box goes when conventions contradict it
(``settle``), and, before a training, what is known of a scene is collected, doubted or refused
(``survey``): a training on data that cannot have been understood looks like any other until somebody
looks at its pictures.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from needlecpp.data.scene import Box, DataError, DataWarning, SceneData
from needlecpp.data.transforms import AROUND_CAMERAS, BLENDER_CONVENTION, FROM_AABB, World, capture_box, make_box

Array = NDArray[np.float64]

AROUND_SIGHT = "where the cameras look"  # a source of a box

ABREAST = 1e-4  # least eigenvalue of the axes' mean projector below which they are parallel: about half a degree
IN_VIEW = 0.8  # of the cameras must see a point for them to look at it together
ROOM = 1.05  # of a box around what is seen
RIM = 0.15  # of what an object's picture shows, at its edge: expected to be empty
SMALL = 1 / 3  # of a convention's box: what is smaller was not meant by it
WIDE = 2.0  # times a convention's box: what is wider was not meant by it
NEAR = 0.25  # of the distance to what is looked at: nothing is expected nearer
FEW_RAYS, TOO_FEW_RAYS = 0.25, 0.01
GRID = 12  # rays a side of a picture that are tried against the box
PLAIN = 10  # of 255: colours nearer to each other than this are one, sensor noise and JPEG included
PLAIN_BORDER, PLAIN_PICTURES = 0.7, 0.8  # of a picture's border, of the pictures, that one colour has to cover
MOST_PICTURES = 200  # that are looked at for their borders


@dataclass(frozen=True)
class Sight:
    """What cameras look at together."""

    center: Array  # [3], the point nearest to their axes
    distance: float  # of the median camera from it
    nearest: float  # camera to it
    half: float  # of the pictures' larger side at that distance, median: half the extent of what they show


def look_together(
    poses: NDArray[Any],  # [n, 3, 4]
    intrinsics: NDArray[Any],  # [n, 4 or more]: fx fy cx cy
    sizes: NDArray[Any],  # [n, 2] or [2]: width and height, pixels
) -> Sight | None:
    """What most of the cameras have in view, if there is such a point; else None: they stand abreast, in one place, or
    look away from each other.

    >>> from needlecpp.data import load_scene
    >>> scene = load_scene("demo", "test", downscale=4)
    >>> sight = look_together(scene.poses, scene.intrinsics, scene.sizes)
    >>> bool(np.abs(sight.center).max() < 0.5)
    True
    """
    stack, k = np.asarray(poses, np.float64), np.asarray(intrinsics, np.float64)
    width, height = np.asarray(sizes).T
    axes, eyes = stack[:, :, 2], stack[:, :, 3]
    projectors = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    normal = projectors.mean(axis=0)
    if len(stack) < 2 or np.linalg.eigvalsh(normal)[0] < ABREAST:
        return None
    center = np.linalg.solve(normal, (projectors @ eyes[:, :, None]).mean(axis=0)[:, 0])
    seen = np.einsum("nij,ni->nj", stack[:, :, :3], center - eyes)  # in each camera's axes
    distance = np.linalg.norm(center - eyes, axis=1)
    depth = np.maximum(seen[:, 2], 1e-12)
    inside = (
        (seen[:, 2] > 1e-3 * distance.max())
        & (np.abs(seen[:, 0] * k[:, 0] / depth + k[:, 2] - width / 2) < width / 2)
        & (np.abs(seen[:, 1] * k[:, 1] / depth + k[:, 3] - height / 2) < height / 2)
    )
    if inside.mean() < IN_VIEW:
        return None
    half = distance * np.maximum(width / 2 / k[:, 0], height / 2 / k[:, 1])
    return Sight(center, float(np.median(distance)), float(distance[inside].min()), float(np.median(half)))


def settle(world: World, sight: Sight | None, poses: NDArray[Any], cut_out: bool, where: str) -> World:
    """The world with another box where a convention has put it elsewhere than the cameras look.

    The cube around what is seen for objects that are cut out (by alpha), else that of a capture. ``aabb_scale`` is
    believed if its box has anything in common with what is seen, ``aabb`` always.
    """
    if sight is None or world.source == AROUND_CAMERAS:
        return world
    low, high = np.array(world.box)
    half = (high - low).max() / 2
    held = bool(((sight.center > low) & (sight.center < high)).all())
    if world.source == BLENDER_CONVENTION:
        if cut_out:
            # The box has to hold what the pictures show but for their rims, and not be far too large for it.
            reach = (1 - RIM) * sight.half
            held = bool(((sight.center - reach >= low) & (sight.center + reach <= high)).all())
            if held and sight.half >= SMALL * half:
                return world
            box = make_box(sight.center - ROOM * sight.half, sight.center + ROOM * sight.half, where)
            return replace(world, box=box, source=AROUND_SIGHT)
        if held and sight.half <= WIDE * half:
            return world
    elif world.source == FROM_AABB or (np.abs(sight.center - (low + high) / 2) < half + sight.half).all():
        return world
    else:
        warnings.warn(
            f"{where}: aabb_scale with scale and offset puts the scene box where the cameras do not look, it is taken "
            "around them instead; --box gives another",
            DataWarning,
            stacklevel=4,
        )
    return replace(world, box=capture_box(poses, where), aabb_scale=4.0, source=AROUND_CAMERAS)


def near_plane(world: World, kind: str, sight: Sight | None) -> float:
    """The distance within which nothing is expected: what the convention says, and never so much that it cuts what the
    cameras look at.

    For captures a tenth of the subject's extent, as instant-ngp has it: nobody holds a camera closer to things.
    """
    extent = max(high - low for low, high in zip(*world.box, strict=True))
    if kind == "blender" and world.source != AROUND_CAMERAS:
        near = 0.05 if world.source != AROUND_SIGHT else 0.05 * extent / 3
    else:
        near = 0.1 * extent / max(world.aabb_scale, 1)
    return near if sight is None else min(near, NEAR * sight.nearest)


@dataclass(frozen=True)
class Survey:
    """What is known of a scene before its training."""

    box: Box
    box_source: str
    rays: float  # share of them that meet the box
    distance: float  # of the median camera from the box's centre
    cut_out: bool  # pictures have transparent pixels
    backdrop: tuple[int, int, int] | None  # the one colour behind opaque pictures
    doubts: tuple[str, ...]  # what looks wrong, with its remedy

    def sentence(self, background: str) -> str:
        """One line."""
        if self.cut_out:
            behind = "transparent"
        elif self.backdrop is None:
            behind = "photographed"
        else:
            behind = "#" + bytes(self.backdrop).hex()
        return (
            f"scene box {_words(self.box)} {self.box_source}, {100 * self.rays:.0f} % of rays meet it, cameras "
            f"{self.distance:.3g} from its centre, backdrop {behind}, trained on {background}"
        )

    def record(self) -> dict[str, Any]:
        """For config.json."""
        return {
            "box_source": self.box_source,
            "rays_that_meet_the_box": round(self.rays, 4),
            "camera_distance": round(self.distance, 6),
            "transparent": self.cut_out,
            "backdrop": None if self.backdrop is None else "#" + bytes(self.backdrop).hex(),
            "doubts": list(self.doubts),
        }


def _words(box: Box) -> str:
    low, high = np.array(box)
    middle, half = (low + high) / 2, (high - low) / 2
    if np.ptp(half) < 1e-6 * half.max():
        return f"±{half[0]:.4g} around ({_numbers(middle)})"
    return f"from ({_numbers(low)}) to ({_numbers(high)})"


def _numbers(v: Array) -> str:
    return ", ".join(f"{x:.3g}" for x in np.where(np.abs(v) < 1e-6 * np.abs(v).max(), 0.0, v) + 0.0)


def survey(scene: SceneData) -> Survey:
    """Looks at a scene's cameras, box and pictures.

    Raises:
        DataError: if nothing can be learnt from it: no ray meets the box, or the pictures show nothing.
    """
    sight = look_together(scene.poses, scene.intrinsics, scene.sizes)
    low, high = np.array(scene.box)
    eyes = scene.poses[:, :, 3].astype(np.float64)
    rays = rays_that_meet(scene)
    looking = "" if sight is None else f", the cameras look at ({_numbers(sight.center)})"
    if rays < TOO_FEW_RAYS:
        raise DataError(
            f"{scene.path}: {'no ray' if rays == 0 else f'only {100 * rays:.2g} % of the rays'} of the {len(scene)} "
            f"training cameras meets the scene box {_words(scene.box)}{looking}; {_remedy(sight)}"
        )
    doubts = []
    if rays < FEW_RAYS:
        doubts.append(
            f"only {100 * rays:.0f} % of the rays meet the scene box {_words(scene.box)}{looking}; {_remedy(sight)}"
        )
    elif sight is not None and not ((sight.center > low) & (sight.center < high)).all():
        doubts.append(f"the scene box {_words(scene.box)} does not hold what is looked at{looking}; {_remedy(sight)}")
    if len(scene) == 1:
        doubts.append("one picture alone shows no depth, views from elsewhere will be wrong; give more pictures")
    elif np.ptp(eyes, axis=0).max() <= 1e-6 * (high - low).max():
        doubts.append(
            f"all {len(scene)} cameras stand in one place, which shows no depth; check the translations of "
            "transform_matrix"
        )
    cut_out = _look_at_pictures(scene, doubts)
    return Survey(
        box=scene.box,
        box_source=scene.box_source,
        rays=rays,
        distance=float(np.median(np.linalg.norm(eyes - (low + high) / 2, axis=1))),
        cut_out=cut_out,
        backdrop=None if cut_out else backdrop([scene.image(i) for i in range(len(scene))]),
        doubts=tuple(doubts),
    )


def _remedy(sight: Sight | None) -> str:
    if sight is None:
        return "--box gives another"
    corners = (*(sight.center - ROOM * sight.half), *(sight.center + ROOM * sight.half))
    return f"--box={','.join(f'{v:.3g}' for v in corners)} would hold that"


def rays_that_meet(scene: SceneData) -> float:
    """The share of the rays through the training pictures that meet the scene box beyond the near plane."""
    from needlecpp import _core

    n = len(scene)
    grid = (np.indices((GRID, GRID)).reshape(2, -1).T + 0.5) / GRID  # [GRID^2, 2]
    pixels = (grid * scene.sizes[:, None]).reshape(-1, 2).astype(np.float32)
    cameras = np.repeat(np.arange(n, dtype=np.int32), GRID * GRID)
    origins, directions = _core.generate_rays(scene.cameras(), _core.from_numpy(cameras), _core.from_numpy(pixels))
    near, far = _core.intersect_box(origins, directions, _core.Box(*scene.box))
    enter, leave = np.asarray(near.numpy()), np.asarray(far.numpy())
    return float((np.maximum(enter, scene.near) < leave).mean())


def _look_at_pictures(scene: SceneData, doubts: list[str]) -> bool:
    """Whether pictures are transparent in places. Adds doubts, raises DataError if they show nothing."""
    n = len(scene)
    pictures = [scene.image(i) for i in range(n)]
    cut_out = scene.has_alpha and any(bool((picture[..., 3] < 255).any()) for picture in pictures)
    if cut_out and not any(bool(picture[..., 3].any()) for picture in pictures):
        raise DataError(
            f"{scene.path}: all {n} training pictures are transparent everywhere, there is nothing to learn"
        )
    first = pictures[0]
    if not cut_out:
        color = first.reshape(-1, first.shape[-1])[0]
        if all(bool((picture == color).all()) for picture in pictures):
            raise DataError(
                f"{scene.path}: all {n} training pictures are of the one colour #{bytes(color[:3]).hex()}, there is "
                "nothing to learn"
            )
    if n > 1 and all(np.array_equal(first, picture) for picture in pictures[1:]):
        doubts.append(f"all {n} training pictures are the same; check the file_path of the frames")
    return cut_out


def backdrop(images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> tuple[int, int, int] | None:
    """The one colour that the borders of most pictures have, if they have one: that of a plain backdrop.

    >>> wall = np.full((3, 20, 20, 3), 255, np.uint8)
    >>> wall[:, 5:15, 5:15] = 80
    >>> backdrop(wall)
    (255, 255, 255)
    """
    borders = list(_borders(images))
    color = np.median(np.concatenate([border.reshape(-1, 3) for border in borders]), axis=0)
    plain = [float((np.abs(border - color).max(axis=-1) <= PLAIN).mean()) >= PLAIN_BORDER for border in borders]
    if np.mean(plain) < PLAIN_PICTURES:
        return None
    r, g, b = (math.floor(v + 0.5) for v in color)
    return r, g, b


def _borders(images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    step = -(-len(images) // MOST_PICTURES)
    for picture in images[::step]:
        rgb = picture[..., :3].astype(np.float32)
        wide = max(1, min(rgb.shape[:2]) // 64)
        edges = (rgb[:wide], rgb[-wide:], rgb[:, :wide], rgb[:, -wide:])
        yield np.concatenate([edge.reshape(-1, 3) for edge in edges])

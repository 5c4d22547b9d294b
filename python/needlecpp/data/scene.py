"""What a loaded scene consists of, and the errors that loading one can end in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from needlecpp import _core

Vec3 = tuple[float, float, float]
Box = tuple[Vec3, Vec3]

MOST_PIXELS = 16384  # along a side of a picture
MOST_FPS = 1000
LEAST_SIDE, MOST_SIDE = 1e-6, 1e6  # of a scene box, world units; a checkpoint's box has to be within


class DataError(ValueError):
    """A data set that cannot be used; the message is one sentence naming file, frame and key."""


class DataWarning(UserWarning):
    """A data set that is used in spite of a fault."""


@dataclass
class SceneData:
    """One split of a scene.

    ``names`` holds each frame's path as the data set spells it. ``box`` bounds the part of the
    world that a field should model; ``near`` is the distance from a camera within which nothing is
    expected; both are in world units. ``aabb_scale`` says how many times larger than its subject
    the box is: above 1 the scene has a background. A position p stands at ``p * unit_scale +
    unit_offset`` in instant-ngp's unit cube.

    >>> scene = SceneData.empty()
    >>> scene.images.shape, scene.poses.shape, scene.intrinsics.shape
    ((0, 1, 1, 3), (0, 3, 4), (0, 8))
    """

    images: NDArray[np.uint8]  # [n, height, width, 3 or 4] sRGB, straight alpha
    poses: NDArray[np.float32]  # [n, 3, 4] camera-to-world, OpenCV axes, world units
    intrinsics: NDArray[np.float32]  # [n, 8] fx fy cx cy (pixels) k1 k2 p1 p2
    names: list[str]
    width: int  # pixels
    height: int
    box: Box
    near: float
    has_alpha: bool
    splits: tuple[str, ...]  # those that the data set offers
    split: str  # this one
    path: str
    kind: str  # "blender", "ngp" or "demo"
    aabb_scale: float = 1.0
    unit_scale: float = 0.33
    unit_offset: Vec3 = (0.5, 0.5, 0.5)
    box_source: str = ""  # whence the box comes, in words

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[n, 2] width and height of each picture, pixels."""
        return np.tile(np.array([self.width, self.height], np.int64), (len(self), 1))

    def image(self, i: int) -> NDArray[np.uint8]:
        """Picture i [height, width, 3 or 4], a view."""
        picture: NDArray[np.uint8] = self.images[i]
        return picture

    def cameras(self) -> _core.Cameras:
        """The engine's view of this scene's cameras."""
        from needlecpp import _core

        return _core.Cameras(self.poses, self.intrinsics, self.width, self.height)

    @staticmethod
    def empty() -> SceneData:
        """A scene without frames."""
        return SceneData(
            images=np.zeros((0, 1, 1, 3), np.uint8),
            poses=np.zeros((0, 3, 4), np.float32),
            intrinsics=np.zeros((0, 8), np.float32),
            names=[],
            width=1,
            height=1,
            box=((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)),
            near=0.0,
            has_alpha=False,
            splits=(),
            split="",
            path="",
            kind="",
        )

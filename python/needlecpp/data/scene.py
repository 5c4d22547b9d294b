"""What a loaded scene consists of, and the errors that loading one can end in."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
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
    unit_offset`` in instant-ngp's unit cube. ``notes`` are the decisions that loading took, each of
    which was a warning.

    Pictures of one size stand in one array [n, height, width, c]. Pictures of several sizes stand
    behind one another, row by row, in an array [pixels, c], as :class:`needlecpp.render.Trainer`
    takes them; :meth:`image` gives each in either case.

    >>> scene = SceneData.empty()
    >>> scene.images.shape, scene.poses.shape, scene.intrinsics.shape
    ((0, 1, 1, 3), (0, 3, 4), (0, 8))
    """

    images: NDArray[np.uint8]  # [n, height, width, 3 or 4] or [pixels, 3 or 4], sRGB, straight alpha
    poses: NDArray[np.float32]  # [n, 3, 4] camera-to-world, OpenCV axes, world units
    intrinsics: NDArray[
        np.float32
    ]  # [n, 8, 9, 12 or 16] fx fy cx cy (pixels) and lens terms, see needlecpp.render.Cameras
    names: list[str]
    sizes: NDArray[np.int64]  # [n, 2] width and height of each picture, pixels
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
    lenses: NDArray[np.int32] | None = None  # [n] 0 perspective, 1 fisheye; None: all perspective
    masks: NDArray[np.bool_] | None = None  # [pixels] which pixels of all pictures may be used; None: all
    notes: tuple[str, ...] = ()
    box_source: str = ""  # whence the box comes, in words

    def __len__(self) -> int:
        return len(self.names)

    @property
    def width(self) -> int:
        """Pixels; of the size that most pictures have."""
        return self._usual_size()[0]

    @property
    def height(self) -> int:
        """Pixels; of the size that most pictures have."""
        return self._usual_size()[1]

    def one_size(self) -> bool:
        """Whether all pictures have the same size."""
        return bool((self.sizes == self.sizes[:1]).all())

    def image(self, i: int) -> NDArray[np.uint8]:
        """Picture i [height, width, 3 or 4], a view."""
        width, height = self.sizes[i]
        picture: NDArray[np.uint8] = self.images[i] if self.images.ndim == 4 else self.images[self._pixels(i)]
        return picture.reshape(height, width, -1)

    def mask(self, i: int) -> NDArray[np.bool_] | None:
        """Which pixels of picture i may be used [height, width], a view; None: all."""
        if self.masks is None:
            return None
        width, height = self.sizes[i]
        return self.masks[self._pixels(i)].reshape(height, width)

    def cameras(self) -> _core.Cameras:
        """The engine's view of this scene's cameras."""
        from needlecpp import _core

        return _core.Cameras(self.poses, self.intrinsics, self.sizes[:, 0], self.sizes[:, 1], self.lenses)

    def _usual_size(self) -> tuple[int, int]:
        sizes, counts = np.unique(self.sizes, axis=0, return_counts=True)
        if not len(sizes):
            return 1, 1
        width, height = sizes[counts.argmax()]
        return int(width), int(height)

    def _pixels(self, i: int) -> slice:
        ends = np.cumsum(self.sizes.prod(axis=1))
        return slice(int(ends[i] - self.sizes[i].prod()), int(ends[i]))

    @staticmethod
    def empty() -> SceneData:
        """A scene without frames."""
        return SceneData(
            images=np.zeros((0, 1, 1, 3), np.uint8),
            poses=np.zeros((0, 3, 4), np.float32),
            intrinsics=np.zeros((0, 8), np.float32),
            names=[],
            sizes=np.zeros((0, 2), np.int64),
            box=((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)),
            near=0.0,
            has_alpha=False,
            splits=(),
            split="",
            path="",
            kind="",
        )


class Notes:
    """What loading decided on its way, each said once as a warning.

    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     notes = Notes()
    ...     for _ in range(2):
    ...         notes.say("the pictures were shrunk")
    >>> notes.texts, len(caught)
    (['the pictures were shrunk'], 1)
    """

    def __init__(self) -> None:
        self.texts: list[str] = []

    def say(self, text: str) -> None:
        if text not in self.texts:
            self.texts.append(text)
            warnings.warn(text, DataWarning, stacklevel=5)


def listed(names: Sequence[str], most: int = 32) -> str:
    """Names for a message.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    text = ", ".join(names[:most])
    return text if len(names) <= most else f"{text} and {len(names) - most} more"

"""Fixtures that several test files share."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest
from needlecpp import _core


@pytest.fixture(autouse=True)
def seed() -> None:
    """Every test draws the same random numbers in every run."""
    ndl.manual_seed(0)


# Where there is no card one is pretended: its memory is the host's and the CPU does its work, but a tensor that an op
# forgets on the CPU is as far from it as from any card.
CARD = "cuda:0" if ndl.cuda().enabled() else "cuda:7"
_core._pretend_card(7)
# Where tests of ops run; NEEDLECPP_TEST_DEVICES names others ("cpu cuda:1").
DEVICES = os.environ.get("NEEDLECPP_TEST_DEVICES", "").split() or ["cpu", CARD]


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> Iterator[ndl.Device]:
    """One device after the other. It is the default while the test runs, so that what that makes is there."""
    with ndl.Device(request.param) as device:
        yield device


@pytest.fixture
def data_root() -> Path:
    """The folder of real data; skips where NEEDLECPP_DATA is unset."""
    root = os.environ.get("NEEDLECPP_DATA")
    if not root:
        pytest.skip("NEEDLECPP_DATA is not set")
    return Path(root)


def opengl_pose(angle: float, height: float = 1.0, distance: float = 4.0) -> list[list[float]]:
    """A 4x4 camera-to-world with OpenGL axes that looks at the origin from around the z axis."""
    eye = np.array([distance * math.cos(angle), distance * math.sin(angle), height])
    back = eye / np.linalg.norm(eye)
    right = np.cross([0, 0, 1], back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3] = np.stack([right, np.cross(back, right), back, eye], axis=1)
    return matrix.tolist()


@pytest.fixture
def blender_scene(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small Blender-style scene (a red disc) and returns its folder. Keyword arguments: the number of frames
    of each split, ``size``, and ``edit``, called with (split, document) before a JSON file is written."""

    def write(
        name: str = "scene",
        size: tuple[int, int] = (16, 16),
        edit: Callable[[str, dict[str, Any]], None] | None = None,
        **frames: int,
    ) -> Path:
        from PIL import Image

        root = tmp_path / name
        for split, count in (frames or {"train": 4, "test": 2}).items():
            (root / split).mkdir(parents=True)
            records = []
            for i in range(count):
                y, x = np.mgrid[0 : size[1], 0 : size[0]]
                inside = np.hypot(x + 0.5 - size[0] / 2, y + 0.5 - size[1] / 2) < min(size) / 4
                pixels = np.zeros((size[1], size[0], 4), np.uint8)
                pixels[inside] = (200, 10 * i, 30, 255)
                Image.fromarray(pixels).save(root / split / f"r_{i}.png")
                records.append({"file_path": f"./{split}/r_{i}", "transform_matrix": opengl_pose(i + len(split))})
            document = {"camera_angle_x": 0.7, "frames": records}
            if edit is not None:
                edit(split, document)
            (root / f"transforms_{split}.json").write_text(json.dumps(document))
        return root

    return write


@pytest.fixture
def capture_scene(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small instant-ngp-style capture and returns its folder; ``edit`` is called with the document."""

    def write(
        name: str = "capture",
        count: int = 9,
        size: tuple[int, int] = (20, 12),
        edit: Callable[[dict[str, Any]], None] | None = None,
    ) -> Path:
        from PIL import Image

        root = tmp_path / name
        (root / "images").mkdir(parents=True)
        records = []
        for i in range(1, count + 1):
            Image.fromarray(np.full((size[1], size[0], 3), 10 * i, np.uint8)).save(root / "images" / f"{i}.png")
            records.append({"file_path": f"images/{i}.png", "transform_matrix": opengl_pose(0.2 * i)})
        document = {"fl_x": 25.0, "fl_y": 26.0, "cx": 9.0, "cy": 7.0, "w": size[0], "h": size[1], "frames": records}
        if edit is not None:
            edit(document)
        (root / "transforms.json").write_text(json.dumps(document))
        return root

    return write

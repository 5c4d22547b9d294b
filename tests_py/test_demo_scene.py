"""The built-in scene: that it is there quickly, is the same every time, and has cameras that fit its pictures."""

from __future__ import annotations

import time

import numpy as np
import pytest
from needlecpp.data import DataError, SceneData, demo, load_scene


@pytest.fixture(scope="module")
def held_out() -> SceneData:
    return load_scene("demo", "test")


def test_shapes_and_bounds(held_out: SceneData) -> None:
    assert held_out.images.shape == (10, 200, 200, 4)
    assert held_out.images.dtype == np.uint8
    assert held_out.has_alpha
    assert held_out.splits == ("train", "test")
    assert load_scene("demo", images=False).poses.shape == (60, 3, 4)
    low, high = np.array(held_out.box)
    assert (low < high).all()


def test_is_deterministic_and_quick(held_out: SceneData) -> None:
    start = time.perf_counter()
    again = load_scene("demo", "test")
    seconds = time.perf_counter() - start
    assert (again.images == held_out.images).all()
    assert seconds < 10  # of the 15 that all 70 views may take, on a machine that is busy; 1 is usual


def test_every_view_shows_the_table_whole(held_out: SceneData) -> None:
    alpha = held_out.images[..., 3]
    covered = (alpha > 0).mean(axis=(1, 2))
    assert covered.min() > 0.1
    assert covered.max() < 0.7
    for edge in (alpha[:, 0], alpha[:, -1], alpha[:, :, 0], alpha[:, :, -1]):
        assert not edge.any()
    assert ((alpha > 0) & (alpha < 255)).any()  # smooth outlines
    assert (held_out.images[alpha == 0] == 0).all()


def test_poses_are_rigid_and_look_at_the_middle() -> None:
    for split in ("train", "test"):
        poses = load_scene("demo", split, images=False).poses.astype(np.float64)
        rotation = poses[:, :, :3]
        assert np.allclose(rotation.transpose(0, 2, 1) @ rotation, np.eye(3), atol=1e-5)
        assert np.allclose(np.linalg.det(rotation), 1, atol=1e-5)
        eyes = poses[:, :, 3]
        assert np.allclose(-eyes / np.linalg.norm(eyes, axis=1, keepdims=True), poses[:, :, 2], atol=1e-5)
        assert (poses[:, 2, 1] < 0).all()  # +Y of the camera is down


def test_cameras_agree_with_the_pictures(held_out: SceneData) -> None:
    """A solid's centre, projected with a view's camera, falls on a pixel that shows it or something before it; the
    table's rim, projected, falls on the edge of what is covered."""
    k = held_out.intrinsics[0]
    around = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    rim = np.stack([np.cos(around), np.sin(around), np.full(64, demo.FLOOR)])
    for pose, image in zip(held_out.poses, held_out.images, strict=True):
        for scale, expected in ((0.97, True), (1.06, None)):
            points = rim * [[scale], [scale], [1]]
            local = pose[:, :3].T @ (points - pose[:, 3:])
            x = local[0] / local[2] * k[0] + k[2]
            y = local[1] / local[2] * k[1] + k[3]
            alpha = image[y.astype(int), x.astype(int), 3]
            if expected:
                assert (alpha == 255).all()
            else:  # outside the rim only what stands on the table, or its side, can show
                assert (alpha == 0).mean() > 0.25


def test_downscale_and_box_arguments(held_out: SceneData) -> None:
    half = load_scene("demo", "test", downscale=2, box=0.9)
    assert half.images.shape == (10, 100, 100, 4)
    assert half.box == ((-0.9, -0.9, -0.9), (0.9, 0.9, 0.9))
    assert np.allclose(half.intrinsics[:, :4], held_out.intrinsics[:, :4] / 2)
    alpha = held_out.images[..., 3].reshape(10, 100, 2, 100, 2).sum(axis=(2, 4), dtype=int)
    assert (half.images[..., 3] == (2 * alpha + 4) // 8).all()


def test_errors() -> None:
    with pytest.raises(DataError, match="available are train, test"):
        load_scene("demo", "val")
    with pytest.raises(DataError, match="downscale"):
        load_scene("demo", downscale=201)

"""Data that cannot have been understood is refused, mended or doubted aloud; data that can is left alone."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needlecpp.cli.app import main
from needlecpp.cli.loop import IDLE_STEPS, PATIENCE, Stuck, Watch
from needlecpp.data import load_scene
from needlecpp.data.sanity import backdrop, look_together, rays_that_meet, survey
from needlecpp.data.scene import DataError, DataWarning, SceneData
from needlecpp.render import Scene
from needlecpp.render.paths import look_at, orbit

MakeScene = Callable[..., Path]
BLENDER_BOX = ((-1.5, -1.5, -1.5), (1.5, 1.5, 1.5))


def moved(scale: float = 1.0, shift: tuple[float, float, float] = (0, 0, 0)) -> Callable[..., None]:
    """An edit for the fixtures' scenes: the whole world scaled and shifted."""

    def edit(*arguments: Any) -> None:
        for frame in arguments[-1]["frames"]:
            for row, by in zip(frame["transform_matrix"], shift, strict=False):
                row[3] = row[3] * scale + by

    return edit


def ring(n: int, center: tuple[float, ...], radius: float, up: tuple[float, ...] = (0, 0, 1)) -> np.ndarray:
    """Cameras around a point, somewhat above it."""
    axis = np.array(up, float)
    right = np.cross(axis, (0.3, 0.5, 0.1))
    right /= np.linalg.norm(right)
    ahead = np.cross(axis, right)
    turns = 2 * np.pi * np.arange(n) / n
    eyes = np.cos(turns)[:, None] * right + np.sin(turns)[:, None] * ahead + 0.4 * axis
    eyes *= radius / np.linalg.norm(eyes, axis=1, keepdims=True)
    return np.stack([look_at(eye + np.array(center), center, up) for eye in eyes])


def scene_of(poses: np.ndarray, images: np.ndarray | None = None, **changes: Any) -> SceneData:
    """A scene as the loader would hand it out."""
    n = len(poses)
    if images is None:
        images = np.random.default_rng(0).integers(0, 255, (n, 16, 16, 3)).astype(np.uint8)
    return replace(
        SceneData.empty(),
        images=images,
        poses=poses.astype(np.float32),
        intrinsics=np.tile(np.array([20, 20, 8, 8, 0, 0, 0, 0], np.float32), (n, 1)),
        names=[str(i) for i in range(n)],
        sizes=np.tile(np.array([16, 16], np.int64), (n, 1)),
        box=BLENDER_BOX,
        near=0.05,
        has_alpha=images.shape[-1] == 4,
        path="scene",
        **changes,
    )


# Where the box is.


def test_a_regular_blender_set_is_left_alone(blender_scene: MakeScene) -> None:
    scene = load_scene(blender_scene(), images=False)
    assert (scene.box, scene.near, scene.aabb_scale) == (BLENDER_BOX, 0.05, 1.0)
    assert scene.box_source == "by Blender's convention"


@pytest.mark.parametrize(
    ("scale", "shift"),
    [
        (1, (100, 50, 0)),
        (1, (0, 0, 1.2)),
        (1, (-2, 0, 0)),
        (10, (0, 0, 0)),
        (2, (0, 0, 0)),
        (0.05, (0, 0, 0)),
        (30, (1e3, 0, 0)),
    ],
)
def test_an_object_elsewhere_gets_its_box(
    scale: float, shift: tuple[float, float, float], blender_scene: MakeScene
) -> None:
    root = blender_scene(edit=moved(scale, shift), train=8)
    scene = load_scene(root)
    low, high = np.array(scene.box)
    assert np.allclose((low + high) / 2, shift, atol=1e-3 * scale)
    assert np.allclose((high - low) / 2, 1.05 * np.sqrt(17) * scale * np.tan(0.35), rtol=1e-4)
    assert scene.near <= 0.06 * scale
    known = survey(scene)
    assert known.rays > 0.9 and known.doubts == ()
    path = orbit(scene.poses, scene.intrinsics, 16, 16, 8, "blender", ((low + high) / 2).tolist())
    assert np.allclose(path.poses[:, :, 3].mean(axis=0)[:2], shift[:2], atol=1e-3 * max(1.0, scale, *np.abs(shift)))


def test_whole_pictures_far_away_get_a_captures_box(blender_scene: MakeScene) -> None:
    from PIL import Image

    root = blender_scene(edit=moved(1, (100, 50, 0)), train=8)
    for i in range(8):
        Image.fromarray(np.full((16, 16, 3), 9 * i, np.uint8)).save(root / "train" / f"r_{i}.png")
    scene = load_scene(root)
    low, high = np.array(scene.box)
    assert np.allclose((low + high) / 2, (100, 50, 0), atol=1e-3)
    assert scene.aabb_scale == 4
    assert (scene.poses[:, :, 3] > low).all() and (scene.poses[:, :, 3] < high).all()


def test_aabb_scale_that_points_elsewhere_is_said(capture_scene: MakeScene) -> None:
    edit = moved(1, (40, 0, 0))

    def both(document: dict[str, Any]) -> None:
        document["aabb_scale"] = 1
        edit(document)

    with pytest.warns(DataWarning, match="aabb_scale.*--box"):
        scene = load_scene(capture_scene(edit=both), images=False)
    assert scene.box[0][0] < 40 < scene.box[1][0]


def test_near_does_not_cut_what_is_looked_at(capture_scene: MakeScene) -> None:
    def far_box(document: dict[str, Any]) -> None:
        document.update(aabb_scale=1, scale=0.01)  # a box of 100 for cameras 4 away

    scene = load_scene(capture_scene(edit=far_box), images=False)
    assert 0 < scene.near <= 0.25 * np.sqrt(17) + 1e-6


# What no box can mend.


def outwards(poses: np.ndarray) -> np.ndarray:
    turned = poses.copy()
    turned[:, :, [0, 2]] *= -1
    return turned


def test_rays_that_miss_the_box() -> None:
    around = ring(8, (0, 0, 0), 4)
    assert rays_that_meet(scene_of(around)) > 0.9
    assert rays_that_meet(scene_of(outwards(around))) == 0
    inside = outwards(ring(8, (0, 0, 0), 0.5))
    assert rays_that_meet(scene_of(inside)) == 1
    with pytest.raises(DataError, match=r"no ray of the 8 training cameras meets the scene box ±1.5 .*--box"):
        survey(scene_of(outwards(around)))
    with pytest.raises(DataError, match=r"cameras look at \(0, 0, -40\); --box=.* would hold that"):
        survey(scene_of(ring(8, (0, 0, -40), 4)))
    known = survey(scene_of(ring(8, (0, 0, 0), 14)))
    assert len(known.doubts) == 1 and "of the rays meet the scene box" in known.doubts[0]
    known = survey(scene_of(ring(8, (2, 0, 0), 4)))
    assert len(known.doubts) == 1 and "does not hold what is looked at" in known.doubts[0]


def test_look_together_knows_its_limits() -> None:
    k = scene_of(ring(3, (0, 0, 0), 4)).intrinsics
    sight = look_together(ring(3, (1, 2, 3), 4), k, np.array([16, 16]))
    assert sight is not None and np.allclose(sight.center, (1, 2, 3))
    assert look_together(outwards(ring(3, (1, 2, 3), 4)), k, np.array([16, 16])) is None
    abreast = np.stack([look_at((x, 0, 0), (x, 5, 0), (0, 0, 1)) for x in (0, 1, 2)])
    assert look_together(abreast, k, np.array([16, 16])) is None
    assert look_together(abreast[:1], k[:1], np.array([16, 16])) is None


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((6, 16, 16, 4), np.uint8), "transparent everywhere"),
        (np.zeros((6, 16, 16, 3), np.uint8), "one colour #000000"),
        (np.full((6, 16, 16, 4), 255, np.uint8), "one colour #ffffff"),
    ],
)
def test_pictures_of_nothing(images: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        survey(scene_of(ring(6, (0, 0, 0), 4), images))


def test_pictures_that_teach_no_depth() -> None:
    around = ring(6, (0, 0, 0), 4)
    picture = np.random.default_rng(0).integers(0, 255, (1, 16, 16, 3)).astype(np.uint8)
    assert "pictures are the same" in survey(scene_of(around, np.repeat(picture, 6, axis=0))).doubts[0]
    assert "one picture alone" in survey(scene_of(around[:1])).doubts[0]
    still = around.copy()
    still[:, :, 3] = (0.1, 0.2, 0.3)
    assert "stand in one place" in survey(scene_of(still)).doubts[0]


# Backdrops.


def before_a_wall(color: tuple[int, int, int], noise: int = 0, n: int = 10) -> np.ndarray:
    draw = np.random.default_rng(1)
    images = np.empty((n, 40, 40, 3))
    images[:] = color
    images += draw.integers(-noise, noise + 1, images.shape)
    images[:, 8:32, 10:30] = draw.integers(0, 255, (n, 24, 20, 3))
    images[0, :, 10:30] = 90  # one picture in which the object reaches the border
    return images.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("color", [(255, 255, 255), (0, 0, 0), (128, 128, 128), (20, 200, 40)])
@pytest.mark.parametrize("noise", [0, 5])
def test_a_plain_backdrop_is_recognised(color: tuple[int, int, int], noise: int) -> None:
    found = backdrop(before_a_wall(color, noise))
    assert found is not None
    assert np.abs(np.array(found) - color).max() <= noise
    alpha = np.full((10, 40, 40, 1), 255, np.uint8)
    opaque = np.concatenate([before_a_wall(color, noise), alpha], axis=-1)
    known = survey(replace(scene_of(ring(10, (0, 0, 0), 4), opaque), sizes=np.full((10, 2), 40, np.int64)))
    assert not known.cut_out and known.backdrop == found


def test_rooms_and_skies_are_no_backdrops() -> None:
    draw = np.random.default_rng(2)
    assert backdrop(draw.integers(0, 255, (10, 40, 40, 3)).astype(np.uint8)) is None
    sky = draw.integers(0, 120, (10, 40, 40, 3)).astype(np.uint8)
    sky[:, :14] = 255
    assert backdrop(sky) is None
    slope = np.broadcast_to(np.linspace(0, 255, 40).astype(np.uint8)[None, None, :, None], (10, 40, 40, 3))
    assert backdrop(slope) is None
    rooms = np.stack([np.full((40, 40, 3), 25 * i, np.uint8) for i in range(10)])  # each plain, each another
    assert backdrop(rooms) is None


def test_the_backdrop_becomes_the_background(
    tmp_path: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    root = blender_scene(train=12, test=2)
    for file in root.rglob("*.png"):
        with Image.open(file) as picture:
            pixels = np.asarray(picture)
        wall = np.where(pixels[..., 3:] > 0, pixels[..., :3], np.array([250, 240, 30], np.uint8))
        Image.fromarray(wall.astype(np.uint8)).save(file)
    out = tmp_path / "run"
    assert main(["train", str(root), "--out", str(out), "--steps", "3", "--threads", "1"]) == 0
    captured = capsys.readouterr()
    assert "backdrop #faf01e, trained on #faf01e" in captured.err
    assert "warning" not in captured.err
    config = json.loads((out / "config.json").read_text())
    assert config["background"] == "#faf01e"
    assert config["survey"]["backdrop"] == "#faf01e"
    assert config["trainer"]["background"] == pytest.approx([250 / 255, 240 / 255, 30 / 255])
    assert json.loads((out / "eval.json").read_text())["background"] == "#faf01e"
    assert Scene.load(out / "model.safetensors").background == pytest.approx((250 / 255, 240 / 255, 30 / 255))
    assert main(["render", str(out), "--out", str(tmp_path / "f"), "--frames", "1", "--background", "1,2,3"]) == 0
    capsys.readouterr()
    arguments = ["train", str(root), "--out", str(out), "--steps", "3", "--overwrite", "--no-eval"]
    assert main([*arguments, "--background", "random"]) == 0
    err = capsys.readouterr().err
    assert "warning" in err and "leave --background out" in err
    assert json.loads((out / "config.json").read_text())["background"] == "random"


# Orbits.


@pytest.mark.parametrize("up", [(0, 0, 1), (0, 1, 0), (0, -1, 0), (0.6, 0, 0.8)])
@pytest.mark.parametrize("kind", ["blender", "ngp"])
def test_orbits_have_the_cameras_up(up: tuple[float, ...], kind: str) -> None:
    center = (3.0, -2.0, 1.0)
    poses = ring(16, center, 4, up)
    scene = scene_of(poses)
    path = orbit(scene.poses, scene.intrinsics, 16, 16, 12, kind)
    eyes = path.poses[:, :, 3].astype(np.float64)
    axis = np.array(up) / np.linalg.norm(up)
    assert np.allclose(np.linalg.norm(eyes - center, axis=1), 4, atol=0.02)
    assert np.allclose((eyes - center) @ axis, 4 * 0.4 / np.sqrt(1.16), atol=0.05)
    assert (-path.poses[:, :, 1] @ axis > 0.8).all()


# Trainings that teach nothing.


class Step:
    """What a step did, as the engine says it."""

    def __init__(self, loss: float, samples: int = 9, live: int = 9) -> None:
        self.loss, self.samples, self.live = loss, samples, live


def test_a_watch_gives_up_on_idle_steps() -> None:
    watch = Watch(fresh=True)
    for _ in range(IDLE_STEPS - 1):
        watch.see(Step(0.1, 0, 0))  # type: ignore[arg-type]
    watch.see(Step(0.1))  # type: ignore[arg-type]
    assert watch.teaching
    for _ in range(IDLE_STEPS - 1):
        watch.see(Step(0.1, 5, 0))  # type: ignore[arg-type]
    assert not watch.teaching
    with pytest.raises(Stuck, match="no sample carries weight"):
        watch.see(Step(0.1, 5, 0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("losses", "stuck"),
    [
        (lambda i: 0.1, True),
        (lambda i: 0.1 + 0.001 * (i % 7), True),
        (lambda i: 0.1 * 0.999**i, False),
        (lambda i: 0.1 - 0.01 * (i > 500), False),
        (lambda i: 0.0, False),
    ],
)
def test_a_watch_gives_up_on_a_loss_that_stands_still(losses: Callable[[int], float], stuck: bool) -> None:
    for fresh in (True, False):
        watch = Watch(fresh)
        steps = [Step(losses(i)) for i in range(PATIENCE)]
        for step in steps[:-1]:
            watch.see(step)  # type: ignore[arg-type]
        if stuck and fresh:
            with pytest.raises(Stuck, match="the loss does not move"):
                watch.see(steps[-1])  # type: ignore[arg-type]
        else:
            watch.see(steps[-1])  # type: ignore[arg-type]


def test_a_training_without_samples_is_an_error(
    tmp_path: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rays meet the box, but only before the near plane's samples: nothing is ever seen."""
    scene, out = str(blender_scene()), tmp_path / "run"
    arguments = ["train", scene, "--out", str(out), "--steps", "5", "--no-eval", "--threads", "1"]
    assert main(arguments) == 0
    model = (out / "model.safetensors").read_bytes()
    far = ["--box", "90,90,90,91,91,91", "--overwrite"]
    assert main([*arguments, *far]) == 2
    err = capsys.readouterr().err
    assert "no ray" in err and "scene box" in err and "--box" in err
    assert (out / "model.safetensors").read_bytes() == model


def test_steps_without_samples_end_a_training(
    tmp_path: Path, blender_scene: MakeScene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("needlecpp.render.presets.trainer", far_from_everything)
    assert main(["train", str(blender_scene()), "--out", str(tmp_path / "run"), "--steps", "5", "--quiet"]) == 2
    err = capsys.readouterr().err
    assert "no ray has a sample in the scene box" in err and "no model was saved" in err
    assert not (tmp_path / "run").exists()


def far_from_everything(scene: SceneData) -> Any:
    from needlecpp.render.presets import bounds, trainer_preset

    config = trainer_preset(bounds(scene))
    config.march.near = 1000
    return config


# Real data.


@pytest.mark.parametrize(
    ("name", "downscale", "half", "near"),
    [("lego_400", 4, 1.5, 0.05), ("lego_800", 8, 1.5, 0.05), ("fox", 8, 2 / 0.33, 0.1 / 0.33)],
)
def test_real_data_raises_no_doubt(name: str, downscale: int, half: float, near: float, data_root: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # fox lists frames without pictures
        scene = load_scene(data_root / name, downscale=downscale)
    low, high = scene.box
    if name == "fox":
        assert np.allclose(high, half) and np.allclose(low, -half)
    else:
        assert scene.box == BLENDER_BOX
    assert scene.near == pytest.approx(near)
    known = survey(scene)
    assert known.doubts == ()
    assert known.rays > 0.95
    assert known.backdrop is None
    assert known.cut_out == name.startswith("lego")


def test_the_demo_raises_no_doubt() -> None:
    known = survey(load_scene("demo", downscale=4))
    assert known.doubts == () and known.cut_out and known.rays > 0.95
    assert "scene box ±1.05 around (0, 0, 0) of the built-in scene" in known.sentence("random")

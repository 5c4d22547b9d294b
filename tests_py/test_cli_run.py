"""Train, evaluate and render through the command line, on a scene of a few pixels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needlecpp.cli.app import main
from needlecpp.data import load_scene
from needlecpp.render import Trainer, presets
from needlecpp.render.paths import look_at, orbit, read_camera_path

MakeScene = Callable[..., Path]


def result_of(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int = 0) -> dict[str, Any]:
    """Runs a command with --json and returns its one object."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    result = json.loads(out)
    assert isinstance(result, dict)
    return result


@pytest.fixture
def run(tmp_path: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]) -> Path:
    out = tmp_path / "deep" / "run"
    result_of(capsys, ["train", str(blender_scene()), "--out", str(out), "--steps", "4", "--no-eval"])
    return out


def test_train_writes_a_run(tmp_path: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]) -> None:
    scene, out = blender_scene(), tmp_path / "run"
    result = result_of(capsys, ["train", "--steps", "5", str(scene), "--seed", "3", "--out", str(out)])
    assert result["steps"] == 5
    assert result["run"] == str(out)
    assert result["samples"] > 0
    assert result["seconds"] > 0
    assert result["samples_per_second"] == pytest.approx(result["samples"] / result["seconds"])
    assert result["peak_memory_bytes"] > 10_000_000
    assert {"psnr", "ssim", "seconds_per_view"} <= result.keys()
    assert (result["split"], result["background"], result["views"]) == ("test", "white", 2)
    assert {file.name for file in out.iterdir()} == {
        "config.json",
        "model.safetensors",
        "metrics.jsonl",
        "eval.json",
        "views",
    }
    assert sorted(file.name for file in (out / "views").iterdir()) == ["000_r_0.png", "001_r_1.png"]

    config = json.loads((out / "config.json").read_text())
    assert config["data"]["path"] == str(scene.resolve())
    assert (out / config["data"]["relative"]).resolve() == scene.resolve()
    assert config["trainer"]["seed"] == 3
    assert config["trainer"]["background"] == "random"
    assert config["budget"] == {"steps": 5}
    trained = load_scene(scene, images=False)
    assert (np.array(config["cameras"]["poses"], np.float32) == trained.poses).all()
    assert (np.array(config["cameras"]["intrinsics"], np.float32) == trained.intrinsics).all()

    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert lines
    assert lines[-1]["step"] == 5
    assert set(lines[-1]) == {"step", "seconds", "loss", "psnr", "samples", "samples_per_second", "rays"}
    assert lines[-1]["samples"] == result["samples"]

    report = json.loads((out / "eval.json").read_text())
    assert report["psnr"] == pytest.approx(np.mean([view["psnr"] for view in report["per_view"]]))
    assert report["psnr"] == result["psnr"]


def test_time_ends_on_time(tmp_path: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    result = result_of(capsys, ["train", str(blender_scene()), "--out", str(out), "--time", "1.5s", "--no-eval"])
    assert 1.0 < result["seconds"] < 2.5
    assert "psnr" not in result
    assert not (out / "eval.json").exists()
    assert json.loads((out / "config.json").read_text())["budget"] == {"seconds": 1.5}


def test_runs_can_move(run: Path, tmp_path: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]) -> None:
    here = result_of(capsys, ["eval", str(run)])
    moved = tmp_path / "elsewhere"
    shutil.move(run, moved)
    there = result_of(capsys, ["eval", str(moved)])
    assert there["psnr"] == pytest.approx(here["psnr"], abs=1e-6)

    # Run and data move together: the absolute path is gone, the relative one holds.
    together = tmp_path / "together"
    (together / "deep").mkdir(parents=True)
    shutil.move(moved, together / "deep" / "run")
    shutil.move(tmp_path / "scene", together / "scene")
    again = result_of(capsys, ["eval", str(together / "deep" / "run")])
    assert again["psnr"] == pytest.approx(here["psnr"], abs=1e-6)

    # Rendering needs no data at all.
    shutil.rmtree(together / "scene")
    film = result_of(capsys, ["render", str(together / "deep" / "run"), "--out", str(tmp_path / "f"), "--frames", "2"])
    assert (film["frames"], film["width"], film["height"]) == (2, 16, 16)


def test_eval_of_other_splits_and_backgrounds(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = result_of(capsys, ["eval", str(run), "--split", "train", "--background", "black"])
    assert (report["split"], report["background"], report["views"]) == ("train", "black", 4)
    assert (run / "eval_train.json").is_file()
    assert len(list((run / "views_train").iterdir())) == 4
    assert not (run / "eval.json").exists()


def test_pictures_show_truth_render_error(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    result_of(capsys, ["eval", str(run)])
    with Image.open(run / "views" / "000_r_0.png") as picture:
        assert picture.size == (48, 16)
        pixels = np.asarray(picture)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[8, 8].tolist() == [200, 0, 30]


def test_render_frames_and_sizes(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    out = tmp_path / "frames"
    result = result_of(
        capsys, ["render", str(run), "--out", str(out), "--frames", "3", "--width", "20", "--height", "10"]
    )
    assert result["seconds_per_frame"] > 0
    assert sorted(file.name for file in out.iterdir()) == [f"frame_{i:04d}.png" for i in range(3)]
    with Image.open(out / "frame_0002.png") as frame:
        assert frame.size == (20, 10)


def test_render_replaces_an_earlier_flight(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "frames"
    result_of(capsys, ["render", str(run), "--out", str(out), "--frames", "4"])
    for name in ("frame_12345.png", "frame_0003_mine.png", "frame_1.png"):
        (out / name).write_text("mine")
    result_of(capsys, ["render", str(run), "--out", str(out), "--frames", "2"])
    assert sorted(file.name for file in out.iterdir()) == [
        "frame_0000.png",
        "frame_0001.png",
        "frame_0003_mine.png",
        "frame_1.png",
    ]


def test_overwrite_replaces_the_whole_run(
    run: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]
) -> None:
    result_of(capsys, ["eval", str(run)])
    scene = str(blender_scene(name="other"))
    result_of(capsys, ["train", scene, "--out", str(run), "--steps", "2", "--overwrite", "--no-eval"])
    assert {file.name for file in run.iterdir()} == {"config.json", "model.safetensors", "metrics.jsonl"}
    assert json.loads((run / "config.json").read_text())["data"]["path"].endswith("other")


def test_overwrite_leaves_what_is_not_a_runs(
    run: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]
) -> None:
    result_of(capsys, ["eval", str(run)])
    result_of(capsys, ["eval", str(run), "--split", "train"])
    mine = ["evaluation.json", "eval_mine.json", "views/mine.png", "views_mine/000_a.png", "viewsheds/000_a.png"]
    for name in mine:
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text("mine")
    scene = str(blender_scene(name="other"))
    result_of(capsys, ["train", scene, "--out", str(run), "--steps", "2", "--overwrite", "--no-eval"])
    left = sorted(str(file.relative_to(run)) for file in run.rglob("*") if file.is_file())
    assert left == sorted([*mine, "config.json", "model.safetensors", "metrics.jsonl"])
    assert not (run / "views_train").exists()


def test_ctrl_c_saves(
    tmp_path: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, limit = Trainer, 3

    class Interrupted:
        def __init__(self, *arguments: Any) -> None:
            self._trainer = real(*arguments)

        def step(self, progress: float) -> Any:
            if self._trainer.steps == limit:
                raise KeyboardInterrupt
            return self._trainer.step(progress)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._trainer, name)

    monkeypatch.setattr("needlecpp.cli.train.Trainer", Interrupted)
    scene, out = str(blender_scene()), tmp_path / "run"
    result = result_of(capsys, ["train", scene, "--out", str(out), "--steps", "50"], code=130)
    assert result["interrupted"]
    assert result["steps"] == 3
    assert "psnr" not in result
    assert (out / "model.safetensors").is_file()
    assert result_of(capsys, ["eval", str(out)])["views"] == 2

    limit = 0
    assert main(["train", scene, "--out", str(tmp_path / "second"), "--steps", "50"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not (tmp_path / "second").exists()


def test_quiet_says_nothing(tmp_path: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(blender_scene()), "--out", str(tmp_path / "run"), "--steps", "2", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_warnings_are_one_line(tmp_path: Path, capture_scene: MakeScene, capsys: pytest.CaptureFixture[str]) -> None:
    root = capture_scene(size=(16, 16), edit=lambda d: d.update(w=16, h=16))
    (root / "images" / "4.png").unlink()
    assert main(["train", str(root), "--out", str(tmp_path / "run"), "--steps", "2", "--background", "black"]) == 0
    err = capsys.readouterr().err
    assert err.count("needlecpp: warning:") == 1
    assert "images/4.png" in err


def test_presets_follow_the_box(capture_scene: MakeScene, blender_scene: MakeScene) -> None:
    scene = load_scene(blender_scene(), box=1.0, images=False)
    objects, march = presets.ngp(scene), presets.trainer(scene).march
    assert objects.box.low == (-1, -1, -1)
    assert objects.box.high == (1, 1, 1)
    assert march.cone_angle == 0
    assert 300 < 2 * 3**0.5 / march.step < 1100  # steps along the diagonal
    wide = load_scene(capture_scene(edit=lambda d: d.update(aabb_scale=4)), images=False)
    capture = presets.ngp(wide)
    assert presets.trainer(wide).march.cone_angle > 0
    assert capture.box.high[0] == pytest.approx(2 / 0.33)
    finest = [c.grid.base_resolution * c.grid.growth ** (c.grid.levels - 1) for c in (objects, capture)]
    assert finest[1] == pytest.approx(4 * finest[0])


# Camera paths.


def test_orbit_of_an_object(blender_scene: MakeScene) -> None:
    scene = load_scene(blender_scene(), images=False)
    path = orbit(scene.poses, scene.intrinsics, scene.width, scene.height, 8, "blender")
    eyes = path.poses[:, :, 3].astype(np.float64)
    assert np.allclose(np.linalg.norm(eyes, axis=1), np.linalg.norm(scene.poses[0, :, 3]), atol=1e-4)
    assert np.allclose(eyes[:, 2], 1, atol=1e-4)
    assert np.allclose(eyes.mean(axis=0)[:2], 0, atol=1e-4)
    for pose in path.poses.astype(np.float64):
        assert np.allclose(pose[:, :3].T @ pose[:, :3], np.eye(3), atol=1e-6)
        assert np.allclose(np.cross(pose[:, 2], -pose[:, 3]), 0, atol=1e-4)
        assert pose[2, 1] < 0


def test_orbit_of_a_capture_stays_near_its_cameras(capture_scene: MakeScene) -> None:
    scene = load_scene(capture_scene(), holdout=0, images=False)
    path = orbit(scene.poses, scene.intrinsics, scene.width, scene.height, 10, "ngp")
    eyes = scene.poses[:, :, 3]
    spread = np.linalg.norm(eyes - eyes.mean(axis=0), axis=1).max()
    assert np.linalg.norm(path.poses[:, :, 3] - eyes.mean(axis=0), axis=1).max() <= spread
    for pose in path.poses.astype(np.float64):
        assert np.allclose(np.cross(pose[:, 2], -pose[:, 3]), 0, atol=1e-3)


def test_nerfstudio_path(tmp_path: Path) -> None:
    opengl = np.eye(4)
    opengl[:3, 3] = (1, 2, 3)
    file = tmp_path / "path.json"
    cameras = [{"camera_to_world": opengl.ravel().tolist(), "fov": 60.0, "aspect": 2.0}] * 5
    file.write_text(json.dumps({"render_width": 80, "render_height": 40, "fps": 24, "camera_path": cameras}))
    path = read_camera_path(file, 10, 10)
    assert (len(path), path.width, path.height, path.fps) == (5, 80, 40, 24)
    assert path.poses[0].tolist() == [[1, 0, 0, 1], [0, -1, 0, 2], [0, 0, -1, 3]]
    assert path.intrinsics[0, 1] == pytest.approx(20 / np.tan(np.pi / 6))
    assert len(read_camera_path(file, 10, 10, frames=2)) == 2


def test_instant_ngp_path(tmp_path: Path) -> None:
    """A key frame written as instant-ngp does it comes back as the camera it was made from."""
    pose = look_at((3, -1, 2), (0.5, 0, 0), (0, 0, 1))
    unit = pose.copy()
    unit[:, 3] = pose[:, 3] * 0.33 + 0.5
    unit = unit[[1, 2, 0]]
    w = np.sqrt(1 + np.trace(unit[:, :3])) / 2
    x, y, z = (unit[2, 1] - unit[1, 2], unit[0, 2] - unit[2, 0], unit[1, 0] - unit[0, 1]) / (4 * w)
    key = {"R": [x, y, z, w], "T": unit[:, 3].tolist(), "slice": 0, "scale": 1, "fov": 50, "aperture_size": 0}
    file = tmp_path / "path.json"
    file.write_text(json.dumps({"time": 1.0, "path": [key, key]}))
    path = read_camera_path(file, 64, 48, frames=4)
    assert len(path) == 4
    assert np.allclose(path.poses, pose, atol=1e-5)
    assert path.intrinsics[0, :4].tolist() == pytest.approx([24 / np.tan(np.radians(25))] * 2 + [32, 24])

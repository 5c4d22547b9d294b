"""The command line on bad input: one sentence on stderr, exit code 2, nothing written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import needlecpp as ndl
import pytest
import typer
from needlecpp.cli.app import _options_last, app, main
from needlecpp.cli.arguments import CliError, parse_duration

MakeScene = Callable[..., Path]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def fails(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    """Runs a command that must fail, and returns its sentence."""
    capsys.readouterr()
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if not line.startswith("needlecpp: warning:")]
    assert len(lines) == 1, err
    assert lines[0].startswith("needlecpp: error: ")
    return lines[0]


def files(folder: Path) -> list[str]:
    return sorted(str(file) for file in folder.rglob("*"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--time", "nan"], "--time"),
        (["--time", "-3s"], "--time"),
        (["--time", "0"], "--time"),
        (["--time", ""], "--time"),
        (["--time", "3 parsecs"], "--time"),
        (["--time", "1" + "0" * 400], "expected a finite duration above 0"),
        (["--time", "5s", "--steps", "3"], "--time and --steps"),
        (["--steps", "0"], "--steps"),
        (["--steps", "-7"], "--steps"),
        (["--steps", "nan"], "--steps"),
        (["--steps", "1.5"], "--steps"),
        (["--threads", "0"], "--threads"),
        (["--precision", "float16"], "--precision"),
        (["--threads", "-1"], "--threads"),
        (["--threads", "9999999999"], "--threads"),
        (["--downscale", "0"], "--downscale"),
        (["--downscale", "-4"], "--downscale"),
        (["--downscale", "nan"], "--downscale"),
        (["--downscale", "17"], "downscale is 17"),
        (["--holdout", "-1"], "--holdout"),
        (["--seed", "-1"], "--seed"),
        (["--background", "pink"], "--background"),
        (["--background", "#12345"], "--background"),
        (["--background", "1,2,256"], "--background"),
        (["--save-every", "0"], "--save-every"),
        (["--save-every", "often"], "--save-every"),
        (["--box", "1,2,3"], "--box"),
        (["--box", "1,1,1,0,0,0"], "box"),
        (["--box", "0"], "--box"),
        (["--box", "nan"], "--box"),
        (["--box", "inf"], "--box"),
        (["--box", "1e9"], "--box is 1e+09, expected 5e-07 to 500000"),
        (["--box", "1e-9"], "--box"),
        (["--frobnicate"], "--frobnicate"),
        (["--steps"], "--steps"),
    ],
)
def test_train_options(
    options: list[str], words: str, here: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = str(blender_scene())
    assert words in fails(capsys, ["train", scene, *options])
    assert words in fails(capsys, ["train", *options, "--json", scene])
    if len(options) % 2 == 0 and options != ["--frobnicate"]:  # each has its value
        assert words in fails(capsys, [*options, "--json", "train", scene])
    assert files(here) == []


def test_no_data_and_unknown_commands(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "DATA" in fails(capsys, ["train"])
    assert "RUN" in fails(capsys, ["eval"])
    assert "RUN" in fails(capsys, ["render", "--out", "x"])
    assert "--out" in fails(capsys, ["render", "run"])
    assert "fly" in fails(capsys, ["fly"])
    assert files(here) == []


def test_options_stand_anywhere() -> None:
    def moved(*words: str) -> list[str]:
        return _options_last(typer.main.get_command(app), list(words))

    assert moved("--json", "train", "demo") == ["train", "--json", "demo"]
    assert moved("--seed", "-1", "--out=x", "train", "demo") == ["train", "--seed", "-1", "--out=x", "demo"]
    assert moved("--out", "train", "train", "demo") == ["train", "--out", "train", "demo"]
    assert moved("--path", "eval", "render", "run") == ["render", "--path", "eval", "run"]
    for stays in (
        ["train", "--json", "demo"],
        ["--version"],
        ["--help", "train"],
        ["--out", "train", "demo"],
        ["--frames", "3", "train", "demo"],
        ["fly", "train"],
        [],
    ):
        assert moved(*stays) == stays


def drop_focal(split: str, document: dict[str, Any]) -> None:
    del document["camera_angle_x"]


def bad_test_pose(split: str, document: dict[str, Any]) -> None:
    if split == "test":
        document["frames"][1]["transform_matrix"][0][0] = 7.0


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (drop_focal, ["transforms_train.json", "camera_angle_x"]),
        (bad_test_pose, ["transforms_test.json", "frame 1", "transform_matrix"]),
        (lambda split, document: document.update(frames=[]), ["transforms_train.json", "frames"]),
    ],
)
def test_train_on_broken_data(
    edit: Any, words: list[str], here: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = fails(capsys, ["train", str(blender_scene(edit=edit)), "--out", "run", "--steps", "2"])
    for word in words:
        assert word in sentence
    assert files(here) == []


def test_train_on_a_truncated_test_image(
    here: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = blender_scene(size=(64, 64))
    image = scene / "test" / "r_1.png"
    image.write_bytes(image.read_bytes()[:-60])
    sentence = fails(capsys, ["train", str(scene), "--out", "run", "--steps", "2"])
    assert "transforms_test.json: frame 1" in sentence
    assert "truncated" in sentence
    assert files(here) == []


def test_train_on_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere" in fails(capsys, ["train", "nowhere"])
    assert "transforms.json" in fails(capsys, ["train", "."])
    assert files(here) == []


def test_train_with_unusable_out(here: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]) -> None:
    scene = str(blender_scene())
    (here / "file").write_text("mine")
    (here / "full").mkdir()
    (here / "full" / "precious.txt").write_text("mine")
    (here / "run").mkdir()
    (here / "run" / "config.json").write_text(json.dumps(CONFIG))
    before = files(here)
    assert "not a folder" in fails(capsys, ["train", scene, "--out", "file", "--steps", "2"])
    assert "cannot be written" in fails(capsys, ["train", scene, "--out", "file/run", "--steps", "2"])
    assert "not a run" in fails(capsys, ["train", scene, "--out", "full", "--overwrite", "--steps", "2"])
    assert "--overwrite" in fails(capsys, ["train", scene, "--out", "run", "--steps", "2"])
    assert "cannot be written" in fails(capsys, ["train", scene, "--out", "/proc/needlecpp/run", "--steps", "2"])
    assert files(here) == before


@pytest.mark.parametrize("config", ["{}", '{"format": 1}', '{"format": "x", "needlecpp": "y"}', "[1]", "{", "\xff"])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_foreign_config_is_not_a_run(
    config: str, overwrite: bool, here: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]
) -> None:
    """Many programs have a config.json, some of them a model.safetensors beside it."""
    (here / "site" / "views").mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "eval.json", "evaluation.json", "views/000_index.png"):
        (here / "site" / name).write_text(config, encoding="latin-1")
    before = files(here)
    options = ["--overwrite"] if overwrite else []
    sentence = fails(capsys, ["train", str(blender_scene()), "--out", "site", "--steps", "2", *options])
    assert "not a run" in sentence
    assert "--overwrite" not in sentence
    assert files(here) == before
    assert (here / "site" / "config.json").read_text(encoding="latin-1") == config


def test_paths_that_cannot_be_used(here: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]) -> None:
    scene = blender_scene()
    assert "--out is empty" in fails(capsys, ["train", str(scene), "--out", "", "--steps", "2"])
    assert "UTF-8" in fails(capsys, ["train", str(scene), "--out", "r\udcff", "--steps", "2"])
    assert "UTF-8" in fails(capsys, ["train", str(scene), "--out", "r\0", "--steps", "2"])
    assert "--out is empty" in fails(capsys, ["render", "run", "--out="])
    assert "UTF-8" in fails(capsys, ["render", "run", "--out", "\udcff.mp4"])
    assert "RUN" in fails(capsys, ["render", "\udcff", "--out", "x"])
    assert "RUN" in fails(capsys, ["eval", ""])
    # The default run folder is named after the data.
    odd = scene.rename(scene.with_name("s\udcff"))
    assert "--out" in fails(capsys, ["train", str(odd), "--steps", "2"])
    assert files(here) == []


CONFIG: dict[str, Any] = {
    "format": 1,
    "needlecpp": "0.1.0",
    "background": "random",
    "data": {
        "path": "/nowhere/scene",
        "relative": "../scene",
        "kind": "blender",
        "downscale": 1,
        "holdout": 8,
        "splits": ["train", "test"],
    },
    "box": [[-1, -1, -1], [1, 1, 1]],
    "unit_scale": 0.33,
    "unit_offset": [0.5, 0.5, 0.5],
    "cameras": {
        "width": 8,
        "height": 8,
        "poses": [[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -4]]],
        "intrinsics": [[8, 8, 4, 4, 0, 0, 0, 0]],
    },
}


@pytest.fixture
def run(here: Path) -> Path:
    """A run folder whose model is not one."""
    folder = here / "run"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "model.safetensors").write_bytes(b"\xff" * 64)
    return folder


def test_eval_of_what_is_not_a_run(here: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no run nowhere" in fails(capsys, ["eval", "nowhere"])
    (here / "empty").mkdir()
    assert "config.json is missing" in fails(capsys, ["eval", "empty"])
    (run / "model.safetensors").unlink()
    assert "model.safetensors is missing" in fails(capsys, ["render", "run", "--out", "x"])


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda c: c.pop("box"), "box"),
        (lambda c: c.update(format=99), "format is 99"),
        (lambda c: c["data"].pop("path"), "data.path is missing"),
        (lambda c: c["data"].update(downscale="2"), "data.downscale"),
        (lambda c: c["data"].update(downscale=0), "downscale"),
        (lambda c: c.update(cameras=[]), "cameras"),
        (lambda c: c["cameras"].update(poses=[[1, 2], [3]]), "cameras.poses"),
        (lambda c: c["cameras"].update(poses=[]), "cameras.poses"),
        (lambda c: c["cameras"].update(poses=2 * c["cameras"]["poses"]), "2 poses but 1 intrinsics"),
        (lambda c: c["cameras"].update(width=16385), "out of range"),
        (lambda c: c["cameras"].update(height=0), "out of range"),
        (lambda c: c.update(background="pink"), "background is 'pink'"),
        (lambda c: c.update(unit_scale=float("inf")), "unit_scale"),
        (lambda c: c.update(unit_scale=float("nan")), "unit_scale"),
        (lambda c: c.update(unit_scale=10**400), "unit_scale"),
        (lambda c: c["cameras"]["intrinsics"][0].__setitem__(0, float("nan")), "cameras.intrinsics"),
    ],
)
def test_broken_config(edit: Any, words: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = json.loads(json.dumps(CONFIG))
    edit(config)
    (run / "config.json").write_text(json.dumps(config))
    sentence = fails(capsys, ["eval", "run"])
    assert "config.json" in sentence
    assert words in sentence


def test_broken_config_json(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "config.json").write_text('{"format": 1,')
    assert "line 1" in fails(capsys, ["eval", "run"])


def test_eval_without_data_or_split(run: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]) -> None:
    assert "eval --data" in fails(capsys, ["eval", "run"])
    assert "nowhere" in fails(capsys, ["eval", "run", "--data", "nowhere"])
    scene = str(blender_scene())
    assert "available are train, test" in fails(capsys, ["eval", "run", "--data", scene, "--split", "val"])
    assert "--background" in fails(capsys, ["eval", "run", "--data", scene, "--background", "random"])
    assert not (run / "eval.json").exists()


def test_broken_model(run: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]) -> None:
    assert "model.safetensors" in fails(capsys, ["eval", "run", "--data", str(blender_scene())])
    assert "model.safetensors" in fails(capsys, ["render", "run", "--out", "frames"])
    assert not (run / "eval.json").exists()
    assert not (run / "views").exists()
    assert not (run.parent / "frames").exists()


def test_render_arguments(here: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "file").write_text("mine")
    (here / "broken.json").write_text("{")
    (here / "other.json").write_text("{}")
    camera = {"camera_to_world": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 4, 0, 0, 0, 1], "fov": 50}
    key = {"R": [0, 0, 0, 1], "T": [0, 0, 0], "fov": 50}
    for name, path in {
        "nofov": {"camera_path": [{"camera_to_world": camera["camera_to_world"]}]},
        "nomatrix": {"camera_path": [camera, {"fov": 50}]},
        "sheared": {"camera_path": [camera, {**camera, "camera_to_world": [1.0] * 12 + [0, 0, 0, 1]}]},
        "fisheye": {"camera_type": "fisheye", "camera_path": [camera]},
        "void": {"camera_path": []},
        "narrow": {"camera_path": [camera, {**camera, "fov": 1e-40}]},
        "narrower": {"camera_path": [camera, {**camera, "fov": 5e-324}]},
        "still": {"fps": 0, "camera_path": [camera]},
        "hectic": {"fps": 1000.5, "camera_path": [camera]},
        "wide": {"render_width": 16385, "camera_path": [camera]},
        "low": {"render_height": 0, "camera_path": [camera]},
        "farngp": {"path": [key, {**key, "T": [0, 1e39, 0]}]},
        "nearlyfarngp": {"path": [key, {**key, "T": [0, 3e38, 0]}]},
        "spunngp": {"path": [key, {**key, "R": [0, 0, 0, 1e300]}]},
        "narrowngp": {"path": [key, {**key, "fov": 1e-320}]},
    }.items():
        (here / f"{name}.json").write_text(json.dumps(path))
    before = files(here)
    for arguments, words in [
        (["--frames", "0"], "--frames"),
        (["--frames", "-5"], "--frames"),
        (["--width", "0"], "--width"),
        (["--height", "999999"], "--height"),
        (["--fps", "nan"], "--fps"),
        (["--background", "random"], "--background"),
        (["--path", "spiral"], "--path spiral"),
        (["--path", "broken.json"], "broken.json"),
        (["--path", "other.json"], "camera_path"),
        (["--path", "nofov.json"], "frame 0: fov is missing"),
        (["--path", "nomatrix.json"], "frame 1: camera_to_world is missing"),
        (["--path", "sheared.json"], "frame 1"),
        (["--path", "fisheye.json"], "camera_type fisheye"),
        (["--path", "void.json"], "camera_path"),
        (["--path", "narrow.json"], "narrow.json: frame 1: fov is 1e-40"),
        (["--path", "narrower.json"], "narrower.json: frame 1: fov"),
        (["--path", "still.json"], "still.json: fps is 0"),
        (["--path", "hectic.json"], "hectic.json: fps is 1000.5"),
        (["--path", "wide.json"], "wide.json: render_width is 16385"),
        (["--path", "low.json"], "low.json: render_height is 0"),
        (["--path", "farngp.json"], "farngp.json: frame 1: T"),
        (["--path", "nearlyfarngp.json"], "nearlyfarngp.json: frame 1: T"),
        (["--path", "spunngp.json"], "spunngp.json: frame 1: R"),
        (["--path", "narrowngp.json"], "narrowngp.json: frame 1: fov"),
    ]:
        assert words in fails(capsys, ["render", "run", "--out", "frames", *arguments])
    assert "--out file" in fails(capsys, ["render", "run", "--out", "file"])
    assert "--out file/x" in fails(capsys, ["render", "run", "--out", "file/x"])
    assert "--out x.gif" in fails(capsys, ["render", "run", "--out", "x.gif"])
    assert files(here) == before


def test_film_without_imageio(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert "imageio-ffmpeg" in fails(capsys, ["render", "run", "--out", "x.mp4"])


def test_durations() -> None:
    for text, seconds in {"60": 60, "60s": 60, "2m": 120, "1h": 3600, "1.5m": 90, "1h2m3s": 3723, ".5": 0.5}.items():
        assert parse_duration(text) == seconds
    for text in ("", "s", "1m2h", "1 m", "0x10", "1e3", "-1", "inf", "٣x"):
        with pytest.raises(CliError, match="--time"):
            parse_duration(text)


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("needlecpp ")
    assert ndl.isa() in said
    assert ("bfloat16 as float32" in said) == ("vdpbf16ps" not in ndl.isa())
    for arguments, words in {
        ("--help",): ["train", "eval", "render"],
        (): ["train", "eval", "render"],
        ("train", "--help"): ["--time", "--steps", "--downscale", "--background", "--json", "demo"],
        ("eval", "--help"): ["--split", "--data", "--json"],
        ("render", "--help"): ["--path", "--frames", "--out", "--fps"],
    }.items():
        assert main(list(arguments)) == 0
        out = capsys.readouterr().out
        for word in words:
            assert word in out


def test_as_a_process() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "needlecpp", "train", "nowhere", "--steps", "1"], capture_output=True, text=True
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("needlecpp: error: nowhere does not exist")
    assert result.stderr.count("\n") == 1


def test_importing_the_package_is_light() -> None:
    code = "import needlecpp, sys; print([m for m in ('typer', 'rich', 'PIL') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

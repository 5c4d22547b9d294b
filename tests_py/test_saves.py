"""What a training has learnt outlives signals, full disks, broken steps and broken terminals."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stress_saves
from needlecpp import _core
from needlecpp.cli import saver
from needlecpp.cli.app import main
from needlecpp.cli.arguments import CliError
from needlecpp.cli.console import LONGEST, printable, sentence
from needlecpp.cli.files import claimed, pictures, replacing
from needlecpp.cli.metrics import Metrics
from needlecpp.render import Renderer, Scene, Snapshot, Trainer

MakeScene = Callable[..., Path]
Hook = Callable[[Any], None]


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Hook], None]:
    """``at_step(n, hook)`` makes trainers call ``hook(trainer)`` once, before the step after the n-th."""
    real = Trainer

    def install(number: int, hook: Hook) -> None:
        pending = [hook]

        class Hooked:
            def __init__(self, *arguments: Any) -> None:
                self._trainer = real(*arguments)

            def step(self, progress: float) -> Any:
                if self._trainer.steps == number and pending:
                    pending.pop()(self._trainer)
                return self._trainer.step(progress)

            def __getattr__(self, name: str) -> Any:
                return getattr(self._trainer, name)

        monkeypatch.setattr("needlecpp.cli.train.Trainer", Hooked)

    return install


@pytest.fixture(autouse=True)
def signals_arrive() -> Iterator[None]:
    """Whoever started the tests may have had signals ignored (nohup does)."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def train(scene: Path, out: Path, *options: str, code: int = 0) -> None:
    assert main(["train", str(scene), "--out", str(out), "--no-eval", "--quiet", "--threads", "1", *options]) == code


def model(run: Path) -> dict[str, Any]:
    """The parameters of a run's model, which has to be whole."""
    scene = Scene.load(run / "model.safetensors")
    assert scene.finite()
    return {"step": scene.step} | {name: np.array(p.numpy()) for name, p in scene.field.named_parameters()}


def hidden(folder: Path) -> list[str]:
    return [str(file) for file in folder.rglob(".*")]


# Signals.


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_saves_and_names_itself_in_the_exit_status(
    name: str, status: int, tmp_path: Path, blender_scene: MakeScene, at_step: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    at_step(3, lambda _: signal.raise_signal(getattr(signal, name)))
    train(blender_scene(), tmp_path / "run", "--steps", "50", code=status)
    assert model(tmp_path / "run")["step"] == 4  # the step at hand is done
    assert (tmp_path / "run" / "state.safetensors").is_file()
    assert "4 steps are saved" in capsys.readouterr().err
    assert hidden(tmp_path) == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_impatience_does_not_break_a_save(
    tmp_path: Path,
    blender_scene: MakeScene,
    at_step: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    finish = saver.Saver.finish

    def pressed(self: Any, *arguments: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        finish(self, *arguments)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(saver.Saver, "finish", pressed)
    at_step(2, lambda _: signal.raise_signal(signal.SIGINT))
    train(blender_scene(), tmp_path / "run", "--steps", "50", code=130)
    assert model(tmp_path / "run")["step"] == 3
    assert hidden(tmp_path) == []
    assert "saving the model, one moment" in capfd.readouterr().err


def test_a_signal_before_the_first_step_leaves_nothing(
    tmp_path: Path, blender_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Trainer

    def interrupted(*arguments: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return real(*arguments)

    monkeypatch.setattr("needlecpp.cli.train.Trainer", interrupted)
    train(blender_scene(), tmp_path / "a" / "run", "--steps", "5", code=143)
    assert not (tmp_path / "a").exists()


def test_a_signal_breaks_off_loading_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def loading(*_: Any, **__: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("the signal has come")

    monkeypatch.setattr("needlecpp.cli.train.load_scene", loading)
    train(tmp_path, tmp_path / "run", code=143)
    assert capsys.readouterr().err == "needlecpp: interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_ignored_signals_stay_ignored(tmp_path: Path, blender_scene: MakeScene, at_step: Any) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        at_step(1, lambda _: signal.raise_signal(signal.SIGHUP))
        train(blender_scene(), tmp_path / "run", "--steps", "3")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert model(tmp_path / "run")["step"] == 3


@pytest.mark.parametrize("command", ["eval", "render"])
def test_a_signal_leaves_the_pictures_of_before(
    command: str, tmp_path: Path, blender_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, flight = tmp_path / "run", tmp_path / "flight"
    train(blender_scene(train=3, test=3), run, "--steps", "2")
    arguments = ["eval", str(run)] if command == "eval" else ["render", str(run), "--out", str(flight), "--frames", "3"]
    assert main(arguments) == 0
    folder = run if command == "eval" else flight
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    real, calls = Renderer.render, []

    def render(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGTERM)
        return real(*arguments, **options)

    monkeypatch.setattr(Renderer, "render", render)
    assert main(arguments) == 143
    assert len(calls) == 2
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    assert hidden(folder) == []


# Failed writes.


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Writes beyond ``size`` bytes of a file fail inside."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


def test_a_model_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    with file_size_limit(1 << 20):
        train(blender_scene(), out, "--steps", "5", code=2)
    err = capsys.readouterr().err
    assert err.startswith(f"needlecpp: error: {out / 'model.safetensors'} could not be written (File too large)")
    assert err.count("\n") == 1
    assert not out.exists()


def fail(monkeypatch: pytest.MonkeyPatch, owner: Any, method: str, code: int, times: int = 1000) -> list[str]:
    """Makes a save fail with an error of the system so many times; returns the paths it was called with."""
    real, calls = getattr(owner, method), []

    def failing(self: Any, path: str, *arguments: Any) -> None:
        calls.append(path)
        if len(calls) <= times:
            raise OSError(code, os.strerror(code), path)
        real(self, path, *arguments)

    monkeypatch.setattr(owner, method, failing)
    return calls


@pytest.mark.parametrize("code", [errno.EIO, errno.EROFS, errno.EACCES, errno.ENOENT])
def test_a_periodic_save_that_fails_costs_no_training(
    code: int,
    tmp_path: Path,
    blender_scene: MakeScene,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = fail(monkeypatch, Snapshot, "save_model", code, times=2)
    train(blender_scene(), tmp_path / "run", "--steps", "12", "--save-every", "0.001s")
    err = capsys.readouterr().err
    assert len(calls) > 2  # it tried again
    assert err.count("warning") == 1
    assert "model.safetensors" in err and os.strerror(code) in err
    assert model(tmp_path / "run")["step"] == 12


def test_a_last_save_that_fails_keeps_the_one_before(
    tmp_path: Path, blender_scene: MakeScene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(monkeypatch, Trainer, "save", errno.EIO)
    train(blender_scene(), tmp_path / "run", "--steps", "30", "--save-every", "0.001s", code=2)
    err = capsys.readouterr().err
    assert "could not be written (Input/output error); the model of step" in err
    assert 0 < model(tmp_path / "run")["step"] <= 30  # the last one at an interval may have come after the last step


def test_metrics_that_cannot_be_written_cost_no_training(
    tmp_path: Path, blender_scene: MakeScene, at_step: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    at_step(2, lambda _: (out / "metrics.jsonl").unlink())
    train(blender_scene(), out, "--steps", "4")  # a file that was taken away is written to, unseen
    assert model(out)["step"] == 4
    with Metrics(tmp_path / "no" / "metrics.jsonl") as metrics:
        metrics.write({"step": 1})
    assert "metrics.jsonl could not be written" in capsys.readouterr().err


def test_a_line_of_metrics_is_whole_or_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Metrics(tmp_path / "metrics.jsonl") as metrics:
        metrics.write({"step": 1})
        with file_size_limit(20):
            metrics.write({"step": 2, "loss": 0.123456789})
            metrics.write({"step": 3, "loss": 0.123456789})
        metrics.write({"step": 4})
    assert [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == [1, 4]
    assert capsys.readouterr().err.count("warning") == 1


def test_a_folder_that_vanishes_is_one_sentence(
    tmp_path: Path, blender_scene: MakeScene, at_step: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    out = tmp_path / "run"
    at_step(2, lambda _: shutil.rmtree(out))
    train(blender_scene(), out, "--steps", "4", code=2)
    err = capsys.readouterr().err
    assert "model.safetensors could not be written (No such file or directory)" in err
    assert err.count("\n") == 1


def test_a_step_that_fails_does_not_cost_those_before(
    tmp_path: Path, blender_scene: MakeScene, at_step: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Any) -> None:
        raise MemoryError("[march] out of memory: got 1 byte, expected 0.")

    at_step(3, broken)
    train(blender_scene(), tmp_path / "run", "--steps", "9", code=2)
    assert model(tmp_path / "run")["step"] == 3
    err = capsys.readouterr().err
    assert "the model of step 3 is saved" in err and "[march] out of memory" in err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RuntimeError("[march] odd: got 1, expected 2."), 2, "[march] odd"),
        (TypeError("[march] odd: got 1, expected 2."), 2, "[march] odd"),
        (RuntimeError("odd"), 1, "RuntimeError: odd (a fault of needlecpp; NEEDLECPP_DEBUG=1 shows where)"),
        (ZeroDivisionError("division"), 1, "ZeroDivisionError"),
    ],
)
def test_no_error_is_a_traceback(
    error: Exception,
    code: int,
    words: str,
    tmp_path: Path,
    blender_scene: MakeScene,
    at_step: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: Any) -> None:
        raise error

    at_step(0, broken)
    scene = blender_scene()
    train(scene, tmp_path / "run", "--steps", "9", code=code)
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    monkeypatch.setenv("NEEDLECPP_DEBUG", "1")
    at_step(0, broken)
    train(scene, tmp_path / "run", "--steps", "9", code=code)
    assert "Traceback" in capsys.readouterr().err


def test_files_that_the_system_refuses_are_oserrors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        Scene.load(tmp_path / "none")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, str(tmp_path / "none"))
    with pytest.raises(IsADirectoryError):
        _core.load_safetensors(str(tmp_path))


def test_a_diverged_training_saves_nothing(
    tmp_path: Path, blender_scene: MakeScene, at_step: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoil(trainer: Any) -> None:
        _, table = trainer.checkpoint().field.named_parameters()[0]
        table.numpy()[:] = np.nan

    scene, out = blender_scene(), tmp_path / "run"
    at_step(2, spoil)
    train(scene, out, "--steps", "9", code=2)
    assert "diverged" in capsys.readouterr().err
    assert not out.exists()

    train(scene, out, "--steps", "3")
    at_step(2, spoil)
    train(scene, out, "--steps", "9", "--overwrite", code=2)
    assert model(out)["step"] == 3


# Runs that replace others.


def test_overwriting_keeps_the_old_run_until_the_new_one_is_saved(
    tmp_path: Path, blender_scene: MakeScene, at_step: Any
) -> None:
    scene, out = blender_scene(), tmp_path / "run"
    train(scene, out, "--steps", "3")
    assert main(["eval", str(out)]) == 0
    before = {file.relative_to(out): file.read_bytes() for file in out.rglob("*") if file.is_file()}

    def look(_: Any) -> None:
        assert not (out / "model.safetensors").exists()
        assert model(out / ".previous")["step"] == 3

    def broken(trainer: Any) -> None:
        look(trainer)
        raise RuntimeError("[x] broken")

    at_step(0, broken)
    train(scene, out, "--steps", "9", "--overwrite", code=2)
    assert {file.relative_to(out): file.read_bytes() for file in out.rglob("*") if file.is_file()} == before
    at_step(0, look)
    train(scene, out, "--steps", "4", "--overwrite")
    assert sorted(file.name for file in out.iterdir()) == ["config.json", "metrics.jsonl", "model.safetensors"]
    assert model(out)["step"] == 4


def test_half_written_runs_are_told_apart(
    tmp_path: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, out = blender_scene(), tmp_path / "run"
    train(scene, out, "--steps", "3")
    (out / "model.safetensors").unlink()  # as kill -9 before the first save leaves it
    for command in (["eval", str(out)], ["render", str(out), "--out", str(tmp_path / "x")]):
        assert main(command) == 2
        err = capsys.readouterr().err
        assert "ended before its first save" in err and "--overwrite" in err
        with claimed(out, ""):
            assert main(command) == 2
        assert "its training is at work" in capsys.readouterr().err
    train(scene, out, "--steps", "3", code=2)
    assert "ended before its first save, give --overwrite" in capsys.readouterr().err
    with claimed(out, ""):
        train(scene, out, "--steps", "3", "--overwrite", code=2)
    assert "at work" in capsys.readouterr().err
    (out / ".model.safetensors.1-0.part").write_text("half")
    train(scene, out, "--steps", "4", "--overwrite")
    assert model(out)["step"] == 4
    assert hidden(out) == []


# Going on.


def test_a_training_goes_on_bit_by_bit(
    tmp_path: Path, blender_scene: MakeScene, at_step: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = blender_scene()
    options = ("--steps", "40", "--seed", "5", "--background", "#10e0ff", "--box", "-1.4,-1.4,-1.3,1.4,1.4,1.3")
    train(scene, tmp_path / "whole", *options)
    at_step(21, lambda _: signal.raise_signal(signal.SIGINT))
    train(scene, tmp_path / "run", *options, code=130)
    assert main(["train", str(scene), "--out", str(tmp_path / "run"), "--steps", "40"]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(["train", "--resume", str(tmp_path / "run"), "--no-eval", "--quiet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 40
    whole, resumed = model(tmp_path / "whole"), model(tmp_path / "run")
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        assert np.array_equal(value, resumed[name]), name
    assert not (tmp_path / "run" / "state.safetensors").exists()
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps)) and steps[-1] == 40
    assert main(["train", "--resume", str(tmp_path / "run")]) == 2
    assert "complete" in capsys.readouterr().err


def test_what_cannot_go_on_is_refused(
    tmp_path: Path, blender_scene: MakeScene, at_step: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    scene, run = blender_scene(), tmp_path / "run"
    at_step(2, lambda _: signal.raise_signal(signal.SIGINT))
    train(scene, run, "--steps", "9", code=130)
    capsys.readouterr()

    def refused(*options: str) -> str:
        assert main(["train", "--resume", str(run), "--no-eval", *options]) == 2
        err = capsys.readouterr().err.splitlines()[-1]
        assert err.startswith("needlecpp: error: ")
        return err

    assert "leave out --steps" in refused("--steps", "9")
    assert "leave out --out" in refused("--out", "x")
    with claimed(run, ""):
        assert "at work" in refused()
    state = (run / "state.safetensors").read_bytes()
    (run / "state.safetensors").write_bytes(state[:1000])
    assert "state.safetensors" in refused()
    (run / "state.safetensors").write_bytes(state)
    picture = scene / "train" / "r_1.png"
    before = picture.read_bytes()
    Image.fromarray(np.full((16, 16, 4), 90, np.uint8)).save(picture)
    assert "pictures are not those" in refused()
    picture.write_bytes(before)
    assert "is not a run" in refused("--resume", str(tmp_path))
    config = json.loads((run / "config.json").read_text())
    for change in ({"steps": None}, {"steps": -1}, {"seconds": 3}, {"seed": "1"}, {"downscale": 1.5}, {"more": 1}):
        altered = {**config, "settings": {**config["settings"], **change}}
        (run / "config.json").write_text(json.dumps(altered))
        assert "config.json: settings" in refused()
    (run / "config.json").write_text(json.dumps(config))
    scene = scene.rename(tmp_path / "moved")
    assert "train DATA" in refused()
    assert main(["train", str(scene), "--resume", str(run), "--no-eval", "--quiet"]) == 0
    assert model(run)["step"] == 9


def test_a_run_that_was_never_saved_starts_anew(tmp_path: Path, blender_scene: MakeScene) -> None:
    scene, out = blender_scene(), tmp_path / "run"
    train(scene, out, "--steps", "3", "--seed", "2")
    before = model(out)
    (out / "model.safetensors").unlink()
    assert main(["train", "--resume", str(out), "--no-eval", "--quiet"]) == 0
    for name, value in model(out).items():
        assert np.array_equal(value, before[name])


# Files.


def replace_by(file: Path, text: str, error: OSError | None = None) -> None:
    with replacing(file) as part:
        part.write_text(text)
        if error is not None:
            raise error


def test_replacing_is_all_or_nothing(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("old")
    with pytest.raises(OSError, match="No space") as caught:
        replace_by(file, "half", OSError(errno.ENOSPC, "No space"))
    assert caught.value.filename == str(file)
    assert file.read_text() == "old"
    replace_by(file, "new")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def take_pictures(folder: Path, error: Callable[[Path], Exception] | None = None) -> None:
    with pictures(folder, r"\d\.png") as part:
        (part / "0.png").write_text("new")
        if error is not None:
            raise error(part)


def texts(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_pictures_take_their_places_together(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with pytest.raises(ZeroDivisionError):
        take_pictures(folder, lambda _: ZeroDivisionError())
    assert not (tmp_path / "a").exists()
    folder.mkdir(parents=True)
    for name in ("0.png", "1.png", "mine.png"):
        (folder / name).write_text("old")
    (folder / ".pictures-x.part").mkdir()
    (folder / ".pictures-x.part" / "0.png").write_text("left by kill -9")
    with pytest.raises(OSError, match="No space") as caught:
        take_pictures(folder, lambda part: OSError(errno.ENOSPC, "No space", str(part / "1.png")))
    assert caught.value.filename == str(folder / "1.png")
    assert texts(folder) == {"0.png": "old", "1.png": "old", "mine.png": "old"}
    with claimed(folder, ""), pytest.raises(CliError, match="another command"):
        take_pictures(folder)
    take_pictures(folder)
    assert texts(folder) == {"0.png": "new", "mine.png": "old"}
    (folder / "0.png").unlink()
    (folder / "0.png").mkdir()
    with pytest.raises(IsADirectoryError):
        take_pictures(folder)


@pytest.mark.parametrize("command", ["eval", "render"])
def test_pictures_of_before_stay_where_new_ones_do_not_fit(
    command: str, tmp_path: Path, blender_scene: MakeScene, capsys: pytest.CaptureFixture[str]
) -> None:
    run, flight = tmp_path / "run", tmp_path / "flight"
    train(blender_scene(), run, "--steps", "2")
    arguments = ["eval", str(run)] if command == "eval" else ["render", str(run), "--out", str(flight), "--frames", "3"]
    assert main(arguments) == 0
    folder = run if command == "eval" else flight
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    capsys.readouterr()
    with file_size_limit(64):
        assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("needlecpp: error: ") and "File too large" in err and err.count("\n") == 1
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_films_are_whole_or_not_there(
    tmp_path: Path, blender_scene: MakeScene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")
    run, film = tmp_path / "run", tmp_path / "deep" / "film.mp4"
    train(blender_scene(), run, "--steps", "2")
    arguments = ["render", str(run), "--out", str(film), "--frames", "5"]
    assert main(arguments) == 0
    assert ffmpeg.count_frames_and_secs(str(film))[0] == 5
    assert list(film.parent.iterdir()) == [film]
    before = film.read_bytes()
    capsys.readouterr()
    with file_size_limit(100):
        assert main(arguments) == 2
    assert f"{film}: ffmpeg" in capsys.readouterr().err
    assert list(film.parent.iterdir()) == [film] and film.read_bytes() == before
    real = Renderer.render

    def interrupted(*given: Any, **options: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return real(*given, **options)

    monkeypatch.setattr(Renderer, "render", interrupted)
    assert main(arguments) == 130
    assert list(film.parent.iterdir()) == [film] and film.read_bytes() == before


# Terminals.


def test_what_a_terminal_cannot_show_is_escaped() -> None:
    assert printable("a\tb\x1b]0;x\x07") == "a\\tb\\x1b]0;x\\x07"
    assert printable("Müller 雪") == "Müller 雪"
    assert printable("\udcff") == "\\udcff"
    long = sentence("word " * 1000)
    assert len(long) == LONGEST and " ... " in long


def run_process(
    arguments: list[str], cwd: Path, redirect: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    words = " ".join(f"'{word}'" for word in [sys.executable, "-m", "needlecpp", *arguments])
    return subprocess.run(
        ["bash", "-c", f"{words} {redirect}"],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        errors="replace",
    )


@pytest.mark.parametrize("redirect", ["| true", "2>&1 | head -c 1", ">&- 2>&-", ">/dev/full 2>/dev/full"])
def test_no_reader_costs_a_result(redirect: str, tmp_path: Path, blender_scene: MakeScene) -> None:
    scene = blender_scene()
    done = run_process(["train", str(scene), "--out", "run", "--steps", "3", "--threads", "1"], tmp_path, redirect)
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert model(tmp_path / "run")["step"] == 3
    assert json.loads((tmp_path / "run" / "eval.json").read_text())["views"] == 2
    assert [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()][-1] == 3


def test_no_locale_costs_a_result(tmp_path: Path, blender_scene: MakeScene) -> None:
    scene = blender_scene(name="schnée")
    done = run_process(
        ["train", str(scene), "--out", "rûn", "--steps", "3", "--threads", "1"],
        tmp_path,
        LC_ALL="C",
        PYTHONIOENCODING="ascii",
    )
    assert done.returncode == 0, done.stderr
    assert "saved in r\\xfbn" in done.stdout
    assert model(tmp_path / "rûn")["step"] == 3


# All of it, in short; `python tests_py/stress_saves.py` does it at length.


def test_kill_9_tears_nothing(tmp_path: Path) -> None:
    report = stress_saves.kills(tmp_path, count=4, seed=1)
    assert (report.lost, report.torn) == (0, 0), report


@pytest.mark.skipif(not stress_saves.can_mount(), reason="mounting a small file system needs root")
def test_a_full_file_system_loses_nothing(tmp_path: Path) -> None:
    report = stress_saves.full_disks(tmp_path, points=3)
    assert (report.lost, report.torn) == (0, 0), report

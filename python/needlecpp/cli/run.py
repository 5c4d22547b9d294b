"""A run folder: where a trained scene lives.

    config.json        data, settings, what is known of the scene, and the training cameras: all that it takes to run
                       again or to fly through
    model.safetensors  the field, as of the last save
    state.safetensors  what the training needs besides to go on (train --resume); gone once the training is complete
    metrics.jsonl      training in numbers, a line about every second
    eval.json          quality on held-out views (eval_<split>.json for a split other than test)
    views/             truth | render | error of those views (views_<split>/)
    .previous/         with --overwrite, the run before this one, until this one has been saved
    .*.part            files that are being written

Each file is whole or not there, whatever breaks a command off. ``model.safetensors`` is written first, then
``state.safetensors``; the latter holds the parameters too, so that a training goes on from it alone and it does not
matter when the model is one save ahead. A folder with a config.json but without a model is a training that was broken
off before its first save.

The folder can move: rendering needs nothing outside it, and evaluation finds the data set by its
absolute path or by its path relative to the folder.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from needlecpp.cli.arguments import RANDOM, CliError, parse_background
from needlecpp.cli.console import to_json
from needlecpp.cli.files import PART, clear_parts, is_claimed, write_text
from needlecpp.data.jsonc import finite, read_json
from needlecpp.data.scene import MOST_PIXELS, DataError, SceneData

CONFIG, MODEL, STATE, METRICS = "config.json", "model.safetensors", "state.safetensors", "metrics.jsonl"
PREVIOUS = ".previous"
FORMAT = 1
SUFFIXES = ("", "_train", "_val", "_test")  # of eval.json and views
PICTURE = r"\d{3,}_.*\.png"  # of a view


def check_out(out: Path, overwrite: bool) -> None:
    """Raises CliError if a run cannot be written to ``out``; leaves nothing behind."""
    if out.is_dir():
        run = is_run(out)
        if run and is_claimed(out):
            raise CliError(f"--out {out} is the run of a training that is at work, choose another folder")
        if run and not overwrite:
            raise CliError(f"--out {out} {_condition(out)}")
        if not run and not all(re.fullmatch(PART, file.name) for file in out.iterdir()):
            raise CliError(f"--out {out} holds files that are not a run, choose another folder")
    elif os.path.lexists(out):
        raise CliError(f"--out {out} is not a folder")
    check_writable(out, "--out")


def _condition(out: Path) -> str:
    """What a run is like, and what can be done with it."""
    if (out / STATE).is_file():
        return "already holds a run, broken off: give --resume to go on with it or --overwrite to replace it"
    if (out / MODEL).is_file():
        return "already holds a run, give --overwrite to replace it"
    text = "holds a training that ended before its first save, give --overwrite to replace it"
    if (out / PREVIOUS).is_dir():
        text += f" (the run before it is kept in {out / PREVIOUS})"
    return text


def check_writable(folder: Path, option: str) -> None:
    """Raises CliError if no file could be created in ``folder``, which need not exist; leaves
    nothing behind."""
    parent = folder.absolute()
    while not os.path.lexists(parent) and parent != parent.parent:
        parent = parent.parent
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".needlecpp-", suffix=".part", dir=parent))
    except OSError as e:
        raise CliError(f"{option} {folder} cannot be written ({e.strerror})") from None


def is_run(folder: Path) -> bool:
    """Whether config.json is one that train has written; other programs have files of that name too."""
    try:
        config = read_json(folder / CONFIG)
    except DataError:
        return False
    return isinstance(config.get("format"), int) and isinstance(config.get("needlecpp"), str)


def own_files(run: Path) -> list[Path]:
    """The files of a run that are there, relative to its folder: what others put there is theirs.

    config.json is first and the model last. Copied in this order, and deleted in the reverse, a run is at every moment
    whole or recognised as one without a model.
    """
    names = [Path(CONFIG), *(Path(f"eval{suffix}.json") for suffix in SUFFIXES), Path(METRICS), Path(STATE)]
    for views in (run / f"views{suffix}" for suffix in SUFFIXES):
        if views.is_dir():
            names += (p.relative_to(run) for p in sorted(views.iterdir()) if re.fullmatch(PICTURE, p.name))
    return [name for name in (*names, Path(MODEL)) if os.path.lexists(run / name)]


def discard(run: Path, keep: tuple[str, ...] = ()) -> None:
    """Deletes a run's files, and folders of views that are empty then."""
    for name in reversed(own_files(run)):
        if name.name not in keep:
            (run / name).unlink()
    for folder in (run / f"views{suffix}" for suffix in SUFFIXES):
        with contextlib.suppress(OSError):  # it is not there, or something else is in it
            folder.rmdir()


def _copy_run(source: Path, to: Path) -> None:
    for name in own_files(source):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source / name, to / name)
        except OSError:  # a file system without links
            shutil.copy2(source / name, to / name)


class NewRun:
    """A run folder until its first save: the run that it replaces is set aside, and comes back if nothing comes of the
    new one."""

    def __init__(self, out: Path, config: dict[str, Any]) -> None:
        self._out, self._previous = out, out / PREVIOUS
        self._part = out / f"{PREVIOUS}.part"
        clear_parts(out)
        if (out / MODEL).is_file():
            self.saved()
            _copy_run(out, self._part)
            os.replace(self._part, self._previous)
        # else it was never saved: what that one has set aside is still the last good run
        try:
            discard(out, keep=(CONFIG,))
            write_json(out / CONFIG, config)
        except BaseException:
            self.give_up()
            raise

    def reclaimable(self) -> int:
        """Bytes that are free once the run that is replaced has gone."""
        return sum((self._previous / name).stat().st_size for name in own_files(self._previous))

    def saved(self) -> None:
        """The new run stands on its own; what it has replaced may go."""
        with contextlib.suppress(OSError):
            os.replace(self._previous, self._part)  # at once, so that half of it is not taken for a run
        shutil.rmtree(self._part, ignore_errors=True)

    def give_up(self) -> None:
        """Nothing has come of it."""
        clear_parts(self._out)
        discard(self._out)
        if (self._previous / MODEL).is_file():
            _copy_run(self._previous, self._out)
            self.saved()


def write_json(file: Path, value: dict[str, Any]) -> None:
    write_text(file, to_json(value, indent=1) + "\n")


def settings(config: Any) -> dict[str, Any]:
    """A TrainerConfig, or a part of one, as plain JSON values: every public attribute."""
    out: dict[str, Any] = {}
    for name in dir(config):
        value = getattr(config, name)
        if name.startswith("_") or callable(value):
            continue
        if isinstance(value, (bool, int, float, str)):
            out[name] = value
        elif isinstance(value, (tuple, list)):
            out[name] = [float(v) for v in value]
        else:
            out[name] = settings(value)
    return out


def describe(
    scene: SceneData,
    out: Path,
    trainer_config: Any,
    field_config: Any,
    *,
    version: str,
    downscale: int,
    holdout: int,
    background: str,
    budget: dict[str, float],
    threads: int,
    options: dict[str, Any],
    survey: dict[str, Any],
    pictures: int,
) -> dict[str, Any]:
    """What config.json says. ``options``: what a training that is resumed starts from; ``pictures``: their checksum."""
    demo = scene.kind == "demo"
    return {
        "format": FORMAT,
        "needlecpp": version,
        "data": {
            "path": "demo" if demo else str(Path(scene.path).resolve()),
            "relative": None if demo else _relative(Path(scene.path), out),
            "kind": scene.kind,
            "downscale": downscale,
            "holdout": holdout,
            "splits": list(scene.splits),
            "has_alpha": scene.has_alpha,
            "notes": list(scene.notes),  # what loading decided
        },
        "box": [list(corner) for corner in scene.box],
        "near": scene.near,
        "aabb_scale": scene.aabb_scale,
        "unit_scale": scene.unit_scale,
        "unit_offset": list(scene.unit_offset),
        "background": background,
        "budget": budget,
        "threads": threads,
        "settings": options,
        "survey": survey,
        "pictures": pictures,
        "trainer": {**settings(trainer_config), "field": settings(field_config)},
        "cameras": {
            "width": scene.width,
            "height": scene.height,
            "poses": _short(scene.poses),
            "intrinsics": _short(scene.intrinsics),
            **({} if scene.one_size() else {"sizes": scene.sizes.tolist()}),  # pictures of several
            **({} if scene.lenses is None else {"lenses": scene.lenses.tolist()}),  # 0 perspective, 1 fisheye
        },
    }


def _short(array: NDArray[np.float32]) -> Any:
    """Nested lists of float32 numbers, written with as few digits as bring them back."""
    return np.array([float(str(v)) for v in array.ravel()]).reshape(array.shape).tolist()


def _relative(path: Path, out: Path) -> str | None:
    try:
        return os.path.relpath(path.resolve(), out.resolve())
    except ValueError:  # another drive
        return None


def find_data(run: Path, demo: bool, path: str, relative: str | None) -> str:
    """Where the data set of a run is now. Raises CliError if it is at neither of its places."""
    if demo:
        return "demo"
    for candidate in (Path(path), *([run / relative] if relative is not None else [])):
        if candidate.exists():
            return str(candidate)
    raise CliError(f"the data set {path} of {run} is not there any more, say where it is (eval --data, train DATA)")


@dataclass
class Run:
    """A run folder that was opened."""

    folder: Path
    background: str
    data_path: str
    data_relative: str | None
    downscale: int
    holdout: int
    kind: str
    box: tuple[list[float], list[float]]
    unit_scale: float
    unit_offset: tuple[float, float, float]
    poses: NDArray[np.float32]  # [n, 3, 4] of the training cameras
    intrinsics: NDArray[np.float32]  # [n, 8 or more]
    width: int
    height: int

    @property
    def model(self) -> Path:
        return self.folder / MODEL

    def data(self, override: str | None) -> str:
        """Where the data set is now."""
        if override is not None:
            return override
        return find_data(self.folder, self.kind == "demo", self.data_path, self.data_relative)

    def default_background(self) -> str:
        return "white" if self.background == RANDOM else self.background


def open_run(folder: Path) -> Run:
    """Reads a run folder. Raises CliError or DataError, naming file and key, if it is not one."""
    if not folder.is_dir():
        raise CliError(f"there is no run {folder}")
    if not (folder / CONFIG).is_file():
        raise CliError(f"{folder} is not a run: {CONFIG} is missing")
    if not (folder / MODEL).is_file():
        if not is_run(folder):
            raise CliError(f"{folder} is not a run: {MODEL} is missing")
        if is_claimed(folder):
            raise CliError(f"{folder} has no {MODEL} yet: its training is at work and saves it soon")
        before = f"; the run before it is kept in {folder / PREVIOUS}" if (folder / PREVIOUS).is_dir() else ""
        raise CliError(
            f"{folder} is a training that ended before its first save ({MODEL} is missing), train again with "
            f"--overwrite{before}"
        )
    file = folder / CONFIG
    config = read_json(file)
    if config.get("format") != FORMAT:
        raise DataError(f"{file}: format is {config.get('format')!r}, expected {FORMAT}")

    def get(path: str, *kinds: type) -> Any:
        value: Any = config
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise DataError(f"{file}: {path} is {'missing' if value is None else 'of the wrong type'}")
        return value

    def array(path: str, *shape: int) -> NDArray[np.float32]:
        try:
            value = np.array(get(path, list), np.float32)
        except (ValueError, TypeError):
            value = np.zeros((), np.float32)
        fits = value.ndim == len(shape) and all(a in (-1, b) for a, b in zip(shape, value.shape, strict=True))
        if not fits or value.size == 0 or not np.isfinite(value).all():
            raise DataError(f"{file}: {path} is not an array of finite numbers of the expected shape")
        return value

    box = array("box", 2, 3)
    offset = [float(v) for v in array("unit_offset", 3)]
    poses, intrinsics = array("cameras.poses", -1, 3, 4), array("cameras.intrinsics", -1, -1)
    if len(poses) != len(intrinsics):
        raise DataError(f"{file}: cameras has {len(poses)} poses but {len(intrinsics)} intrinsics")
    if intrinsics.shape[1] not in (8, 9, 12, 16):  # see needlecpp.render.Cameras
        raise DataError(f"{file}: cameras.intrinsics has {intrinsics.shape[1]} columns, expected 8, 9, 12 or 16")
    try:
        background = parse_background(get("background", str), f"{file}: background", random=True)
    except CliError as e:
        raise DataError(str(e)) from None
    sizes = [get(f"cameras.{side}", int) for side in ("width", "height")]
    downscale, holdout = get("data.downscale", int), get("data.holdout", int)
    unit_scale = finite(get("unit_scale", int, float), "unit_scale", str(file))
    relative = get("data.relative", str, type(None))
    if min(*sizes, downscale) < 1 or max(sizes) > MOST_PIXELS or holdout < 0 or unit_scale <= 0:
        raise DataError(f"{file}: a size, downscale, holdout or unit_scale is out of range")
    return Run(
        folder=folder,
        background=background,
        data_path=get("data.path", str),
        data_relative=relative,
        downscale=downscale,
        holdout=holdout,
        kind=get("data.kind", str),
        box=(box[0].tolist(), box[1].tolist()),
        unit_scale=unit_scale,
        unit_offset=(offset[0], offset[1], offset[2]),
        poses=poses,
        intrinsics=intrinsics,
        width=sizes[0],
        height=sizes[1],
    )

"""A run folder: where a trained scene lives.

    config.json         data, settings and training cameras: all that it takes to run again or to
    fly through model.safetensors   the field metrics.jsonl       training in numbers, a line about
    every second eval.json           quality on held-out views (eval_<split>.json for a split other
    than test) views/              truth | render | error of those views

The folder can move: rendering needs nothing outside it, and evaluation finds the data set by its
absolute path or by its path relative to the folder.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from needlecpp.cli.arguments import BACKGROUNDS, CliError
from needlecpp.cli.console import to_json
from needlecpp.data.jsonc import finite, read_json
from needlecpp.data.scene import MOST_PIXELS, DataError, SceneData

CONFIG, MODEL, METRICS = "config.json", "model.safetensors", "metrics.jsonl"
FORMAT = 1
SUFFIXES = ("", "_train", "_val", "_test")  # of eval.json and views


def check_out(out: Path, overwrite: bool) -> None:
    """Raises CliError if a run cannot be written to ``out``; leaves nothing behind."""
    if out.is_dir():
        run = is_run(out)
        if run and not overwrite:
            raise CliError(f"--out {out} already holds a run, give --overwrite to replace it")
        if not run and any(out.iterdir()):
            raise CliError(f"--out {out} holds files that are not a run, choose another folder")
    elif os.path.lexists(out):
        raise CliError(f"--out {out} is not a folder")
    check_writable(out, "--out")


def check_writable(folder: Path, option: str) -> None:
    """Raises CliError if no file could be created in ``folder``, which need not exist; leaves
    nothing behind."""
    parent = folder.absolute()
    while not os.path.lexists(parent) and parent != parent.parent:
        parent = parent.parent
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".needlecpp-", dir=parent))
    except OSError as e:
        raise CliError(f"{option} {folder} cannot be written ({e.strerror})") from None


def is_run(folder: Path) -> bool:
    """Whether config.json is one that train has written; other programs have files of that name too."""
    try:
        config = read_json(folder / CONFIG)
    except DataError:
        return False
    return isinstance(config.get("format"), int) and isinstance(config.get("needlecpp"), str)


def clear(folder: Path, pattern: str) -> None:
    """Deletes the files in ``folder`` whose whole name matches."""
    if folder.is_dir():
        for file in list(folder.iterdir()):
            if re.fullmatch(pattern, file.name) and (file.is_file() or file.is_symlink()):
                file.unlink()


def clear_views(folder: Path) -> None:
    clear(folder, r"\d{3,}_.*\.png")


def start_run(out: Path, config: dict[str, Any]) -> None:
    """Creates the folder, clears an older run's files from it, and writes config.json."""
    out.mkdir(parents=True, exist_ok=True)
    for name in (MODEL, METRICS, *(f"eval{suffix}.json" for suffix in SUFFIXES)):
        (out / name).unlink(missing_ok=True)
    for suffix in SUFFIXES:
        folder = out / f"views{suffix}"
        clear_views(folder)
        with contextlib.suppress(OSError):  # it is not there, or something else is in it
            folder.rmdir()
    write_json(out / CONFIG, config)


def write_json(file: Path, value: dict[str, Any]) -> None:
    """Writes a file in one move, so that a reader never sees half of it."""
    part = file.with_name(f".{file.name}.part")
    part.write_text(to_json(value, indent=1) + "\n", encoding="utf-8")
    os.replace(part, file)


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
    *,
    version: str,
    downscale: int,
    holdout: int,
    background: str,
    budget: dict[str, float],
    threads: int,
) -> dict[str, Any]:
    """What config.json says."""
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
        "trainer": settings(trainer_config),
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
        if self.kind == "demo":
            return "demo"
        candidates = [Path(self.data_path)]
        if self.data_relative is not None:
            candidates.append(self.folder / self.data_relative)
        for candidate in candidates:
            if candidate.exists():
                return str(candidate)
        raise CliError(f"the data set {self.data_path} of {self.folder} is not there any more, give --data")

    def default_background(self) -> str:
        return "black" if self.background == "black" else "white"


def open_run(folder: Path) -> Run:
    """Reads a run folder. Raises CliError or DataError, naming file and key, if it is not one."""
    if not folder.is_dir():
        raise CliError(f"there is no run {folder}")
    for name in (CONFIG, MODEL):
        if not (folder / name).is_file():
            raise CliError(f"{folder} is not a run: {name} is missing")
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
    if intrinsics.shape[1] not in (8, 9, 12, 16):  # see _core.Cameras
        raise DataError(f"{file}: cameras.intrinsics has {intrinsics.shape[1]} columns, expected 8, 9, 12 or 16")
    background = get("background", str)
    if background not in BACKGROUNDS:
        raise DataError(f"{file}: background is {background!r}, expected {', '.join(BACKGROUNDS)}")
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

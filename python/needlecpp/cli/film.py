"""``needlecpp render``: a flight through a trained scene, as PNG frames or an mp4 film."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from needlecpp.cli.arguments import CliError, levels
from needlecpp.cli.console import Bar
from needlecpp.cli.files import make_folders, pictures, remove_empty, replacing
from needlecpp.cli.run import Run, check_writable
from needlecpp.cli.signals import SIGNALS
from needlecpp.render import Renderer, Scene
from needlecpp.render.metrics import to_uint8
from needlecpp.render.paths import CameraPath, orbit, read_camera_path

DEFAULT_FRAMES = 60
DEFAULT_FPS = 30.0
OTHER_FILMS = {".gif", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".png", ".jpg", ".jpeg"}
Writer = Callable[[NDArray[np.uint8]], None]


def render(
    run: Run,
    path: str,
    out: Path,
    frames: int | None = None,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    background: str | None = None,
) -> dict[str, Any]:
    """Renders a camera path ("orbit" or a JSON file) of a run into a folder of PNG frames or an
    .mp4."""
    film = out.suffix.lower() == ".mp4"
    if out.suffix.lower() in OTHER_FILMS:
        raise CliError(f"--out {out} is neither a folder nor an .mp4 file")
    if film and out.is_dir():
        raise CliError(f"--out {out} is a folder, expected an .mp4 file")
    if not film and out.exists() and not out.is_dir():
        raise CliError(f"--out {out} is a file, expected a folder or an .mp4 file")
    check_writable(out.parent if film else out, "--out")
    if film:
        _ffmpeg()
    cameras_path = camera_path(run, path, frames).resized(width, height)
    if film:  # video codecs store colour for 2x2 pixels
        even = [max(2, side - side % 2) for side in (cameras_path.width, cameras_path.height)]
        cameras_path = cameras_path.resized(*even)
    rate = fps or cameras_path.fps or DEFAULT_FPS
    background = background or run.default_background()

    renderer = Renderer(Scene.load(run.model), levels(background))
    cameras = cameras_path.cameras()
    count = len(cameras_path)
    spent = 0.0
    writer = _film(out, cameras_path, rate) if film else _frames(out, count)
    with SIGNALS.held("rendering"), writer as write, Bar("rendering", quiet=False) as bar:
        for i in range(count):
            SIGNALS.check()
            start = time.perf_counter()
            picture = renderer.render(cameras, i)
            spent += time.perf_counter() - start
            color = np.asarray(picture.color)
            if np.isnan(color).any():
                raise CliError(f"the model {run.model} renders NaN in frame {i}")
            write(to_uint8(color))
            if bar.due():
                bar.show((i + 1) / count, f"frame {i + 1} of {count}")
    return {
        "out": str(out),
        "frames": count,
        "width": cameras_path.width,
        "height": cameras_path.height,
        "fps": rate,
        "seconds": spent,
        "seconds_per_frame": spent / count,
        "background": background,
        "run": str(run.folder),
    }


def camera_path(run: Run, path: str, frames: int | None) -> CameraPath:
    """The cameras of ``--path``."""
    if path == "orbit":
        center = [(low + high) / 2 for low, high in zip(*run.box, strict=True)]
        return orbit(run.poses, run.intrinsics, run.width, run.height, frames or DEFAULT_FRAMES, run.kind, center)
    file = Path(path)
    if not file.is_file():
        raise CliError(f"--path {path} is neither 'orbit' nor a camera path file")
    return read_camera_path(file, run.width, run.height, frames, run.unit_scale, run.unit_offset)


@contextmanager
def _frames(folder: Path, count: int) -> Iterator[Writer]:
    """PNG files, in the place of an earlier flight's, which may have been longer."""
    from PIL import Image

    digits = max(4, len(str(count - 1)))
    numbers = iter(range(count))
    with pictures(folder, r"frame_\d{4,}\.png") as part:

        def write(frame: NDArray[np.uint8]) -> None:
            Image.fromarray(frame).save(part / f"frame_{next(numbers):0{digits}d}.png")

        yield write


def _ffmpeg() -> Any:
    try:
        import imageio_ffmpeg
    except ImportError:
        raise CliError("an .mp4 needs the package imageio-ffmpeg, install it or give --out a folder") from None
    return imageio_ffmpeg


@contextmanager
def _film(out: Path, path: CameraPath, fps: float) -> Iterator[Writer]:
    made = make_folders(out.parent)
    written = 0
    try:
        with replacing(out, ending=".mp4") as part:
            pipe = _ffmpeg().write_frames(
                str(part), (path.width, path.height), fps=fps, quality=8, macro_block_size=2, ffmpeg_log_level="error"
            )
            pipe.send(None)  # starts the generator

            def write(frame: NDArray[np.uint8]) -> None:
                nonlocal written
                try:
                    pipe.send(np.ascontiguousarray(frame))
                except (OSError, StopIteration):
                    SIGNALS.check()  # Ctrl-C reaches ffmpeg, too
                    raise OSError(errno.EIO, "ffmpeg has ended, is there space left?") from None
                written += 1

            try:
                yield write
            finally:
                pipe.close()
            SIGNALS.check()
            if _count_frames(part) != written:
                raise OSError(errno.EIO, "ffmpeg has not written all frames, is there space left?")
    except BaseException:
        remove_empty(made)
        raise


def _count_frames(film: Path) -> int:
    """How many frames a film holds; -1 where it is no film."""
    try:
        return int(_ffmpeg().count_frames_and_secs(str(film))[0])
    except (RuntimeError, OSError, ValueError):  # what ffmpeg cannot read
        return -1

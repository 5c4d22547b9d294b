"""``needlecpp eval``: how well a run's field renders views that it was not trained on."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from needlecpp.cli.arguments import CliError, levels
from needlecpp.cli.console import Bar
from needlecpp.cli.files import pictures
from needlecpp.cli.run import PICTURE, Run, check_writable, write_json
from needlecpp.cli.signals import SIGNALS
from needlecpp.data import load_scene
from needlecpp.data.scene import SceneData
from needlecpp.render import Renderer, Scene
from needlecpp.render.metrics import SSIM_WINDOW, composite, psnr, ssim, to_uint8

ERROR_GAIN = 4.0  # an error of 1/4 is the hottest colour
HEAT = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]]) / 255.0


def evaluate(
    run: Run, split: str = "test", data: str | None = None, background: str | None = None, quiet: bool = False
) -> dict[str, Any]:
    """Renders every view of a split, compares 8-bit images, writes eval.json and views/ into the
    run folder, where those of an earlier evaluation stay until the new ones are complete.

    PSNR and SSIM are means over the views' own numbers.
    """
    from PIL import Image

    check_writable(run.folder, "RUN")
    scene = load_scene(run.data(data), split, run.downscale, run.holdout)
    model = Scene.load(run.model)
    background = background or run.default_background()
    behind = levels(background)
    renderer = Renderer(model, behind)
    suffix = "" if split == "test" else f"_{split}"
    cameras = scene.cameras()
    views: list[dict[str, Any]] = []
    with SIGNALS.held("evaluating"), pictures(run.folder / f"views{suffix}", PICTURE) as folder:
        with Bar("evaluating", quiet) as bar:
            for i, name in enumerate(scene.names):
                SIGNALS.check()
                start = time.perf_counter()
                picture = renderer.render(cameras, i)
                seconds = time.perf_counter() - start
                color = np.asarray(picture.color)
                if np.isnan(color).any():
                    raise CliError(f"the model {run.model} renders NaN in view {name}")
                truth, render = to_uint8(composite(scene.image(i), behind)), to_uint8(color)
                mask = scene.mask(i)
                small = min(truth.shape[:2]) < SSIM_WINDOW
                views.append(
                    {
                        "name": name,
                        "psnr": psnr(truth, render, mask),
                        "ssim": None if small else ssim(truth, render, mask),
                        "seconds": seconds,
                    }
                )
                Image.fromarray(side_by_side(truth, render)).save(folder / _picture_name(i, name), compress_level=1)
                if bar.due():
                    mean = np.mean([view["psnr"] for view in views])
                    bar.show((i + 1) / len(scene), f"view {i + 1} of {len(scene)}  PSNR {mean:.2f} dB")
        report = _report(run, scene, background, model.step, views)
        write_json(run.folder / f"eval{suffix}.json", report)  # before the pictures move: it may not fit
    return report


def _report(run: Run, scene: SceneData, background: str, step: int, views: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "psnr": _mean(views, "psnr"),
        "ssim": _mean(views, "ssim"),
        "split": scene.split,
        "background": background,
        "views": len(views),
        "seconds_per_view": _mean(views, "seconds"),
        "width": scene.width,
        "height": scene.height,
        "step": step,
        "run": str(run.folder),
        "data": scene.path,
        "per_view": views,
    }


def side_by_side(truth: NDArray[np.uint8], render: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[h, w, 3] twice -> [h, 3 w, 3]: truth, render, and their mean absolute difference as heat."""
    error = np.abs(truth.astype(np.float32) - render.astype(np.float32)).mean(axis=-1) / 255 * ERROR_GAIN
    stops = np.linspace(0, 1, len(HEAT))
    heat = np.stack([np.interp(error, stops, HEAT[:, c]) for c in range(3)], axis=-1)
    return np.concatenate([truth, render, to_uint8(heat)], axis=1)


def summary(report: dict[str, Any]) -> str:
    similarity = "" if report["ssim"] is None else f", SSIM {report['ssim']:.4f}"
    return (
        f"{report['split']}: PSNR {report['psnr']:.2f} dB{similarity} over {report['views']} views "
        f"({report['background']} background, {report['seconds_per_view']:.2f} s a view)"
    )


def _picture_name(index: int, name: str) -> str:
    stem = Path(name.replace("\\", "/")).name
    stem = re.sub(r"\.(png|jpe?g|webp|bmp)$", "", stem, flags=re.IGNORECASE)
    return f"{index:03d}_{re.sub(r'[^A-Za-z0-9._-]', '_', stem)[:80]}.png"


def _mean(views: list[dict[str, Any]], key: str) -> float | None:
    # A view that is masked all over has none.
    values = [view[key] for view in views if view[key] is not None and not math.isnan(view[key])]
    return float(np.mean(values)) if values else None

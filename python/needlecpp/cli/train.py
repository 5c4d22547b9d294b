"""``needlecpp train``: photographs in, run folder out."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from needlecpp.cli.arguments import CliError, parse_out
from needlecpp.cli.console import Bar, duration, note
from needlecpp.cli.evaluate import evaluate
from needlecpp.cli.run import METRICS, MODEL, check_out, describe, open_run, start_run
from needlecpp.data import load_scene
from needlecpp.render.presets import default_config

if TYPE_CHECKING:
    from needlecpp import _core

REPORTED = ("psnr", "ssim", "split", "background", "views", "seconds_per_view")
METRICS_INTERVAL = 1.0  # seconds of training between two lines of metrics.jsonl


@dataclass(frozen=True)
class TrainOptions:
    data: str
    out: Path | None
    seconds: float | None  # one of seconds and steps is set
    steps: int | None
    seed: int
    threads: int | None
    precision: str
    downscale: int
    background: str
    holdout: int
    box: float | None
    overwrite: bool
    evaluate: bool
    quiet: bool


def train(options: TrainOptions, version: str) -> tuple[dict[str, Any], bool]:
    """Trains, saves, evaluates. Returns the result, and whether the user broke off."""
    out = options.out if options.out is not None else parse_out(f"runs/{_default_name(options.data)}")
    check_out(out, options.overwrite)
    scene = load_scene(options.data, "train", options.downscale, options.holdout, options.box)
    split = next((name for name in ("test", "val") if name in scene.splits), None) if options.evaluate else None
    if split is not None:  # faults of the test data are better known now than after the training
        load_scene(options.data, split, options.downscale, options.holdout, images="check")
    if not options.quiet:
        size = f"{scene.width}x{scene.height} pixels" if scene.one_size() else "several sizes"
        note(f"{options.data}: {len(scene)} training images of {size}")
        if not scene.has_alpha and options.background != "random":
            note(f"the images have no alpha channel, {options.background} will only show where the scene is empty")

    from needlecpp import _core

    if options.threads is not None:
        _core.set_num_threads(options.threads)
    config = default_config(scene)
    config.background = options.background
    config.seed = options.seed
    config.field.precision = options.precision
    trainer = _core.Trainer(scene.images, scene.cameras(), config, scene.masks)
    # The trainer holds the images from here on; for the description the cameras are enough.
    scene.images = np.zeros((0, scene.height, scene.width, 3), np.uint8)
    scene.masks = None
    budget = {"seconds": options.seconds} if options.seconds is not None else {"steps": options.steps}
    description = describe(
        scene,
        out,
        config,
        version=version,
        downscale=options.downscale,
        holdout=options.holdout,
        background=options.background,
        budget={key: value for key, value in budget.items() if value is not None},
        threads=_core.num_threads(),
    )
    start_run(out, description)
    with open(out / METRICS, "w", encoding="utf-8") as metrics:
        progress = _loop(trainer, options, metrics)
    if not math.isfinite(progress.loss):
        raise CliError(f"training diverged: the loss is {progress.loss} at step {trainer.steps}, no model was saved")
    part = out / f".{MODEL}.part"
    trainer.save(str(part))
    os.replace(part, out / MODEL)
    result: dict[str, Any] = {
        "run": str(out),
        "data": options.data,
        "steps": trainer.steps,
        "samples": progress.samples,
        "seconds": progress.seconds,
        "samples_per_second": progress.samples / max(progress.seconds, 1e-9),
        "loss": progress.loss,
        "train_psnr": progress.psnr,
        "interrupted": progress.interrupted,
        "needlecpp": version,
    }
    if progress.interrupted:
        note(f"interrupted: {trainer.steps} steps are saved in {out}")
    elif split is not None:
        del trainer  # its images and optimizer state make room for the test split
        try:
            report = evaluate(open_run(out), split, quiet=options.quiet)
            result.update((key, report[key]) for key in REPORTED)
        except KeyboardInterrupt:
            note(f"interrupted: {result['steps']} steps are saved in {out}, not evaluated")
            result["interrupted"] = True
    elif options.evaluate and not options.quiet:
        note("there is no test split to evaluate on")
    result["peak_memory_bytes"] = peak_memory()
    return result, bool(result["interrupted"])


@dataclass
class _Progress:
    seconds: float = 0.0
    samples: int = 0
    loss: float = math.inf
    psnr: float = 0.0
    interrupted: bool = False


def _loop(trainer: _core.Trainer, options: TrainOptions, metrics: TextIO) -> _Progress:
    """Steps until the budget is spent. Ctrl-C ends it early, after the step at hand."""
    state = _Progress()
    window: list[_core.TrainerStep] = []  # steps since the last line of metrics
    start = time.perf_counter()
    window_start = elapsed = 0.0
    pace = 0.0  # seconds a step, smoothed

    def close_window() -> None:
        nonlocal window_start
        if not window:
            return
        span = max(elapsed - window_start, 1e-9)
        samples = sum(step.samples for step in window)
        mse = sum(step.mse for step in window) / len(window)
        state.loss = sum(step.loss for step in window) / len(window)
        state.psnr = -10 * math.log10(mse) if mse > 0 else math.inf
        line = {
            "step": window[-1].step,
            "seconds": round(elapsed, 4),
            "loss": state.loss,
            "psnr": state.psnr,
            "samples": state.samples,
            "samples_per_second": samples / span,
            "rays": window[-1].rays,
        }
        finite = {k: v if math.isfinite(v) else None for k, v in line.items()}
        metrics.write(json.dumps(finite) + "\n")
        metrics.flush()
        window.clear()
        window_start = elapsed

    with Bar("training", options.quiet) as bar:
        try:
            while True:
                elapsed = time.perf_counter() - start
                if options.seconds is not None:
                    done = elapsed / options.seconds
                    # A step that would end later than it is now early is not begun.
                    if trainer.steps and elapsed + pace / 2 >= options.seconds:
                        break
                else:
                    done = trainer.steps / (options.steps or 1)
                    if done >= 1:
                        break
                step = trainer.step(min(done, 1.0))
                state.samples += step.samples
                window.append(step)
                now = time.perf_counter() - start
                pace = 0.9 * pace + 0.1 * (now - elapsed) if pace else now - elapsed
                elapsed = now
                if not math.isfinite(step.loss):
                    break
                if elapsed - window_start >= METRICS_INTERVAL:
                    close_window()
                if bar.due():
                    recent = sum(s.mse for s in window) / len(window) if window else 10 ** (-state.psnr / 10)
                    loss = window[-1].loss if window else state.loss
                    facts = f"step {step.step}  loss {loss:.5f}  PSNR {-10 * math.log10(max(recent, 1e-12)):.2f} dB"
                    bar.show(min(done, 1.0), facts + f"  {state.samples / elapsed / 1e6:.2f} M samples/s")
        except KeyboardInterrupt:
            state.interrupted = True
        elapsed = time.perf_counter() - start
        state.seconds = elapsed
        diverged = bool(window) and not math.isfinite(window[-1].loss)
        close_window()
        if diverged:
            state.loss = math.nan
    if not trainer.steps:  # interrupted before the first step ended
        raise KeyboardInterrupt
    return state


def summary(result: dict[str, Any]) -> str:
    """The result in words."""
    text = (
        f"{result['steps']} steps in {duration(result['seconds'])}, "
        f"{result['samples_per_second'] / 1e6:.2f} M samples/s, training PSNR {result['train_psnr']:.2f} dB"
    )
    if "psnr" in result:
        ssim = "" if result["ssim"] is None else f", SSIM {result['ssim']:.4f}"
        text += f"\n{result['split']}: PSNR {result['psnr']:.2f} dB{ssim} over {result['views']} views"
        text += f" ({result['background']} background)"
    return text + f"\nsaved in {result['run']}"


def peak_memory() -> int | None:
    """The most memory that this process has held, in bytes; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def _default_name(data: str) -> str:
    path = Path(data).absolute()
    name = path.parent.name if path.suffix == ".json" else path.name
    return name or "scene"

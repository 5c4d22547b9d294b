"""``needlecpp train``: photographs in, run folder out."""

from __future__ import annotations

import math
import shutil
import signal
import sys
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import needlecpp as ndl
from needlecpp.cli.arguments import RANDOM, CliError, color_name, levels, parse_out
from needlecpp.cli.console import duration, note, warn
from needlecpp.cli.evaluate import evaluate
from needlecpp.cli.files import claimed, clear_parts, make_folders, remove_empty
from needlecpp.cli.loop import Progress, Stuck, run_steps
from needlecpp.cli.metrics import Metrics, trim
from needlecpp.cli.run import (
    CONFIG,
    METRICS,
    MODEL,
    STATE,
    NewRun,
    check_out,
    check_writable,
    describe,
    find_data,
    is_run,
    open_run,
)
from needlecpp.cli.saver import Diverged, Saver
from needlecpp.cli.signals import SIGNALS, Interrupted
from needlecpp.data import load_scene
from needlecpp.data.jsonc import read_json
from needlecpp.data.sanity import survey
from needlecpp.data.scene import DataError, SceneData
from needlecpp.render import Trainer, fields, presets

BoxOption = float | Sequence[Sequence[float]]
REPORTED = ("psnr", "ssim", "split", "background", "views", "seconds_per_view")


@dataclass(frozen=True)
class Settings:
    """What fixes a training, stored in config.json: one that is resumed takes it from there."""

    data: str
    seconds: float | None  # one of seconds and steps is set
    steps: int | None
    seed: int = 0
    precision: str = "float32"
    downscale: int = 1
    background: str | None = None  # None: as the pictures have it
    holdout: int = 8
    box: BoxOption | None = None


@dataclass(frozen=True)
class Conduct:
    """How a process goes about it."""

    threads: int | None
    save_every: float  # seconds
    evaluate: bool
    quiet: bool


@dataclass
class Job:
    """A training that is ready to start."""

    trainer: Trainer
    config: dict[str, Any]  # of config.json
    split: str | None  # to evaluate on


def train(options: Settings, out: Path | None, overwrite: bool, conduct: Conduct, version: str) -> dict[str, Any]:
    """Trains, saves, evaluates. Returns the result; its ``interrupted`` is the signal that broke it off, or None."""
    out = out if out is not None else parse_out(f"runs/{_default_name(options.data)}")
    check_out(out, overwrite)
    job = _prepare(options, out, conduct, version)
    return _start(job, options, out, conduct)


def _start(job: Job, options: Settings, out: Path, conduct: Conduct) -> dict[str, Any]:
    made = make_folders(out)
    try:
        with SIGNALS.held("training"), claimed(out, f"--out {out} is the run of a training that is at work"):
            SIGNALS.check()
            run = NewRun(out, job.config)
            saver = Saver(out, conduct.save_every, run)
            try:
                _check_space(job.trainer, out, run.reclaimable())
                return _train(job, options, out, conduct, saver, Progress())
            except BaseException:
                if saver.step is None:
                    with suppress(OSError):
                        run.give_up()
                raise
    except BaseException:
        remove_empty(made)
        raise


def resume(run: Path, data: str | None, conduct: Conduct, version: str) -> dict[str, Any]:
    """Goes on with a training that was broken off, as if it had not been: with a budget of steps, bit by bit.

    One that was never saved starts anew. ``data`` is where the data set is now, if it has moved.
    """
    if not is_run(run):
        raise CliError(f"--resume {run} is not a run")
    check_writable(run, "--resume")
    config = read_json(run / CONFIG)
    options = _stored(config, run, data)
    has_state = (run / STATE).is_file()
    if not has_state and (run / MODEL).is_file():
        raise CliError(
            f"--resume {run}: there is no {STATE}, the training is complete or that file could not be saved; "
            "train with --overwrite to start anew"
        )
    job = _prepare(options, run, conduct, version)
    for key, what in (("trainer", "settings"), ("cameras", "cameras"), ("pictures", "pictures")):
        if job.config[key] != config.get(key):
            raise CliError(
                f"--resume {run}: the {what} are not those that it was trained with, "
                "train with --overwrite to start anew"
            )
    if not has_state:
        return _start(job, options, run, conduct)
    with SIGNALS.held("training"), claimed(run, f"--resume {run}: its training is at work"):
        SIGNALS.check()
        clear_parts(run)
        notes = job.trainer.load_state(str(run / STATE))
        progress = Progress.from_notes(notes)
        if progress is None:
            raise CliError(f"--resume {run}: {STATE} does not say how far it is, train with --overwrite to start anew")
        trim(run / METRICS, job.trainer.steps)
        if not conduct.quiet:
            note(f"going on at step {job.trainer.steps}, after {duration(progress.seconds)}")
        saver = Saver(run, conduct.save_every, None)
        saver.step = job.trainer.steps  # of what is there if nothing more comes
        return _train(job, options, run, conduct, saver, progress)


def _stored(config: dict[str, Any], run: Path, data: str | None) -> Settings:
    """The settings that config.json holds, every one of its kind."""
    none = type(None)
    kinds: dict[str, tuple[type, ...]] = {
        "data": (str,),
        "seconds": (int, float, none),
        "steps": (int, none),
        "seed": (int,),
        "precision": (str,),
        "downscale": (int,),
        "background": (str, none),
        "holdout": (int,),
        "box": (int, float, list, none),
    }
    found = config.get("settings")
    stored: dict[str, Any] = found if isinstance(found, dict) else {}
    if stored.keys() != kinds.keys() or not all(isinstance(stored[name], kind) for name, kind in kinds.items()):
        raise DataError(f"{run / CONFIG}: settings is missing or of another version, the run cannot go on")
    amounts = [amount for amount in (stored["seconds"], stored["steps"]) if amount is not None]
    if len(amounts) != 1 or not 0 < amounts[0] < math.inf:
        raise DataError(f"{run / CONFIG}: settings has no budget, expected seconds or steps above 0")
    if data is None:
        try:
            data = find_data(run, stored["data"] == "demo", config["data"]["path"], config["data"]["relative"])
        except (KeyError, TypeError):
            raise DataError(f"{run / CONFIG}: data.path is missing, give DATA") from None
    return Settings(**{**stored, "data": data})


def _prepare(options: Settings, out: Path, conduct: Conduct, version: str) -> Job:
    """Loads the data, looks at it, and makes the trainer."""
    scene = load_scene(options.data, "train", options.downscale, options.holdout, options.box)
    split = next((name for name in ("test", "val") if name in scene.splits), None) if conduct.evaluate else None
    if split is not None:  # faults of the test data are better known now than after the training
        load_scene(options.data, split, options.downscale, options.holdout, images="check")
    known = survey(scene)
    background = options.background
    if background is None:
        background = RANDOM if known.backdrop is None else color_name(known.backdrop)
    if not conduct.quiet:
        size = f"{scene.width}x{scene.height} pixels" if scene.one_size() else "several sizes"
        note(f"{options.data}: {len(scene)} training images of {size}")
        note(known.sentence(background))
    for text in known.doubts:
        warn(f"{options.data}: {text}")
    if known.backdrop is not None and background != color_name(known.backdrop):
        warn(
            f"{options.data}: the pictures show a plain backdrop of the colour {color_name(known.backdrop)}, which "
            f"--background {background} takes for matter; leave --background out"
        )

    if conduct.threads is not None:
        ndl.set_num_threads(conduct.threads)
    if options.precision == "bfloat16" and "vdpbf16ps" not in ndl.isa() and not conduct.quiet:
        note("products of bfloat16 are computed as float32 on this processor: that saves memory, not time")
    field_config = presets.ngp(scene)
    field_config.precision = options.precision
    config = presets.trainer(scene)
    config.background = background if background == RANDOM else levels(background)
    config.seed = options.seed
    field = fields.NGP(field_config, options.seed)
    trainer = Trainer(field, scene.images, scene.cameras(), config, scene.masks)
    budget = {"seconds": options.seconds} if options.seconds is not None else {"steps": options.steps}
    description = describe(
        scene,
        out,
        config,
        field_config,
        version=version,
        downscale=options.downscale,
        holdout=options.holdout,
        background=background,
        budget={key: value for key, value in budget.items() if value is not None},
        threads=ndl.num_threads(),
        options=asdict(options),
        survey=known.record(),
        pictures=_checksum(scene),
    )
    # The trainer holds the images from here on.
    scene.images = np.zeros((0, scene.height, scene.width, 3), np.uint8)
    scene.masks = None
    return Job(trainer, description, split)


def _checksum(scene: SceneData) -> int:
    value = 0
    for i in range(len(scene)):
        value = zlib.crc32(np.ascontiguousarray(scene.image(i)).data, value)
    return value if scene.masks is None else zlib.crc32(scene.masks.data, value)


def _check_space(trainer: Trainer, out: Path, reclaimable: int) -> None:
    """Raises CliError where the model could never be saved."""
    model = trainer.scene()
    parts = [parameter for _, parameter in model.named_parameters()]
    needed = 4 * sum(part.numel() for part in parts) + model.occupancy.bits.numel()
    try:
        usage = shutil.disk_usage(out)
    except OSError:
        return
    if usage.total > 0 and usage.free + reclaimable < needed:  # some file systems do not know
        raise CliError(
            f"{out / MODEL} will not fit: {needed / 1e6:.0f} MB are needed, {usage.free / 1e6:.0f} MB are free"
        )


def _train(
    job: Job, options: Settings, out: Path, conduct: Conduct, saver: Saver, progress: Progress
) -> dict[str, Any]:
    trainer = job.trainer
    with Metrics(out / METRICS) as metrics:
        try:
            run_steps(
                trainer,
                progress,
                seconds=options.seconds,
                steps=options.steps,
                quiet=conduct.quiet,
                metrics=metrics,
                saver=saver,
            )
            if progress.interrupted and not trainer.steps:
                raise Interrupted(SIGNALS.received or signal.SIGINT)
            with SIGNALS.held("saving the model"):
                saver.finish(trainer, progress.notes() if progress.interrupted else None)
        except Diverged:
            raise CliError(
                f"training diverged: the loss or the field is not finite at step {trainer.steps}{_kept(saver, out)}"
            ) from None
        except Stuck as e:
            raise CliError(f"{e} (step {trainer.steps}){_kept(saver, out)}") from None
        except OSError as e:
            raise CliError(f"{e.filename} could not be written ({e.strerror}){_kept(saver, out)}") from None
        except Exception:
            # The engine has given up in the middle of a step; what the steps before have learnt is not lost by it.
            saver.wait()
            if trainer.steps:
                with suppress(Exception), SIGNALS.held("saving the model"):
                    saver.finish(trainer, progress.notes())
            if saver.step is not None:
                note(f"the model of step {saver.step} is saved in {out}")
            raise
        finally:
            saver.wait()
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
        "needlecpp": job.config["needlecpp"],
    }
    if progress.interrupted:
        note(f"interrupted: {trainer.steps} steps are saved in {out}, --resume goes on")
    elif job.split is not None:
        del trainer, job.trainer  # its images and optimizer state make room for the test split
        try:
            report = evaluate(open_run(out), job.split, quiet=conduct.quiet)
            result.update((key, report[key]) for key in REPORTED)
        except KeyboardInterrupt:
            note(f"interrupted: {result['steps']} steps are saved in {out}, not evaluated")
            result["interrupted"] = True
    elif conduct.evaluate and not conduct.quiet:
        note("there is no test split to evaluate on")
    result["peak_memory_bytes"] = peak_memory()
    return result


def _kept(saver: Saver, out: Path) -> str:
    if saver.step is None:
        return ", no model was saved"
    return f"; the model of step {saver.step} is kept in {out}"


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

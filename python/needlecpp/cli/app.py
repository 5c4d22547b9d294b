"""The command line: options, help and exit codes. What the commands do is in train.py, evaluate.py
and film.py.

Exit codes: 0 done; 2 something the user can mend, told in one sentence on stderr; 1 a fault of the
program itself, whose traceback NEEDLECPP_DEBUG=1 shows; 130 broken off with Ctrl-C, 143 by SIGTERM, 129
by SIGHUP.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from needlecpp.cli.arguments import (
    CliError,
    at_least,
    one_of,
    parse_background,
    parse_box,
    parse_duration,
    parse_out,
    parse_resume,
    parse_run,
)
from needlecpp.cli.console import OUT, Warnings, keep_standard_streams, note, print_json, print_result, sentence
from needlecpp.cli.signals import SIGNALS
from needlecpp.data.scene import LEAST_SIDE, MOST_FPS, MOST_PIXELS, MOST_SIDE, DataError

DEFAULT_SECONDS = 60.0
DEFAULT_SAVE_EVERY = "60s"
CONDUCT = {"data", "resume", "threads", "save_every", "no_eval", "quiet", "json"}  # options that go with --resume

app = typer.Typer(
    help="Learns 3D scenes from photographs and renders them from new places.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]


def version() -> str:
    import needlecpp

    return str(getattr(needlecpp, "__version__", "unknown"))


def _units() -> str:
    """What computes here, in words."""
    import needlecpp

    isa, threads = needlecpp.isa(), needlecpp.num_threads()
    products = "" if isa.endswith("vdpbf16ps") else ", products of bfloat16 as float32"
    return f"{isa}{products}, {threads} thread{'' if threads == 1 else 's'}"


def _print_version(wanted: bool) -> None:
    if wanted:
        print_result(f"needlecpp {version()} ({_units()})")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print_result(context.get_help())


@app.command()
def train(
    context: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="Folder with transforms_train.json (Blender) or transforms.json (instant-ngp, nerfstudio); "
            "or 'demo', the built-in scene.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(parser=parse_out, metavar="RUN", help="Run folder to create; default: runs/<name>."),
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="60s|2m|1h", help="How long to train; default: 60s unless --steps is given.")
    ] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Train for N steps instead of a time.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of all randomness.")] = 0,
    threads: Annotated[int | None, typer.Option(metavar="N", help="CPU threads; default: all.")] = None,
    precision: Annotated[
        str,
        typer.Option(
            metavar="float32|bfloat16",
            help="Of the products in the networks; bfloat16 saves memory, and time where --version names vdpbf16ps.",
        ),
    ] = "float32",
    downscale: Annotated[int, typer.Option(metavar="K", help="Shrink the images by this whole factor.")] = 1,
    background: Annotated[
        str | None,
        typer.Option(
            metavar="random|white|black|#rrggbb|r,g,b",
            help="Behind the scene; default: the colour of a plain opaque backdrop where the images show one, else "
            "'random', which is evaluated on white.",
        ),
    ] = None,
    holdout: Annotated[
        int,
        typer.Option(metavar="K", help="In data without splits, keep every K-th frame for testing; 0 trains on all."),
    ] = 8,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="H|x,y,z,x,y,z",
            help="Half extent of the scene box around the origin, or its two corners; default: from the data.",
        ),
    ] = None,
    save_every: Annotated[
        str, typer.Option("--save-every", metavar="60s", help="How often the training is saved meanwhile.")
    ] = DEFAULT_SAVE_EVERY,
    resume: Annotated[
        Path | None,
        typer.Option(
            parser=parse_resume, metavar="RUN", help="Go on with a training that was broken off, with its settings."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run that is there already.")] = False,
    no_eval: Annotated[bool, typer.Option("--no-eval", help="Do not evaluate the test views afterwards.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only warnings and errors.")] = False,
    json: Json = False,
) -> None:
    """Train a radiance field on photographs.

    Writes a run folder: config.json, model.safetensors, metrics.jsonl and, from the test views, eval.json and views/.
    It is saved every minute, and on Ctrl-C, SIGTERM and SIGHUP; --resume goes on from there.
    """
    if time is not None and steps is not None:
        raise CliError("--time and --steps exclude each other, give one of them")
    seconds = parse_duration(time) if time is not None else None
    at_least(steps, "--steps", 1)
    at_least(seed, "--seed", 0, 2**63 - 1)
    at_least(threads, "--threads", 1, 4096)
    at_least(downscale, "--downscale", 1)
    at_least(holdout, "--holdout", 0)
    if background is not None:
        background = parse_background(background, "--background", random=True)
    one_of(precision, "--precision", ("float32", "bfloat16"))
    interval = parse_duration(save_every, "--save-every")
    box_given = None if box is None else parse_box(box)
    if isinstance(box_given, float) and not LEAST_SIDE <= 2 * box_given <= MOST_SIDE:
        raise CliError(f"--box is {box_given:g}, expected {LEAST_SIDE / 2:g} to {MOST_SIDE / 2:g}")
    if resume is None and data is None:
        raise CliError("the argument DATA is missing: the folder of a data set, or demo")
    from needlecpp.cli.train import Conduct, Settings, summary
    from needlecpp.cli.train import resume as resume_training
    from needlecpp.cli.train import train as start_training

    conduct = Conduct(threads=threads, save_every=interval, evaluate=not no_eval, quiet=quiet)
    if resume is not None:
        _only_conduct(context)
        result = resume_training(resume, data, conduct, version())
    else:
        if seconds is None and steps is None:
            seconds = DEFAULT_SECONDS
        settings = Settings(
            data=data or "",
            seconds=seconds,
            steps=steps,
            seed=seed,
            precision=precision,
            downscale=downscale,
            background=background,
            holdout=holdout,
            box=box_given,
        )
        result = start_training(settings, out, overwrite, conduct, version())
    _report(result, None if quiet else summary(result), json)
    if result["interrupted"]:
        raise typer.Exit(128 + (SIGNALS.received or signal.SIGINT))


def _only_conduct(context: typer.Context) -> None:
    """Raises CliError if an option was given that a training that goes on takes from its run."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name not in CONDUCT and source is not None and source.name == "COMMANDLINE":
            raise CliError(f"--resume takes the settings of the run, leave out {parameter.opts[-1]}")


@app.command("eval")
def evaluate(
    run: Annotated[Path, typer.Argument(parser=parse_run, metavar="RUN", help="Run folder that train has written.")],
    split: Annotated[str, typer.Option(metavar="train|val|test", help="Which views to compare with.")] = "test",
    data: Annotated[
        str | None, typer.Option(metavar="DATA", help="The data set; default: the one that the run was trained on.")
    ] = None,
    background: Annotated[
        str | None,
        typer.Option(
            metavar="white|black|#rrggbb|r,g,b", help="Behind transparent pixels; default: the run's, or white."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Compare a run with held-out views.

    Reports PSNR and SSIM, means over the views; writes eval.json and the pictures in views/ into the run folder.
    """
    if background is not None:
        background = parse_background(background, "--background")
    from needlecpp.cli.evaluate import evaluate as run_evaluation
    from needlecpp.cli.evaluate import summary
    from needlecpp.cli.run import open_run

    report = run_evaluation(open_run(run), split, data, background)
    _report(report, summary(report), json)


@app.command()
def render(
    run: Annotated[Path, typer.Argument(parser=parse_run, metavar="RUN", help="Run folder that train has written.")],
    out: Annotated[Path, typer.Option(parser=parse_out, metavar="DIR|x.mp4", help="Folder for PNG frames, or a film.")],
    path: Annotated[
        str, typer.Option(metavar="orbit|FILE.json", help="Camera path; files of nerfstudio and instant-ngp are read.")
    ] = "orbit",
    frames: Annotated[
        int | None, typer.Option(metavar="N", help="Number of frames; default: 60, or what the file has.")
    ] = None,
    width: Annotated[int | None, typer.Option(metavar="PIXELS", help="Default: as the training images.")] = None,
    height: Annotated[int | None, typer.Option(metavar="PIXELS", help="Default: as the training images.")] = None,
    fps: Annotated[float | None, typer.Option(metavar="RATE", help="Frames per second of a film; default: 30.")] = None,
    background: Annotated[
        str | None,
        typer.Option(metavar="white|black|#rrggbb|r,g,b", help="Behind the scene; default: the run's, or white."),
    ] = None,
    json: Json = False,
) -> None:
    """Render a flight through a trained scene.

    Needs nothing but the run folder.
    """
    at_least(frames, "--frames", 1, 1_000_000)
    at_least(width, "--width", 1, MOST_PIXELS)
    at_least(height, "--height", 1, MOST_PIXELS)
    if fps is not None and not 0 < fps <= MOST_FPS:
        raise CliError(f"--fps is {fps:g}, expected more than 0 and at most {MOST_FPS}")
    if background is not None:
        background = parse_background(background, "--background")
    from needlecpp.cli.film import render as run_film
    from needlecpp.cli.run import open_run

    result = run_film(open_run(run), path, out, frames, width, height, fps, background)
    text = f"{result['frames']} frames of {result['width']}x{result['height']} in {result['out']}"
    _report(result, f"{text} ({result['seconds_per_frame']:.2f} s a frame)", json)


def _report(result: dict[str, Any], text: str | None, json: bool) -> None:
    if json:
        print_json(result)
    elif text is not None:
        print_result(text)


def _options_last(command: Any, words: list[str]) -> list[str]:
    """Moves a subcommand's options that stand before it behind it, so that they work in any position.

    >>> _options_last(typer.main.get_command(app), ["--json", "--steps", "9", "train", "demo"])
    ['train', '--json', '--steps', '9', 'demo']
    """
    for i, word in enumerate(words):
        subcommand = command.commands.get(word)
        if subcommand is None:
            continue
        flags = {name: p.is_flag for p in subcommand.params if p.param_type_name == "option" for name in p.opts}
        at = 0
        while at < i:
            name, equals, _ = words[at].partition("=")
            if name not in flags:
                break
            at += 1 if flags[name] or equals else 2
        if at == i:  # words[:i] are options and their values, and nothing else
            return [word, *words[:i], *words[i + 1 :]]
    return words


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    keep_standard_streams()
    OUT.forget()
    with SIGNALS:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
    if OUT.error is not None and code == 0:
        return _fail(f"the result could not be printed ({OUT.error.strerror})")
    return code


def _run(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    words = _options_last(command, arguments)
    try:
        # Not command.main(), which has its own ideas of messages and of what Ctrl-C is.
        with Warnings(), command.make_context("needlecpp", words) as context:
            command.invoke(context)
        return 0
    except typer.Exit as e:
        return int(e.exit_code)
    except (KeyboardInterrupt, typer.Abort) as e:
        note("needlecpp: interrupted")
        return int(getattr(e, "status", 130))
    except Exception as e:
        if os.environ.get("NEEDLECPP_DEBUG"):
            traceback.print_exc()
        return _fail(*_told(e))


def _told(e: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit code."""
    if isinstance(e, (CliError, DataError)):
        return str(e), 2
    if isinstance(e, OSError):
        reason = e.strerror or str(e)
        return (f"{os.fsdecode(e.filename)}: {reason}" if e.filename else reason), 2
    if isinstance(e, MemoryError):
        return str(e) or "out of memory", 2
    if hasattr(e, "format_message"):  # a usage error; typer keeps the class to itself
        return str(e.format_message()), 2
    if str(e).startswith("["):  # the engine's form: [operation] what: got, expected
        return str(e), 2
    return f"{type(e).__name__}: {e} (a fault of needlecpp; NEEDLECPP_DEBUG=1 shows where)", 1


def _fail(message: str, code: int = 2) -> int:
    note("needlecpp: error: " + sentence(message))
    return code


if __name__ == "__main__":
    sys.exit(main())

"""What users write on the command line, checked; every mistake ends in one sentence."""

from __future__ import annotations

import math
import re
from pathlib import Path

BACKGROUNDS = ("white", "black", "random")


class CliError(Exception):
    """Ends the command with its message and exit code 2."""


def parse_duration(text: str) -> float:
    """Seconds of "60", "60s", "2m", "1.5h" or "1h30m".

    >>> parse_duration("90"), parse_duration("2m"), parse_duration("1h30m")
    (90.0, 120.0, 5400.0)
    """
    number = r"(\d+(?:\.\d*)?|\.\d+)"
    match = re.fullmatch(rf"(?:{number}h)?(?:{number}m)?(?:{number}s?)?", text.strip())
    if match is None or not any(match.groups()):
        raise CliError(f"--time is {text!r}, expected a duration such as 60s, 2m or 1h")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if not 0 < total < math.inf:
        raise CliError(f"--time is {text!r}, expected a finite duration above 0 seconds")
    return total


def parse_out(text: str) -> Path:
    """The path of ``--out``."""
    return _path(text, "--out")


def parse_run(text: str) -> Path:
    """The path of a run folder."""
    return _path(text, "RUN")


def _path(text: str, option: str) -> Path:
    if not text:
        raise CliError(f"{option} is empty, expected a path")
    try:
        valid = b"\0" not in text.encode()
    except UnicodeEncodeError:  # Python reads bytes that are not UTF-8 as half surrogates
        valid = False
    if not valid:
        raise CliError(f"{option} is {text!r}, expected a path in UTF-8")
    return Path(text)


def at_least(value: int | None, option: str, least: int, most: int = 2**31 - 1) -> None:
    if value is not None and not least <= value <= most:
        bound = f"at least {least}" if value < least else f"at most {most}"
        raise CliError(f"{option} is {value}, expected {bound}")


def one_of(value: str, option: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise CliError(f"{option} is {value!r}, expected {', '.join(choices[:-1])} or {choices[-1]}")

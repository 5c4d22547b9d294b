"""What users write on the command line, checked; every mistake ends in one sentence."""

from __future__ import annotations

import math
import re
from pathlib import Path

RANDOM = "random"
COLORS = {"white": (255, 255, 255), "black": (0, 0, 0)}


class CliError(Exception):
    """Ends the command with its message and exit code 2."""


def parse_duration(text: str, option: str = "--time") -> float:
    """Seconds of "60", "60s", "2m", "1.5h" or "1h30m".

    >>> parse_duration("90"), parse_duration("2m"), parse_duration("1h30m")
    (90.0, 120.0, 5400.0)
    """
    number = r"(\d+(?:\.\d*)?|\.\d+)"
    match = re.fullmatch(rf"(?:{number}h)?(?:{number}m)?(?:{number}s?)?", text.strip())
    if match is None or not any(match.groups()):
        raise CliError(f"{option} is {text!r}, expected a duration such as 60s, 2m or 1h")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if not 0 < total < math.inf:
        raise CliError(f"{option} is {text!r}, expected a finite duration above 0 seconds")
    return total


def parse_background(text: str, option: str, random: bool = False) -> str:
    """A colour under the name that config.json has it by: white, black, #rrggbb; or random.

    >>> parse_background("#FFFFFF", "--background"), parse_background("0, 128,255", "--background")
    ('white', '#0080ff')
    """
    word = text.strip().lower()
    if word in COLORS or (random and word == RANDOM):
        return word
    color: tuple[int, ...] = ()
    if re.fullmatch(r"#[0-9a-f]{6}", word):
        color = tuple(bytes.fromhex(word[1:]))
    elif re.fullmatch(r"\d{1,3}(\s*,\s*\d{1,3}){2}", word, re.ASCII):
        color = tuple(int(part) for part in word.split(","))
    if not color or max(color) > 255:
        kinds = "white, black, random, #rrggbb or r,g,b" if random else "white, black, #rrggbb or r,g,b"
        raise CliError(f"{option} is {text!r}, expected {kinds}")
    return color_name(color)


def color_name(color: tuple[int, ...]) -> str:
    """What parse_background calls a colour of three numbers from 0 to 255."""
    return next((name for name, value in COLORS.items() if value == color), "#" + bytes(color).hex())


def levels(background: str) -> tuple[float, float, float]:
    """The colour's channels in [0, 1].

    >>> levels("#ff0033")
    (1.0, 0.0, 0.2)
    """
    r, g, b = COLORS.get(background) or tuple(bytes.fromhex(background[1:]))
    return r / 255, g / 255, b / 255


def parse_box(text: str) -> float | tuple[tuple[float, ...], tuple[float, ...]]:
    """A half extent, or the two corners of a box: "1.5", "-1,-1,0,1,1,2"."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        return numbers[0]
    if len(numbers) != 6:
        raise CliError(f"--box is {text!r}, expected a half extent, or two corners x,y,z,x,y,z")
    return tuple(numbers[:3]), tuple(numbers[3:])


def parse_out(text: str) -> Path:
    """The path of ``--out``."""
    return _path(text, "--out")


def parse_resume(text: str) -> Path:
    """The path of ``--resume``."""
    return _path(text, "--resume")


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

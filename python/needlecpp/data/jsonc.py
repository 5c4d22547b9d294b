"""JSON with comments and trailing commas, and typed access to its values with errors that name file, frame and key."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from needlecpp.data.scene import DataError

Record = Mapping[str, Any]


def strip_comments(text: str) -> str:
    """Blanks ``//`` and ``/* */`` comments outside strings; lines and columns stay where they were.

    >>> strip_comments('{"a": "//", /* x */ "b": 1} // end')
    '{"a": "//",         "b": 1}       '
    """
    out: list[str] = []
    i = 0
    while i < len(text):
        if text[i] == '"':
            end = i + 1
            while end < len(text) and text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            out.append(text[i : end + 1])
            i = end + 1
        elif text.startswith("//", i):
            end = text.find("\n", i)
            end = len(text) if end < 0 else end
            out.append(" " * (end - i))
            i = end
        elif text.startswith("/*", i):
            end = text.find("*/", i + 2)
            end = len(text) if end < 0 else end + 2
            out.append("".join("\n" if c == "\n" else " " for c in text[i:end]))
            i = end
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def strip_trailing_commas(text: str) -> str:
    """Blanks commas that only white space parts from a closing bracket, outside strings.

    >>> strip_trailing_commas('{"a": [1, 2, ], "b": ",]",\\n}')
    '{"a": [1, 2  ], "b": ",]" \\n}'
    """
    strings_and_commas = r'"(?:[^"\\]|\\.)*"|,(?=\s*[\]}])'
    return re.sub(strings_and_commas, lambda found: " " if found[0] == "," else found[0], text, flags=re.DOTALL)


def read_json(file: Path) -> dict[str, Any]:
    """Reads a JSON object in UTF-8, or in UTF-16 with a mark; comments and trailing commas are
    allowed. Raises DataError with line and column where it is broken."""
    try:
        raw = file.read_bytes()
        text = raw.decode("utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError as e:
        raise DataError(f"{file}: not UTF-8 text (byte {e.start})") from None
    except OSError as e:
        raise DataError(f"{file}: cannot be read ({e.strerror})") from None
    try:
        try:
            document = json.loads(text)
        except json.JSONDecodeError:
            document = json.loads(strip_trailing_commas(strip_comments(text)))
    except json.JSONDecodeError as e:
        raise DataError(f"{file}: broken JSON at line {e.lineno}, column {e.colno}: {e.msg}") from None
    except RecursionError:
        raise DataError(f"{file}: JSON nested too deeply") from None
    except ValueError as e:  # an integer of thousands of digits
        raise DataError(f"{file}: broken JSON: {e}") from None
    if not isinstance(document, dict):
        raise DataError(f"{file}: got a JSON {_kind(document)}, expected an object")
    return document


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def numeric(value: object) -> float | None:
    """A JSON number, or a string that holds nothing else; None for all other values.

    >>> numeric(2), numeric(" 2.5e1"), numeric("25 px"), numeric(True)
    (2, 25.0, None, None)
    """
    if is_number(value):
        return value  # type: ignore[return-value]
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def number(record: Record, key: str, where: str) -> float | None:
    """The finite number at ``key``, or None where the key is absent or null."""
    value = record.get(key)
    if value is None:
        return None
    result = numeric(value)
    if result is None:
        raise DataError(f"{where}: {key} is a {_kind(value)}, expected a number")
    return finite(result, key, where)


def finite(value: float, key: str, where: str) -> float:
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise DataError(f"{where}: {key} is {result}, expected a finite number")
    return result


def vector(record: Record, key: str, length: int, where: str) -> list[float] | None:
    """The list of ``length`` finite numbers at ``key``, or None where the key is absent or null."""
    value = record.get(key)
    if value is None:
        return None
    numbers = [numeric(v) for v in value] if isinstance(value, list) else []
    known = [v for v in numbers if v is not None]
    if len(known) != length or len(numbers) != length:
        raise DataError(f"{where}: {key} is {shape_of(value)}, expected a list of {length} numbers")
    return [finite(v, key, where) for v in known]


def shape_of(value: object) -> str:
    """Words for what a JSON value is: "4x3 numbers", "a list of 2", "a string"."""
    if isinstance(value, list):
        if value and all(isinstance(row, list) for row in value):
            widths = {len(row) for row in value}
            if len(widths) == 1 and all(is_number(v) for row in value for v in row):
                return f"{len(value)}x{widths.pop()} numbers"
            return "a list of uneven or non-numeric rows"
        return f"a list of {len(value)}"
    return f"a {_kind(value)}"


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if is_number(value):
        return "number"
    return {"str": "string", "dict": "object"}.get(type(value).__name__, type(value).__name__)

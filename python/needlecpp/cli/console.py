"""What the command prints: results on stdout, everything else on stderr, a progress bar where
someone watches."""

from __future__ import annotations

import json
import math
import re
import sys
import time
import warnings
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from needlecpp.data.scene import DataWarning

REDRAW = 0.25  # seconds between two states of the bar
PLAIN_INTERVAL = 10.0  # seconds between two lines where nobody watches


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def print_json(result: dict[str, Any]) -> None:
    print(to_json(result), flush=True)


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON as the standard has it: numbers that are not finite become null; a list of numbers stays on its line.

    >>> print(to_json({"a": [1.5, float("nan")], "b": "x"}, indent=1))
    {
     "a": [1.5, null],
     "b": "x"
    }
    """
    text = json.dumps(_finite(value), indent=indent, allow_nan=False)
    return re.sub(r"\[\s+([-+\d.eEnul,\s]+?)\s+\]", lambda list_: f"[{' '.join(list_[1].split())}]", text)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value


class Warnings:
    """Prints warnings as ``needlecpp: warning: ...``, each text once."""

    def __enter__(self) -> None:
        seen: set[str] = set()
        self._catcher = warnings.catch_warnings()
        self._catcher.__enter__()
        warnings.simplefilter("always", DataWarning)

        def show(message: Warning | str, *_: Any, **__: Any) -> None:
            if str(message) not in seen:
                seen.add(str(message))
                note(f"needlecpp: warning: {message}")

        warnings.showwarning = show

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._catcher.__exit__(kind, error, trace)


def duration(seconds: float) -> str:
    """
    >>> duration(7.25), duration(75), duration(3700)
    ('7.2s', '1m15s', '1h01m')
    """
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


class Bar:
    """Progress from 0 to 1 on stderr: a bar on a terminal (rich's FORCE_COLOR counts as one), else
    a line now and then, nothing if quiet."""

    def __init__(self, label: str, quiet: bool) -> None:
        self._label, self._quiet = label, quiet
        self._last = self._start = time.perf_counter()
        console = Console(stderr=True)
        self._bar: Progress | None = None
        if not quiet and console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:>3.0f}%"),
                TextColumn("{task.fields[facts]}"),
            )
            self._bar = Progress(*columns, console=console, auto_refresh=False, transient=True)
            self._task = self._bar.add_task(label, total=1.0, facts="")

    def __enter__(self) -> Bar:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def due(self) -> bool:
        interval = REDRAW if self._bar is not None else PLAIN_INTERVAL
        return not self._quiet and time.perf_counter() - self._last >= interval

    def show(self, progress: float, facts: str) -> None:
        """Call where ``due()``. ``facts``: what to say beside the bar; the time left is added."""
        self._last = time.perf_counter()
        elapsed = self._last - self._start
        if progress > 0:
            facts += f"  {duration(elapsed * (1 - progress) / progress)} left"
        if self._bar is not None:
            self._bar.update(self._task, completed=progress, facts=facts)
            self._bar.refresh()
        else:
            note(f"{self._label} {progress:4.0%}  {facts}")

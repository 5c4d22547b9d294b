"""What the command prints: results on stdout, everything else on stderr, a progress bar where
someone watches."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import sys
import time
import warnings
from types import TracebackType
from typing import IO, Any, ClassVar, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from needlecpp.data.scene import DataWarning

REDRAW = 0.25  # seconds between two states of the bar
PLAIN_INTERVAL = 10.0  # seconds between two lines where nobody watches


LONGEST = 360  # characters of a message: three lines of a terminal


class Stream:
    """``sys.stdout`` or ``sys.stderr``, to which writing never fails: a result does not depend on who reads of it.

    What the stream cannot encode is escaped. After a failure its text is dropped, and ``error`` says why; a reader that
    has left (``| head``) is no failure.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.forget()

    def forget(self) -> None:
        """Of what was written before."""
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        stream = getattr(sys, self._name)
        if stream is not None:
            try:
                encoding = stream.encoding or "utf-8"
                stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            except (OSError, ValueError) as e:  # ValueError: it was closed
                self._give_up(stream, e)
        return len(text)

    def flush(self) -> None:
        stream = getattr(sys, self._name)
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError) as e:
                self._give_up(stream, e)

    def isatty(self) -> bool:
        try:
            return bool(getattr(sys, self._name).isatty())
        except (AttributeError, OSError, ValueError):
            return False

    @property
    def encoding(self) -> str:
        return getattr(getattr(sys, self._name), "encoding", None) or "utf-8"

    def _give_up(self, stream: Any, e: Exception) -> None:
        if isinstance(e, OSError) and e.errno != errno.EPIPE:
            self.error = self.error or e
        with contextlib.suppress(OSError, ValueError, AttributeError):
            # What is still in the buffer would fail once more when the interpreter ends.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


OUT, ERR = Stream("stdout"), Stream("stderr")


def keep_standard_streams() -> None:
    """Opens what was closed of the three standard streams: the next file that is opened would take its number, and be
    written to by all who mean the stream."""
    with contextlib.suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)


def printable(text: str) -> str:
    r"""The text with what a terminal cannot show, or would obey, escaped.

    >>> printable("a\x1b[2J\udcff\n")
    'a\\x1b[2J\\udcff\n'
    """
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode("ascii") for c in text)


def sentence(text: str) -> str:
    """One line of at most LONGEST characters; what is too much is left out of its middle."""
    text = " ".join(text.split())
    head = 2 * LONGEST // 3
    return text if len(text) <= LONGEST else f"{text[:head]} ... {text[head + 5 - LONGEST :]}"


def note(text: str) -> None:
    """A line on stderr, above a bar that is being drawn."""
    if Bar.drawn is not None:
        Bar.drawn.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
    else:
        ERR.write(printable(text) + "\n")
        ERR.flush()


def warn(text: str) -> None:
    note(f"needlecpp: warning: {sentence(text)}")


def print_result(text: str) -> None:
    OUT.write(printable(text) + "\n")
    OUT.flush()


def print_json(result: dict[str, Any]) -> None:
    print_result(to_json(result))


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
                warn(str(message))

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

    drawn: ClassVar[Progress | None] = None  # on the terminal now

    def __init__(self, label: str, quiet: bool) -> None:
        self._label, self._quiet = label, quiet
        self._last = self._start = time.perf_counter()
        console = Console(file=cast(IO[str], ERR))
        self._bar: Progress | None = None
        if not quiet and console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:>3.0f}%"),
                TextColumn("{task.fields[facts]}"),
            )
            self._bar = Progress(
                *columns,
                console=console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._bar.add_task(label, total=1.0, facts="")

    def __enter__(self) -> Bar:
        if self._bar is not None:
            self._bar.start()
            Bar.drawn = self._bar
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            Bar.drawn = None
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

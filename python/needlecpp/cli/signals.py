"""Ctrl-C, SIGTERM and SIGHUP, so that a command ends where nothing is lost by it.

While a command reads its data, a signal breaks it off at once. As soon as it has something to lose
it *holds* them: a signal is remembered then, and looked at between steps, views and frames, never in
the middle of a save. A command that was broken off ends with 128 plus the signal's number, as shells
have it: 130 for Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows lacks the last


class Interrupted(KeyboardInterrupt):
    """A signal asked the command to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


class Signals:
    """The signals of this process; entered once, around a command."""

    def __init__(self) -> None:
        self.received: int | None = None  # the first that came
        self._held: list[str] = []  # what is done meanwhile, innermost last
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        self.received = None
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
                before = signal.getsignal(number)
                if before not in (signal.SIG_IGN, None):  # nohup ignores SIGHUP, shells SIGINT for what runs behind
                    self._before[number] = signal.signal(number, self._arrived)
        return self

    def __exit__(self, *_: object) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def _arrived(self, number: int, _: FrameType | None) -> None:
        again = self.received is not None
        self.received = self.received or number
        if not self._held:
            raise Interrupted(self.received)
        if again:
            with contextlib.suppress(OSError):  # not through sys.stderr, in whose middle this may be
                os.write(2, f"needlecpp: {self._held[-1]}, one moment\n".encode())

    @contextlib.contextmanager
    def held(self, doing: str) -> Iterator[None]:
        """Signals wait inside; ``doing`` is what an impatient user is told."""
        self._held.append(doing)
        try:
            yield
        finally:
            self._held.pop()

    def check(self) -> None:
        """Raises Interrupted if a signal has come."""
        if self.received is not None:
            raise Interrupted(self.received)


SIGNALS = Signals()

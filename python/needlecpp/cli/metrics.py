"""metrics.jsonl: a training in numbers. A line that cannot be written costs the line, not the training."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path
from typing import Any

from needlecpp.cli.console import to_json, warn
from needlecpp.cli.files import write_text


class Metrics:
    """Appends lines to the file; of each, all or nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._warned = False
        self._descriptor = -1
        try:
            self._descriptor = os.open(
                file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o666
            )
        except OSError as e:
            self._warn(e)

    def __enter__(self) -> Metrics:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def write(self, line: dict[str, Any]) -> None:
        if self._descriptor < 0:
            return
        data = (to_json(line) + "\n").encode()
        before = None
        try:
            before = os.fstat(self._descriptor).st_size
            if os.write(self._descriptor, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as e:
            self._warn(e)
            if before is not None:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, before)

    def _warn(self, e: OSError) -> None:
        if not self._warned:
            warn(f"{self._file} could not be written ({e.strerror}), the training goes on")
        self._warned = True


def trim(file: Path, step: int) -> None:
    """Drops the lines after a step, and what a power cut has made of the last: a training that goes on from that step
    writes them again."""
    kept = []
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get("step"), int) and record["step"] <= step:
            kept.append(line + "\n")
    write_text(file, "".join(kept))

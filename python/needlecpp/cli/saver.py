"""Saves a training at intervals, beside it, and at its end.

At an interval the trainer's state is copied, which takes some ten milliseconds, and a thread writes the
copy: first the model, then the state to go on from. A save that fails costs no training: the files
that are there stay, the fault is said once, and the next interval tries again. Only the last save
matters to the command's success.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from needlecpp.cli.console import warn
from needlecpp.cli.files import NO_SPACE, replacing
from needlecpp.cli.run import MODEL, STATE, NewRun

if TYPE_CHECKING:
    from needlecpp.render import Snapshot, Trainer


class Diverged(Exception):
    """The field holds numbers that are not finite."""


class Saver:
    """``run`` is told when its first model is safe; None if it has been saved before."""

    def __init__(self, out: Path, interval: float, run: NewRun | None) -> None:
        self._model, self._state = out / MODEL, out / STATE
        self._interval = interval
        self._run = run
        self._last = time.perf_counter()
        self._thread: threading.Thread | None = None
        self._faults: list[Exception] = []  # of the thread; said by the main one
        self._said: set[str] = set()
        self.step: int | None = None  # of the model that is on the disk

    def due(self) -> bool:
        if self._thread is not None:
            if self._thread.is_alive():
                return False
            self.wait()
        return time.perf_counter() - self._last >= self._interval

    def save(self, trainer: Trainer, notes: dict[str, str]) -> None:
        """Call where ``due()``; returns while the files are being written."""
        self.wait()
        _check(trainer)
        self._last = time.perf_counter()
        try:
            snapshot = trainer.snapshot()
        except MemoryError as e:
            self._faults.append(e)
            return
        self._thread = threading.Thread(target=self._write, args=(snapshot, notes), name="saver")
        self._thread.start()

    def wait(self) -> None:
        """Until no save is under way."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for fault in self._faults:
            if isinstance(fault, OSError):
                file, why = str(fault.filename), fault.strerror
            else:
                file, why = str(self._model), str(fault)
            if file not in self._said:
                self._said.add(file)
                warn(f"{file} could not be written ({why}), the training goes on and tries again")
        self._faults.clear()

    def finish(self, trainer: Trainer, notes: dict[str, str] | None) -> None:
        """The last save: the model, and with ``notes`` a state to go on from. Raises OSError where the model could not
        be written; the one before is still there then."""
        self.wait()
        _check(trainer)
        state = None
        if notes is not None:
            try:
                state = trainer.snapshot()
            except MemoryError as e:
                warn(f"{self._state} could not be written ({e}): the training cannot be resumed")
        self._save_model(trainer.save)
        self._wrote(trainer.steps)
        if notes is None:
            with contextlib.suppress(OSError):
                self._state.unlink(missing_ok=True)
        elif state is not None:
            try:
                state.save_state(str(self._state), notes)
            except OSError as e:
                warn(f"{e.filename} could not be written ({e.strerror}): the training cannot be resumed")

    def _write(self, snapshot: Snapshot, notes: dict[str, str]) -> None:
        try:
            self._save_model(snapshot.save_model)
            self._wrote(snapshot.step)
            snapshot.save_state(str(self._state), notes)
        except Exception as e:  # said by the main thread
            self._faults.append(e)

    def _save_model(self, save: Callable[[str], None]) -> None:
        """Saves the model, and makes room for it where there is too little for the old one and the new one at once."""
        try:
            save(str(self._model))
            return
        except OSError as e:
            if e.errno not in NO_SPACE:
                raise
            full = e
        self._state.unlink(missing_ok=True)  # the model matters more
        with contextlib.suppress(OSError):
            save(str(self._model))
            return
        # The new one has to be safe elsewhere before what it replaces may go.
        folder = Path(tempfile.mkdtemp(prefix="needlecpp-"))
        copy, temporary = folder / MODEL, True
        try:
            try:
                save(str(copy))
                enough = shutil.disk_usage(self._model.parent).free + self._replaced() >= copy.stat().st_size
            except OSError:
                enough = False
            if not enough:
                raise full
            if self._run is not None:
                self._run.saved()
            self._model.unlink(missing_ok=True)
            try:
                with replacing(self._model) as part:
                    shutil.copyfile(copy, part)
            except OSError as e:
                temporary = False
                raise OSError(e.errno, f"{e.strerror}; it is in {copy}", str(self._model)) from e
        finally:
            if temporary:
                shutil.rmtree(folder, ignore_errors=True)

    def _replaced(self) -> int:
        old = self._model.stat().st_size if self._model.is_file() else 0
        return old + (self._run.reclaimable() if self._run is not None else 0)

    def _wrote(self, step: int) -> None:
        self.step = step
        if self._run is not None:
            self._run.saved()
            self._run = None


def _check(trainer: Trainer) -> None:
    if not trainer.scene().finite():
        raise Diverged

"""The training loop: steps until the time or the steps are spent, with metrics, saves, and an eye on whether the
steps teach anything."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from needlecpp.cli.console import Bar
from needlecpp.cli.metrics import Metrics
from needlecpp.cli.saver import Diverged, Saver
from needlecpp.cli.signals import SIGNALS

if TYPE_CHECKING:
    from needlecpp import _core

METRICS_INTERVAL = 1.0  # seconds of training between two lines of metrics.jsonl
IDLE_STEPS = 200  # in a row without a sample that teaches, and a training is given up
FIRST_STEPS, LATER_STEPS = 8, 200  # whose losses are compared ...
PATIENCE = 1000  # ... after so many steps
MOVED = 0.98  # of the first loss: above it, nothing has been learnt
PERFECT = 1e-6  # a loss that need not move


class Stuck(Exception):
    """The steps of a training teach nothing; the message says why that is."""


@dataclass
class Progress:
    """How far a training is."""

    seconds: float = 0.0
    samples: int = 0
    loss: float = math.inf
    psnr: float = 0.0
    interrupted: bool = False

    def notes(self) -> dict[str, str]:
        """What a saved state keeps of it."""
        return {"seconds": repr(self.seconds), "samples": str(self.samples)}

    @staticmethod
    def from_notes(notes: dict[str, str]) -> Progress | None:
        """None where they are not such notes."""
        try:
            seconds, samples = float(notes["seconds"]), int(notes["samples"])
        except (KeyError, ValueError):
            return None
        return Progress(seconds, samples) if 0 <= seconds < math.inf and samples >= 0 else None


class Watch:
    """Whether steps teach anything. ``fresh``: the training starts with them, and its loss has to fall."""

    def __init__(self, fresh: bool) -> None:
        self._fresh = fresh
        self._idle = 0
        self._steps = 0
        self._first = 0.0  # mean loss of the first steps
        self._later: deque[float] = deque(maxlen=LATER_STEPS)

    def see(self, step: _core.TrainerStep) -> None:
        """Raises Diverged or Stuck."""
        if not math.isfinite(step.loss):
            raise Diverged
        self._idle = self._idle + 1 if step.live == 0 else 0
        if self._idle >= IDLE_STEPS:
            self.idle(step)
        self._steps += 1
        if self._steps <= FIRST_STEPS:
            self._first += step.loss / FIRST_STEPS
        self._later.append(step.loss)
        if self._fresh and self._steps == PATIENCE:
            loss = sum(self._later) / len(self._later)
            if loss > MOVED * self._first and loss > PERFECT:
                raise Stuck(
                    f"the loss does not move: {self._first:.4g} at first, {loss:.4g} after {PATIENCE} steps; "
                    "pictures and cameras may not belong together, or --box may be wrong"
                )

    def idle(self, step: _core.TrainerStep) -> None:
        seen = "no ray has a sample in the scene box" if step.samples == 0 else "no sample carries weight"
        raise Stuck(
            f"the steps teach nothing, {seen}: the scene box or the pictures are not right (--box sets the box)"
        )

    @property
    def teaching(self) -> bool:
        """Whether what the last step has left is worth saving."""
        return self._idle == 0

    def end(self, step: _core.TrainerStep) -> None:
        """Call after the last step."""
        if self._idle == self._steps:  # a short training, all in vain
            self.idle(step)


def run_steps(
    trainer: _core.Trainer,
    state: Progress,
    *,
    seconds: float | None,
    steps: int | None,
    quiet: bool,
    metrics: Metrics,
    saver: Saver,
) -> None:
    """Steps until the budget is spent, and keeps ``state``. A signal ends it early, after the step at hand.

    Raises Diverged and Stuck; what was saved is still there then.
    """
    window: list[_core.TrainerStep] = []  # steps since the last line of metrics
    watch = Watch(fresh=trainer.steps == 0)
    before = state.seconds  # of an earlier part of the training
    start = time.perf_counter()
    window_start = state.seconds
    pace = 0.0  # seconds a step, smoothed

    def close_window() -> None:
        nonlocal window_start
        if not window:
            return
        span = max(state.seconds - window_start, 1e-9)
        mse = sum(step.mse for step in window) / len(window)
        state.loss = sum(step.loss for step in window) / len(window)
        state.psnr = -10 * math.log10(mse) if mse > 0 else math.inf
        metrics.write(
            {
                "step": window[-1].step,
                "seconds": round(state.seconds, 4),
                "loss": state.loss,
                "psnr": state.psnr,
                "samples": state.samples,
                "samples_per_second": sum(step.samples for step in window) / span,
                "rays": window[-1].rays,
            }
        )
        window.clear()
        window_start = state.seconds

    step: _core.TrainerStep | None = None
    with Bar("training", quiet) as bar:
        try:
            while SIGNALS.received is None:
                begun = before + time.perf_counter() - start
                if seconds is not None:
                    done = begun / seconds
                    # A step that would end later than it is now early is not begun.
                    if trainer.steps and begun + pace / 2 >= seconds:
                        break
                else:
                    done = trainer.steps / (steps or 1)
                    if done >= 1:
                        break
                step = trainer.step(min(done, 1.0))
                state.samples += step.samples
                window.append(step)
                state.seconds = before + time.perf_counter() - start
                spent = state.seconds - begun
                pace = 0.9 * pace + 0.1 * spent if pace else spent
                watch.see(step)
                if state.seconds - window_start >= METRICS_INTERVAL:
                    close_window()
                if watch.teaching and saver.due():
                    saver.save(trainer, state.notes())
                if bar.due():
                    recent = sum(s.mse for s in window) / len(window) if window else 10 ** (-state.psnr / 10)
                    loss = window[-1].loss if window else state.loss
                    facts = f"step {step.step}  loss {loss:.5f}  PSNR {-10 * math.log10(max(recent, 1e-12)):.2f} dB"
                    rate = state.samples / max(state.seconds, 1e-9)
                    bar.show(min(done, 1.0), facts + f"  {rate / 1e6:.2f} M samples/s")
            else:
                state.interrupted = True
        except KeyboardInterrupt:  # where signals could not be taken over
            state.interrupted = True
        finally:
            close_window()
        if step is not None:
            watch.end(step)

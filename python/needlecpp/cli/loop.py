"""The training loop: steps until the time or the steps are spent, with metrics, saves, and an eye on whether the
steps teach anything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from needlecpp.cli.console import Bar
from needlecpp.cli.metrics import Metrics
from needlecpp.cli.saver import Diverged, Saver
from needlecpp.cli.signals import SIGNALS
from needlecpp.render import Budget, Watch

if TYPE_CHECKING:
    from needlecpp.render import Trainer, TrainerStep

METRICS_INTERVAL = 1.0  # seconds of training between two lines of metrics.jsonl


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


REASONS = {
    "sees nothing": "the steps teach nothing, no ray has a sample in the scene box: the scene box or the pictures are "
    "not right (--box sets the box)",
    "learns nothing": "the steps teach nothing, no sample carries weight: the scene box or the pictures are not right "
    "(--box sets the box)",
    "stands still": "the loss does not move: {first:.4g} at first, {recent:.4g} after {steps} steps; pictures and "
    "cameras may not belong together, or --box may be wrong",
}


def judge(watch: Watch, verdict: str) -> None:
    """Raises Diverged or Stuck where there is no point in going on."""
    if verdict == "diverged":
        raise Diverged
    if verdict in REASONS:
        raise Stuck(REASONS[verdict].format(first=watch.first_loss, recent=watch.recent_loss, steps=watch.steps))


def run_steps(
    trainer: Trainer,
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
    window: list[TrainerStep] = []  # steps since the last line of metrics
    watch = Watch(fresh=trainer.steps == 0)
    budget = Budget(seconds=seconds) if seconds is not None else Budget(steps=steps)
    budget.seconds = state.seconds  # of an earlier part of the training
    window_start = state.seconds

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

    with Bar("training", quiet) as bar:
        try:
            while SIGNALS.received is None:
                done = budget.begin(trainer.steps)
                if done is None:
                    break
                step = trainer.step(done)
                budget.end()
                state.samples += step.samples
                state.seconds = budget.seconds
                window.append(step)
                verdict = watch.see(step)
                judge(watch, verdict)
                if state.seconds - window_start >= METRICS_INTERVAL:
                    close_window()
                if verdict == "learning" and saver.due():
                    saver.save(trainer, state.notes())
                if bar.due():
                    recent = sum(s.mse for s in window) / len(window) if window else 10 ** (-state.psnr / 10)
                    loss = window[-1].loss if window else state.loss
                    facts = f"step {step.step}  loss {loss:.5f}  PSNR {-10 * math.log10(max(recent, 1e-12)):.2f} dB"
                    rate = state.samples / max(state.seconds, 1e-9)
                    bar.show(done, facts + f"  {rate / 1e6:.2f} M samples/s")
            else:
                state.interrupted = True
        except KeyboardInterrupt:  # where signals could not be taken over
            state.interrupted = True
        finally:
            close_window()
        judge(watch, watch.end())

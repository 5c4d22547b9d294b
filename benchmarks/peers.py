"""Runs cases in needlecpp and in PyTorch, each in processes of its own and in turns, and prints their ratio.

Two libraries in one process keep two pools of threads, which take the cores from each other; hence the processes.
NEEDLECPP_BENCH_TORCH names the Python that has PyTorch when it is not the one that runs; without PyTorch only our
column is filled.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

Call = Callable[[], object]


class Case:
    """One row: `work` is (amount, unit) of one call; the two functions prepare operands and return what is timed."""

    def __init__(
        self, name: str, work: tuple[float, str], ours: Callable[[Any], Call], theirs: Callable[[Any], Call]
    ) -> None:
        self.name, self.work, self.ours, self.theirs = name, work, ours, theirs


def gigabytes(elements: float, size: int = 4) -> tuple[float, str]:
    return elements * size / 1e9, "GB/s"


def gigaflops(operations: float) -> tuple[float, str]:
    return operations / 1e9, "GFLOP/s"


def seconds(call: Call) -> float:
    """Best of several calls: the machine is shared."""
    call()
    best, spent = float("inf"), 0.0
    while spent < 0.6:
        begin = time.perf_counter()
        call()
        elapsed = time.perf_counter() - begin
        best, spent = min(best, elapsed), spent + elapsed
    return best


def work(library: str, cases: Sequence[Case]) -> None:
    """The child process: prints the seconds of each case."""
    if library == "needlecpp":
        import needlecpp as lib
    else:
        import torch as lib  # type: ignore[no-redef]
    times = {}
    for case in cases:
        times[case.name] = seconds((case.ours if library == "needlecpp" else case.theirs)(lib))
    print(json.dumps(times))


def has_torch(python: str) -> bool:
    return subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode == 0


def main(description: str | None, all_cases: Sequence[Case]) -> None:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows to run (all)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", metavar="FILE", help="writes every round's seconds")
    parser.add_argument("--library", choices=["needlecpp", "torch"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    by_name = {case.name: case for case in all_cases}
    names = arguments.names or list(by_name)
    if arguments.library:
        work(arguments.library, [by_name[name] for name in names])
        return
    pythons = {"needlecpp": sys.executable}
    peer = os.environ.get("NEEDLECPP_BENCH_TORCH", sys.executable)
    if has_torch(peer):
        pythons["torch"] = peer
    rounds: dict[str, list[dict[str, float]]] = {library: [] for library in pythons}
    for _ in range(arguments.rounds):
        for library, python in pythons.items():
            command = [python, sys.argv[0], "--library", library, *names]
            output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            rounds[library].append(json.loads(output.splitlines()[-1]))
    print(f"{'':18} {'needlecpp':>10} {'':>14} {'PyTorch':>10}   ratio (range)")
    for name in names:
        amount, unit = by_name[name].work
        ours = [times[name] for times in rounds["needlecpp"]]
        line = f"{name:18} {statistics.median(ours) * 1e3:7.2f} ms {amount / statistics.median(ours):6.1f} {unit:7}"
        if "torch" in rounds:
            theirs = [times[name] for times in rounds["torch"]]
            ratios = [t / o for o, t in zip(ours, theirs, strict=True)]
            line += (
                f" {statistics.median(theirs) * 1e3:7.2f} ms   {statistics.median(ratios):.2f} "
                f"({min(ratios):.2f}-{max(ratios):.2f})"
            )
        print(line, flush=True)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(rounds, file, indent=1)

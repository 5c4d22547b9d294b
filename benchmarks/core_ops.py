"""Overhead of a small op, and a large matrix product beside NumPy's. Prints one line each.

env -u OPENBLAS_CORETYPE python benchmarks/core_ops.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import needlecpp as ndl


def seconds(call: Callable[[], object], repeats: int, rounds: int = 9) -> tuple[float, float, float]:
    """Median, best and worst over the rounds of the time of one call."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(repeats):
            call()
        times.append((time.perf_counter() - begin) / repeats)
    return statistics.median(times), min(times), max(times)


def product(setup: str) -> float:
    """Median seconds of `a @ b` after `setup`, in a new process."""
    code = f"""{setup}
import statistics, time
def run():
    begin = time.perf_counter()
    a @ b
    return time.perf_counter() - begin
for _ in range(5): run()
print(statistics.median(run() for _ in range(31)))"""
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    a, b = ndl.rand(8), ndl.rand(8)
    x, y = a.numpy(), b.numpy()
    grad = ndl.Tensor(a, requires_grad=True)
    for name, call in (
        ("add of 8 elements", lambda: a + b),
        ("add of 8 elements, recorded", lambda: grad + b),
        ("the same in NumPy", lambda: x + y),
    ):
        median, best, worst = (t * 1e6 for t in seconds(call, 20000))
        print(f"{name}: {median:.3f} us (best {best:.3f}, worst {worst:.3f})")

    # Each in processes of its own, in turns: two pools of threads in one process take the cores from each other.
    ours, theirs = [], []
    for _ in range(7):
        ours.append(product("import needlecpp as ndl; a = ndl.rand(1000, 1000); b = ndl.rand(1000, 1000)"))
        theirs.append(product("import numpy as np; a = np.random.rand(1000, 1000).astype('f4'); b = a.copy()"))
    ratio = statistics.median(t / o for o, t in zip(ours, theirs, strict=True))
    print(
        f"matmul 1000x1000: {2e-9 * 1000**3 / statistics.median(ours):.0f} GFLOP/s, NumPy "
        f"{2e-9 * 1000**3 / statistics.median(theirs):.0f}; {ratio:.2f} x NumPy's speed"
    )


if __name__ == "__main__":
    main()

"""Overhead of a small op, and a large matrix product beside NumPy's. Prints one line each.

env -u OPENBLAS_CORETYPE python benchmarks/core_ops.py
"""

from __future__ import annotations

import statistics
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

    m, n = ndl.rand(1000, 1000), ndl.rand(1000, 1000)
    p, q = m.numpy(), n.numpy()
    ours, theirs = [], []
    for _ in range(9):  # in turns, so that both see the same machine; NumPy's threads spin for a while after a product
        time.sleep(0.2)
        ours.append(seconds(lambda: m @ n, 5, 1)[0])
        time.sleep(0.2)
        theirs.append(seconds(lambda: p @ q, 5, 1)[0])
    ratio = statistics.median(t / o for o, t in zip(ours, theirs, strict=True))
    print(
        f"matmul 1000x1000: {2e-9 * 1000**3 / statistics.median(ours):.0f} GFLOP/s, NumPy "
        f"{2e-9 * 1000**3 / statistics.median(theirs):.0f}; {ratio:.2f} x NumPy's speed"
    )


if __name__ == "__main__":
    main()

"""Python threads: results do not depend on what others do, and a running kernel does not hold Python's lock."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import needlecpp as ndl
import numpy as np
import pytest


def together(count: int, body: Callable[[int], None]) -> None:
    """Runs body(0) .. body(count - 1) on threads of their own and raises what one of them raised."""
    errors: list[BaseException] = []

    def guarded(i: int) -> None:
        try:
            body(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def work(seed: int) -> list[float]:
    """A small training loop with a bit of everything."""
    rng = np.random.default_rng(seed)
    x = ndl.tensor(rng.standard_normal((256, 64)).astype("float32"))
    target = ndl.tensor(rng.standard_normal((256, 8)).astype("float32"))
    w = ndl.tensor(rng.standard_normal((64, 8)).astype("float32") * 0.1, requires_grad=True)
    index = ndl.tensor(rng.integers(0, 256, 300))
    optimizer = ndl.optim.Adam([w], lr=0.01)
    losses = []
    for _ in range(20):
        y = ndl.tanh(x @ w)
        loss = ndl.square(y - target)[index].mean() + ndl.softmax(y).cumsum(1).max(1).mean()
        optimizer.reset_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_eight_threads_get_what_one_gets() -> None:
    expected = [work(i) for i in range(8)]
    got: dict[int, list[float]] = {}
    together(8, lambda i: got.__setitem__(i, work(i)))
    for i in range(8):
        np.testing.assert_allclose(got[i], expected[i], rtol=1e-6)


def test_gradients_of_a_shared_parameter() -> None:
    w = ndl.rand(64, 64)
    w.requires_grad = True
    xs = [ndl.rand(32, 64) for _ in range(8)]
    expected = [ndl.grad((x @ w).sum(), w)[0].numpy() for x in xs]
    got: dict[int, np.ndarray] = {}  # type: ignore[type-arg]
    together(8, lambda i: got.__setitem__(i, ndl.grad((xs[i] @ w).sum(), w)[0].numpy()))
    for i in range(8):
        np.testing.assert_array_equal(got[i], expected[i])


def test_a_kernel_does_not_hold_the_lock() -> None:
    a = ndl.rand(3000, 3000)
    done = threading.Event()

    def product() -> None:
        for _ in range(3):
            _ = a @ a
        done.set()

    thread = threading.Thread(target=product)
    ticks = 0
    thread.start()
    while not done.is_set():
        time.sleep(0.001)
        ticks += 1
    thread.join()
    assert ticks > 10


def test_hooks_and_functions_on_other_threads() -> None:
    class Twice(ndl.autograd.Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def, override]
            return x * 2

        @staticmethod
        def backward(ctx, dy):  # type: ignore[no-untyped-def, override]
            return dy * 2

    def body(_: int) -> None:
        for _ in range(50):
            x = ndl.tensor(np.ones(100), requires_grad=True)
            seen: list[float] = []
            x.register_hook(lambda g, seen=seen: seen.append(float(g.sum())))
            Twice.apply(x).sum().backward()
            assert seen == [200.0]

    together(8, body)


def test_threads_sweep_one_tape_into_one_leaf() -> None:
    x = ndl.tensor(np.ones(3), requires_grad=True)
    y = (x * x * 0.5).sum()

    def body(_: int) -> None:
        for _ in range(100):
            handle = x.register_hook(lambda g: g)
            y.backward(retain_graph=True)
            handle.remove()

    together(8, body)
    assert x.grad.tolist() == [800.0] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_computes() -> None:
    script = """
import os, signal
import needlecpp as ndl
ndl.set_num_threads(4)
x = ndl.ones(1 << 20)
(x * 2).sum()
child = os.fork()
if child == 0:
    signal.alarm(20)
    os._exit(0 if float((x * 2).sum()) == 1 << 21 else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True)

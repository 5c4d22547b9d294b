"""The hot kernels beside PyTorch's: matrix products, a small network, volume rendering, the cost of a call.

    python benchmarks/kernels.py [--rounds 5] [--json FILE] [NAME ...]

Prints milliseconds (median over the rounds), what they stand for, and PyTorch's time over ours with its range: above 1
we are faster. PyTorch's volume rendering is eager: a prefix sum over all samples, less what stood before each ray.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from peers import Call, Case, gigabytes, gigaflops, main

CALLS = 2000  # of the small ops, in one measurement


PREFIX = {"float32": "s", "float64": "d", "bfloat16": "bf16 "}


def _product(m: int, k: int, n: int, dtype: str = "float32") -> Case:
    def make(lib: Any) -> Call:
        kind = getattr(lib, dtype)
        a, b = (x.to(kind) if hasattr(x, "to") else x.astype(kind) for x in (lib.rand(m, k), lib.rand(k, n)))
        repeats = max(1, int(2e7 / (m * k * n)))

        def run() -> None:
            for _ in range(repeats):
                a @ b

        return run

    name = f"{PREFIX[dtype]}gemm {m}" + ("" if m == n else f"x{k}x{n}")
    return Case(name, gigaflops(2.0 * m * k * n * max(1, int(2e7 / (m * k * n)))), make, make)


MLP = [32, 64, 64, 16]
POINTS = 1 << 18


def _weights(lib: Any) -> list[Any]:
    return [lib.rand(a, b) * 0.2 - 0.1 for a, b in itertools.pairwise(MLP)]


def _mlp_ours(precision: str) -> Callable[[Any], Call]:
    def prepare(lib: Any) -> Call:
        x, weights = lib.rand(POINTS, MLP[0]), _weights(lib)
        return lambda: lib.fused_mlp(x, weights, precision=precision)

    return prepare


def _mlp_theirs(dtype: str) -> Callable[[Any], Call]:
    def prepare(torch: Any) -> Call:
        kind = getattr(torch, dtype)
        x, weights = torch.rand(POINTS, MLP[0]).to(kind), [w.to(kind) for w in _weights(torch)]

        def run() -> Any:
            with torch.no_grad():
                h = x
                for w in weights[:-1]:
                    h = torch.relu(h @ w)
                return h @ weights[-1]

        return run

    return prepare


def _mlp(precision: str) -> Case:
    operations = 2.0 * POINTS * sum(a * b for a, b in itertools.pairwise(MLP))
    return Case(f"MLP {precision}", gigaflops(operations), _mlp_ours(precision), _mlp_theirs(precision))


RAYS, SAMPLES = 1 << 14, 1 << 20


def _samples(lib: Any) -> tuple[Any, Any, Any, Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    ends = np.sort(rng.integers(0, SAMPLES + 1, RAYS - 1))
    offsets = np.concatenate([[0], ends, [SAMPLES]])
    sigma, t, dt = (rng.random(SAMPLES, dtype="float32") for _ in range(3))
    rgb = rng.random((SAMPLES, 3), dtype="float32")
    arrays = (sigma * 0.5, rgb, t, dt * 0.02, offsets)
    return tuple(lib.from_numpy(a) for a in arrays)  # type: ignore[return-value]


def _volume_ours(lib: Any) -> Call:
    sigma, rgb, t, dt, offsets = _samples(lib)
    sigma.requires_grad = rgb.requires_grad = True

    def run() -> None:
        color, opacity, _ = lib.render_volume(sigma, rgb, t, dt, offsets)
        sigma.grad = rgb.grad = None
        (color.sum() + opacity.sum()).backward()

    return run


def _volume_theirs(torch: Any) -> Call:
    sigma, rgb, t, dt, offsets = _samples(torch)
    sigma.requires_grad_()
    rgb.requires_grad_()
    lengths = offsets[1:] - offsets[:-1]
    ray = torch.repeat_interleave(torch.arange(RAYS), lengths)

    def run() -> None:
        tau = sigma * dt
        before = torch.cumsum(tau, 0) - tau
        start = torch.cat([before, before[-1:] + tau[-1:]])[offsets[:-1].clamp(max=SAMPLES)]
        weight = torch.exp(start[ray] - before) * (1 - torch.exp(-tau))
        color = torch.zeros(RAYS, 3).index_add(0, ray, weight[:, None] * rgb)
        opacity = torch.zeros(RAYS).index_add(0, ray, weight)
        torch.zeros(RAYS).index_add(0, ray, weight.detach() * t)  # depth
        sigma.grad = rgb.grad = None
        (color.sum() + opacity.sum()).backward()

    return run


# Read once forward and once backward: sigma, rgb, t, dt; written: the gradients of sigma and rgb.
VOLUME = Case("volume rendering", gigabytes(SAMPLES * (6 + 6 + 4)), _volume_ours, _volume_theirs)


def _copy(lib: Any) -> Call:
    x = lib.rand(1 << 24)
    return lambda: x.clone()


def _small(recorded: bool) -> Case:
    def make(lib: Any) -> Call:
        a, b = lib.rand(8), lib.rand(8)
        a.requires_grad = recorded

        def run() -> None:
            for _ in range(CALLS):
                a + b

        return run

    return Case("add of 8, taped" if recorded else "add of 8", (CALLS / 1e6, "M/s"), make, make)


CASES = [
    *(_product(n, n, n) for n in (64, 128, 256, 512, 1024, 2048)),
    _product(1 << 17, 64, 64),
    *(_product(n, n, n, "float64") for n in (64, 256, 1024)),
    *(_product(n, n, n, "bfloat16") for n in (64, 256, 1024)),
    _mlp("float32"),
    _mlp("bfloat16"),
    VOLUME,
    Case("copy", gigabytes(2 << 24), _copy, _copy),
    _small(False),
    _small(True),
]

if __name__ == "__main__":
    main(__doc__, CASES)

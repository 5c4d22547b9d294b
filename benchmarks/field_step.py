"""The field step: hash grid and a small network, forward, backward, Adam. Prints one line.

    python benchmarks/field_step.py [LOG2_T] [LOG2_N] [float32|bfloat16]

N = 2^LOG2_N random points; 16 levels x 2 features, tables of 2^LOG2_T entries, resolutions 16 to 2048; network
32-64-64-4 with ReLU and no bias; loss = mean over points of the squared error against x0·x1, summed over the outputs.
With bfloat16 the products of the network are rounded, and inference reads a bfloat16 copy of the table; parameters,
gradients and Adam stay float32. The median of several steps is printed, with the best beside it.
"""

from __future__ import annotations

import itertools
import math
import sys
import time

import needlecpp as ndl
from needlecpp import _core, init, optim


def main() -> None:
    log2_t = int(sys.argv[1]) if len(sys.argv) > 1 else 17
    n = 1 << (int(sys.argv[2]) if len(sys.argv) > 2 else 17)
    precision = sys.argv[3] if len(sys.argv) > 3 else "float32"
    ndl.manual_seed(0)
    grid = _core.HashGridConfig(log2_table_size=log2_t, growth=math.exp(math.log(2048 / 16) / 15))
    table = _core.hashgrid_init(grid, 0)
    table.requires_grad = True
    widths = [32, 64, 64, 4]
    weights = [init.xavier_uniform(a, b, requires_grad=True) for a, b in itertools.pairwise(widths)]
    optimizer = optim.Adam([table, *weights], lr=1e-3)

    def train() -> float:
        x = ndl.rand(n, 3)
        target = x[:, 0:1] * x[:, 1:2]
        y = ndl.hashgrid_mlp(x, table, weights, grid, precision=precision)
        loss = ndl.square(y - target).sum(1).mean()
        optimizer.reset_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    def infer() -> float:
        with ndl.no_grad():
            ndl.hashgrid_mlp(ndl.rand(n, 3), frozen, weights, grid, precision=precision)
        return 0.0

    report = []
    for name, step in (("train", train), ("infer", infer)):
        frozen = table.detach() if precision == "float32" else table.detach().astype("bfloat16")
        for _ in range(3):
            step()
        seconds = []
        for _ in range(9):
            begin = time.perf_counter()
            loss = step()
            seconds.append(time.perf_counter() - begin)
        seconds.sort()
        report.append(f"{name} {n / seconds[4] / 1e6:.3f} Msamples/s (best {n / seconds[0] / 1e6:.3f})")
        if name == "train":
            final = loss
    print(
        f"needlecpp {ndl.__version__} {ndl.isa()} {ndl.num_threads()} threads {precision} T=2^{log2_t} N={n}: "
        f"{', '.join(report)}, loss {final:.4f}"
    )


if __name__ == "__main__":
    main()

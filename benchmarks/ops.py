"""Ops on 2^24 floats and the parallel primitives beside PyTorch's.

    python benchmarks/ops.py [--rounds 5] [--json FILE] [NAME ...]

Prints milliseconds (median over the rounds), the bytes or operations a second they stand for, and PyTorch's time over
ours with its range: above 1 we are faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peers import Call, Case, gigabytes, gigaflops, main

N = 1 << 24
SIDE = 4096  # SIDE * SIDE = N


def _unary(name: str, streams: int = 2) -> Case:
    def make(lib: Any) -> Call:
        x = lib.rand(N)
        fn = getattr(lib, name)
        return lambda: fn(x)

    return Case(name, gigabytes(streams * N), make, make)


def _binary(name: str) -> Case:
    def make(lib: Any) -> Call:
        a, b = lib.rand(N), lib.rand(N)
        fn = getattr(lib, name)
        return lambda: fn(a, b)

    return Case(name, gigabytes(3 * N), make, make)


def _integers(lib: Any, high: int, count: int, seed: int = 0) -> Any:
    import numpy as np

    return lib.from_numpy(np.random.default_rng(seed).integers(0, high, count))


def _csr(rows: int, columns: int, a_row: int) -> tuple[Any, Any, Any]:
    """A random sparse matrix with 0 to 2 * a_row entries in a row: offsets, columns, values."""
    import numpy as np

    rng = np.random.default_rng(1)
    lengths = rng.integers(0, 2 * a_row + 1, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return offsets, rng.integers(0, columns, offsets[-1]), rng.random(offsets[-1], dtype="float32")


def _torch_csr(torch: Any, rows: int, columns: int, a_row: int) -> Any:
    offsets, index, values = (torch.from_numpy(a) for a in _csr(rows, columns, a_row))
    import warnings

    warnings.filterwarnings("ignore", "Sparse")
    return torch.sparse_csr_tensor(offsets, index, values, (rows, columns))


def _make(expression: str, **operands: str) -> Callable[[Any], Call]:
    """Operands are expressions of `lib`; the timed call is an expression of those and `lib`."""

    def prepare(lib: Any) -> Call:
        scope: dict[str, Any] = {"lib": lib, "integers": _integers, "N": N, "SIDE": SIDE}
        for name, text in operands.items():
            scope[name] = eval(text, scope)
        return eval(f"lambda: {expression}", scope)  # type: ignore[no-any-return]

    return prepare


SQUARE = "lib.rand(SIDE, SIDE)"
LARGE = [
    _binary("add"),
    _binary("mul"),
    _unary("exp"),
    Case("sum", gigabytes(N), _make("lib.sum(x)", x="lib.rand(N)"), _make("lib.sum(x)", x="lib.rand(N)")),
    Case(
        "sum of columns",
        gigabytes(N),
        _make("lib.sum(x, 0)", x=SQUARE),
        _make("lib.sum(x, 0)", x=SQUARE),
    ),
    Case("softmax", gigabytes(2 * N), _make("lib.softmax(x, -1)", x=SQUARE), _make("lib.softmax(x, -1)", x=SQUARE)),
    Case("cumsum", gigabytes(2 * N), _make("lib.cumsum(x, 1)", x=SQUARE), _make("lib.cumsum(x, 1)", x=SQUARE)),
    Case(
        "cumsum of one row",
        gigabytes(2 * N),
        _make("lib.cumsum(x, 0)", x="lib.rand(N)"),
        _make("lib.cumsum(x, 0)", x="lib.rand(N)"),
    ),
    Case(
        "transposed copy",
        gigabytes(2 * N),
        _make("x.T.contiguous()", x=SQUARE),
        _make("x.T.contiguous()", x=SQUARE),
    ),
    Case(
        "gather",
        gigabytes(2 * N + 2 * N),
        _make("lib.gather(x, 0, i)", x="lib.rand(N)", i="integers(lib, N, N)"),
        _make("lib.gather(x, 0, i)", x="lib.rand(N)", i="integers(lib, N, N)"),
    ),
]

_M = 1 << 22
_ROWS, _A_ROW = 1 << 17, 16
_NNZ = _ROWS * _A_ROW


def _sparse_ours(dense: bool) -> Callable[[Any], Call]:
    def prepare(lib: Any) -> Call:
        offsets, columns, values = (lib.from_numpy(a) for a in _csr(_ROWS, _ROWS, _A_ROW))
        if dense:
            x = lib.rand(_ROWS, 16)
            return lambda: lib.spmm(offsets, columns, values, x)
        x = lib.rand(_ROWS)
        return lambda: lib.spmv(offsets, columns, values, x)

    return prepare


def _sparse_theirs(dense: bool) -> Callable[[Any], Call]:
    def prepare(lib: Any) -> Call:
        matrix = _torch_csr(lib, _ROWS, _ROWS, _A_ROW)
        x = lib.rand(_ROWS, 16) if dense else lib.rand(_ROWS)
        return lambda: matrix @ x

    return prepare


def _segments_ours(op: str) -> Callable[[Any], Call]:
    def prepare(lib: Any) -> Call:
        offsets = lib.from_numpy(_csr(_ROWS, _ROWS, 32)[0])
        x = lib.rand(int(offsets[-1].item()))
        if op == "scan":
            return lambda: lib.segment_scan(x, offsets, "sum")
        return lambda: lib.segment_reduce(x, offsets, "sum")

    return prepare


def _segments_theirs(op: str) -> Callable[[Any], Call]:
    def prepare(lib: Any) -> Call:
        offsets = lib.from_numpy(_csr(_ROWS, _ROWS, 32)[0])
        x = lib.rand(int(offsets[-1].item()))
        if op == "scan":  # PyTorch has none: the scan of everything less what came before each segment
            lengths = offsets[1:] - offsets[:-1]

            def scan() -> Any:
                total = lib.cumsum(x, 0)
                before = lib.cat([lib.zeros(1), total])[offsets[:-1]]
                return total - lib.repeat_interleave(before, lengths)

            return scan
        return lambda: lib.segment_reduce(x, "sum", offsets=offsets)

    return prepare


_TOTAL = _ROWS * 32
PRIMITIVES = [
    Case("max", gigabytes(N), _make("lib.max(x)", x="lib.rand(N)"), _make("lib.max(x)", x="lib.rand(N)")),
    Case(
        "exclusive scan",
        gigabytes(2 * N),
        _make('lib.scan(x, 1, "sum", exclusive=True)', x=SQUARE),
        _make("lib.cumsum(x, 1) - x", x=SQUARE),
    ),
    Case(
        "reverse scan",
        gigabytes(2 * N),
        _make('lib.scan(x, 1, "sum", reverse=True)', x=SQUARE),
        _make("lib.cumsum(x.flip(1), 1).flip(1)", x=SQUARE),
    ),
    Case(
        "scan of products",
        gigabytes(2 * N),
        _make("lib.cumprod(x, 1)", x=SQUARE),
        _make("lib.cumprod(x, 1)", x=SQUARE),
    ),
    Case("segment sum", gigabytes(_TOTAL), _segments_ours("sum"), _segments_theirs("sum")),
    Case("segment scan", gigabytes(2 * _TOTAL), _segments_ours("scan"), _segments_theirs("scan")),
    Case(
        "gemm 1024",
        gigaflops(2 * 1024**3),
        _make("a @ b", a="lib.rand(1024, 1024)", b="lib.rand(1024, 1024)"),
        _make("a @ b", a="lib.rand(1024, 1024)", b="lib.rand(1024, 1024)"),
    ),
    Case(
        "gemv", gigabytes(N), _make("a @ b", a=SQUARE, b="lib.rand(SIDE)"), _make("a @ b", a=SQUARE, b="lib.rand(SIDE)")
    ),
    Case(
        "gemv transposed",
        gigabytes(N),
        _make("a.T @ b", a=SQUARE, b="lib.rand(SIDE)"),
        _make("a.T @ b", a=SQUARE, b="lib.rand(SIDE)"),
    ),
    Case("spmv", gigabytes(_NNZ * 4, 4), _sparse_ours(False), _sparse_theirs(False)),
    Case("spmm, 16 columns", gigaflops(2 * _NNZ * 16), _sparse_ours(True), _sparse_theirs(True)),
    Case(
        "bincount",
        (_M / 1e6, "M/s"),
        _make("lib.bincount(x)", x=f"integers(lib, 1 << 16, {_M})"),
        _make("lib.bincount(x)", x=f"integers(lib, 1 << 16, {_M})"),
    ),
    Case(
        "histogram",
        (_M / 1e6, "M/s"),
        _make("lib.histogram(x, 256)", x=f"lib.rand({_M})"),
        _make("lib.histc(x, 256)", x=f"lib.rand({_M})"),
    ),
    Case(
        "sort", (_M / 1e6, "M/s"), _make("lib.sort(x)", x=f"lib.rand({_M})"), _make("lib.sort(x)", x=f"lib.rand({_M})")
    ),
    Case(
        "sort by key",
        (_M / 1e6, "M/s"),
        _make("lib.sort_by_key(k, v)", k=f"integers(lib, 1 << 40, {_M})", v=f"lib.rand({_M})"),
        _make("(lambda s: (s[0], v[s[1]]))(lib.sort(k))", k=f"integers(lib, 1 << 40, {_M})", v=f"lib.rand({_M})"),
    ),
    Case(
        "unique",
        (_M / 1e6, "M/s"),
        _make("lib.unique(x)", x=f"integers(lib, 1 << 18, {_M})"),
        _make("lib.unique(x)", x=f"integers(lib, 1 << 18, {_M})"),
    ),
    Case(
        "searchsorted",
        (_M / 1e6, "M/s"),
        _make("lib.searchsorted(s, x)", s="lib.linspace(0, 1, 1 << 16)", x=f"lib.rand({_M})"),
        _make("lib.searchsorted(s, x)", s="lib.linspace(0, 1, 1 << 16)", x=f"lib.rand({_M})"),
    ),
]


if __name__ == "__main__":
    main(__doc__, LARGE + PRIMITIVES)

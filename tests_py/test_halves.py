"""Ops made of several products and sums round 16-bit numbers once, at the end: as float64 does, rounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest

F = ndl.nn.functional
BITS = {"float16": 10, "bfloat16": 7}

Call = Callable[..., Any]
# name, shapes of the operands, the op
CASES: dict[str, tuple[tuple[tuple[int, ...], ...], Call]] = {
    "bilinear": (((6, 17), (6, 9), (4, 17, 9), (4,)), F.bilinear),
    "bilinear without a bias": (((6, 17), (6, 9), (4, 17, 9)), F.bilinear),
    "einsum of three": (((5, 7), (7, 4), (4, 6)), lambda a, b, c: ndl.einsum("ij,jk,kl->il", a, b, c)),
    "einsum that sums first": (((5, 7), (4, 7)), lambda a, b: ndl.einsum("ij,kj->k", a, b)),
    "einsum of pairs": (((5, 7), (5, 7)), lambda a, b: ndl.einsum("ij,ij->i", a, b)),
    "vecdot": (((5, 7), (5, 7)), lambda a, b: ndl.vecdot(a, b, 0)),
    "addmm": (((5, 4), (5, 7), (7, 4)), lambda x, a, b: ndl.addmm(x, a, b, beta=0.5, alpha=-1.5)),
    "add with alpha": (((40,), (40,)), lambda a, b: ndl.add(a, b, alpha=-0.7)),
    "subtract with alpha": (((40,), (40,)), lambda a, b: ndl.subtract(a, b, alpha=0.7)),
    "rsub with alpha": (((40,), (40,)), lambda a, b: ndl.rsub(a, b, alpha=0.7)),
    "add_ with alpha": (((40,), (40,)), lambda a, b: (a * 1).detach().add_(b, alpha=-0.7)),
    "index_add with alpha": (((3, 9), (9, 9)), lambda a, b: ndl.index_add(a, 0, ndl.tensor([0, 1, 2] * 3), b, 0.3)),
    "scatter_reduce, mean": (
        ((9,), (30,)),
        lambda a, b: ndl.scatter_reduce(a, 0, ndl.tensor(np.arange(30) % 7), b, "mean"),
    ),
    "diff twice": (((40,),), lambda a: ndl.diff(a, 2)),
    "trapezoid": (((40,), (40,)), ndl.trapezoid),
    "trapezoid, dx": (((40,),), lambda a: ndl.trapezoid(a, dx=0.3)),
    "round": (((40,),), lambda a: ndl.round(a, 1)),
    "logit": (((40,),), lambda a: ndl.logit(abs(a) / 4 + 0.125)),
    "tanhshrink": (((40,),), F.tanhshrink),
    "glu": (((5, 8),), F.glu),
    "normalize": (((5, 8),), F.normalize),
    "cosine_similarity": (((5, 8), (5, 8)), F.cosine_similarity),
    "pairwise_distance": (((5, 8), (5, 8)), lambda a, b: F.pairwise_distance(a, b, p=3.0)),
    "lp_pool1d": (((1, 2, 12),), lambda a: F.lp_pool1d(abs(a) + 0.25, 3.0, 3)),
    "batch_norm in evaluation": (
        ((4, 3), (3,), (3,), (3,), (3,)),
        lambda x, m, v, w, b: F.batch_norm(x, m, abs(v) + 0.5, w, b),
    ),
    "affine_grid": (((2, 2, 3),), lambda a: F.affine_grid(a, (2, 1, 3, 5))),
    "binary_cross_entropy_with_logits": (
        ((40,), (40,), (40,)),
        lambda x, t, w: F.binary_cross_entropy_with_logits(x, abs(t) / 2, reduction="none", pos_weight=abs(w)),
    ),
    "soft_margin_loss": (((40,), (40,)), lambda x, t: F.soft_margin_loss(x, t, "none")),
    "smooth_l1_loss": (((40,), (40,)), lambda x, t: F.smooth_l1_loss(x, t, "none", 0.5)),
    "mse_loss": (((40,), (40,)), F.mse_loss),
    "kl_div": (((40,), (40,)), lambda x, t: F.kl_div(x, abs(t), "none")),
    "gaussian_nll_loss": (
        ((40,), (40,), (40,)),
        lambda x, t, v: F.gaussian_nll_loss(x, t, abs(v) + 0.5, full=True, reduction="none"),
    ),
    "triplet_margin_loss": (((5, 8),) * 3, lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=9.0)),
    "linear, float16": (((6, 20), (5, 20), (5,)), F.linear),
}


# Products of bfloat16 have units of their own and are rounded before a layer's bias is added.
BOTH = [(name, dtype) for name in CASES for dtype in BITS if (name, dtype) != ("linear, float16", "bfloat16")]


@pytest.mark.parametrize(("name", "dtype"), BOTH)
def test_one_rounding(name: str, dtype: str) -> None:
    shapes, call = CASES[name]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        # Multiples of 1/16: what the calls do to their operands first, an abs() and a half more, is exact.
        halves = [ndl.tensor(rng.integers(-32, 33, shape) / 16, dtype="float64").astype(dtype) for shape in shapes]
        got = call(*halves)
        assert got.dtype == dtype
        expected = call(*(x.astype("float64") for x in halves)).numpy()
        # Half a unit in the last place, and float32's own error where large terms cancel.
        unit = 2.0 ** (np.floor(np.log2(np.maximum(np.abs(expected), 2e-3))) - BITS[dtype])
        np.testing.assert_array_less(np.abs(got.astype("float64").numpy() - expected) / unit, 0.56)


@pytest.mark.parametrize("dtype", BITS)
def test_gradients_of_bilinear_round_once(dtype: str) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(-32, 33, shape) / 16 for shape in ((3, 9), (3, 5), (4, 9, 5), (4,))]
    halves = [ndl.tensor(a, dtype="float64").astype(dtype).detach().requires_grad_() for a in arrays]
    wide = [h.detach().astype("float64").requires_grad_() for h in halves]
    ndl.sum(F.bilinear(*halves)).backward()
    ndl.sum(F.bilinear(*wide)).backward()
    for h, w in zip(halves, wide, strict=True):
        exact = w.grad.numpy()
        unit = 2.0 ** (np.floor(np.log2(np.maximum(np.abs(exact), 2e-3))) - BITS[dtype])
        np.testing.assert_array_less(np.abs(h.grad.astype("float64").numpy() - exact) / unit, 0.56)

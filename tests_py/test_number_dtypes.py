"""The dtype of a result follows from the types of the arguments and never from a value: 2.0 gives what 2.5 gives, or is
refused where the other is meaningless. So for every op that takes a number, which the signatures tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import pytest

F = ndl.nn.functional
DTYPES = ["bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64"]

Call = Callable[[ndl.Tensor, Any], Any]
NAMES = [
    *("add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "remainder", "mod", "fmod", "power"),
    *("float_power", "maximum", "minimum", "fmax", "fmin", "atan2", "copysign", "hypot", "logaddexp", "xlogy"),
    *("equal", "less", "rsub", "clamp_min", "clamp_max"),
]
CALLS: dict[str, Call] = {
    "a + n": lambda x, n: x + n,
    "n + a": lambda x, n: n + x,
    "a - n": lambda x, n: x - n,
    "n - a": lambda x, n: n - x,
    "a * n": lambda x, n: x * n,
    "a / n": lambda x, n: x / n,
    "n / a": lambda x, n: n / x,
    "a // n": lambda x, n: x // n,
    "n // a": lambda x, n: n // x,
    "a % n": lambda x, n: x % n,
    "n % a": lambda x, n: n % x,
    "a ** n": lambda x, n: x**n,
    "n ** a": lambda x, n: n**x,
    "divmod": lambda x, n: divmod(x, n)[0],
    "a < n": lambda x, n: x < n,
    **{name: lambda x, n, name=name: getattr(ndl, name)(x, n) for name in NAMES},
    "divide, rounded": lambda x, n: ndl.divide(x, n, rounding_mode="floor"),
    "add, alpha": lambda x, n: ndl.add(x, x, alpha=n),
    "subtract, alpha": lambda x, n: ndl.subtract(x, x, alpha=n),
    "rsub, alpha": lambda x, n: ndl.rsub(x, x, alpha=n),
    "addcmul": lambda x, n: ndl.addcmul(x, x, x, n),
    "addcdiv": lambda x, n: ndl.addcdiv(x, x, x, n),
    "lerp": lambda x, n: ndl.lerp(x, x, n),
    "lerp, end": lambda x, n: ndl.lerp(x, n, 0.5),
    "clamp": lambda x, n: ndl.clamp(x, n, 3),
    "clamp, both": lambda x, n: ndl.clamp(x, n, n),
    "clip": lambda x, n: ndl.clip(x, max=n),
    "where": lambda x, n: ndl.where(x > 0, x, n),
    "where, first": lambda x, n: ndl.where(x > 0, n, x),
    "where, numbers": lambda x, n: ndl.where(x > 0, n, 1),
    "masked_fill": lambda x, n: ndl.masked_fill(x, x > 0, n),
    "index_fill": lambda x, n: ndl.index_fill(x, 0, [0], n),
    "index_add": lambda x, n: ndl.index_add(x, 0, ndl.tensor([0, 1]), x, n),
    "scatter": lambda x, n: ndl.scatter(x, 0, ndl.tensor([0]), n),
    "full_like": lambda x, n: ndl.full_like(x, n),
    "full": lambda x, n: ndl.full((2,), n),
    "arange": lambda x, n: ndl.arange(n),
    "arange, step": lambda x, n: ndl.arange(0, 9, n),
    "linspace": lambda x, n: ndl.linspace(0, n, 3),
    "logspace": lambda x, n: ndl.logspace(0, n, 3, base=n),
    "rand": lambda x, n: ndl.rand(2, low=0, high=n),
    "randn": lambda x, n: ndl.randn(2, mean=n, std=n),
    "tensor": lambda x, n: ndl.tensor([n, 1]),
    "nan_to_num": lambda x, n: ndl.nan_to_num(x, n, n, n),
    "logit": lambda x, n: ndl.logit(x, n / 10),
    "trapezoid": lambda x, n: ndl.trapezoid(x, dx=n),
    "histogram": lambda x, n: ndl.histogram(x, range=(0, n))[0],
    "vector_norm": lambda x, n: ndl.vector_norm(x, n),
    "norm": lambda x, n: ndl.norm(x, n),
    "std": lambda x, n: ndl.std(x, correction=n - 2),
    "std_mean": lambda x, n: ndl.std_mean(x, correction=n - 2)[0],
    "var": lambda x, n: ndl.var(x, ddof=n - 2),
    "var_mean": lambda x, n: ndl.var_mean(x, correction=n - 2)[0],
    "searchsorted": lambda x, n: ndl.searchsorted(x, [n]),
    "isin": lambda x, n: ndl.isin(x, [n]),
    "pad": lambda x, n: F.pad(x, (1, 1), value=n),
    "leaky_relu": lambda x, n: F.leaky_relu(x, n),
    "elu": lambda x, n: F.elu(x, n),
    "celu": lambda x, n: F.celu(x, n),
    "softplus": lambda x, n: F.softplus(x, n, n),
    "hardtanh": lambda x, n: F.hardtanh(x, -n, n),
    "hardshrink": lambda x, n: F.hardshrink(x, n),
    "softshrink": lambda x, n: F.softshrink(x, n),
    "threshold": lambda x, n: F.threshold(x, 1.0, n),
    "threshold, bound": lambda x, n: F.threshold(x, n, 1.0),
    "dropout": lambda x, n: F.dropout(x, n / 10),
    "layer_norm": lambda x, n: F.layer_norm(x, 2, eps=n),
    "rms_norm": lambda x, n: F.rms_norm(x, 2, eps=n),
    "group_norm": lambda x, n: F.group_norm(x.reshape(1, 2), 1, eps=n),
    "instance_norm": lambda x, n: F.instance_norm(x.reshape(1, 1, 2), eps=n, momentum=n / 10),
    "batch_norm": lambda x, n: F.batch_norm(x.reshape(2, 1), None, None, training=True, eps=n, momentum=n / 10),
    "normalize": lambda x, n: F.normalize(x, n, 0, n),
    "cosine_similarity": lambda x, n: F.cosine_similarity(x, x, 0, n),
    "pairwise_distance": lambda x, n: F.pairwise_distance(x, x, n, n),
    "smooth_l1_loss": lambda x, n: F.smooth_l1_loss(x, x, beta=n),
    "huber_loss": lambda x, n: F.huber_loss(x, x, delta=n),
    "poisson_nll_loss": lambda x, n: F.poisson_nll_loss(x, x, eps=n),
    "gaussian_nll_loss": lambda x, n: F.gaussian_nll_loss(x, x, n, eps=n),
    "hinge_embedding_loss": lambda x, n: F.hinge_embedding_loss(x, x, n),
    "margin_ranking_loss": lambda x, n: F.margin_ranking_loss(x, x, x, n),
    "cosine_embedding_loss": lambda x, n: F.cosine_embedding_loss(x, x, ndl.tensor(1), n),
    "triplet_margin_loss": lambda x, n: F.triplet_margin_loss(x, x, x, n, n, n),
    "cross_entropy": lambda x, n: F.cross_entropy(x, ndl.tensor(1), label_smoothing=n / 10),
    "lp_pool1d": lambda x, n: F.lp_pool1d(x.reshape(1, 2), n, 2),
    "interpolate": lambda x, n: F.interpolate(x.reshape(1, 1, 2), scale_factor=n),
    "upsample_nearest": lambda x, n: F.upsample_nearest(x.reshape(1, 1, 2), scale_factor=n),
    "attention": lambda x, n: F.scaled_dot_product_attention(x[None], x[None], x[None], dropout_p=n / 10, scale=n),
    "addmm": lambda x, n: ndl.addmm(x[:1], x[None], x.reshape(2, 1), beta=n, alpha=n),
    "addmv": lambda x, n: ndl.addmv(x[:1], x[None], x, beta=n, alpha=n),
    "addr": lambda x, n: ndl.addr(x, x, x, beta=n, alpha=n),
    "addbmm": lambda x, n: ndl.addbmm(x[:1], x[None, None], x.reshape(1, 2, 1), beta=n, alpha=n),
    "baddbmm": lambda x, n: ndl.baddbmm(x[:1], x[None, None], x.reshape(1, 2, 1), beta=n, alpha=n),
}
# Ops whose numbers are no part of a tensor's arithmetic, or that have no tensor to take a dtype from.
ELSEWHERE = {
    "lp_pool2d",
    "lp_pool3d",
    "scaled_dot_product_attention",  # "attention"
    "gradcheck",
    "gradgradcheck",
    "render_volume",
}


def dtype_of(call: Call, dtype: str, number: Any) -> str | None:
    try:
        result = call(ndl.tensor([1, 0], dtype=dtype), number)
    except (TypeError, ValueError, OverflowError):
        return None
    return result.dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CALLS)
def test_no_value_decides_the_dtype(name: str, dtype: str) -> None:
    whole, broken = (dtype_of(CALLS[name], dtype, number) for number in (2.0, 2.5))
    assert broken in (whole, None)
    assert whole is not None or dtype in ("bool", "uint8", "int32", "int64"), (
        "a call that no dtype can make tests nothing"
    )


def test_a_float_lifts_integers_and_an_int_does_not() -> None:
    x = ndl.tensor([1, 2], dtype="int32")
    for call in (
        lambda n: ndl.add(x, x, alpha=n),
        lambda n: ndl.subtract(x, x, alpha=n),
        lambda n: ndl.rsub(x, x, alpha=n),
        lambda n: x + n,
        lambda n: ndl.clamp(x, n),
    ):
        assert [call(n).dtype for n in (2, 2.0, 2.5)] == ["int32", "float32", "float32"]


def test_trapezoid() -> None:
    x = ndl.Tensor([1, 2], dtype="int32")
    results = [ndl.trapezoid(x, dx=dx) for dx in (1.0, 2.0, 2.5)]
    assert [y.dtype for y in results] == ["float32"] * 3
    assert [y.item() for y in results] == [1.5, 3.0, 3.75]
    assert ndl.trapezoid(x, x=x).dtype == "float32"


@pytest.mark.parametrize("number", [2.5, -0.5])
def test_what_integers_cannot_hold_is_refused(number: float) -> None:
    x = ndl.tensor([1, 2], dtype="int32")
    for call in (
        lambda: F.hardtanh(x, -1, 1 + abs(number)),
        lambda: F.threshold(x, 1.0, number),
        lambda: ndl.addcmul(x, x, x, value=number),
        lambda: ndl.index_add(x, 0, ndl.tensor([0, 1]), x, alpha=number),
    ):
        with pytest.raises(TypeError, match=r"^\[\w+\] "):
            call()


def test_every_op_that_takes_a_number_is_here() -> None:
    """As the signatures of the bindings say."""
    named = {re.split(r"[, ]", name)[0] for name in CALLS} | ELSEWHERE
    missing = []
    for module in (ndl, F):
        for name in module.__all__:
            fn = getattr(module, name)
            signatures = [overload[0] for overload in getattr(fn, "__nb_signature__", ())]
            takes = any(re.search(r": float\b", text) for text in signatures)
            aliases = {other for other in module.__all__ if getattr(module, other).__doc__ == fn.__doc__}
            if takes and not aliases & named:
                missing.append(name)
    assert missing == []

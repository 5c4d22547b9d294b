"""Arguments that no op can mean are refused where they are given, by the kind of error that fits and in one line that
names the op, what was wrong with what it got, and what it expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import pytest

F = ndl.nn.functional
NAN = float("nan")
INF = float("inf")

x = ndl.tensor([[0.5, 0.25, 0.75], [0.1, 0.2, 0.3]])
image = ndl.ones(1, 2, 4, 4)
kernel = ndl.ones(2, 2, 3, 3)
at = ndl.tensor([0, 1])
corner = ndl.zeros(2, 2, dtype="int64")
whole = ndl.tensor([1, 2], dtype="int32")


def parameter() -> list[ndl.Tensor]:
    return [ndl.nn.Parameter([1.0])]


def ones(*shape: int) -> ndl.Tensor:
    return ndl.ones(*shape)


Row = tuple[str, Callable[[], Any], type[Exception], str]
TABLE: list[Row] = [
    # sizes
    ("zeros", lambda: ndl.zeros(-1, 3), ValueError, "-1"),
    ("empty", lambda: ndl.empty(-1), ValueError, "-1"),
    ("full", lambda: ndl.full((2, -1), 1), ValueError, "-1"),
    ("rand", lambda: ndl.rand(-2), ValueError, "-2"),
    ("randint", lambda: ndl.randint(0, 2, (-1,)), ValueError, "-1"),
    ("eye", lambda: ndl.eye(-1), ValueError, "-1"),
    ("eye, columns", lambda: ndl.eye(2, -1), ValueError, "-1"),
    ("linspace", lambda: ndl.linspace(0, 1, -1), ValueError, "-1"),
    ("logspace", lambda: ndl.logspace(0, 1, -1), ValueError, "-1"),
    ("arange", lambda: ndl.arange(0, 3, 0), ValueError, "step"),
    ("arange of NaN", lambda: ndl.arange(NAN), ValueError, "finite"),
    ("tril_indices", lambda: ndl.tril_indices(-1, 2), ValueError, "-1"),
    ("one_hot", lambda: ndl.one_hot(at, 0), ValueError, "classes"),
    ("one_hot, class", lambda: ndl.one_hot(at, 1), IndexError, "out of range"),
    ("tile", lambda: ndl.tile(x, (-1,)), ValueError, "times"),
    ("repeat", lambda: ndl.repeat(x, -1), ValueError, "times"),
    ("Tensor.repeat", lambda: x.repeat(2), ValueError, "too few"),
    ("broadcast_to", lambda: ndl.broadcast_to(x, (3, 3)), ValueError, "do not fit"),
    ("broadcast_to, negative", lambda: ndl.broadcast_to(ones(1), (-2,)), ValueError, "do not fit"),
    ("unflatten", lambda: ndl.unflatten(x, 1, (2, 2)), ValueError, "sizes"),
    ("reshape", lambda: ndl.reshape(x, (4, -2)), ValueError, "bad size"),
    # axes
    ("sum", lambda: ndl.sum(x, (0, 0)), ValueError, ""),
    ("sum, from the end", lambda: ndl.sum(x, (0, -2)), ValueError, ""),
    ("flip", lambda: ndl.flip(x, (0, 0)), ValueError, ""),
    ("flipud", lambda: ndl.flipud(ndl.tensor(1.0)), ValueError, "no axis"),
    ("fliplr", lambda: ndl.fliplr(ones(3)), ValueError, "no axis 1"),
    ("roll of a number", lambda: ndl.roll(ndl.tensor(1.0), 1, 0), IndexError, "axis"),
    ("roll", lambda: ndl.roll(x, (1, 2), 0), ValueError, "lists differ"),
    ("roll by nothing", lambda: ndl.roll(x, ()), ValueError, "no shifts"),
    ("rot90", lambda: ndl.rot90(x, 1, (0,)), ValueError, "two axes"),
    ("permute", lambda: ndl.permute(x, (0, 0)), ValueError, "repeated"),
    ("moveaxis", lambda: ndl.moveaxis(x, (0, 0), (0, 1)), ValueError, "repeats"),
    ("squeeze", lambda: ndl.squeeze(x, 5), IndexError, "axis"),
    ("unsqueeze", lambda: ndl.unsqueeze(x, 4), IndexError, "axis"),
    ("diagonal", lambda: ndl.diagonal(x, 0, 1, 1), ValueError, "the same"),
    ("trace", lambda: ndl.trace(ones(3)), ValueError, "two axes"),
    ("tril", lambda: ndl.tril(ones(3)), ValueError, "too few axes"),
    ("diag", lambda: ndl.diag(image), ValueError, "wrong number of axes"),
    ("t", lambda: ndl.t(image), ValueError, "too many axes"),
    ("flatten", lambda: ndl.flatten(x, 1, 0), ValueError, "order"),
    ("stack", lambda: ndl.stack([x, ones(2)]), ValueError, ""),
    ("concat", lambda: ndl.concat([x, image]), ValueError, "ranks differ"),
    ("block_diag", lambda: ndl.block_diag(image), ValueError, "matrix"),
    ("meshgrid", lambda: ndl.meshgrid(x), ValueError, "coordinates"),
    # parts
    ("split", lambda: ndl.split(x, 0), ValueError, "section"),
    ("split, negative", lambda: ndl.split(x, -1), ValueError, "section"),
    ("split, sizes", lambda: ndl.split(x, (1, 2)), ValueError, "sizes"),
    ("chunk", lambda: ndl.chunk(x, 0), ValueError, "parts"),
    ("array_split", lambda: ndl.array_split(x, -2), ValueError, "parts"),
    ("hsplit", lambda: ndl.hsplit(ones(5), 2), ValueError, "not equal"),
    ("hsplit of a number", lambda: ndl.hsplit(ndl.tensor(1.0), 1), ValueError, "too few axes"),
    ("vsplit", lambda: ndl.vsplit(ones(4), 2), ValueError, "too few axes"),
    ("vsplit into none", lambda: ndl.vsplit(x, 0), ValueError, "not equal"),
    ("narrow", lambda: ndl.narrow(x, 0, 0, -1), ValueError, "length"),
    ("narrow from bool", lambda: ndl.narrow(x, 0, ndl.tensor(True), 1), TypeError, "no integer"),
    ("unfold", lambda: x.unfold(0, 5, 1), ValueError, "window"),
    ("unfold, step", lambda: x.unfold(0, 1, 0), ValueError, "step"),
    # indices
    ("index_select", lambda: ndl.index_select(x, 0, ndl.tensor([[0]])), ValueError, "shape"),
    ("index_add", lambda: ndl.index_add(ones(3, 2), 0, at, ones(2)), ValueError, "source does not fit"),
    ("index_add, count", lambda: ndl.index_add(ones(3, 2), 0, at, ones(3, 2)), ValueError, "source does not fit"),
    ("index_copy", lambda: ndl.index_copy(ones(3, 2), 0, at, ones(1, 2)), ValueError, "source does not fit"),
    ("index_fill", lambda: ndl.index_fill(x, 0, at, ones(1)), ValueError, "single value"),
    ("gather", lambda: ndl.gather(x, 0, at), ValueError, "ranks differ"),
    ("scatter", lambda: ndl.scatter(ones(3, 5), 0, corner, ones(1, 2)), ValueError, "src does not fit"),
    ("scatter, rank", lambda: ndl.scatter(ones(3, 5), 0, corner, ones(2)), ValueError, "src does not fit"),
    ("scatter_add", lambda: ndl.scatter_add(ones(3, 5), 0, corner, ones(2)), ValueError, "src does not fit"),
    (
        "scatter_reduce",
        lambda: ndl.scatter_reduce(ones(3, 5), 0, corner, ones(1, 2), "sum"),
        ValueError,
        "src does not fit",
    ),
    (
        "scatter_reduce, word",
        lambda: ndl.scatter_reduce(ones(3, 5), 0, corner, ones(2, 2), "max"),
        ValueError,
        "reduction",
    ),
    ("take", lambda: ndl.take(x, ndl.tensor([9])), IndexError, "out of range"),
    ("masked_fill", lambda: ndl.masked_fill(x, x > 0, ones(2)), ValueError, "no number"),
    ("masked_select", lambda: ndl.masked_select(x, at), (TypeError, ValueError), ""),
    ("masked_scatter", lambda: ndl.masked_scatter(x, x > -1, ones(2)), ValueError, "too few"),
    ("where", lambda: ndl.where(x, x, x), TypeError, "condition"),
    ("embedding", lambda: F.embedding(at, ndl.zeros(3)), ValueError, "weight"),
    ("embedding of a negative number of rows", lambda: F.embedding(at, ndl.zeros(-2, 3)), ValueError, "-2"),
    ("embedding, row", lambda: F.embedding(ndl.tensor([-1]), ones(3, 2)), IndexError, "out of range"),
    ("embedding, padding", lambda: F.embedding(at, ones(3, 2), padding_idx=5), ValueError, "padding_idx"),
    # order, counts, integrals
    ("topk", lambda: ndl.topk(x, 4), ValueError, "number of elements"),
    ("topk, negative", lambda: ndl.topk(x, -1), ValueError, "number of elements"),
    ("searchsorted", lambda: ndl.searchsorted(x, ones(3, 3)), ValueError, "rows"),
    ("searchsorted, side", lambda: ndl.searchsorted(ones(3), ones(3), side="up"), ValueError, "side"),
    ("bucketize", lambda: ndl.bucketize(x, x), ValueError, "boundaries"),
    ("bincount", lambda: ndl.bincount(ndl.tensor([-1])), ValueError, "out of range"),
    ("histogram", lambda: ndl.histogram(x, 0), ValueError, "bins"),
    ("histogram, range", lambda: ndl.histogram(x, range=(2, 1)), ValueError, "range"),
    ("diff", lambda: ndl.diff(x, -1), ValueError, "order"),
    ("trapezoid", lambda: ndl.trapezoid(x, ones(2)), ValueError, "x does not fit"),
    ("trapezoid, one place", lambda: ndl.trapezoid(x, ones(1)), ValueError, "x does not fit"),
    ("trapezoid, dx", lambda: ndl.trapezoid(x, dx=NAN), ValueError, "dx"),
    ("scan", lambda: ndl.scan(x, 0, "median"), ValueError, "unknown op"),
    ("vector_norm", lambda: ndl.vector_norm(x, NAN), ValueError, "ord"),
    ("var", lambda: ndl.var(x, correction=NAN), ValueError, "correction"),
    ("tensordot", lambda: ndl.tensordot(x, x, -1), ValueError, "axes"),
    ("cross", lambda: ndl.cross(x[:, :2], x[:, :2]), ValueError, "3-vectors"),
    # elementwise
    ("logit", lambda: ndl.logit(x, 0.7), ValueError, "eps"),
    ("logit, negative", lambda: ndl.logit(x, -0.1), ValueError, "eps"),
    ("divide", lambda: ndl.divide(x, x, rounding_mode="up"), ValueError, "rounding"),
    ("gelu", lambda: F.gelu(x, "exp"), ValueError, "approximation"),
    ("celu", lambda: F.celu(x, 0.0), ValueError, "alpha"),
    ("softplus", lambda: F.softplus(x, 0.0), ValueError, "beta"),
    ("softshrink", lambda: F.softshrink(x, -1.0), ValueError, "bound"),
    ("hardtanh", lambda: F.hardtanh(x, 1, -1), ValueError, "range"),
    ("hardtanh of integers", lambda: F.hardtanh(whole, 0, 1.5), TypeError, "int32"),
    ("threshold of integers", lambda: F.threshold(whole, 1.0, 0.5), TypeError, "int32"),
    ("addcmul of integers", lambda: ndl.addcmul(whole, whole, whole, value=0.5), TypeError, "whole"),
    ("glu", lambda: F.glu(x), ValueError, "halve"),
    ("prelu", lambda: F.prelu(x, ones(2)), ValueError, "weights"),
    # random
    ("rand, bounds", lambda: ndl.rand(2, low=2, high=1), ValueError, "range"),
    ("randn", lambda: ndl.randn(2, std=-1.0), ValueError, "deviation"),
    ("randn, NaN", lambda: ndl.randn(2, mean=NAN), ValueError, "finite"),
    ("randint, bounds", lambda: ndl.randint(3, 3, (2,)), ValueError, "range"),
    ("randb", lambda: ndl.init.randb(2, p=2.0), ValueError, "probability"),
    ("dropout", lambda: F.dropout(x, 1.5), ValueError, "probability"),
    ("dropout, NaN", lambda: F.dropout(x, NAN), ValueError, "probability"),
    ("xavier_uniform", lambda: ndl.init.xavier_uniform(-3, 2), ValueError, "fan_in"),
    ("xavier_normal", lambda: ndl.init.xavier_normal(3, 0), ValueError, "fan_out"),
    ("kaiming_uniform", lambda: ndl.init.kaiming_uniform(0, 2), ValueError, "fan_in"),
    ("kaiming_normal", lambda: ndl.init.kaiming_normal(-1, 2), ValueError, "fan_in"),
    ("Linear", lambda: ndl.nn.Linear(-1, 2), ValueError, "fan_in"),
    # norms
    ("rms_norm", lambda: F.rms_norm(x, 3, eps=-0.5), ValueError, "eps"),
    ("rms_norm, shape", lambda: F.rms_norm(x, (2, 2)), ValueError, "normalized_shape"),
    ("layer_norm", lambda: F.layer_norm(x, 3, eps=NAN), ValueError, "eps"),
    ("group_norm", lambda: F.group_norm(image, 0), ValueError, "groups"),
    ("group_norm, negative", lambda: F.group_norm(image, -1), ValueError, "groups"),
    ("group_norm, divisor", lambda: F.group_norm(image, 3), ValueError, "groups"),
    ("group_norm, eps", lambda: F.group_norm(image, 1, eps=NAN), ValueError, "eps"),
    ("instance_norm", lambda: F.instance_norm(image, eps=INF), ValueError, "eps"),
    ("batch_norm", lambda: F.batch_norm(image, None, None, training=True, eps=NAN), ValueError, "eps"),
    (
        "batch_norm, momentum",
        lambda: F.batch_norm(image, None, None, training=True, momentum=NAN),
        ValueError,
        "momentum",
    ),
    ("batch_norm, statistics", lambda: F.batch_norm(image, ones(3), ones(3)), ValueError, "running_mean"),
    ("normalize", lambda: F.normalize(x, eps=-1.0), ValueError, "eps"),
    ("normalize, p", lambda: F.normalize(x, p=NAN), ValueError, "p"),
    ("cosine_similarity", lambda: F.cosine_similarity(x, x, eps=-1.0), ValueError, "eps"),
    ("pairwise_distance", lambda: F.pairwise_distance(x, x, eps=INF), ValueError, "eps"),
    # windows
    ("conv2d, stride", lambda: F.conv2d(image, kernel, stride=0), ValueError, "stride"),
    ("conv2d, padding", lambda: F.conv2d(image, kernel, padding=-1), ValueError, "padding"),
    ("conv2d, word", lambda: F.conv2d(image, kernel, padding="full"), ValueError, "padding"),
    ("conv2d, dilation", lambda: F.conv2d(image, kernel, dilation=0), ValueError, "dilation"),
    ("conv2d, groups", lambda: F.conv2d(image, kernel, groups=0), ValueError, "groups"),
    ("conv2d, channels", lambda: F.conv2d(ones(1, 3, 4, 4), kernel), ValueError, "channels"),
    ("conv_transpose2d", lambda: F.conv_transpose2d(image, kernel, output_padding=1), ValueError, "output_padding"),
    ("max_pool2d", lambda: F.max_pool2d(image, 0), ValueError, "kernel_size"),
    ("max_pool2d, stride", lambda: F.max_pool2d(image, 2, stride=0), ValueError, "stride"),
    ("max_pool2d, padding", lambda: F.max_pool2d(image, 2, padding=2), ValueError, "padding"),
    ("max_pool2d, dilation", lambda: F.max_pool2d(image, 2, dilation=0), ValueError, "dilation"),
    ("avg_pool2d", lambda: F.avg_pool2d(image, 2, divisor_override=0), ValueError, "division"),
    ("lp_pool2d", lambda: F.lp_pool2d(image, 0.0, 2), ValueError, "norm"),
    ("lp_pool2d, NaN", lambda: F.lp_pool2d(image, NAN, 2), ValueError, "norm"),
    ("lp_pool1d of integers", lambda: F.lp_pool1d(whole[None], 2.0, 2), TypeError, "int32"),
    ("adaptive_avg_pool2d", lambda: F.adaptive_avg_pool2d(image, (-1, 2)), ValueError, "negative"),
    ("unfold of images", lambda: F.unfold(image, 0), ValueError, "kernel_size"),
    ("fold", lambda: F.fold(ones(1, 4, 9), (4, 4), 0), ValueError, "kernel_size"),
    ("pad", lambda: F.pad(x, (1,)), ValueError, "widths"),
    ("pad, reflect", lambda: F.pad(image, (4, 0), "reflect"), ValueError, "reflects"),
    ("pad, word", lambda: F.pad(x, (1, 1), "mirror"), ValueError, "mode"),
    ("pad, cut", lambda: F.pad(x, (-2, -2)), ValueError, "cuts"),
    ("interpolate", lambda: F.interpolate(image, scale_factor=-1.0), ValueError, "scale factor"),
    ("interpolate, size", lambda: F.interpolate(image, 0), ValueError, "size"),
    ("interpolate, both", lambda: F.interpolate(image, size=2, scale_factor=2.0), ValueError, "both"),
    ("interpolate, word", lambda: F.interpolate(image, 2, mode="cubic"), ValueError, "mode"),
    ("pixel_shuffle", lambda: F.pixel_shuffle(image, -1), ValueError, ""),
    ("pixel_unshuffle", lambda: F.pixel_unshuffle(image, 0), ValueError, ""),
    ("grid_sample", lambda: F.grid_sample(image, ones(2, 2, 2, 2)), ValueError, ""),
    ("grid_sample, word", lambda: F.grid_sample(image, ones(1, 2, 2, 2), mode="linear"), ValueError, "mode"),
    ("affine_grid", lambda: F.affine_grid(ones(1, 2, 3), (1, 1, -4, 4)), ValueError, "size"),
    # losses
    ("mse_loss", lambda: F.mse_loss(ones(3), ones(2)), ValueError, ""),
    ("mse_loss, word", lambda: F.mse_loss(x, x, "max"), ValueError, "reduction"),
    ("huber_loss", lambda: F.huber_loss(x, x, delta=0.0), ValueError, "delta"),
    ("smooth_l1_loss", lambda: F.smooth_l1_loss(x, x, beta=-1.0), ValueError, "beta"),
    ("cross_entropy", lambda: F.cross_entropy(x, ndl.tensor([0, 5])), IndexError, "class"),
    ("cross_entropy, negative", lambda: F.cross_entropy(x, ndl.tensor([0, -1])), IndexError, "class"),
    ("cross_entropy, weight", lambda: F.cross_entropy(x, at, ones(2)), ValueError, "weight"),
    ("cross_entropy, rows", lambda: F.cross_entropy(x, ndl.tensor([0])), ValueError, "target"),
    ("cross_entropy, smoothing", lambda: F.cross_entropy(x, at, label_smoothing=2.0), ValueError, "label_smoothing"),
    ("nll_loss", lambda: F.nll_loss(x, ndl.tensor([3, 0])), IndexError, "class"),
    ("binary_cross_entropy", lambda: F.binary_cross_entropy(x + 2, x), ValueError, "probability"),
    ("binary_cross_entropy, weight", lambda: F.binary_cross_entropy(x, x, ones(5, 2, 3)), ValueError, "weight"),
    ("bce with logits", lambda: F.binary_cross_entropy_with_logits(x, ones(3)), ValueError, "target"),
    (
        "bce with logits, weight",
        lambda: F.binary_cross_entropy_with_logits(x, x, ones(5, 2, 3)),
        ValueError,
        "weight does not fit",
    ),
    (
        "bce with logits, pos_weight",
        lambda: F.binary_cross_entropy_with_logits(x, x, pos_weight=ones(5, 2, 3)),
        ValueError,
        "pos_weight does not fit",
    ),
    ("kl_div", lambda: F.kl_div(x, x, "batch"), ValueError, "reduction"),
    ("gaussian_nll_loss", lambda: F.gaussian_nll_loss(x, x, -ones(2, 3)), ValueError, "variance"),
    ("gaussian_nll_loss, shape", lambda: F.gaussian_nll_loss(x, x, ones(1, 3)), ValueError, "variances do not fit"),
    ("gaussian_nll_loss, eps", lambda: F.gaussian_nll_loss(x, x, ones(2, 3), eps=-1.0), ValueError, "eps"),
    ("poisson_nll_loss", lambda: F.poisson_nll_loss(x, x, eps=-1.0), ValueError, "eps"),
    ("margin_ranking_loss", lambda: F.margin_ranking_loss(x, x, ones(3)), ValueError, "numbers of axes"),
    ("cosine_embedding_loss", lambda: F.cosine_embedding_loss(x, x, ones(2, 3)), ValueError, "target"),
    ("triplet_margin_loss", lambda: F.triplet_margin_loss(x, x, x, margin=-1.0), ValueError, "margin"),
    ("triplet_margin_loss, axes", lambda: F.triplet_margin_loss(x, x, ones(3)), ValueError, "numbers of axes"),
    # layers
    ("attention", lambda: F.scaled_dot_product_attention(x, x, x, dropout_p=2.0), ValueError, "dropout_p"),
    ("attention, scale", lambda: F.scaled_dot_product_attention(x, x, x, scale=NAN), ValueError, "scale"),
    ("linear", lambda: F.linear(x, ones(2, 2)), ValueError, "features"),
    ("linear, bias", lambda: F.linear(x, ones(2, 3), ones(3)), ValueError, ""),
    ("bilinear", lambda: F.bilinear(x, x, ones(1, 2, 3)), ValueError, "sizes"),
    ("bilinear, bias", lambda: F.bilinear(x, x, ones(2, 3, 3), ones(3)), ValueError, "bias"),
    # optimizers
    ("SGD, lr", lambda: ndl.optim.SGD(parameter(), lr=-1.0), ValueError, "learning rate"),
    ("SGD, momentum", lambda: ndl.optim.SGD(parameter(), momentum=-0.5), ValueError, "momentum"),
    ("SGD, decay", lambda: ndl.optim.SGD(parameter(), weight_decay=-1.0), ValueError, "weight_decay"),
    ("SGD, dampening", lambda: ndl.optim.SGD(parameter(), dampening=3.0), ValueError, "dampening"),
    ("SGD of nothing", lambda: ndl.optim.SGD([]), ValueError, "no parameters"),
    ("Adam, beta1", lambda: ndl.optim.Adam(parameter(), beta1=1.0), ValueError, "beta1"),
    ("Adam, beta2", lambda: ndl.optim.Adam(parameter(), beta2=-0.1), ValueError, "beta2"),
    ("Adam, eps", lambda: ndl.optim.Adam(parameter(), eps=-1.0), ValueError, "eps"),
    ("Adam, decay", lambda: ndl.optim.Adam(parameter(), weight_decay=NAN), ValueError, "weight_decay"),
    ("clip_grad_norm", lambda: ndl.optim.SGD(parameter()).clip_grad_norm(-1.0), ValueError, "max_norm"),
]


@pytest.mark.parametrize(("call", "error", "word"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_refused(call: Callable[[], Any], error: type[Exception], word: str) -> None:
    with pytest.raises(error) as raised:
        call()
    message = str(raised.value)
    assert word in message
    assert re.match(r"\[\w+\] .*: .*expected ", message), message
    assert len(message.splitlines()) <= 3


def test_what_is_meant_is_taken() -> None:
    """The neighbours of what is refused."""
    assert ndl.roll(ndl.tensor(1.0), 1).item() == 1
    assert ndl.flipud(ones(1)).shape == (1,)
    assert ndl.index_add(ones(3, 2), 0, at, ones(2, 2)).tolist() == [[2, 2], [2, 2], [1, 1]]
    assert ndl.index_add(ndl.tensor(1.0), 0, ndl.tensor(0), ndl.tensor(2.0)).item() == 3
    assert ndl.index_copy(ones(2), 0, ndl.tensor([1]), ndl.tensor([5.0])).tolist() == [1, 5]
    assert ndl.scatter(ones(3), 0, ndl.tensor([1]), 5.0).tolist() == [1, 5, 1]
    assert ndl.put_along_axis(ones(2, 2), ndl.tensor([[0]]), ndl.tensor([7.0]), 1).tolist() == [[7, 1], [7, 1]]
    assert F.rms_norm(ndl.tensor([2.0, -2.0]), 2, eps=0).tolist() == [1, -1]
    assert F.gaussian_nll_loss(x, x, 1.0).item() == 0
    assert F.gaussian_nll_loss(x, x, ones(2)).item() == 0
    assert F.gaussian_nll_loss(x, x, ones(2, 1)).item() == 0
    assert [part.shape for part in ndl.hsplit(ones(2, 4), 2)] == [(2, 2), (2, 2)]
    assert [part.shape for part in ndl.vsplit(ones(3, 1), [1])] == [(1, 1), (2, 1)]
    assert ndl.trapezoid(x, ones(1, 3)).shape == (2,)
    assert F.batch_norm(ones(0, 2), None, None, training=True).shape == (0, 2)


@pytest.mark.parametrize("decimals", [39, 400])
def test_more_decimals_than_there_are_leave_a_number_as_it_is(decimals: int) -> None:
    assert ndl.round(x, decimals).tolist() == x.tolist()
    assert ndl.round(x, -decimals).tolist() == [[0.0] * 3] * 2
    assert ndl.round(ndl.tensor([1e-3, 7.0], dtype="float16"), 6).tolist() == ndl.tensor([1e-3, 7], "float16").tolist()

"""Values of arguments, with which test_arguments.py walks all signatures.

VALUES has them by the parameter's name, CALLS by the function's for those that need others. The first value of a list
makes the call where the parameter is required; one of the others has to change what comes of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import needlecpp as ndl
import numpy as np

inf, nan = float("inf"), float("nan")


def numbers(*shape: int, low: float = 0.3, scale: float = 1.0, grad: bool = False) -> ndl.Tensor:
    """Distinct positive numbers in no order."""
    count = max(1, int(np.prod(shape)))
    order = np.random.default_rng(count + int(10 * low)).permutation(count)
    return ndl.tensor((low + scale * order.reshape(shape) / count).astype("float32"), requires_grad=grad)


def whole(*values: Any) -> ndl.Tensor:
    return ndl.tensor(np.array(values))


class Refused(NamedTuple):
    """A value that raises, with these words."""

    value: Any
    words: str


class NoEffect(NamedTuple):
    """A value that there is no need to obey, and why."""

    value: Any
    why: str


def row(names: str, **values: list[Any]) -> dict[str, dict[str, list[Any]]]:
    """The same values for each of several functions."""
    return dict.fromkeys(names.split(), values)


A, B, SQUARE, CUBE = numbers(3, 4), numbers(3, 4, low=0.6), numbers(3, 3), numbers(2, 3, 4)
SIGNED = A - 0.8
LINE, LINES, IMAGE = numbers(8), numbers(2, 4, 8), numbers(2, 4, 6, 6)
MIXED = ndl.Tensor([[-1.0, 0.0, nan, 2.0]])
MASK = A > 0.8
OTHER_MASK = A > 0.5

# By the parameter's name, for any function: the first value makes the call where the parameter is required.
VALUES: dict[str, list[Any]] = {
    name: values
    for names, values in {
        "a x x1 array obj self input y anchor": [A, B, MIXED],
        "b x2 other end tensor1 tensor2 values target src input1 positive": [B, A, MIXED],
        "input2 negative": [A, B],
        "tensors arrays": [[A, B], [B, A]],
        "axis axes axis2": [0, 1, (1,)],
        "axis1": [1, 0],
        "axis0": [0, 1],
        "keepdims": [False, True],
        "dtype": ["float64", "int32"],
        "requires_grad": [False, True],
        "alpha beta value scalar gain c": [2.0, 3.0],
        "k diagonal offset": [0, 1],
        "min": [0.5, 0.7],
        "max": [0.9, 0.7],
        "correction ddof": [0, 1.5],
        "unbiased exclusive reverse descending": [False, True],
        "largest endpoint training affine": [True, False],
        "weight weights": [B, A],
        "reduction": ["mean", "sum", "none"],
        "eps": [1e-5, 0.25, 99.0],
        "indexing": ["ij", "xy"],
        "condition mask": [MASK, OTHER_MASK],
        "index indices": [whole(0, 1), whole(1, 2)],
        "margin": [0.1, 0.9],
        "shape": [(2, 6), (12,)],
        "fill_value": [2.0, 3.0],
        "start": [0, 1],
        "stop": [4, 5],
        "step": [1, 2],
        "num steps": [3, 4],
        "n": [3, 4],
        "m": [2, 5],
        "ord": [2.0, 1.0],
        "p": [2.0, 1.0],
        "ceil_mode": [False, True],
        "padding": [0, 1],
        "dilation": [1, 2],
        "groups": [1, 2],
        "kernel_size": [2, 3],
        "stride": [1, 2],
        "output_size": [2, 3],
        "return_indices": [False, True],
        "lambd": [0.5, 0.1],
        "align_corners": [False, True],
        "low": [0.0, -1.0],
        "high": [1.0, 2.0],
        "mean": [0.0, 1.0],
        "std": [1.0, 2.0],
        "device": [Refused("cuda", "device"), Refused("tpu", "tpu")],
        "stable": [NoEffect(False, "sorting is stable in any case")],
        "sorted": [NoEffect(False, "the chosen come in order in any case")],
        "count_include_pad": [True, False],
        "divisor_override": [7],
        "norm_type": [2.0, 1.0],
        "indices_or_sections": [2, [1]],
        "repeats": [2, 3],
        "decimals": [0, 1],
        "shifts shift": [1, 2],
        "prepend append": [numbers(3, 1)],
        "rounding_mode": ["floor", "trunc"],
        "offsets": [whole(0, 1, 3), whole(0, 2, 3)],
        "op": ["sum", "max"],
        "invert": [False, True],
        "right": [False, True],
        "source": [numbers(2, 4), numbers(2, 4, low=2)],
        "approximate": ["none", "tanh"],
        "full log_target log_input swap density": [False, True],
        "momentum": [0.1, 0.5],
        "return_index return_inverse return_counts as_tuple": [False, True],
        "copy": [None, True],
    }.items()
    for name in names.split()
}


def pair(value: Any) -> list[Any]:
    """A tensor, and another of its shape."""
    return [value, value + 1]


INTEGERS = {"a": [whole(6, -5), whole(3, 2)], "b": [whole(3, 1), whole(2, 2)]}
OFFSETS = [whole(0, 1, 3), whole(0, 2, 3)]
LANES = {name: [whole([0, 1, 1, 0]), whole([2, 1, 1, 0])] for name in ("index", "indices")}
CLASSES = {"target": [whole(0, 2, 1), whole(1, 2, 1)], "weight": [numbers(4)], "ignore_index": [2]}
UNEQUAL = numbers(3, low=3)


def spatial(axes: int, size: int) -> dict[str, dict[str, list[Any]]]:
    """Layers over images with so many axes."""
    image, weight = numbers(1, 4, *(size,) * axes), numbers(4, 4, *(2,) * axes)
    windows = {"input": pair(image), "stride": [1, 2], "padding": [0, 1], "output_size": [2, 3]}
    convolution = windows | {
        "weight": pair(weight),
        "bias": [numbers(4)],
        "output_padding": [1],
        "stride_given": [2, 1],
    }
    pooled, found = getattr(ndl, f"max_pool{axes}d")(image, 2, return_indices=True)
    return {
        f"conv{axes}d": convolution | {"groups": [Refused(3, "groups")]},
        f"conv_transpose{axes}d": convolution | {"groups": [2]},
        f"avg_pool{axes}d": windows | {"padding_given": [1, 0], "stride_given": [2, 1], "kernel_size": [3, 2]},
        f"max_pool{axes}d": windows | {"kernel_size": [3, 2], "stride_given": [2, 1]},
        f"lp_pool{axes}d": windows | {"kernel_size": [3, 2], "stride_given": [2, 1]},
        f"adaptive_avg_pool{axes}d": windows,
        f"adaptive_max_pool{axes}d": windows,
        f"max_unpool{axes}d": {
            "input": pair(pooled),
            "indices": [found, found.flip(-1)],
            "kernel_size": [2, 3],
            "stride": [3],
            "padding": [Refused(1, "out of range")],
            "output_size": [(size,) * (axes - 1) + (size + 1,)],
        },
    }


# By the function's name. The first value of "name_given" is in the call, too, though it could be left out.
CALLS: dict[str, dict[str, list[Any]]] = {
    **spatial(1, 8),
    **spatial(2, 6),
    **spatial(3, 6),
    **row("im2col unfold", input=pair(IMAGE)),
    **row(
        "col2im fold",
        input=pair(numbers(1, 4, 9)),
        output_size=[(4, 4), Refused((5, 4), "wrong shape")],
        kernel_size=[2, Refused(3, "wrong shape")],
        padding=[Refused(1, "wrong shape")],
        dilation=[Refused(2, "wrong shape")],
        stride=[Refused(3, "wrong shape")],
    ),
    **row("conv", a=pair(numbers(1, 5, 5, 2)), b=pair(numbers(2, 2, 2, 3))),
    **row("dilate undilate", dilation=[1, 2], axes=[0, 1, (), None]),
    **row(
        "interpolate",
        input=pair(IMAGE),
        size=[Refused(3, "scale_factor")],
        scale_factor_given=[1.3, 2.0],
        mode_given=["bilinear", "nearest"],
        align_corners=[True],
        recompute_scale_factor=[True],
        antialias=[Refused(True, "antialias")],
    ),
    **row(
        "upsample_nearest upsample_bilinear",
        input=pair(IMAGE),
        size=[Refused(3, "give one")],
        scale_factor_given=[2.0, 3.0],
    ),
    **row("pixel_shuffle", input=pair(IMAGE), upscale_factor=[2, 1]),
    **row("pixel_unshuffle", input=pair(IMAGE), downscale_factor=[2, 1]),
    **row("affine_grid", theta=pair(numbers(1, 2, 3)), size=[(1, 1, 2, 3), (1, 1, 3, 3)], align_corners=[True]),
    **row(
        "grid_sample",
        input=pair(IMAGE[:1]),
        grid=pair(numbers(1, 3, 3, 2, low=-1.2, scale=2.4)),
        mode=["nearest"],
        padding_mode=["border"],
        align_corners=[True],
    ),
    **row("pad", a=pair(A), pad_width=[((1, 1), (0, 2)), ((0, 1), (0, 2))], mode=["reflect"], value=[2.0]),
    **row("addbmm baddbmm", input=pair(numbers(3, 2)), a=pair(CUBE), b=pair(numbers(2, 4, 2))),
    **row("addmm", input=pair(numbers(3, 2)), a=pair(A), b=pair(numbers(4, 2))),
    **row("addmv", input=pair(numbers(3)), a=pair(A), b=pair(numbers(4))),
    **row("addr", input=pair(numbers(3, 4)), a=pair(numbers(3)), b=pair(numbers(4))),
    **row("bmm", a=pair(CUBE), b=pair(numbers(2, 4, 2))),
    **row("matmul mm dot", a=pair(A), b=pair(A.T)),
    **row("matmul_", a=pair(SQUARE), b=pair(SQUARE * 2)),
    **row("mv", b=pair(numbers(4))),
    **row("cross", a=pair(SQUARE), b=pair(SQUARE * SQUARE), axis=[0, -1]),
    **row("tensordot", a=pair(SQUARE), b=pair(SQUARE * 2), axes=[1, 2, ([0], [0])]),
    **row("einsum", equation=["ij,ij->i", "ij,ij->j"], operands=[[A, B], [B, B]]),
    **row(
        "fused_mlp",
        x=pair(SIGNED),
        weights=[[A.T - 0.8, SQUARE], [A.T, SQUARE]],
        hidden=["sigmoid"],
        output=["sigmoid"],
        precision=["bfloat16"],
    ),
    **row("spmv", offsets=OFFSETS, columns=[whole(0, 1, 1), whole(1, 0, 1)], values=pair(UNEQUAL), x=pair(UNEQUAL)),
    **row("spmm", offsets=OFFSETS, columns=[whole(0, 1, 1), whole(1, 0, 1)], values=pair(UNEQUAL), dense=pair(A)),
    **row(
        "bilinear",
        input1=pair(numbers(2, 3)),
        input2=pair(numbers(2, 4)),
        weight=pair(numbers(5, 3, 4)),
        bias=[numbers(5)],
    ),
    **row("linear", weight=pair(numbers(2, 4)), bias=[numbers(2)]),
    **row("dropout", p=[0.1, 0.9]),
    **row(
        "embedding",
        input=[whole(0, 2), whole(1, 2)],
        weight=[numbers(3, 4, grad=True), numbers(3, 4, low=2)],
        padding_idx=[2],
    ),
    **row("prelu", a=pair(SIGNED), weight=pair(numbers(1))),
    **row(
        "scaled_dot_product_attention",
        query=pair(numbers(1, 2, 3, 4)),
        key=[numbers(1, 2, 3, 4), numbers(1, 2, 3, 4) ** 2, numbers(1, 1, 3, 4)],
        value=pair(numbers(1, 2, 3, 4)),
        attn_mask=[numbers(3, 3)],
        dropout_p=[0.5],
        is_causal=[True],
        scale=[2.0],
        enable_gqa=[Refused("", "enable_gqa")],
    ),
    **row(
        "batch_norm",
        running_mean=pair(numbers(4)),
        running_var=pair(numbers(4)),
        weight=[numbers(4)],
        bias=[numbers(4)],
        training_given=[True, False],
    ),
    **row(
        "instance_norm",
        input=pair(IMAGE),
        running_mean_given=[numbers(4), numbers(4) + 1],
        running_var_given=[numbers(4), numbers(4) + 1],
        weight=[numbers(4)],
        bias=[numbers(4)],
        use_input_stats=[False],
    ),
    **row("group_norm", num_groups=[1, 2], weight=[numbers(4)], bias=[numbers(4)]),
    **row("layer_norm rms_norm", normalized_shape=[4, (3, 4)], weight=[numbers(4)], bias=[numbers(4)]),
    **row("normalize", p=[1.0]),
    **row("binary_cross_entropy", input=[A / 2, B / 2], target=[B / 2, A / 2], weight=[A]),
    **row("binary_cross_entropy_with_logits", pos_weight=[A]),
    **row("cosine_embedding_loss", target=[whole(1.0, -1.0, -1.0), whole(-1.0, 1.0, 1.0)]),
    **row("margin_ranking_loss", target=[SIGNED.sign(), -SIGNED.sign()]),
    **row("cross_entropy", **CLASSES, label_smoothing=[0.5]),
    **row("nll_loss", **CLASSES),
    **row("gaussian_nll_loss", var=pair(A / 2), eps=[1e-5, 2.0]),
    **row("hinge_embedding_loss", target=[SIGNED.sign(), -SIGNED.sign()]),
    **row("huber_loss", delta=[0.1]),
    **row("smooth_l1_loss", beta=[0.1]),
    **row("kl_div", input=[-A, -B]),
    **row("poisson_nll_loss", log_input_given=[False, True], target=[B + 2, A + 2]),
    **row("triplet_margin_loss", p=[1.0], negative=[B * 1.1, B], margin_given=[5.0, 6.0]),
    **row("bincount", a=[whole(0, 2, 2), whole(1, 2, 2)], weights=[UNEQUAL], minlength=[9]),
    **row("histogram", bins=[3], range=[(0.0, 2.0)]),
    **row("bucketize", boundaries=[ndl.Tensor([0.5, 0.8]), ndl.Tensor([0.4, 0.8])], a=[A, ndl.Tensor([0.5])]),
    **row(
        "searchsorted",
        sorted=[LINE.sort(), LINE.sort() + 1],
        values=pair(LINE),
        side=["right"],
        sorter=[ndl.arange(7, -1, -1)],
    ),
    **row("sort_by_key", keys=[UNEQUAL, -UNEQUAL], values=pair(A)),
    **row("isin", values=pair(A[0])),
    **row("topk", k=[2, 3]),
    **row("unique", a=[ndl.Tensor([nan, nan, 1.0]), A], equal_nan=[False]),
    **row("array_split tensor_split hsplit", indices_or_sections=[2, [1]]),
    **row("vsplit", indices_or_sections=[3, [1]]),
    **row("chunk", chunks=[2, 3]),
    **row("split", sections=[1, (1, 2)]),
    **row("narrow", length=[1, 2]),
    **row("select", index=[0, 1]),
    **row("slice", axis=[1, 0], start_given=[1, 0], end=[2], step=[2]),
    **row("glu", a=pair(numbers(4, 6))),
    **row("broadcast_to expand", shape=[(2, 3, 4), (5, 3, 4)]),
    **row("unflatten", axis=[1, 0], sizes=[(2, -1), (1, -1)], a=pair(numbers(4, 4))),
    **row("flatten", a=pair(CUBE), start_dim=[1], end_dim=[1]),
    **row("squeeze", a=[numbers(1, 3, 1), A], axis=[0, 2]),
    **row("permute permute_dims", axes=[(1, 0), (0, 1)]),
    **row("transpose", args=[(0, 1), (0, 0)], axes=[Refused((0, 1), "twice")], a=pair(CUBE)),
    **row("moveaxis movedim", source=[0, 1], destination=[1, 0]),
    **row("swapaxes swapdims", axis1=[1, 0]),
    **row("rot90", axes=[(1, 0)]),
    **row("atleast_1d atleast_2d atleast_3d", tensors=[(A,), (B,)]),
    **row("broadcast_arrays broadcast_tensors block_diag", tensors=[(A, B), (B, A)], arrays=[(A, B), (B, A)]),
    **row("meshgrid", tensors=[(LINE, UNEQUAL), (UNEQUAL, LINE)], arrays=[(LINE, UNEQUAL), (UNEQUAL, LINE)]),
    **row("tile", reps=[(1, 2), (2, 1)], repetitions=[(1, 2), (2, 1)]),
    **row("diagonal", a=pair(CUBE), axis1=[2], axis2=[2]),
    **row("trace", a=pair(numbers(2, 3)), axis1=[Refused(1, "one axis twice")], axis2=[Refused(0, "one axis twice")]),
    **row("diag_embed", axis1=[0], axis2=[0]),
    **row("trapezoid", x=[numbers(3, 4)], dx=[2.0]),
    **row("gather scatter_add take_along_axis take_along_dim", **LANES, src=pair(numbers(2, 4))),
    **row(
        "scatter scatter_reduce put_along_axis",
        **LANES,
        src=pair(numbers(2, 4)),
        values=[ndl.tensor(2.0), ndl.tensor(3.0)],
    ),
    **row("scatter_reduce", **LANES, src=pair(numbers(2, 4)), reduce=["sum", "prod"], include_self=[False]),
    **row("index_add index_copy", source=pair(numbers(2, 4)), axis=[0, Refused(1, "")]),
    **row("index_put", indices=[(whole(0, 0),), (whole(1, 1),)], values=pair(numbers(2, 4)), accumulate=[True]),
    **row("masked_scatter", source=pair(numbers(12))),
    **row("one_hot", classes=[whole(0, 2), whole(1, 2)], num_classes=[3, 4], n=[3, 4], i=[whole(0, 2), whole(1, 2)]),
    **row("segment_expand", offsets=OFFSETS, values=pair(numbers(2, 3))),
    **row("segment_reduce segment_scan segment_ids", offsets=OFFSETS),
    **row("frequency_encoding", frequencies=[2, 3]),
    **row("spherical_harmonics", directions=pair(SQUARE), degree=[2]),
    **row(
        "nan_to_num",
        a=[ndl.Tensor([nan, inf, -inf]), ndl.Tensor([1.0, inf, -inf])],
        nan=[2.0],
        posinf=[3.0],
        neginf=[4.0],
    ),
    **row("logit", a=[A / 2, B / 2], eps=[0.4]),
    **row("erfinv atanh arctanh acos arccos asin arcsin", a=[A / 2, B / 2]),
    **row("acosh arccosh", a=[A + 1, B + 1]),
    **row("sign isnan isfinite isinf signbit logical_not", a=[SIGNED, MIXED]),
    **row("any logical_or", a=[ndl.zeros(1, 4), MIXED], b=[ndl.zeros(1, 4), MIXED]),
    **row("lerp", weight=[0.5, 0.1]),
    **row("where", a=[A, B], b=[B, A]),
    **row("round", decimals=[1]),
    **row("hardtanh", min_val=[0.5], max_val=[0.6]),
    **row("hardshrink softshrink", lambd=[0.7]),
    **row("leaky_relu", a=pair(SIGNED), negative_slope=[0.5]),
    **row("elu celu", a=pair(SIGNED), alpha=[2.0]),
    **row("threshold", threshold=[0.5, 0.8]),
    **row("softplus", threshold=[0.1], beta=[2.0]),
    **row("eye", n=[3, 4]),
    **row("logspace", start=[0, 1], stop=[2, 1.5], end=[2, 1.5], base=[2.0]),
    **row("linspace", stop=[4, 5], end=[4, 5]),
    **row("arange", start=[2, 3], stop_given=[6, 7], end_given=[6, 7], step=[2], dtype_given=["float64", "float32"]),
    **row("zeros ones empty rand randn randb constant", shape=[(2, 3), (3, 2)]),
    **row("tril_indices triu_indices", row=[3, 4], col=[2]),
    **row("fused_add_scalars", c0=[1.0, 2.0], c1=[1.0, 2.0]),
    **row("make_tuple", tensors=[(A, B), (B, A)]),
    **row("tuple_get_item", index=[0, 1], value=[(A, B), (B, A)]),
    **row("div divide true_divide", rounding_mode=["floor", "trunc"], a=[A * -9, A]),
    **row(
        "bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_invert invert bitwise_left_shift left_shift "
        "bitwise_right_shift right_shift",
        **INTEGERS,
    ),
    **row("functional.pad", input=pair(LINES), pad=[(1, 2), (2, 1)], mode=["circular"], value=[2.0]),
    **row("Tensor.astype", dtype=["float64", "int32"]),
    **row(
        "Tensor.to",
        target=["float64", Refused("cuda", "device"), Refused("tpu", "tpu")],
        dtype=["float64", "int32"],
        non_blocking=[NoEffect(True, "nothing is left to do when a copy to or from the host's memory returns")],
        copy=[True],
    ),
    **row(
        "Tensor.expand_as Tensor.view_as Tensor.reshape_as",
        self=[numbers(2, 1), numbers(2, 1) + 1],
        other=[numbers(2, 1), numbers(1, 2), numbers(1, 2, 1)],
    ),
    **row(
        "Tensor.to_device",
        device=["cpu", Refused("cuda", "device")],
        stream=[Refused(1, "stream")],
    ),
    **row("Tensor.unfold", axis=[1, 0], size=[2, 1], step=[1, 2]),
    **row("Tensor.repeat Tensor.tile", sizes=[(2, 1), (1, 2)], reps=[(2, 1), (1, 2)]),
    **row("Tensor.index_put_", indices=[(whole(0, 0),), (whole(1, 1),)], values=pair(numbers(2, 4)), accumulate=[True]),
    **row(
        "Tensor.fill_ Tensor.zero_ Tensor.copy_ Tensor.maximum_ Tensor.minimum_",
        self=[A, numbers(1, 3, 4)],
        source=pair(B),
    ),
    **row(
        "Tensor.bitwise_and_ Tensor.bitwise_or_ Tensor.bitwise_xor_ Tensor.bitwise_left_shift_ "
        "Tensor.bitwise_right_shift_",
        **INTEGERS,
    ),
    **row("Tensor.item", self=[numbers(1), numbers(1) + 1]),
    **row("Tensor.view Tensor.reshape", shape=[(2, 6), (12,)]),
    **row("array_api.can_cast", from_=["int32", "float32"], to=["int64", "uint8"]),
    **row("array_api.finfo", type=["float32", "float64"]),
    **row("array_api.iinfo", type=["int32", "int64"]),
    **row("array_api.isdtype", dtype=["int32", "float32"], kind=["integral", "bool"]),
    **row("array_api.result_type", arrays_and_dtypes=[("int32", A), ("int32", "uint8")]),
    **row("array_api.eye", n_rows=[3, 4], n_cols=[2]),
    **row("array_api.cumulative_sum array_api.cumulative_prod", axis_given=[0, 1], include_initial=[True]),
    **row("array_api.squeeze", x=[numbers(1, 3, 1), numbers(1, 4)], axis=[0, 2]),
    **row("array_api.meshgrid", arrays=[(LINE, UNEQUAL), (UNEQUAL, LINE)], indexing=["ij"]),
    **row(
        "array_api.astype", dtype=["float64", "int32"], copy=[NoEffect(False, "another dtype is a copy in any case")]
    ),
    **row("array_api.reshape", copy=[True]),
    **row("nn.Linear", in_features=[3, 4], out_features=[3, 4], bias=[False]),
    **row("nn.Sequential", modules=[(ndl.nn.ReLU(),), (ndl.nn.Tanh(),)]),
    **row("nn.Softplus", beta=[2.0], threshold=[0.1]),
    **row(
        "optim.SGD optim.Adam",
        params=pair(A),
        lr=[0.5],
        momentum_given=[0.9, 0.5],
        dampening=[0.5],
        weight_decay=[0.5],
        beta1=[0.5],
        beta2=[0.5],
        eps_given=[0.5, 0.1],
    ),
    **row(
        "init.kaiming_normal init.kaiming_uniform init.xavier_normal init.xavier_uniform",
        fan_in=[2, 3],
        fan_out=[2, 3],
        shape=[(5,)],
        nonlinearity=[Refused("tanh", "nonlinearity")],
        kwargs=[{"dtype": "float64"}],
    ),
    **row(
        "autograd.vjp autograd.jvp autograd.jacobian autograd.hessian",
        fn=[lambda x: (x * x * x).sum(), lambda x: (x * x).sum()],
        x=[numbers(3, grad=True), numbers(3, low=1, grad=True)],
        inputs=[numbers(3, grad=True), numbers(3, low=1, grad=True)],
        v=[numbers(3), numbers(3, low=1), ndl.tensor(2.0)],
        create_graph=[True],
    ),
    **row("randb", dtype_given=["float64", "int32"], p=[0.5, 0.1]),
    **row("randint", low=[0, 5], high=[100, 200]),
    **row("asarray", copy=[True]),
}

# Walked through by tests of their own: what they do is seen later than in what they return.
ELSEWHERE = {
    "Tensor.backward": "test_autograd.py",
    "Tensor.cuda": "test_devices.py",
    "Tensor.register_hook": "test_autograd.py",
    "Tensor.retain_grad": "test_autograd.py",
    "Tensor.is_leaf": "test_inplace.py",
    "Tensor.is_contiguous": "test_tensor.py",
    "Tensor.is_compact": "test_needle.py",
}

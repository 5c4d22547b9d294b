"""Rows of the convolutions and of dilate."""

from __future__ import annotations

import itertools
from typing import Any

import needlecpp as ndl
import numpy as np

from .row import Array, Op


def _all(value: Any, axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def windows(x: Array, kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any) -> dict[Any, Array]:
    """x [n, c, ...] with zeros around it, at each tap of the kernel for every position: [n, c, positions...]."""
    axes = len(kernel)
    stride, padding, dilation = _all(stride, axes), _all(padding, axes), _all(dilation, axes)
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    out = [(x.shape[i + 2] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(axes)]
    found = {}
    for tap in itertools.product(*(range(k) for k in kernel)):
        places = [
            slice(t * d, t * d + (o - 1) * s + 1, s) for t, d, o, s in zip(tap, dilation, out, stride, strict=True)
        ]
        found[tap] = x[(slice(None), slice(None), *places)]
    return found


def conv_reference(
    x: Array, w: Array, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Array:
    """A convolution as a sum over taps, channels first."""
    taps = windows(x, w.shape[2:], stride, padding, dilation)
    parts = []
    for x_group, w_group in zip(range(groups), np.split(w, groups), strict=True):
        channels = slice(x_group * w.shape[1], (x_group + 1) * w.shape[1])
        parts.append(
            sum(
                np.einsum("nc...,oc->no...", v[:, channels], w_group[(slice(None), slice(None), *t)])
                for t, v in taps.items()
            )
        )
    y = np.concatenate(parts, 1)
    return y if b is None else y + b.reshape(-1, *(1,) * (w.ndim - 2))


def transposed_reference(
    x: Array,
    w: Array,
    b: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    extra: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Array:
    """Every element of x adds itself times the kernel."""
    axes = w.ndim - 2
    stride, padding, extra, dilation = (_all(v, axes) for v in (stride, padding, extra, dilation))
    full = [(x.shape[i + 2] - 1) * stride[i] + dilation[i] * (w.shape[i + 2] - 1) + 1 + extra[i] for i in range(axes)]
    y = np.zeros((x.shape[0], w.shape[1] * groups, *full), x.dtype)
    inputs, outputs = x.shape[1] // groups, w.shape[1]
    for group, tap in itertools.product(range(groups), itertools.product(*(range(k) for k in w.shape[2:]))):
        places = [
            slice(t * d, t * d + (size - 1) * s + 1, s)
            for t, d, size, s in zip(tap, dilation, x.shape[2:], stride, strict=True)
        ]
        rows = slice(group * inputs, (group + 1) * inputs)
        y[(slice(None), slice(group * outputs, (group + 1) * outputs), *places)] += np.einsum(
            "nc...,co->no...", x[:, rows], w[rows][(slice(None), slice(None), *tap)]
        )
    y = y[(slice(None), slice(None), *(slice(p, y.shape[i + 2] - p) for i, p in enumerate(padding)))]
    return y if b is None else y + b.reshape(-1, *(1,) * axes)


def _dilated(x: Array) -> Array:
    y = np.zeros((9, 4, 6), x.dtype)
    y[::3, :, ::3] = x
    return y


UNIT: dict[str, Any] = {"low": -1.0, "high": 1.0}

ROWS = [
    Op(
        "conv1d",
        lambda x, w, b: ndl.conv1d(x, w, b, stride=2, padding=2, dilation=2, groups=2),
        lambda x, w, b: conv_reference(x, w, b, 2, 2, 2, 2),
        ((2, 4, 9), (4, 2, 3), (4,)),
        **UNIT,
    ),
    Op(
        "conv2d",
        lambda x, w, b: ndl.conv2d(x, w, b, stride=(2, 1), padding=(1, 2)),
        lambda x, w, b: conv_reference(x, w, b, (2, 1), (1, 2)),
        ((2, 2, 5, 4), (3, 2, 3, 2), (3,)),
        **UNIT,
    ),
    Op("conv2d plain", ndl.conv2d, conv_reference, ((1, 2, 4, 5), (2, 2, 3, 3)), covers="conv2d", **UNIT),
    Op(
        "conv2d same",
        lambda x, w: ndl.conv2d(x, w, padding="same", dilation=(1, 2)),
        lambda x, w: conv_reference(np.pad(x, [(0, 0), (0, 0), (0, 1), (2, 2)]), w, dilation=(1, 2)),
        ((1, 2, 4, 5), (2, 2, 2, 3)),
        covers="conv2d",
        **UNIT,
    ),
    Op(
        "conv2d pointwise",
        ndl.conv2d,
        conv_reference,
        ((2, 3, 3, 2), (2, 3, 1, 1), (2,)),
        covers="conv2d",
        **UNIT,
    ),
    Op(
        "conv2d depthwise",
        lambda x, w: ndl.conv2d(x, w, padding=1, groups=3),
        lambda x, w: conv_reference(x, w, None, 1, 1, 1, 3),
        ((2, 3, 3, 4), (6, 1, 3, 3)),
        covers="conv2d",
        **UNIT,
    ),
    Op(
        "conv2d unbatched",
        ndl.conv2d,
        lambda x, w: conv_reference(x[None], w)[0],
        ((2, 4, 4), (2, 2, 3, 3)),
        covers="conv2d",
        **UNIT,
    ),
    Op(
        "conv2d far taps",
        lambda x, w: ndl.conv2d(x, w, padding=50, dilation=50, stride=3),
        lambda x, w: conv_reference(x, w, None, 3, 50, 50),
        ((1, 1, 4, 4), (1, 1, 3, 3)),
        covers="conv2d",
        **UNIT,
    ),
    Op(
        "conv3d",
        lambda x, w, b: ndl.conv3d(x, w, b, stride=(1, 2, 1), padding=1, dilation=(2, 1, 1)),
        lambda x, w, b: conv_reference(x, w, b, (1, 2, 1), 1, (2, 1, 1)),
        ((1, 2, 4, 3, 3), (2, 2, 2, 3, 2), (2,)),
        **UNIT,
    ),
    Op(
        "conv_transpose1d",
        lambda x, w, b: ndl.conv_transpose1d(x, w, b, stride=3, padding=1, output_padding=2, dilation=2),
        lambda x, w, b: transposed_reference(x, w, b, 3, 1, 2, 1, 2),
        ((2, 3, 4), (3, 2, 3), (2,)),
        **UNIT,
    ),
    Op(
        "conv_transpose2d",
        lambda x, w, b: ndl.conv_transpose2d(x, w, b, stride=(2, 1), padding=(1, 0), groups=2),
        lambda x, w, b: transposed_reference(x, w, b, (2, 1), (1, 0), 0, 2),
        ((1, 4, 3, 3), (4, 1, 3, 2), (2,)),
        **UNIT,
    ),
    Op(
        "conv_transpose2d with gaps",
        lambda x, w: ndl.conv_transpose2d(x, w, stride=3, output_padding=1),
        lambda x, w: transposed_reference(x, w, None, 3, 0, 1),
        ((1, 2, 2, 3), (2, 2, 2, 2)),
        covers="conv_transpose2d",
        **UNIT,
    ),
    Op(
        "conv_transpose2d pointwise",
        ndl.conv_transpose2d,
        transposed_reference,
        ((2, 3, 3, 2), (3, 2, 1, 1), (2,)),
        covers="conv_transpose2d",
        **UNIT,
    ),
    Op(
        "conv_transpose3d",
        lambda x, w: ndl.conv_transpose3d(x, w, stride=(2, 1, 2), padding=(0, 1, 1)),
        lambda x, w: transposed_reference(x, w, None, (2, 1, 2), (0, 1, 1)),
        ((1, 2, 2, 3, 3), (2, 1, 2, 3, 2)),
        **UNIT,
    ),
    Op(
        "conv",
        lambda a, b: ndl.conv(a, b, stride=2, padding=1, dilation=2),
        lambda a, b: conv_reference(a.transpose(0, 3, 1, 2), b.transpose(3, 2, 0, 1), None, 2, 1, 2).transpose(
            0, 2, 3, 1
        ),
        ((2, 5, 6, 2), (2, 2, 2, 3)),
        **UNIT,
    ),
    Op("dilate", lambda x: ndl.dilate(x, (0, 2), 2), _dilated, ((3, 4, 2),)),
    Op("undilate", lambda x: ndl.undilate(x, (0, 2), 2), lambda x: x[::3, :, ::3], ((6, 2, 4),)),
]

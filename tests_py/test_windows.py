"""Arguments of convolution and pooling as Python gives them: strings, None, short tuples; and what is refused."""

from __future__ import annotations

from typing import Any

import needlecpp as ndl
import needlecpp.nn.functional as F
import numpy as np
import pytest

X = np.arange(2 * 3 * 6 * 6, dtype="float32").reshape(2, 3, 6, 6)
W = np.ones((4, 3, 3, 3), "float32")


def test_padding_by_name() -> None:
    x, w = ndl.tensor(X), ndl.tensor(W)
    np.testing.assert_array_equal(F.conv2d(x, w, padding="valid").numpy(), F.conv2d(x, w).numpy())
    np.testing.assert_array_equal(F.conv2d(x, w, padding="same").numpy(), F.conv2d(x, w, padding=1).numpy())
    assert F.conv2d(x, w[:, :, :2, :2], padding="same", dilation=(1, 3)).shape == (2, 4, 6, 6)


def test_short_and_missing_arguments() -> None:
    x = ndl.tensor(X)
    assert F.max_pool2d(x, (2,), None, [0]).shape == (2, 3, 3, 3)
    assert F.avg_pool2d(x, np.int64(3), ()).shape == (2, 3, 2, 2)
    assert F.adaptive_avg_pool2d(x, (None, 2)).shape == (2, 3, 6, 2)
    assert F.adaptive_avg_pool2d(x, None).shape == x.shape
    assert F.conv_transpose2d(x, ndl.tensor(W[:3]), None, 2, 1, 1).shape == (2, 3, 12, 12)
    assert F.fold(F.unfold(x, 2, stride=2), (6, 6), 2, stride=2).tolist() == x.tolist()


def test_indices_point_at_the_maxima() -> None:
    values, indices = F.max_pool2d(ndl.tensor(-X), 2, return_indices=True)
    assert indices.dtype == "int64"
    np.testing.assert_array_equal(
        np.take_along_axis(-X.reshape(2, 3, 36), indices.numpy().reshape(2, 3, 9), 2), values.numpy().reshape(2, 3, 9)
    )
    restored = F.max_unpool2d(values, indices, 2)
    np.testing.assert_array_equal(restored.numpy()[:, :, ::2, ::2], -X[:, :, ::2, ::2])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, w: F.conv2d(x, w, padding="full"), ValueError, r'\[conv2d\] bad padding: got "full"'),
        (lambda x, w: F.conv1d(x, w), ValueError, r"\[conv1d\] wrong weight: got shape \(4, 3, 3, 3\)"),
        (lambda x, w: F.conv2d(x, w, stride=0), ValueError, r"\[conv2d\] bad stride: got \(0,\)"),
        (lambda x, w: F.conv2d(x, w, stride=2, padding="same"), ValueError, r"stride 1"),
        (lambda x, w: F.conv2d(x, w, groups=2), ValueError, r"\[conv2d\] wrong number of channels: got 3"),
        (lambda x, w: F.conv2d(x, w, dilation=2.0), TypeError, r"int"),
        (lambda x, w: F.conv2d(x, w, padding=2**70), ValueError, r"out of range"),
        (lambda x, w: F.conv2d(x[:, :, :2], w), ValueError, r"\[conv2d\] the kernel is larger than the input"),
        (lambda x, w: F.conv2d(x, w, ndl.zeros(5)), ValueError, r"\[conv2d\] wrong bias"),
        (lambda x, w: F.conv2d(x.astype("int64"), w.astype("int64")), TypeError, r"\[conv2d\].*int64"),
        (lambda x, w: F.conv_transpose2d(x, w), ValueError, r"\[conv_transpose2d\] wrong number of channels"),
        (lambda x, w: F.max_pool2d(x, 2, padding=2), ValueError, r"\[max_pool2d\] padding too large"),
        (lambda x, w: F.max_pool2d(x, 7), ValueError, r"\[max_pool2d\] the window is larger than the input"),
        (lambda x, w: F.max_pool1d(x, 2), ValueError, r"\[max_pool1d\] wrong number of axes"),
        (lambda x, w: F.adaptive_avg_pool2d(x, -1), ValueError, r"output_size"),
        (lambda x, w: F.adaptive_avg_pool2d(x, (1, -1)), ValueError, r"output_size"),
        (lambda x, w: F.adaptive_avg_pool2d(x, "2"), TypeError, r"output_size|int"),
        (lambda x, w: F.unfold(x, 7), ValueError, r"\[im2col\] the window is larger than the image"),
        (lambda x, w: F.fold(x[0], 4, 2), ValueError, r"\[col2im\] wrong shape"),
        (lambda x, w: ndl.conv(x, w[0]), ValueError, r"\[conv\] wrong number of axes"),
        (lambda x, w: ndl.dilate(x, (4,), 1), IndexError, r"\[dilate\]"),
    ],
)
def test_errors_are_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(ndl.tensor(X), ndl.tensor(W))


def test_sizes_of_empty_results_may_be_anything() -> None:
    assert ndl.conv_transpose1d(ndl.zeros(0, 1, 2), ndl.ones(1, 1, 1), stride=2**31 - 3).shape == (0, 1, 2**31 - 2)
    side, taps = 2**20 + 2**12 - 1, (2**20, 2**20)  # taps times windows is 2^64
    assert ndl.col2im(ndl.zeros(0, 0, 2**24), (side, side), taps).shape == (0, 0, side, side)
    assert F.grid_sample(ndl.ones(1, 0, 2, 2), ndl.zeros(1, 3, 3, 2)).shape == (1, 0, 3, 3)
    with pytest.raises(MemoryError, match=r"^\[adaptive_avg_pool2d\] out of memory"):
        F.adaptive_avg_pool2d(ndl.ones(1, 1, 5, 5), 2**31 - 1)


@pytest.mark.parametrize("bias", [None, [10.0, 20.0]])
def test_a_stride_beyond_the_kernel_leaves_the_bias(bias: list[float] | None) -> None:
    b = None if bias is None else ndl.tensor(bias)
    y = F.conv_transpose1d(ndl.tensor([[[1.0, 2.0]]]), ndl.tensor([[[1.0, 2.0], [3.0, 4.0]]]), b, stride=5, padding=1)
    expected = [[2.0, 0.0, 0.0, 0.0, 2.0], [4.0, 0.0, 0.0, 0.0, 6.0]]
    np.testing.assert_array_equal(y.numpy()[0], expected + np.reshape(bias or [0.0, 0.0], (2, 1)))


def test_a_maximum_moved_out_of_its_plane_gets_no_gradient() -> None:
    x = ndl.tensor([[[1.0, 2.0, 4.0, 3.0]]], requires_grad=True)
    y, indices = F.max_pool1d(x, 2, return_indices=True)
    indices.numpy()[0, 0, 0] = 10**12  # behind the tape's back
    assert ndl.grad(y.sum(), x)[0].tolist() == [[[0.0, 0.0, 1.0, 0.0]]]

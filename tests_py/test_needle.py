"""Code written for CMU's needle runs unchanged: its names, argument names and meanings."""

from __future__ import annotations

import needlecpp as ndl
import numpy as np
import pytest


def array(*shape: int, seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def close(got: ndl.Tensor, want: np.ndarray) -> None:  # type: ignore[type-arg]
    assert got.shape == want.shape
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-5, atol=1e-5)


def test_tensor() -> None:
    x = ndl.Tensor(array(2, 3), device=ndl.cpu(), dtype="float32", requires_grad=True)
    assert (x.shape, x.dtype, x.device, x.is_leaf(), x.requires_grad) == ((2, 3), "float32", ndl.cpu(), True, True)
    assert ndl.cpu().enabled()
    y = (2 * x + 1 - x / 2) ** 2
    close(y, (1.5 * x.numpy() + 1) ** 2)
    y.sum((0, 1)).backward()
    close(x.grad, 3 * (1.5 * x.numpy() + 1))
    y = x @ x.transpose((0, 1))
    y.backward(ndl.Tensor(np.ones((2, 2), "float32")))
    close(x.detach().reshape((3, 2)).broadcast_to((4, 3, 2)), np.broadcast_to(x.numpy().reshape(3, 2), (4, 3, 2)))
    x.data = x.data - ndl.Tensor(array(2, 3))
    close(x.realize_cached_data(), np.zeros((2, 3), "float32"))
    close(-x, -x.numpy())


def test_ops() -> None:
    a, b = array(3, 4), array(3, 4, seed=1)
    x, y = ndl.Tensor(a), ndl.Tensor(b)
    for ops in (ndl, ndl.ops):
        close(ops.add(x, y), a + b)
        close(ops.add_scalar(x, 2), a + 2)
        close(ops.multiply(x, y), a * b)
        close(ops.mul_scalar(x, 2), a * 2)
        close(ops.divide(x, y), a / b)
        close(ops.divide_scalar(x, scalar=2), a / 2)
        close(ops.power(ops.exp(x), y), np.exp(a) ** b)
        close(ops.power_scalar(x, scalar=2), a**2)
        close(ops.negate(x), -a)
        close(ops.log(ops.exp(x)), a)
        close(ops.tanh(x), np.tanh(a))
        close(ops.relu(x), np.maximum(a, 0))
        close(ops.matmul(x, ops.transpose(y)), a @ b.T)
        close(ops.summation(x, axes=(1,)), a.sum(1))
        close(ops.summation(x), a.sum())
        close(ops.broadcast_to(ops.reshape(x, shape=(3, 4, 1)), shape=(3, 4, 2)), np.repeat(a[..., None], 2, -1))
        close(ops.transpose(ops.reshape(x, (1, 3, 4)), axes=(0, 2)), a.reshape(1, 3, 4).transpose(2, 1, 0))
        close(ops.logsumexp(x, axes=(1,)), np.log(np.exp(a).sum(1)))
        close(ops.logsoftmax(x), a - np.log(np.exp(a).sum(1, keepdims=True)))
        close(ops.stack([x, y], axis=1), np.stack([a, b], 1))
        parts = ops.split(x, axis=1)
        assert len(parts) == 4
        close(parts[2], a[:, 2])
        close(ops.flip(x, axes=(0,)), a[::-1])


def test_dilate() -> None:
    a = array(2, 3)
    wide = np.zeros((2, 9), "float32")
    wide[:, ::3] = a
    close(ndl.dilate(ndl.Tensor(a), axes=(1,), dilation=2), wide)
    close(ndl.undilate(ndl.Tensor(wide), axes=(1,), dilation=2), a)


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 1)])
def test_conv(stride: int, padding: int) -> None:
    a, w = array(2, 6, 7, 3), array(3, 3, 3, 4, seed=1)
    padded = np.pad(a, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::stride, ::stride]
    want = np.einsum("nhwcij,ijco->nhwo", windows, w)
    got = ndl.conv(ndl.Tensor(a), ndl.Tensor(w), stride=stride, padding=padding)
    assert got.shape == want.shape
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-4, atol=1e-4)


def test_tuples() -> None:
    x = ndl.Tensor(array(2), requires_grad=True)
    pair = ndl.fused_add_scalars(x, 1.0, 2.0)
    (ndl.tuple_get_item(pair, 0) * ndl.tuple_get_item(pair, 1)).sum().backward()
    close(x.grad, 2 * x.numpy() + 3)
    assert isinstance(ndl.make_tuple(x, x), ndl.TensorTuple)
    assert len(pair.tuple()) == 2
    assert not pair.detach()[0].requires_grad
    close((pair + pair)[0], 2 * (x.numpy() + 1))
    with pytest.raises(ValueError, match=r"\[TensorTuple\] lengths differ"):
        pair.__add__((x,))


def test_init() -> None:
    kwargs = {"device": ndl.cpu(), "dtype": "float32", "requires_grad": True}
    assert ndl.init.rand(2, 3, low=1, high=2, **kwargs).requires_grad
    assert ndl.init.randn(2, 3, mean=1, std=2, **kwargs).shape == (2, 3)
    close(ndl.init.constant(2, 3, c=4), np.full((2, 3), 4, "float32"))
    close(ndl.init.ones(2), np.ones(2, "float32"))
    close(ndl.init.zeros(2), np.zeros(2, "float32"))
    close(ndl.init.zeros_like(ndl.Tensor(array(2))), np.zeros(2, "float32"))
    close(ndl.init.ones_like(ndl.Tensor(array(2))), np.ones(2, "float32"))
    assert set(np.unique(ndl.init.randb(100, p=0.5).numpy())) <= {0, 1}
    close(ndl.init.one_hot(3, ndl.Tensor([0, 2])), np.eye(3, dtype="float32")[[0, 2]])
    for fill in (ndl.init.xavier_uniform, ndl.init.xavier_normal):
        assert fill(8, 4, gain=1.5).shape == (8, 4)
    for fill in (ndl.init.kaiming_uniform, ndl.init.kaiming_normal):
        assert fill(8, 4, nonlinearity="relu").shape == (8, 4)
    assert ndl.init.kaiming_uniform(8, 4, shape=(3, 3, 8, 4)).shape == (3, 3, 8, 4)


def test_arrays() -> None:
    a = array(2, 3)
    x = ndl.NDArray(a, device=ndl.cpu())
    assert (x.shape, x.strides, x.is_compact()) == ((2, 3), (3, 1), True)
    turned = x.permute((1, 0))
    assert (turned.strides, turned.is_compact(), turned.compact().strides) == ((1, 3), False, (2, 1))
    close(x.reshape((3, 2)).broadcast_to((2, 3, 2)), np.broadcast_to(a.reshape(3, 2), (2, 3, 2)))
    close(x.sum(axis=1, keepdims=True), a.sum(1, keepdims=True))
    close(x.max(axis=0), a.max(0))
    close(x.maximum(0.5), np.maximum(a, 0.5))
    close(x.exp().log().tanh(), np.tanh(a))
    close(x.flip((1,)), a[:, ::-1])
    close(x.pad(((0, 1), (2, 0))), np.pad(a, ((0, 1), (2, 0))))
    x[0, 1:] = 7
    assert x.numpy()[0].tolist() == [a[0, 0], 7, 7]
    close(x[1], a[1])

"""Edits in place: of memory and its views, of what a backward pass will read, and on the tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest

Array = np.ndarray[Any, Any]


def leaf(values: Any) -> ndl.Tensor:
    return ndl.Tensor(values, dtype="float64", requires_grad=True)


AUGMENTED: dict[str, Callable[[Any, Any], Any]] = {
    "+=": lambda x, y: x.__iadd__(y),
    "-=": lambda x, y: x.__isub__(y),
    "*=": lambda x, y: x.__imul__(y),
    "/=": lambda x, y: x.__itruediv__(y),
    "**=": lambda x, y: x.__ipow__(y),
    "//=": lambda x, y: x.__ifloordiv__(y),
    "%=": lambda x, y: x.__imod__(y),
}


@pytest.mark.parametrize("op", AUGMENTED)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("other", [2, 1.5, "row", "same", "scalar"])
def test_augmented_assignment(op: str, dtype: str, other: Any) -> None:
    a = np.linspace(1, 3, 12).reshape(3, 4).astype(dtype)
    b = {"row": a[:1] + 1, "same": a[::-1] + 1, "scalar": np.asarray(2.5, dtype)}.get(other, other)
    for view in (slice(None), np.s_[1:, ::2], np.s_[::-1]):
        want = a.copy()
        beside = np.broadcast_to(b, a.shape)[view] if isinstance(b, np.ndarray) else b
        AUGMENTED[op](want[view], beside)
        x = ndl.tensor(a)
        part = x[view]
        result = AUGMENTED[op](part, beside if not isinstance(beside, np.ndarray) else ndl.tensor(beside))
        assert result is part
        np.testing.assert_allclose(x.numpy(), want, rtol=2e-3 if dtype == "float16" else 1e-6)
        assert x.version == 1


def test_integers_and_bits() -> None:
    x = ndl.tensor([5, 6, 7])
    x += 1
    x <<= 1
    x &= 12
    x |= 1
    x ^= 3
    x >>= 1
    x %= 4
    want = np.array([5, 6, 7])
    want = ((((((want + 1) << 1) & 12) | 1) ^ 3) >> 1) % 4
    assert x.tolist() == want.tolist()
    assert x.dtype == "int64"
    with pytest.raises(TypeError, match=r"\[add_\] the result does not fit in place: got float"):
        x += 0.5
    with pytest.raises(TypeError, match=r"\[div_\] the result does not fit in place"):
        x /= 2
    narrow = ndl.tensor(np.array([250, 1], "uint8"))
    narrow += 10
    assert narrow.tolist() == [4, 11]


def test_scaled() -> None:
    x = ndl.ones(3)
    x.add_(ndl.ones(3), alpha=2.0).sub_(ndl.ones(3), alpha=0.5)
    assert x.tolist() == [2.5, 2.5, 2.5]


def test_refusals() -> None:
    x = ndl.zeros(2, 3)
    with pytest.raises(ValueError, match=r"\[add_\]"):
        x += ndl.zeros(4, 2, 3)
    with pytest.raises(ValueError, match=r"in-place edit of a broadcast view"):
        x[:1].broadcast_to((2, 3)).add_(1)
    frozen = np.zeros(3, "float32")
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        ndl.asarray(frozen).__iadd__(1)
    with pytest.raises(TypeError):
        x += "one"


def test_overlapping_memory() -> None:
    a = np.arange(6.0)
    x = ndl.tensor(a)
    x[1:] += x[:-1]
    a[1:] += a[:-1].copy()
    np.testing.assert_array_equal(x.numpy(), a)
    x[:] = x[::-1]
    np.testing.assert_array_equal(x.numpy(), a[::-1])


UNARY = ["abs", "ceil", "cos", "exp", "floor", "neg", "relu", "sigmoid", "sin", "square", "tanh", "trunc"]


@pytest.mark.parametrize("name", UNARY)
def test_methods(name: str) -> None:
    a = np.linspace(-2, 2, 7)
    x = ndl.tensor(a)
    assert getattr(x, name + "_")() is x
    np.testing.assert_array_equal(x.numpy(), getattr(ndl, name)(ndl.tensor(a)).numpy())


def test_a_view_edited_after_it_was_saved_is_found() -> None:
    w = leaf([1.0, 1.0, 1.0])
    shared = ndl.Tensor([1.0, 2.0, 3.0], dtype="float64")
    product = shared * w
    shared[1:].add_(1.0)
    with pytest.raises(RuntimeError, match=r"\[mul\] a tensor was changed in place by add_"):
        product.sum().backward()
    product = shared * w
    shared[0] = 5.0
    with pytest.raises(RuntimeError, match=r"\[mul\] a tensor was changed in place by setitem"):
        product.sum().backward()


EDITS: dict[str, Callable[[Any, Any], Any]] = {
    "add_": lambda y, w: y.add_(w),
    "sub_": lambda y, w: y.sub_(w),
    "mul_": lambda y, w: y.mul_(w),
    "div_": lambda y, w: y.div_(w),
    "pow_": lambda y, w: y.pow_(w),
    "number": lambda y, w: y.mul_(3.0).add_(w),
    "copy_": lambda y, w: y.copy_(w),
    "exp_": lambda y, w: y.exp_().mul_(w),
    "twice": lambda y, w: y.mul_(w).mul_(w),
    "fill_": lambda y, w: y.fill_(2.0).mul_(w),
    "broadcast": lambda y, w: y.mul_(w[:1]),
    "setitem": lambda y, w: y.__setitem__(slice(1, None), w[1:]),
    "setitem row": lambda y, w: y.__setitem__(0, w[:1] * 2),
    "setitem mask": lambda y, w: y.__setitem__(np.array([True, False, True]), w[1:]),
    "setitem array": lambda y, w: y.__setitem__([2, 0], w[:2]),
    "setitem number": lambda y, w: y.__setitem__(1, 4.0),
    "setitem leading": lambda y, w: y.__setitem__(slice(0, 2), w[None, None, :2]),
}


@pytest.mark.parametrize("name", EDITS)
def test_gradients_of_edits(name: str) -> None:
    def fn(x: ndl.Tensor, w: ndl.Tensor) -> ndl.Tensor:
        y = x * 2.0
        EDITS[name](y, w)
        return y * y

    x, w = leaf([0.5, 1.25, 2.0]), leaf([1.5, 0.75, 1.1])
    assert ndl.gradcheck(fn, [x, w])
    assert ndl.gradgradcheck(fn, [x, w])


def test_augmented_assignment_on_the_tape() -> None:
    def fn(x: ndl.Tensor, w: ndl.Tensor) -> ndl.Tensor:
        y = x * 2.0
        y += w
        y[1:] *= w[1:]
        y[0] -= w[2]
        total = y[:2].sum()
        total /= w[0]
        return total

    def plain(x: Array, w: Array) -> float:
        y = x * 2.0
        y += w
        y[1:] *= w[1:]
        y[0] -= w[2]
        return float(y[:2].sum() / w[0])

    a, b = np.array([0.5, 1.25, 2.0]), np.array([1.5, 0.75, 1.1])
    assert fn(leaf(a), leaf(b)).item() == pytest.approx(plain(a, b))
    assert ndl.gradcheck(fn, [leaf(a), leaf(b)])


def test_a_loop_that_writes_rows() -> None:
    x, w = leaf(np.ones(3)), leaf(np.full(3, 0.5))
    rows = ndl.zeros(4, 3, dtype="float64")
    h = x
    for i in range(4):
        h = ndl.tanh(h * w)
        rows[i] = h
    assert rows.requires_grad
    rows.sum().backward()
    got = w.grad.numpy().copy()
    w.grad = x.grad = None
    parts = []
    h = x
    for _ in range(4):
        h = ndl.tanh(h * w)
        parts.append(h)
    ndl.stack(parts).sum().backward()
    np.testing.assert_allclose(got, w.grad.numpy())


def test_leaf_rules() -> None:
    w = leaf([1.0, 2.0])
    for edit in (
        lambda: w.add_(1.0),
        lambda: w.__iadd__(1.0),
        lambda: w.__setitem__(0, 1.0),
        lambda: w.zero_(),
        lambda: w.exp_(),
    ):
        with pytest.raises(RuntimeError, match="in-place edit of a leaf"):
            edit()
    with ndl.no_grad():
        w += 1
        w[0] = 7
    assert w.tolist() == [7.0, 3.0]
    assert w.is_leaf()
    with pytest.raises(ValueError, match="cannot be switched off"):
        (w * 2).requires_grad = False
    buffer = ndl.zeros(2, dtype="float64")
    buffer += w
    assert buffer.requires_grad
    assert not buffer.is_leaf()


def test_views_on_the_tape_are_not_left_behind() -> None:
    y = leaf([1.0, 2.0]) * 2.0
    view = y[:1]
    with pytest.raises(RuntimeError, match=r"\[add_\] in-place edit on the tape of memory that is shared"):
        y.add_(1.0)
    with pytest.raises(RuntimeError, match="memory that is shared"):
        view.mul_(2.0)
    del view
    y.add_(1.0)
    assert y.tolist() == [3.0, 5.0]

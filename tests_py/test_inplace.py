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


def taken_apart(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    u, v = ndl.chunk(x, 2)
    v *= w[0]
    u += w[1]
    return x, u, v


def through_a_slice(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    part = x[1:]
    part *= w[0]
    return x, part


def through_a_view_of_a_view(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    table = x.reshape(2, 2)
    row = table.T[0]
    row *= w[:2]
    row -= w[2:]
    return x, table, row


def under_a_view(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    part, turned = x[1:3], x[::-1]
    x *= w
    return x, part, turned


def beside_an_overlap(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    left, right = x[:3], x[1:]
    left *= w[:3]
    right += w[1:]
    return x, left, right


def every_other(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    even, odd = x[::2], x[1::2]
    even *= w[:2]
    odd /= w[2:]
    return x, even, odd


def seen_many_times(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    wide = ndl.broadcast_to(x[:2], (3, 2))
    windows = x.unfold(0, 2, 1)
    x *= w
    return x, wide, windows


def a_diagonal(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    table = x.reshape(2, 2)
    corner = ndl.diagonal(table)
    corner **= 2.0
    corner *= w[:2]
    return x, table, corner


def after_it_was_saved(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    y = x.exp()
    z = y * w
    part = y[2:]
    part *= w[2:] * 0.1
    part.exp_()
    return x, y, z, part


def several_names(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    alias = x
    held = {"x": x, "list": [x, x[:1]]}

    def add(t: ndl.Tensor) -> None:
        t += w

    def scale() -> None:
        nonlocal alias
        alias *= 2.0

    add(x)
    scale()
    held["x"] -= 1.0
    held["list"][0] /= w  # type: ignore[index]
    return x, alias, held["x"], *held["list"]  # type: ignore[misc]


def sums_in_a_list(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    sums = [ndl.zeros(4, dtype="float64") for _ in range(3)]
    for s in sums:
        s += x
    sums[0] += w
    return tuple(sums)


def rows_of_a_buffer(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    rows = ndl.zeros(3, 4, dtype="float64")
    first = rows[0]
    for i in range(3):
        rows[i] += x * float(i + 1)
    rows[1:, 2:] *= w[2:]
    rows[0] = w
    rows[[1, 2]] += w
    return rows, first


def halves_of_zeros(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    buffer = ndl.zeros(8, dtype="float64")
    u, v = ndl.chunk(buffer, 2)
    u += x
    v += w
    v *= x
    return buffer, u, v


def written_to_itself(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    part = x[1:]
    x[1:] = x[:-1]
    x *= x
    x[:] = x[::-1]
    part *= w[1:]
    return x, part


def with_a_matrix(x: ndl.Tensor, w: ndl.Tensor) -> Any:
    table = x.reshape(2, 2)
    table @= w.reshape(2, 2)
    return x, table


PROGRAMS = [
    taken_apart,
    through_a_slice,
    through_a_view_of_a_view,
    under_a_view,
    beside_an_overlap,
    every_other,
    seen_many_times,
    a_diagonal,
    after_it_was_saved,
    several_names,
    sums_in_a_list,
    rows_of_a_buffer,
    halves_of_zeros,
    written_to_itself,
    with_a_matrix,
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_means_the_same_on_the_tape(program: Callable[..., Any]) -> None:
    a, b = [0.5, 1.25, 2.0, 0.75], [1.5, 0.75, 1.1, 0.6]
    plain = program(ndl.tensor(a, dtype="float64") * 1.0, ndl.tensor(b, dtype="float64"))
    for taped in (program(leaf(a) * 1.0, leaf(b)), program(ndl.tensor(a, dtype="float64") * 1.0, leaf(b))):
        for want, got in zip(plain, taped, strict=True):
            np.testing.assert_array_equal(got.numpy(), want.numpy())

    def fn(x: ndl.Tensor, w: ndl.Tensor) -> ndl.Tensor:
        weighed = [(y * y).reshape(-1) for y in program(x * 1.0, w)]
        return ndl.concat([part * float(i + 1) for i, part in enumerate(weighed)])

    assert ndl.gradcheck(fn, [leaf(a), leaf(b)])
    assert ndl.gradgradcheck(fn, [leaf(a), leaf(b)])


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_mean_the_same_on_the_tape(seed: int) -> None:
    """Views of views edited through one another, beside the same program without gradients and finite differences."""

    def program(x: ndl.Tensor, w: ndl.Tensor) -> list[ndl.Tensor]:
        rng = np.random.default_rng(seed)
        pool = [x.reshape(3, 4), w]
        for _ in range(6):
            source = pool[rng.integers(len(pool))]
            kind = rng.integers(4)
            if kind == 0 and source.ndim == 2:
                source = source.T
            elif kind == 1 and source.shape[0] > 1:
                source = source[int(rng.integers(2)) :: int(rng.integers(1, 3))]
            elif kind == 2:
                source = source[::-1]
            elif kind == 3 and source.ndim == 2:
                source = source[int(rng.integers(source.shape[0]))]
            if kind != 3 and rng.integers(3) == 0:
                pool.append((source * 0.5).exp())  # reads it, and keeps its own result
            pool.append(source)
            target, other = pool[rng.integers(len(pool))], pool[rng.integers(len(pool))]
            if target.shape != other.shape:
                other = other.sum() * 0.1
            match rng.integers(4):
                case 0:
                    target += other
                case 1:
                    target *= other
                case 2:
                    target[0] -= 0.25
                case 3:
                    target.copy_(other)
        return pool

    a, b = np.linspace(0.3, 0.9, 12), np.linspace(0.8, 0.4, 4)
    plain = program(ndl.tensor(a) * 1.0, ndl.tensor(b) * 1.0)
    taped = program(leaf(a) * 1.0, leaf(b) * 1.0)
    for want, got in zip(plain, taped, strict=True):
        np.testing.assert_array_equal(got.numpy(), want.numpy())

    def fn(x: ndl.Tensor, w: ndl.Tensor) -> ndl.Tensor:
        pool = program(x * 1.0, w * 1.0)
        return ndl.log1p(ndl.stack([(y * y).sum() * float(i + 1) for i, y in enumerate(pool)]))

    assert ndl.gradcheck(fn, [leaf(a), leaf(b)])


def test_an_edit_is_of_the_object() -> None:
    w = leaf([1.0])
    x = w * 2.0
    before = x
    x += 1.0
    assert x is before
    assert x.add_(1.0) is before
    assert x.tolist() == [4.0]


def test_views_of_leaves_are_refused() -> None:
    w = leaf([1.0, 2.0])
    part = w[:1]
    with pytest.raises(RuntimeError, match=r"\[mul_\] in-place edit of a leaf's memory"):
        part *= 2.0
    with ndl.no_grad():
        part = w[:1]
        part *= 2.0
    assert w.tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="leaf's memory"):
        part *= 2.0


def test_views_made_off_the_tape_are_refused() -> None:
    y = leaf([1.0, 2.0]) * 2.0
    with ndl.no_grad():
        part = y[:1]
    with pytest.raises(RuntimeError, match=r"view that was made under no_grad\(\)"):
        part *= 2.0
    assert y.tolist() == [2.0, 4.0]


def test_what_would_be_left_behind_is_refused() -> None:
    for share in (lambda y: y.numpy(), lambda y: y.detach(), lambda y: np.from_dlpack(y)):
        y = leaf([1.0, 2.0]) * 2.0
        other = share(y)
        with pytest.raises(RuntimeError, match=r"\[add_\] in-place edit on the tape of memory that is shared"):
            y += 1.0
        assert y.tolist() == list(other) == [2.0, 4.0]
        del other
        y += 1.0
        assert y.tolist() == [3.0, 5.0]


def test_memory_of_arrays_is_edited() -> None:
    w = leaf([3.0, 4.0])
    array = np.ones(4)
    x = ndl.from_numpy(array)
    part = x[2:]
    part *= w
    part[0] += w[1]
    assert array.tolist() == x.tolist() == [1.0, 1.0, 7.0, 4.0]
    (x * x).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), [14.0, 14.0 + 8.0])
    x = ndl.from_numpy(np.ones(2))
    product = x * w
    with pytest.raises(RuntimeError, match="memory that a backward pass will read"):
        x += w
    product.sum().backward()
    frozen = np.zeros(2)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        ndl.asarray(frozen).__iadd__(w)
    with pytest.raises(ValueError, match="broadcast view"):
        ndl.broadcast_to(w * 1.0, (3, 2)).__iadd__(w)


def test_a_retained_gradient_is_that_of_the_tensor_as_it_is() -> None:
    w = leaf([3.0, 4.0])
    y = w * 2.0
    y.retain_grad()
    part = y[:1]
    part.retain_grad()
    y *= 5.0
    (y * ndl.tensor([1.0, 10.0], dtype="float64")).sum().backward()
    assert y.grad.tolist() == [1.0, 10.0]
    assert part.grad is None
    assert w.grad.tolist() == [10.0, 100.0]

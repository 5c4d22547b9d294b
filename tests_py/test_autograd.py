"""The tape from Python: functions of one's own, hooks, anomalies, products with the Jacobian, checkpoints."""

from __future__ import annotations

import gc
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest
from needlecpp.autograd import Function, FunctionContext


class ScaledExp(Function):
    """y = factor exp(x) with the output saved; the factor is a plain number."""

    @staticmethod
    def forward(ctx: FunctionContext, x: ndl.Tensor, factor: float) -> ndl.Tensor:
        y = x.exp() * factor
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: FunctionContext, dy: ndl.Tensor) -> Any:  # type: ignore[override]
        return dy * ctx.saved_tensors[0], None


class SumAndSign(Function):
    @staticmethod
    def forward(ctx: FunctionContext, a: ndl.Tensor, b: ndl.Tensor) -> Any:  # type: ignore[override]
        ctx.save_for_backward(a, b)
        sign = (a + b).sign()
        ctx.mark_non_differentiable(sign)
        return a * b, sign

    @staticmethod
    def backward(ctx: FunctionContext, dy: ndl.Tensor, dsign: ndl.Tensor) -> Any:  # type: ignore[override]
        a, b = ctx.saved_tensors
        assert ctx.needs_input_grad == (a.requires_grad, b.requires_grad)
        assert float((dsign * dsign).sum()) == 0
        return (dy * b).sum(), dy * a


def leaf(*values: float, dtype: str = "float64") -> ndl.Tensor:
    return ndl.Tensor(list(values), dtype=dtype, requires_grad=True)


def test_function_gradients() -> None:
    assert ndl.gradcheck(lambda x: ScaledExp.apply(x, 2.0), [leaf(0.3, -1.2)])
    assert ndl.gradgradcheck(lambda x: ScaledExp.apply(x, 2.0), [leaf(0.3, -1.2)])
    a = ndl.Tensor(1.5, dtype="float64", requires_grad=True)
    assert ndl.gradcheck(lambda a, b: SumAndSign.apply(a, b)[0], [a, leaf(0.3, -1.2)])
    product, sign = SumAndSign.apply(a, leaf(1.0, 2.0))
    assert product.requires_grad
    assert not sign.requires_grad
    assert not ScaledExp.apply(ndl.Tensor([1.0]), 2.0).requires_grad


def test_function_frees_what_it_saved() -> None:
    gc.collect()
    before = ndl.memory_stats()["current"]
    for _ in range(3):
        y = ScaledExp.apply(ndl.Tensor(np.ones(1000), requires_grad=True), 2.0)
        del y
    gc.collect()
    assert ndl.memory_stats()["current"] == before


def test_function_finds_edits_of_what_it_saved() -> None:
    x = leaf(1.0, 2.0)
    y = SumAndSign.apply(x, x)[0]
    with ndl.no_grad():
        x.add_(ndl.tensor(1.0))
    with pytest.raises(RuntimeError, match=r"\[SumAndSign\] a tensor was changed in place by add_"):
        y.sum().backward()


def test_function_errors() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: FunctionContext, x: ndl.Tensor) -> Any:  # type: ignore[override]
            return x * 2

        @staticmethod
        def backward(ctx: FunctionContext, dy: ndl.Tensor) -> Any:  # type: ignore[override]
            return dy, dy

    with pytest.raises(ValueError, match=r"\[Wrong\] backward returned a wrong number of gradients: got 2, expected 1"):
        Wrong.apply(leaf(1.0)).backward()

    class Fails(Wrong):
        @staticmethod
        def backward(ctx: FunctionContext, dy: ndl.Tensor) -> Any:  # type: ignore[override]
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Fails.apply(leaf(1.0)).backward()
    with pytest.raises(NotImplementedError, match=r"\[Function\] forward is missing"):
        Function.apply(leaf(1.0))


def test_function_returning_its_argument() -> None:
    class Same(Function):
        @staticmethod
        def forward(ctx: FunctionContext, x: ndl.Tensor) -> ndl.Tensor:  # type: ignore[override]
            return x

        @staticmethod
        def backward(ctx: FunctionContext, dy: ndl.Tensor) -> Any:  # type: ignore[override]
            return dy * 10.0

    x = leaf(1.0, 2.0)
    Same.apply(x * 2.0).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [20, 20])


def test_hooks() -> None:
    x = leaf(1.0, 2.0)
    seen: list[list[float]] = []
    handle = x.register_hook(lambda g: seen.append(g.tolist()))
    y = x * 3
    y.register_hook(lambda g: g * 2)
    (y * y).sum().backward()  # d/dy = 2 y = 6, 12; doubled; times 3
    assert seen == [[36.0, 72.0]]
    np.testing.assert_array_equal(x.grad.numpy(), [36, 72])
    handle.remove()
    x.grad = None
    (x * x).sum().backward()
    assert len(seen) == 1
    with pytest.raises(RuntimeError, match=r"\[register_hook\] no gradient will arrive"):
        ndl.Tensor([1.0]).register_hook(lambda g: g)
    z = x * 2
    z.register_hook(lambda g: g.reshape(2, 1))
    with pytest.raises(ValueError, match=r"\[hook\] the gradient returned does not fit"):
        z.sum().backward()


def test_a_leaf_hook_sees_the_whole_gradient_once() -> None:
    x = leaf(1.0)
    calls = []
    x.register_hook(lambda g: calls.append(g.tolist()))
    (x * 2 + x * 3).backward()
    assert calls == [[5.0]]
    assert ndl.grad(x * 4, x)[0].tolist() == [4.0]
    assert calls == [[5.0], [4.0]]


def test_retain_grad() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    y.retain_grad()
    (y * y).sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), [6, 12])
    x.retain_grad()  # a leaf has it anyway


def test_anomalies() -> None:
    x = leaf(-1.0, 4.0)
    with ndl.autograd.detect_anomaly():
        with pytest.raises(RuntimeError, match=r"\[sqrt\] made a NaN"):
            ndl.sqrt(x)
        ndl.sqrt(ndl.tensor([float("nan")]))  # it was there before
        y = ndl.sqrt(leaf(0.0)) * 0.0
        with pytest.raises(RuntimeError, match=r"\[sqrt backward\] made a NaN"):
            y.backward()
    assert np.isnan(ndl.sqrt(x).numpy()[0])


def test_vjp_and_jvp_agree() -> None:
    rng = np.random.default_rng(0)
    a, b = (ndl.Tensor(rng.standard_normal((3, 4)), dtype="float64") for _ in range(2))

    def fn(a: ndl.Tensor, b: ndl.Tensor) -> Any:
        return (a * b).sum(1), (a.exp() @ b.T)

    ta, tb = (ndl.Tensor(rng.standard_normal((3, 4)), dtype="float64") for _ in range(2))
    v = [ndl.Tensor(rng.standard_normal(s), dtype="float64") for s in ((3,), (3, 3))]
    outputs, pulled = ndl.vjp(fn, [a, b], v)
    outputs2, pushed = ndl.jvp(fn, [a, b], [ta, tb])
    for y, y2 in zip(outputs, outputs2, strict=True):
        np.testing.assert_array_equal(y.numpy(), y2.numpy())
    left = sum(float((p * t).sum()) for p, t in zip(pulled, (ta, tb), strict=True))
    right = sum(float((p * w).sum()) for p, w in zip(pushed, v, strict=True))
    np.testing.assert_allclose(left, right, rtol=1e-12)
    eps = 1e-6
    ahead, behind = fn(a + eps * ta, b + eps * tb), fn(a - eps * ta, b - eps * tb)
    for p, f, g in zip(pushed, ahead, behind, strict=True):
        np.testing.assert_allclose(p.numpy(), (f.numpy() - g.numpy()) / (2 * eps), rtol=1e-7, atol=1e-7)


def test_jacobian_and_hessian() -> None:
    x = ndl.Tensor([0.5, -1.0, 2.0], dtype="float64")
    np.testing.assert_allclose(ndl.autograd.jacobian(lambda x: x.exp(), x).numpy(), np.diag(np.exp(x.numpy())))
    matrix = ndl.Tensor(np.arange(9.0).reshape(3, 3), dtype="float64")
    got = ndl.autograd.hessian(lambda x: (x * (matrix @ x)).sum(), x).numpy()
    np.testing.assert_allclose(got, matrix.numpy() + matrix.numpy().T)


def test_checkpoint_gives_the_same_gradients_with_less_memory() -> None:
    net = ndl.nn.Sequential(*(m for _ in range(4) for m in (ndl.nn.Linear(64, 64), ndl.nn.Tanh())))
    x = ndl.rand(512, 64)
    x.requires_grad = True

    def run(call: Any) -> tuple[list[Any], int]:
        for p in [x, *net.parameters()]:
            p.grad = None
        h = x
        ndl.reset_peak_memory()
        before = ndl.memory_stats()["current"]
        for _ in range(4):
            h = call(h)
        loss = (h * h).sum()
        held = ndl.memory_stats()["current"] - before
        loss.backward()
        return [p.grad.numpy().copy() for p in [x, *net.parameters()]], held

    plain, plain_bytes = run(net)
    again, again_bytes = run(lambda h: ndl.checkpoint(net, h))
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert again_bytes < plain_bytes / 3
    loss = ndl.checkpoint(net, x).sum()
    for wanted in (x, net.parameters()[0]):
        (got,) = ndl.grad(ndl.checkpoint(net, x).sum(), wanted)
        (want,) = ndl.grad(net(x).sum(), wanted)
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-5, atol=1e-6)
    assert loss.requires_grad


def test_checkpoint_twice_differentiable_and_random() -> None:
    weight = leaf(0.7, -0.4)
    inner = weight * 2.0  # captured from outside, and no leaf

    def fn(x: ndl.Tensor) -> ndl.Tensor:
        return (x * inner).exp() * weight

    assert ndl.gradcheck(lambda x: ndl.checkpoint(fn, x), [leaf(0.2, 0.5)])
    assert ndl.gradgradcheck(lambda x: ndl.checkpoint(fn, x), [leaf(0.2, 0.5)])
    x = leaf(0.2, 0.5)
    got = ndl.grad(ndl.checkpoint(fn, x).sum(), [x, weight, inner], retain_graph=True)
    want = ndl.grad(fn(x).sum(), [x, weight, inner], retain_graph=True)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy())

    masks = []

    def noisy(x: ndl.Tensor) -> ndl.Tensor:
        mask = ndl.rand(2, dtype="float64")
        masks.append(mask.tolist())
        return x * mask

    ndl.checkpoint(noisy, x).sum().backward()
    assert masks[0] == masks[1]
    np.testing.assert_allclose(x.grad.numpy(), masks[0])


def test_backward_errors() -> None:
    x = leaf(1.0, 2.0)
    y = x * x
    with pytest.raises(ValueError, match="a gradient is needed for a non-scalar"):
        y.backward()
    y.sum().backward()
    with pytest.raises(RuntimeError, match="the graph was freed by an earlier sweep"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="nothing to differentiate"):
        ndl.Tensor([1.0]).backward()


@pytest.mark.parametrize("step", [lambda y, w: y * w, lambda y, w: y * y], ids=["two tensors", "one twice"])
def test_long_chains_of_saved_tensors_are_freed_without_recursion(step: Any) -> None:
    weight, y = leaf(1.0), leaf(1.0)
    for _ in range(100_000):
        y = step(y, weight)
    del y


def test_create_graph_gives_each_leaf_a_gradient_of_its_own() -> None:
    a, b, seed = leaf(1.0), leaf(1.0), ndl.tensor([1.0], dtype="float64")
    (a + b).backward(seed, create_graph=True)
    (a + b).backward(seed)
    assert (a.grad.tolist(), b.grad.tolist(), seed.tolist()) == ([2.0], [2.0], [1.0])


def test_a_sweep_started_by_a_backward_may_free_its_tape() -> None:
    class Reentrant(Function):
        inner = True

        @staticmethod
        def forward(ctx: FunctionContext, x: ndl.Tensor) -> ndl.Tensor:  # type: ignore[override]
            ctx.save_for_backward(None, x)
            return x * 2

        @staticmethod
        def backward(ctx: FunctionContext, dy: ndl.Tensor) -> ndl.Tensor:  # type: ignore[override]
            nothing, x = ctx.saved_tensors
            assert nothing is None
            if Reentrant.inner:
                Reentrant.inner = False
                y.backward()
            return dy * x

    x = leaf(3.0)
    y = Reentrant.apply(x)
    y.backward(retain_graph=True)
    assert x.grad.tolist() == [6.0]


def test_checkpoint_refuses_a_function_that_changes() -> None:
    calls = []

    def fn(x: ndl.Tensor) -> Any:
        calls.append(x)
        return (x * 1,) * len(calls)

    y = ndl.checkpoint(fn, leaf(1.0))
    with pytest.raises(RuntimeError, match="gave something else the second time: got 2 results, expected 1"):
        y.backward()


def test_what_does_not_depend_on_the_inputs_has_zero_derivatives() -> None:
    x = ndl.tensor([1.0, 2.0], dtype="float64")
    constant = ndl.tensor([3.0], dtype="float64")
    assert ndl.autograd.hessian(lambda x: x.sum(), x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert ndl.autograd.jacobian(lambda _: constant, x).tolist() == [[0.0, 0.0]]
    outputs, products = ndl.autograd.vjp(lambda x: (x * 2, constant), x, (x, constant))
    assert products.tolist() == [2.0, 4.0] and outputs[1].tolist() == [3.0]
    assert ndl.autograd.jvp(lambda _: constant, x, x)[1].dtype == "float64"
    with pytest.raises(ValueError, match=r"\[vjp\] the vector of output 1 does not fit"):
        ndl.autograd.vjp(lambda x: (x * 2, constant), x, (x, x))


def test_hooks_that_are_none() -> None:
    x = leaf(1.0)
    with pytest.raises(TypeError, match=r"\[register_hook\] not a function"):
        x.register_hook(None)
    x.register_hook(lambda _: 3)
    with pytest.raises(TypeError, match=r"\[hook\] a hook returned no gradient"):
        (x * 2).backward()

"""The tape: gradients, switching recording off, checking derivatives."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar

from . import _core
from ._core import Tensor, backward, grad_enabled, gradcheck, gradgradcheck

__all__ = [
    "Function",
    "FunctionContext",
    "backward",
    "checkpoint",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "grad_enabled",
    "gradcheck",
    "gradgradcheck",
    "hessian",
    "jacobian",
    "jvp",
    "no_grad",
    "vjp",
]

F = TypeVar("F", bound=Callable[..., Any])


class _Mode:
    """Switches something for this thread, as a context manager or a decorator."""

    enabled: bool
    _get: Callable[[], bool] = staticmethod(_core.grad_enabled)
    _set: Callable[[bool], None] = staticmethod(_core.set_grad_enabled)

    def __enter__(self) -> None:
        self._before = self._get()
        self._set(self.enabled)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._set(self._before)

    def __call__(self, function: F) -> F:
        mode = type(self)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with mode():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


class no_grad(_Mode):
    """Nothing is recorded inside.

    >>> import needlecpp as ndl
    >>> x = ndl.Tensor([1.0], requires_grad=True)
    >>> with ndl.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    enabled = False


class enable_grad(_Mode):
    """Ops are recorded inside, even within ``no_grad``."""

    enabled = True


class detect_anomaly(_Mode):
    """The op that makes the first NaN raises RuntimeError with its name, in the forward and in the backward pass.

    An op makes a NaN when its result holds one and none of its inputs does. Every tensor is read once more.

    >>> import needlecpp as ndl
    >>> with ndl.autograd.detect_anomaly():
    ...     y = ndl.log(ndl.Tensor([1.0, -1.0], requires_grad=True))
    Traceback (most recent call last):
    RuntimeError: [log] made a NaN: got NaN in its result and none in its inputs, expected numbers...
    """

    enabled = True
    _get = staticmethod(_core.anomaly_detection)
    _set = staticmethod(_core.set_anomaly_detection)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of ``outputs`` (contracted with ``grad_outputs``; 1 for scalars) with respect to ``inputs``.

    No ``.grad`` is touched. An input that no output depends on gets zeros. With ``create_graph`` the gradients can be
    differentiated again. Raises RuntimeError when an output or input does not require grad.

    >>> import needlecpp as ndl
    >>> x = ndl.Tensor([3.0], requires_grad=True)
    >>> (dx,) = ndl.grad((x * x * x).sum(), x, create_graph=True)
    >>> dx, ndl.grad(dx.sum(), x)[0]
    (tensor([27.], requires_grad=True), tensor([18.]))
    """
    outs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    ins = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    seeds = [grad_outputs] if isinstance(grad_outputs, Tensor) else grad_outputs
    return tuple(_core.grad(outs, ins, None if seeds is None else list(seeds), retain_graph, create_graph))


class FunctionContext:
    """What ``Function.forward`` leaves for ``Function.backward``; attributes of one's own may be set, too."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        """For each argument of forward, whether backward's gradient for it will be used."""
        self._saved: tuple[Tensor | None, ...] = ()
        self._constant: tuple[Tensor, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps inputs or outputs for the backward pass; an in-place edit in between is found and raises there."""
        for tensor in tensors:
            if not (tensor is None or isinstance(tensor, Tensor)):
                raise TypeError(
                    f"[save_for_backward] not a tensor: got {type(tensor).__name__}, expected Tensor or None. Make "
                    "other things attributes of ctx."
                )
        self._saved = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors that forward saved."""
        return self._saved

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """These outputs get no gradient."""
        self._constant = outputs


class Function:
    """A differentiable function of one's own: a subclass defines ``forward`` and ``backward``; ``apply`` calls it.

    ``forward(ctx, *args)`` is not recorded; it returns a tensor or a tuple of them. ``backward(ctx, *dys)`` gets the
    gradient of each output and returns one gradient for each argument of forward, None for those that have none.
    Written in ops, it can be differentiated again.

    >>> import needlecpp as ndl
    >>> class Cube(ndl.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, dy):
    ...         (x,) = ctx.saved_tensors
    ...         return dy * 3.0 * x * x
    >>> x = ndl.Tensor([2.0], requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor([12.])
    """

    @staticmethod
    def forward(ctx: FunctionContext, *args: Any) -> Any:
        raise NotImplementedError("[Function] forward is missing: a subclass defines it as a static method.")

    @staticmethod
    def backward(ctx: FunctionContext, *dys: Tensor) -> Any:
        raise NotImplementedError("[Function] backward is missing: a subclass defines it as a static method.")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Calls forward and records the result."""
        places = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
        ctx = FunctionContext(tuple(isinstance(arg, Tensor) and arg.requires_grad for arg in args))
        with no_grad():
            result = cls.forward(ctx, *args)
        outputs = list(result) if isinstance(result, (tuple, list)) else [result]
        for output in outputs:
            if not isinstance(output, Tensor):
                raise TypeError(
                    f"[{cls.__name__}] forward returned no tensor: got {type(output).__name__}, expected Tensor."
                )
        if not (grad_enabled() and any(ctx.needs_input_grad)):
            return result
        # An argument that is returned as it came gets a place of its own on the tape.
        given = [args[i] for i in places]
        outputs = [y.detach() if any(y is x for x in given) or y.requires_grad else y for y in outputs]
        recorded = [k for k, y in enumerate(outputs) if not any(y is constant for constant in ctx._constant)]
        kinds = [(y.shape, y.dtype, y.device) for y in outputs]
        n_args = len(args)

        def run_backward(dys: list[Tensor], saved: list[Tensor | None]) -> list[Tensor | None]:
            ctx._saved = tuple(saved)
            gradient_of = dict(zip(recorded, dys, strict=True))
            every = [
                gradient_of[k] if k in gradient_of else _core.ops.zeros(*shape, dtype=dtype, device=device)
                for k, (shape, dtype, device) in enumerate(kinds)
            ]
            gradients = cls.backward(ctx, *every)
            ctx._saved = ()
            gradients = gradients if isinstance(gradients, (tuple, list)) else (gradients,)
            if len(gradients) != n_args:
                raise ValueError(
                    f"[{cls.__name__}] backward returned a wrong number of gradients: got {len(gradients)}, expected "
                    f"{n_args}, one for each argument of forward (None for none)."
                )
            return [gradients[i] for i in places]

        saved, ctx._saved = ctx._saved, ()
        _core.record_function(cls.__name__, [outputs[k] for k in recorded], given, list(saved), run_backward)
        return tuple(outputs) if isinstance(result, (tuple, list)) else outputs[0]


def _tuple(tensors: Tensor | Sequence[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _like(tensors: Sequence[Tensor], single: bool) -> Tensor | tuple[Tensor, ...]:
    return tensors[0] if single else tuple(tensors)


def vjp(
    fn: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    v: Tensor | Sequence[Tensor] | None = None,
    create_graph: bool = False,
) -> tuple[Any, Any]:
    """The outputs of ``fn(*inputs)`` and the vector-Jacobian products ``v^T J``, one tensor an input.

    ``v`` has the shapes of the outputs and may be left out for a single number. The inputs need not require grad. With
    ``create_graph`` the products can be differentiated.

    >>> import needlecpp as ndl
    >>> ndl.autograd.vjp(lambda x: x * x, ndl.Tensor([1.0, 2.0]), ndl.Tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    outputs, products = _core.vjp(fn, _tuple(inputs), None if v is None else list(_tuple(v)), create_graph)
    return _like(outputs, len(outputs) == 1), _like(products, isinstance(inputs, Tensor))


def jvp(
    fn: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    v: Tensor | Sequence[Tensor],
    create_graph: bool = False,
) -> tuple[Any, Any]:
    """The outputs of ``fn(*inputs)`` and the Jacobian-vector products ``J v``, one tensor an output.

    ``v`` has the shapes of the inputs. ``fn`` must be twice differentiable: the product is taken as the derivative of
    the vector-Jacobian product.

    >>> import needlecpp as ndl
    >>> ndl.autograd.jvp(lambda x: x * x, ndl.Tensor([1.0, 2.0]), ndl.Tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    outputs, products = _core.jvp(fn, _tuple(inputs), _tuple(v), create_graph)
    return _like(outputs, len(outputs) == 1), _like(products, len(outputs) == 1)


def _leaf(x: Tensor) -> Tensor:
    leaf = x.detach()
    leaf.requires_grad = True
    return leaf


def jacobian(fn: Callable[[Tensor], Tensor], x: Tensor, create_graph: bool = False) -> Tensor:
    """``J[i..., j...] = d fn(x)[i...] / d x[j...]``: the shape of the output followed by that of ``x``.

    One backward sweep an element of the output.

    >>> import needlecpp as ndl
    >>> ndl.autograd.jacobian(lambda x: x * x, ndl.Tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    with enable_grad():
        source: Tensor = x if create_graph and x.requires_grad else _leaf(x)
        y = fn(source)
        shape = (*y.shape, *x.shape)
        if not y.requires_grad or y.size == 0:
            return _core.ops.zeros(*shape, dtype=x.dtype, device=x.device)
        flat = y.reshape(-1)
        rows = [
            grad(flat[i], source, retain_graph=True, create_graph=create_graph)[0].reshape(-1) for i in range(flat.size)
        ]
        return _core.ops.stack(rows).reshape(shape)


def hessian(fn: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """``H[i..., j...] = d^2 fn(x) / d x[i...] d x[j...]`` of a function that gives one number.

    >>> import needlecpp as ndl
    >>> ndl.autograd.hessian(lambda x: (x * x * x).sum(), ndl.Tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """

    def gradient(at: Tensor) -> Tensor:
        y = fn(at)
        return grad(y, at, create_graph=True)[0] if y.requires_grad else _core.ops.zeros_like(at)

    return jacobian(gradient, x)


def checkpoint(fn: Callable[..., Any], *inputs: Tensor) -> Any:
    """``fn(*inputs)``, whose intermediate tensors are not kept but computed again in the backward pass.

    Gradients reach the inputs and whatever else on the tape ``fn`` reads, such as the parameters of a module. ``fn``
    must be a function of those alone; random draws inside are the same both times (Chen et al. 2016, "Training Deep
    Nets with Sublinear Memory Cost").

    >>> import needlecpp as ndl
    >>> x = ndl.Tensor([1.0, 2.0], requires_grad=True)
    >>> ndl.autograd.checkpoint(lambda x: (x.exp() * x).sum(), x).backward()
    >>> x.grad
    tensor([ 5.4365635, 22.167168 ])
    """
    outputs = _core.checkpoint(fn, list(inputs))
    return outputs[0] if len(outputs) == 1 else tuple(outputs)

"""The tape: gradients, switching recording off, checking derivatives."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar

from . import _core
from ._core import Tensor, backward, grad_enabled, gradcheck, gradgradcheck

__all__ = ["backward", "enable_grad", "grad", "grad_enabled", "gradcheck", "gradgradcheck", "no_grad"]

F = TypeVar("F", bound=Callable[..., Any])


class _GradMode:
    """Switches recording for this thread, as a context manager or a decorator."""

    enabled: bool

    def __enter__(self) -> None:
        self._before = _core.grad_enabled()
        _core.set_grad_enabled(self.enabled)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _core.set_grad_enabled(self._before)

    def __call__(self, function: F) -> F:
        mode = type(self)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with mode():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


class no_grad(_GradMode):
    """Nothing is recorded inside.

    >>> import needlecpp as ndl
    >>> x = ndl.Tensor([1.0], requires_grad=True)
    >>> with ndl.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    enabled = False


class enable_grad(_GradMode):
    """Ops are recorded inside, even within ``no_grad``."""

    enabled = True


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

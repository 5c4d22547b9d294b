"""Optimizers, simplest first. Each step is one fused kernel a parameter, in place."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from .. import _core
from .._core import Tensor

__all__ = ["SGD", "Adam", "Optimizer"]


def _check(optimizer: object, what: str, value: float, below: float = math.inf) -> float:
    """The value if it lies in [0, below)."""
    if not 0 <= value < below:
        expected = "a finite number of 0 or more" if below == math.inf else f"a number in [0, {below:g})"
        raise ValueError(f"[{type(optimizer).__name__}] bad {what}: got {value}, expected {expected}.")
    return value


class Optimizer:
    """Holds the parameters; subclasses define ``_update``."""

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        self.params = list(params)
        if not self.params:
            raise ValueError(f"[{type(self).__name__}] no parameters: got an empty list, expected one at least.")
        self.lr = _check(self, "learning rate", lr)
        self.weight_decay = _check(self, "weight_decay", weight_decay)

    def _update(self, index: int, parameter: Tensor, gradient: Tensor) -> None:
        raise NotImplementedError

    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        for index, parameter in enumerate(self.params):
            if parameter.grad is not None:
                self._update(index, parameter, parameter.grad)

    def reset_grad(self) -> None:
        """Drops every gradient (needle's name)."""
        for parameter in self.params:
            parameter.grad = None

    zero_grad = reset_grad

    def clip_grad_norm(self, max_norm: float = 0.25) -> float:
        """Scales all gradients together so that their norm is at most ``max_norm``; returns the norm before."""
        _check(self, "max_norm", max_norm)
        gradients = [p.grad for p in self.params if p.grad is not None]
        norm = math.sqrt(math.fsum(_core.square(g).sum().item() for g in gradients))
        if norm > max_norm:
            for gradient in gradients:
                gradient.mul_(max_norm / (norm + 1e-12))
        return norm


class SGD(Optimizer):
    """u = momentum·u + (1 - dampening)·(g + weight_decay·p); p -= lr·u.

    ``dampening`` is ``momentum`` by default, as in needle: momentum leaves the size of the steps as it is. PyTorch's
    default is 0.

    >>> import needlecpp as ndl
    >>> p = ndl.nn.Parameter([1.0])
    >>> opt = ndl.optim.SGD([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> opt.step()
    >>> round(p.item(), 4)
    0.8
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.01,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        dampening: float | None = None,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.momentum = _check(self, "momentum", momentum)
        self.dampening = momentum if dampening is None else dampening
        if not 0 <= self.dampening <= 1:
            raise ValueError(f"[SGD] bad dampening: got {self.dampening}, expected a number in [0, 1].")
        self._buffers: dict[int, Tensor] = {}

    def _update(self, index: int, parameter: Tensor, gradient: Tensor) -> None:
        if self.momentum and index not in self._buffers:
            self._buffers[index] = _core.zeros(*parameter.shape, dtype=parameter.dtype)
        # The kernel's buffer is u / (1 - dampening).
        lr = self.lr * (1 - self.dampening)
        _core.sgd_step_(parameter, gradient, self._buffers.get(index), lr, self.momentum, self.weight_decay)


class Adam(Optimizer):
    """Adam with bias correction (Kingma and Ba, 2015, algorithm 1); weight decay is added to the gradient.

    >>> import needlecpp as ndl
    >>> p = ndl.nn.Parameter([1.0])
    >>> opt = ndl.optim.Adam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> opt.step()
    >>> round(p.item(), 4)
    0.9
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.beta1 = _check(self, "beta1", beta1, 1)
        self.beta2 = _check(self, "beta2", beta2, 1)
        self.eps = _check(self, "eps", eps)
        self.t = 0
        self._moments: dict[int, tuple[Tensor, Tensor]] = {}

    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        self.t += 1
        super().step()

    def _update(self, index: int, parameter: Tensor, gradient: Tensor) -> None:
        if index not in self._moments:
            shape: Any = parameter.shape
            self._moments[index] = (
                _core.zeros(*shape, dtype=parameter.dtype),
                _core.zeros(*shape, dtype=parameter.dtype),
            )
        m, v = self._moments[index]
        _core.adam_step_(
            parameter, gradient, m, v, self.lr, self.beta1, self.beta2, self.eps, self.weight_decay, self.t
        )

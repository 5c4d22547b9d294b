"""Optimizers, simplest first. Each step is one fused kernel a parameter, in place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
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
    """Holds the parameters; subclasses define ``_update``, and name what they keep for a parameter and their settings.

    ``state_dict()`` has PyTorch's form, ``{"state": {0: {...}}, "param_groups": [{"lr": ..., "params": [0]}]}``:
    parameters go by their places in the list that the optimizer was given.
    """

    _kept: tuple[str, ...] = ()
    """Names of the tensors kept for each parameter, of its shape."""
    _absent: tuple[str, ...] = ()
    """Settings of PyTorch's that may stand in a state that is loaded, if they are off."""

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        self.params = [params] if isinstance(params, Tensor) else list(params)
        if not self.params:
            raise ValueError(f"[{type(self).__name__}] no parameters: got an empty list, expected one at least.")
        for parameter in self.params:
            if not isinstance(parameter, Tensor):
                raise TypeError(
                    f"[{type(self).__name__}] not a parameter: got {type(parameter).__name__}, expected a Tensor."
                )
        self.lr = _check(self, "learning rate", lr)
        self.weight_decay = _check(self, "weight_decay", weight_decay)
        self.state: dict[int, dict[str, Any]] = {}

    def _update(self, index: int, parameter: Tensor, gradient: Tensor) -> None:
        raise NotImplementedError

    def _settings(self) -> dict[str, Any]:
        return {"lr": self.lr, "weight_decay": self.weight_decay}

    def _set(self, settings: dict[str, Any]) -> None:
        for name, value in settings.items():
            setattr(self, name, value)

    def _buffers(self, index: int, parameter: Tensor) -> dict[str, Any]:
        """What is kept for a parameter; zeros at first."""
        kept = self.state.setdefault(index, {})
        for name in self._kept:
            if name not in kept:
                kept[name] = _core.ops.zeros_like(parameter)
        return kept

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
        norm = math.sqrt(math.fsum(_core.ops.square(g).sum().item() for g in gradients))
        if norm > max_norm:
            for gradient in gradients:
                gradient.mul_(max_norm / (norm + 1e-12))
        return norm

    def state_dict(self) -> dict[str, Any]:
        """Settings and what is kept for each parameter, sharing the memory of its tensors.

        >>> import needlecpp as ndl
        >>> ndl.optim.SGD([ndl.nn.Parameter([1.0])], lr=0.5).state_dict()["param_groups"]
        [{'lr': 0.5, 'weight_decay': 0.0, 'momentum': 0.0, 'dampening': 0.0, 'params': [0]}]
        """
        return {
            "state": {index: dict(kept) for index, kept in self.state.items()},
            "param_groups": [{**self._settings(), "params": list(range(len(self.params)))}],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes over settings and copies what was kept: training goes on as it would have.

        What was kept comes to the parameters' dtypes and devices. Takes PyTorch's states of the same optimizer too,
        with arrays or nested lists in place of tensors. Raises KeyError for names that are missing or unexpected,
        ValueError where parameters or shapes differ; the optimizer stays as it was then.
        """
        op = f"[{type(self).__name__}.load_state_dict]"
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            raise KeyError(f"{op} not an optimizer's state: expected a dict with state and param_groups.")
        groups = state_dict["param_groups"]
        if len(groups) != 1 or len(groups[0].get("params", ())) != len(self.params):
            counts = [len(group.get("params", ())) for group in groups]
            raise ValueError(
                f"{op} other parameters: got groups of {counts}, expected one group of {len(self.params)}."
            )
        given = {name: value for name, value in groups[0].items() if name != "params"}
        on = [name for name in self._absent if given.pop(name, None)]
        if on:
            raise ValueError(f"{op} a setting that this optimizer has not: got {on[0]}={groups[0][on[0]]!r}.")
        own = self._settings()
        unknown = sorted(set(given) - set(own) - set(_INERT))
        missing = sorted(set(own) - set(given))
        if unknown or missing:
            raise KeyError(f"{op} settings differ: missing {missing}, unexpected {unknown}.")
        places = {key: place for place, key in enumerate(groups[0]["params"])}
        state: dict[int, dict[str, Any]] = {}
        for key, kept in state_dict["state"].items():
            if key not in places:
                raise KeyError(f"{op} no such parameter: got {key!r}, expected one of the group's {len(places)}.")
            state[places[key]] = self._copied(op, places[key], kept)
        self._set({name: given[name] for name in own})
        self.state = state

    def _copied(self, op: str, index: int, kept: Mapping[str, Any]) -> dict[str, Any]:
        parameter = self.params[index]
        copies: dict[str, Any] = {}
        for name in self._kept:
            if name not in kept:
                raise KeyError(f"{op} parameter {index} lacks {name}: got {sorted(kept)}.")
            if kept[name] is None:
                continue
            copies[name] = _core.tensor(kept[name], dtype=parameter.dtype, device=parameter.device)
            if copies[name].shape != parameter.shape:
                raise ValueError(
                    f"{op} {name} of parameter {index} has the wrong shape: got {copies[name].shape}, "
                    f"expected {parameter.shape}."
                )
        return copies


# Settings of PyTorch's that choose between ways of computing the same.
_INERT = ("foreach", "fused", "capturable", "differentiable", "decoupled_weight_decay", "initial_lr")


class SGD(Optimizer):
    """u = momentum·u + (1 - dampening)·(g + weight_decay·p); p -= lr·u.

    ``dampening`` is ``momentum`` by default, as in needle: momentum leaves the size of the steps as it is. PyTorch's
    default is 0. In ``state_dict()`` momentum_buffer is u / (1 - dampening).

    >>> import needlecpp as ndl
    >>> p = ndl.nn.Parameter([1.0])
    >>> opt = ndl.optim.SGD([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> opt.step()
    >>> round(p.item(), 4)
    0.8
    """

    _kept = ("momentum_buffer",)
    _absent = ("nesterov", "maximize")

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

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "momentum": self.momentum, "dampening": self.dampening}

    def _update(self, index: int, parameter: Tensor, gradient: Tensor) -> None:
        buffer = self._buffers(index, parameter)["momentum_buffer"] if self.momentum else None
        # The kernel's buffer is u / (1 - dampening).
        lr = self.lr * (1 - self.dampening)
        _core.sgd_step_(parameter, gradient, buffer, lr, self.momentum, self.weight_decay)


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

    _kept = ("exp_avg", "exp_avg_sq")
    _absent = ("amsgrad", "maximize")

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
        """Steps taken; the same for all parameters."""

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "betas": (self.beta1, self.beta2), "eps": self.eps}

    def _set(self, settings: dict[str, Any]) -> None:
        self.beta1, self.beta2 = settings.pop("betas")
        super()._set(settings)

    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        self.t += 1
        super().step()

    def _update(self, index: int, parameter: Tensor, gradient: Tensor) -> None:
        kept = self._buffers(index, parameter)
        _core.adam_step_(
            parameter,
            gradient,
            kept["exp_avg"],
            kept["exp_avg_sq"],
            self.lr,
            self.beta1,
            self.beta2,
            self.eps,
            self.weight_decay,
            self.t,
        )

    def state_dict(self) -> dict[str, Any]:
        """Settings, and for each parameter the moments with the number of steps, sharing the memory of its tensors."""
        found = super().state_dict()
        for kept in found["state"].values():
            kept["step"] = self.t
        return found

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """As of every optimizer. The numbers of steps of all parameters must be one."""
        steps = sorted({int(kept.get("step", 0)) for kept in dict(state_dict).get("state", {}).values()})
        if len(steps) > 1:
            raise ValueError(
                f"[Adam.load_state_dict] parameters of different ages: got steps {steps[0]} to {steps[-1]}, "
                "expected one number."
            )
        super().load_state_dict(state_dict)
        self.t = steps[0] if steps else 0

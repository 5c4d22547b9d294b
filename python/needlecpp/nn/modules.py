"""The Module class and the first layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .. import _core, init
from .._core import Device, Tensor


def _parameter(array: Any, dtype: str, requires_grad: bool, device: Device | None = None) -> Parameter:
    """What pickles and deep copies of a parameter call."""
    parameter = Parameter(array, device, dtype)
    parameter.requires_grad = requires_grad
    return parameter


class Parameter(Tensor):
    """A tensor that a module trains: it requires grad, and ``Module.parameters()`` finds it."""

    def __init__(self, array: Any, device: Device | None = None, dtype: str = "float32") -> None:
        super().__init__(array, device=device, dtype=dtype, requires_grad=True)

    def __reduce__(self) -> tuple[Any, ...]:
        return _parameter, (self.detach().cpu().numpy(), self.dtype, self.requires_grad, self.device)


class IncompatibleKeys(NamedTuple):
    """Names that ``Module.load_state_dict(state, strict=False)`` did not find, and those it left alone."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def _listed(names: list[str]) -> str:
    """A few names, in one line."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") if names else "none"


def _walk(value: object, prefix: str) -> Iterator[tuple[str, Module | Parameter]]:
    """The modules and parameters in an attribute: itself, or the items of a list, tuple or dict."""
    if isinstance(value, (Module, Parameter)):
        yield prefix, value
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _walk(item, f"{prefix}.{i}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, f"{prefix}.{key}")


class Module:
    """A function with parameters. Subclasses set attributes in ``__init__`` and define ``forward``.

    >>> from needlecpp import nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = nn.Linear(2, 2)
    ...     def forward(self, x):
    ...         return self.layer(self.layer(x))
    >>> sorted(Twice().state_dict())
    ['layer.bias', 'layer.weight']
    """

    training = True
    """Whether the module is being trained; set by ``train()`` and ``eval()``."""

    def __init__(self) -> None:
        self.training = True

    def __getstate__(self) -> dict[str, Any]:
        """What pickles and copies hold: every attribute. A subclass may leave some out and make them again below."""
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"[{type(self).__name__}] forward is not defined: define it in the subclass.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def _children(self) -> Iterator[tuple[str, Module | Parameter]]:
        for name, value in vars(self).items():
            yield from _walk(value, name)

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Every parameter once, with its dotted name."""
        seen: set[int] = set()
        for name, child in self._children():
            if isinstance(child, Module):
                found = child.named_parameters(f"{prefix}{name}.")
            else:
                found = iter([(f"{prefix}{name}", child)])
            for full_name, parameter in found:
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield full_name, parameter

    def parameters(self) -> list[Parameter]:
        """Every parameter once, in the order of definition."""
        return [parameter for _, parameter in self.named_parameters()]

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        yield self
        for _, child in self._children():
            if isinstance(child, Module):
                yield from child.modules()

    def train(self, mode: bool = True) -> Module:
        """Sets training mode on this module and all below it."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Sets evaluation mode on this module and all below it."""
        return self.train(False)

    def to(
        self, target: Any = None, dtype: str | None = None, non_blocking: bool = False, *, device: Any = None
    ) -> Module:
        """Moves the parameters and their gradients to a device, a floating dtype or both, in place; returns the module.

        ``target`` is a device, a dtype or a tensor to be like, as in ``Tensor.to``. Parameters stay the objects that
        they are, so that an optimizer goes on with them. What it keeps for them (momentum, moments) stays where it was,
        and a step with it raises TypeError: move a module before its training, or bring the state along by
        ``optimizer.load_state_dict(optimizer.state_dict())``. Tensors in attributes that are no parameters stay, too.

        >>> from needlecpp import nn
        >>> layer = nn.Linear(2, 1)
        >>> layer.to("cpu", "float64").weight.dtype
        'float64'
        """
        _core.to_(_core.ops.empty(0), target, dtype, device)  # what is wrong is found before anything is moved
        for parameter in self.parameters():
            _core.to_(parameter, target, dtype, device)
        return self

    def cpu(self) -> Module:
        """Moves the parameters to the CPU: ``to("cpu")``."""
        return self.to("cpu")

    def cuda(self, device: int | Device | str | None = None) -> Module:
        """Moves the parameters to a CUDA card: the first unless another is named, or its number given."""
        _core.ops.empty(0).cuda(device)  # complains of what is no card
        return self.to(_core.cuda(device or 0) if device is None or isinstance(device, int) else device)

    def zero_grad(self) -> None:
        """Drops every parameter's gradient."""
        for parameter in self.parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, Tensor]:
        """Parameters by name, sharing their memory."""
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copies values (tensors, arrays, nested lists) into the parameters of the same names.

        Raises KeyError for names that are missing or unexpected, unless ``strict`` is False; those are returned then.
        Raises ValueError for another shape, TypeError for what is no numbers. Nothing is copied when anything is wrong.

        >>> from needlecpp import nn
        >>> layer = nn.Linear(2, 1)
        >>> layer.load_state_dict({"weight": [[1.0], [2.0]], "scale": 3.0}, strict=False)
        IncompatibleKeys(missing_keys=['bias'], unexpected_keys=['scale'])
        >>> layer.weight.tolist()
        [[1.0], [2.0]]
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"[load_state_dict] not a state: got {type(state).__name__}, expected a dict of parameters by name."
            )
        own = dict(self.named_parameters())
        missing = [name for name in own if name not in state]
        unexpected = [str(name) for name in state if name not in own]
        if strict and (missing or unexpected):
            raise KeyError(
                f"[load_state_dict] names differ: missing {_listed(missing)}; unexpected {_listed(unexpected)}. "
                "Pass strict=False to load the others."
            )
        values: list[tuple[Parameter, Tensor]] = []
        for name, parameter in own.items():
            if name not in state:
                continue
            value = state[name]
            try:
                tensor = _core.asarray(value, dtype=None if hasattr(value, "dtype") else parameter.dtype)
            except (TypeError, ValueError, OverflowError) as error:
                raise type(error)(f"[load_state_dict] {name} holds no numbers that fit: {error}") from None
            if parameter.shape != tensor.shape:
                raise ValueError(
                    f"[load_state_dict] {name} has the wrong shape: got {tensor.shape}, expected {parameter.shape}."
                )
            values.append((parameter, tensor.to(parameter.device)))
        for parameter, tensor in values:
            parameter.data = tensor
        return IncompatibleKeys(missing, unexpected)


class Identity(Module):
    """Returns its argument."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class Linear(Module):
    """y = x W + b with W (in_features, out_features) and b (1, out_features), both Kaiming-uniform.

    >>> import needlecpp as ndl
    >>> layer = ndl.nn.Linear(3, 2)
    >>> layer.weight.shape, layer.bias.shape, layer(ndl.ones(5, 3)).shape
    ((3, 2), (1, 2), (5, 2))
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Device | None = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.weight = Parameter(init.kaiming_uniform(in_features, out_features, **place), **place)
        self.bias = (
            Parameter(init.kaiming_uniform(out_features, 1, **place).reshape(1, out_features), **place)
            if bias
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class Flatten(Module):
    """(batch, ...) to (batch, product of the rest)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], -1)


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Tensor) -> Tensor:
        return _core.ops.relu(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, x: Tensor) -> Tensor:
        return _core.ops.sigmoid(x)


class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, x: Tensor) -> Tensor:
        return _core.ops.tanh(x)


class Softplus(Module):
    """log(1 + exp(x))."""

    def forward(self, x: Tensor) -> Tensor:
        return _core.ops.softplus(x)


class Sequential(Module):
    """Modules one after the other."""

    def __init__(self, *modules: Module) -> None:
        super().__init__()
        self.layers = list(modules)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Module:
        return self.layers[index]

    def forward(self, x: Tensor) -> Tensor:
        for module in self.layers:
            x = module(x)
        return x

"""Every argument of every public function is obeyed or refused.

The signatures are read from the package itself. A function is called once with its required parameters, and then, for
each parameter, with other values in its place, until one changes what comes back or what is written into the arguments.
A parameter that none changes fails, and so does a new one without values. ``argument_table.py`` has the values: for the
parameter's name, or for the function where it needs others, which a row of ``op_table`` may have, too. In place of a
value that changes something may stand one that is Refused, or one that has NoEffect, and why.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import needlecpp as ndl
import numpy as np
import pytest
from argument_table import CALLS, ELSEWHERE, VALUES, NoEffect, Refused
from op_table import OPS

XP = ndl.zeros(1).__array_namespace__()
TORCH = {"dim": "axis", "dims": "axes", "keepdim": "keepdims", "dim0": "axis0", "dim1": "axis1", "dim2": "axis2"}


class Parameter(NamedTuple):
    name: str
    kind: Any
    required: bool


def signatures(fn: Callable[..., Any]) -> Iterator[list[Parameter]]:
    """The parameters of each overload."""
    if not hasattr(fn, "__nb_signature__"):
        yield [
            Parameter(p.name, p.kind, p.default is p.empty and p.kind is not p.VAR_KEYWORD)
            for p in inspect.signature(fn).parameters.values()
        ]
        return
    for text, *_ in fn.__nb_signature__:
        inner = text[text.index("(") + 1 : text.rindex(")")]
        for bracket in ("[", "("):  # commas inside of types
            while bracket in inner:
                start = inner.rindex(bracket)
                inner = inner[:start] + inner[inner.index("])"["[(".index(bracket)], start) + 1 :]
        parameters: list[Parameter] = []
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        for part in (part.strip() for part in inner.split(",")):
            name = part.split(":")[0].split("=")[0].strip()
            if name == "*":
                kind = inspect.Parameter.KEYWORD_ONLY
            elif name.startswith("**"):
                parameters.append(Parameter(name[2:], inspect.Parameter.VAR_KEYWORD, False))
            elif name.startswith("*"):
                parameters.append(Parameter(name[1:], inspect.Parameter.VAR_POSITIONAL, True))
                kind = inspect.Parameter.KEYWORD_ONLY
            elif name == "self":
                parameters.append(Parameter(name, inspect.Parameter.POSITIONAL_ONLY, True))
            elif name:
                parameters.append(Parameter(name, kind, "=" not in part))
        yield parameters


def fresh(value: Any) -> Any:
    """A copy of an argument, so that no call sees what another wrote."""
    if isinstance(value, ndl.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(fresh(item) for item in value)
    return value


def seen(value: Any) -> Any:
    """What can be told apart of a result."""
    if isinstance(value, ndl.Tensor):
        return (value.dtype, value.shape, value.requires_grad, value.detach().contiguous().numpy().tobytes())
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, tuple(seen(item) for item in value))
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if hasattr(value, "__dict__"):
        return (type(value).__name__, tuple((k, seen(v)) for k, v in sorted(vars(value).items())))
    return repr(value)


def invoke(fn: Callable[..., Any], parameters: list[Parameter], values: dict[str, Any]) -> Any:
    """fn of the arguments by their names, or by their places where they have to be."""
    ndl.manual_seed(0)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    given = [p for p in parameters if p.name in values]
    for position, (name, kind, _) in enumerate(given):
        if kind is inspect.Parameter.VAR_POSITIONAL:
            args.extend(values[name])
        elif kind is inspect.Parameter.VAR_KEYWORD:
            kwargs.update(values[name])
        elif kind is inspect.Parameter.POSITIONAL_ONLY or any(
            p.kind is inspect.Parameter.VAR_POSITIONAL for p in given[position:]
        ):
            args.append(values[name])
        else:
            kwargs[name] = values[name]
    return fn(*args, **kwargs)


def call(fn: Callable[..., Any], parameters: list[Parameter], values: dict[str, Any]) -> Any:
    """What comes back and whether it is a view of an argument, what is written into the arguments, their gradients."""
    originals = {name: seen(value) for name, value in values.items()}
    values = {name: fresh(value) for name, value in values.items()}
    result = invoke(fn, parameters, values)
    tensors = [value for value in values.values() if isinstance(value, ndl.Tensor)]
    shared: list[bool] = []
    if isinstance(result, ndl.Tensor):
        if result.requires_grad and any(tensor.requires_grad for tensor in tensors):
            result.sum().backward()
        shared = [np.shares_memory(result.detach().numpy(), tensor.detach().numpy()) for tensor in tensors]
    written = {name: seen(value) for name, value in values.items() if seen(value) != originals[name]}
    return seen(result), shared, written, seen([tensor.grad for tensor in tensors])


# Parameters that are another's first in functions of another family, for values that a function has of its own.
ALIASES = {
    "self": ("input", "a"),
    "x": ("a",),
    "a": ("input",),
    "x1": ("a",),
    "x2": ("b",),
    "other": ("b",),
    "repetitions": ("reps",),
}


ROWS = {op.covers or op.name: op.arguments for op in OPS if op.arguments}


def values_of(function: str, parameter: str) -> tuple[list[Any], bool]:
    """The values of a parameter, and whether it is in the call though it can be left out."""
    parameter = TORCH.get(parameter, parameter)
    name_alone = function.split(".")[-1]
    for table in (CALLS.get(function, {}), CALLS.get(name_alone, {}), ROWS.get(name_alone, {})):
        for name in (parameter, *ALIASES.get(parameter, ())):
            if f"{name}_given" in table:
                return table[f"{name}_given"], True
            if name in table:
                return table[name], False
    return VALUES.get(parameter, []), False


def stepped(optimizer: type[ndl.optim.Optimizer]) -> Callable[..., Any]:
    """Two steps of an optimizer, as a function of its arguments."""

    def run(params: ndl.Tensor, **options: Any) -> ndl.Tensor:
        parameter = ndl.nn.Parameter(params)
        updates = optimizer([parameter], **options)
        for _ in range(2):
            updates.zero_grad()
            (parameter * parameter).sum().backward()
            updates.step()
        return parameter.detach()

    run.__signature__ = inspect.signature(optimizer)  # type: ignore[attr-defined]
    return run


def public() -> dict[str, Callable[..., Any]]:
    """Every public function by its name, modules and classes by what makes one."""
    named: list[tuple[str, Any, Any]] = [
        ("", ndl, ["asarray", "from_dlpack", "from_numpy", "rand", "randint", "randn", "tensor", *ndl.ops.__all__]),
        ("functional.", ndl.nn.functional, ndl.nn.functional.__all__),
        ("nn.", ndl.nn, set(ndl.nn.__all__) - {"functional", "Module"}),
        ("init.", ndl.init, ndl.init.__all__),
        ("autograd.", ndl.autograd, ["hessian", "jacobian", "jvp", "vjp"]),
        ("Tensor.", ndl.Tensor, [name for name in dir(ndl.Tensor) if not name.startswith("__")]),
        ("array_api.", XP, [name for name in dir(XP) if not name.startswith("_")]),
    ]
    found = {
        f"{prefix}{name}": getattr(owner, name)
        for prefix, owner, names in named
        for name in names
        if hasattr(getattr(owner, name), "__nb_signature__")
        or inspect.isfunction(getattr(owner, name))
        or prefix == "nn."
    }
    del found["array_api.NamedTuple"]
    found |= {f"optim.{name}": stepped(getattr(ndl.optim, name)) for name in set(ndl.optim.__all__) - {"Optimizer"}}
    return dict(sorted(found.items()))


PUBLIC = public()


def complaint(
    fn: Callable[..., Any], parameters: list[Parameter], base: dict[str, Any], name: str, values: list[Any]
) -> str:
    """Why it is not shown that the parameter is obeyed or refused; nothing if it is."""
    before = call(fn, parameters, base)
    errors = []
    for value in values:
        given = value.value if isinstance(value, (Refused, NoEffect)) else value
        try:
            after = call(fn, parameters, base | {name: given})
        except Exception as error:
            if isinstance(value, Refused) and value.words in str(error):
                return ""
            errors.append(f"{type(error).__name__}: {error}")
            continue
        if isinstance(value, Refused):
            return f"{given!r} is not refused"
        if (after == before) == isinstance(value, NoEffect):
            return ""
    return f"no value changes anything: {values}, errors {errors}"


def plain(value: Any) -> Any:
    return value.value if isinstance(value, (Refused, NoEffect)) else value


def required(function: str, parameters: list[Parameter]) -> dict[str, Any]:
    """The arguments of a call, apart from what can be left out."""
    base = {}
    for parameter in parameters:
        values, given = values_of(function, parameter.name)
        assert values, f"{parameter.name} has no values: give it some in argument_table.py"
        if parameter.required or given:
            base[parameter.name] = plain(values[0])
    return base


@pytest.mark.parametrize("function", sorted(set(PUBLIC) - set(ELSEWHERE)))
def test_every_argument_is_obeyed_or_refused(function: str) -> None:
    fn = PUBLIC[function]
    wrong = {}
    for parameters in signatures(fn):
        base = required(function, parameters)
        for parameter in parameters:
            values, _ = values_of(function, parameter.name)
            if problem := complaint(fn, parameters, base, parameter.name, values):
                wrong[parameter.name] = problem
    assert wrong == {}


def taking(name: str) -> list[str]:
    return [f for f, fn in PUBLIC.items() if any(p.name == name for parameters in signatures(fn) for p in parameters)]


@pytest.mark.parametrize("function", sorted(set(taking("dtype")) - {"array_api.isdtype", "nn.Linear"}))
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int32", "int64", "uint8", "bool"])
def test_a_dtype_is_that_of_the_result(function: str, dtype: str) -> None:
    """Or it is refused, where the function has no such results."""
    fn = PUBLIC[function]
    for parameters in signatures(fn):
        base = required(function, parameters) | {"dtype": dtype}
        try:
            got = invoke(fn, parameters, base).dtype
        except (TypeError, ValueError) as error:
            got = f"refused: {error}"
        assert got == dtype or (got.startswith("refused") and dtype in got)


@pytest.mark.parametrize("function", sorted(set(taking("device")) - {"Tensor.cuda"}))
def test_devices(function: str) -> None:
    fn = PUBLIC[function]
    for parameters in signatures(fn):
        base = required(function, parameters) | {"device": "cpu"}
        call(fn, parameters, base)
        call(fn, parameters, base | {"device": ndl.cpu()})
        for device in ("cuda", ndl.cuda(), "tpu"):
            with pytest.raises(ValueError, match=str(device)):
                call(fn, parameters, base | {"device": device})


def test_rows_are_of_functions() -> None:
    names = {name.split(".")[-1] for name in PUBLIC} | set(PUBLIC)
    assert (set(CALLS) | set(ELSEWHERE)) - names == set()

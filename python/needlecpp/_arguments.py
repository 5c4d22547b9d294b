"""The sentence that a call of the C++ core with wrong arguments is answered with: see bindings/arguments.cpp.

What a function takes is read from the signatures that nanobind keeps of its overloads. The overload that the call comes
nearest to says what is wrong; where several stop at the same argument, what each of them expects is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

_ARTICLES = {
    "Tensor": "a Tensor",
    "float": "a number",
    "int": "an integer",
    "bool": "a bool",
    "str": "a string",
    "object": "a value",
}
_PLURALS = {"Tensor": "Tensors", "float": "numbers", "int": "integers", "bool": "bools", "str": "strings"}
_MOST_64_BITS = 2**63


class _Parameter(NamedTuple):
    name: str
    annotation: str
    required: bool
    positional: bool


class _Fault(NamedTuple):
    rank: tuple[int, int]  # how near the call came: the kind of fault, then its argument
    what: str
    expected: str


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that stand outside of brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for i, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == mark and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def _parameters(signature: str) -> tuple[list[_Parameter], bool, bool]:
    """The parameters of ``def f(a: A, *, b: B = ...) -> C``, and whether it takes further ones by place and by name."""
    inside = signature[signature.index("(") + 1 :]
    depth = 1
    for end, letter in enumerate(inside):  # noqa: B007
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0:
            break
    found: list[_Parameter] = []
    positional, more, more_named = True, False, False
    for part in _split(inside[:end], ","):
        if part == "/":
            continue
        if part.startswith("**"):
            more_named = True
        elif part.startswith("*"):
            more, positional = more or len(part) > 1, False
        else:
            name, _, rest = part.partition(":")
            annotation, *default = _split(rest, "=") if rest else ["", *_split(name, "=")[1:]]
            found.append(_Parameter(_split(name, "=")[0], annotation, not default and "=" not in part, positional))
    return found, more, more_named


def _plain(annotation: str) -> str:
    return re.sub(r"\b[A-Za-z_]+\.(?=[A-Za-z_])", "", annotation).strip()


def _items(annotation: str) -> list[str]:
    return _split(annotation[annotation.index("[") + 1 : -1], ",")


def _phrase(annotation: str) -> str:
    """What an annotation asks for, in words."""
    kinds = [_plain(kind) for kind in _split(annotation, "|")]
    words = []
    for kind in kinds:
        if kind.startswith(("Sequence[", "list[")):
            words.append("a sequence of " + _PLURALS.get(_items(kind)[0], _phrase(_items(kind)[0])))
        elif kind.startswith("tuple["):
            parts = _items(kind)
            words.append(f"a tuple of {len(parts)} {_PLURALS.get(parts[0], 'items')}")
        else:
            words.append(_ARTICLES.get(kind, kind))
    return " or ".join(words)


def _fits(value: Any, annotation: str) -> bool:
    """Whether a value is of a kind that an annotation names; of kinds that are not known here, yes."""
    return any(_fits_one(value, _plain(kind)) for kind in _split(annotation, "|")) if annotation else True


def _fits_one(value: Any, kind: str) -> bool:
    if kind == "None" or value is None:
        return kind == "None" and value is None
    if kind.startswith(("Sequence[", "list[", "tuple[")):
        if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
            return False
        parts = _items(kind)
        if kind.startswith("tuple["):
            return len(value) == len(parts) and all(map(_fits, value, parts))
        return all(_fits(item, parts[0]) for item in value)
    checks: dict[str, Callable[[], bool]] = {
        "float": lambda: hasattr(value, "__float__") or hasattr(value, "__index__"),
        "int": lambda: hasattr(value, "__index__") and -_MOST_64_BITS <= int(value) < _MOST_64_BITS,
        "bool": lambda: isinstance(value, bool),
        "str": lambda: isinstance(value, str),
    }
    if kind in checks:
        return checks[kind]()
    known = kind in ("Tensor", "Device", "dict") or kind.startswith("dict[")
    return not known or kind.split("[")[0] in (base.__name__ for base in type(value).__mro__)


def _got(value: Any) -> str:
    if isinstance(value, int) and not -_MOST_64_BITS <= value < _MOST_64_BITS:
        return "an integer beyond 64 bits"
    kind = "None" if value is None else type(value).__name__
    if isinstance(value, (list, tuple)):
        kinds = sorted({"None" if item is None else type(item).__name__ for item in value})
        return f"a {kind} of {', '.join(kinds[:3]) or 'nothing'}"
    return kind


def _fault(signature: str, positional: Sequence[Any], named: dict[str, Any]) -> _Fault | None:
    """The first thing that keeps a call from an overload."""
    parameters, more, more_named = _parameters(signature)
    offset = 1 if parameters and parameters[0].name == "self" else 0  # which does not count as an argument
    by_place = [p for p in parameters if p.positional]
    names = ", ".join(p.name for p in parameters[offset:]) or "none"
    unknown = [name for name in named if name not in {p.name for p in parameters}]
    if unknown and not more_named:
        return _Fault((0, 0), f"no such argument: got {unknown[0]}=", f"of: {names}")
    if len(positional) > len(by_place) and not more:
        got, most = len(positional) - offset, len(by_place) - offset
        return _Fault((1, 0), f"too many arguments: got {got}", f"at most {most} ({names})")
    values = dict(zip((p.name for p in by_place), positional, strict=False))
    twice = [name for name in named if name in values]
    if twice:
        return _Fault((1, 1), f"an argument given twice: got {twice[0]} by place and by name", "it once")
    values.update(named)
    for i, parameter in enumerate(parameters):
        if parameter.name not in values:
            if parameter.required:
                place = f"argument {i + 1 - offset} ({parameter.name})"
                return _Fault((2, i), f"{place} is missing: got none", _phrase(parameter.annotation) or "one")
        elif not _fits(values[parameter.name], parameter.annotation):
            place = f"argument {i + 1 - offset} ({parameter.name})"
            return _Fault((3, i), f"{place}: got {_got(values[parameter.name])}", _phrase(parameter.annotation))
    return None


def explain(function: Any, positional: Sequence[Any], named: dict[str, Any]) -> str:
    """One sentence about a call that no overload of ``function`` takes.

    >>> import needlecpp as ndl
    >>> ndl.exp("x")
    Traceback (most recent call last):
    TypeError: [exp] argument 1 (a): got str, expected a Tensor.
    """
    name = function.__name__ or "argument"
    if name == "__init__":
        name = type(positional[0]).__name__ if positional else name
    signatures = [entry[0] for entry in function.__nb_signature__]
    faults = [fault for s in signatures if (fault := _fault(s, positional, named)) is not None]
    if not faults:
        given = ", ".join(_got(value) for value in positional)
        return f"[{name}] the arguments do not fit: got {given}, expected what its docstring says."
    nearest = max(fault.rank for fault in faults)
    found = [fault for fault in faults if fault.rank == nearest]
    phrases = dict.fromkeys(word for fault in found for word in fault.expected.split(" or "))
    kinds = list(phrases)
    expected = kinds[0] if len(kinds) == 1 else ", ".join(kinds[:-1]) + " or " + kinds[-1]
    return f"[{name}] {found[0].what}, expected {expected}."

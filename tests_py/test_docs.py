"""The examples in the docstrings of what the extension offers: ops, and methods and classes bound from C++."""

from __future__ import annotations

import doctest
import types
from typing import Any

import needlecpp as ndl
import needlecpp.render  # whose examples are among them
import pytest


def documented() -> list[tuple[str, str]]:
    """(name, docstring) of everything public that was bound from C++."""
    found: dict[str, str] = {}
    for owner, prefix in (
        (ndl._core, ""),
        (ndl._core.ops, ""),
        (ndl._core.functional, "functional."),
        (ndl.Tensor, "Tensor."),
    ):
        for name in dir(owner):
            member: Any = getattr(owner, name)
            if name.startswith("_") or isinstance(member, types.ModuleType):
                continue
            if owner is ndl._core.functional and member in vars(ndl._core.ops).values():
                continue
            found[prefix + name] = getattr(member, "__doc__", None) or ""
    return sorted(found.items())


EXAMPLES = [(name, text) for name, text in documented() if ">>>" in text]


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_examples(name: str, text: str) -> None:
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    test = doctest.DocTestParser().get_doctest(text, {"ndl": ndl}, name, None, 0)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=flags).run(test, out=report.append)
    assert not report, "".join(report)


def test_every_op_says_what_it_computes() -> None:
    bare = [name for name in ndl.ops.__all__ if not (getattr(ndl.ops, name).__doc__ or "").strip()]
    assert not bare

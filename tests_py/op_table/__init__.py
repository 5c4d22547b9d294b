"""The table of ops that tests run over: one module a family, one row an op. Every module here but row.py is one."""

from __future__ import annotations

import importlib
import pkgutil

from .row import Op as Op

_FAMILIES = [
    importlib.import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)
    if module.name != "row"
]

OPS = [row for family in _FAMILIES for row in family.ROWS]
GOLDEN = {name: call for family in _FAMILIES for name, call in getattr(family, "GOLDEN", {}).items()}

# Public functions whose tests stand elsewhere: needle's tuples have tests of their own.
ELSEWHERE = {"TensorTuple", "fused_add_scalars", "make_tuple", "tuple_get_item"}

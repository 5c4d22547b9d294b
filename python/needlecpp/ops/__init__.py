"""Every op as a function, under NumPy's and PyTorch's names, and needle's where it has its own.

Ops broadcast as NumPy does, accept any strides, and are differentiable unless they return bool or indices. Those bound
from C++ come by themselves, whatever ``bindings/ops`` binds; the others are written in Python here.
"""

from __future__ import annotations

from .._core import ops as _bound
from .._core.ops import *  # noqa: F403
from . import _einsum, _needle, _split, _unique
from ._einsum import *  # noqa: F403
from ._needle import *  # noqa: F403
from ._split import *  # noqa: F403
from ._unique import *  # noqa: F403

__all__ = sorted([*_bound.__all__, *_einsum.__all__, *_needle.__all__, *_split.__all__, *_unique.__all__])

"""Every op as a function, one module a family: NumPy's and PyTorch's names, and needle's where it has its own.

Ops broadcast as NumPy does, accept any strides, and are differentiable unless they return bool or indices.
"""

from __future__ import annotations

from . import _creation, _elementwise, _gather, _matmul, _needle, _pad, _reduce, _render, _scan, _shape, _softmax
from ._creation import *  # noqa: F403
from ._elementwise import *  # noqa: F403
from ._gather import *  # noqa: F403
from ._matmul import *  # noqa: F403
from ._needle import *  # noqa: F403
from ._pad import *  # noqa: F403
from ._reduce import *  # noqa: F403
from ._render import *  # noqa: F403
from ._scan import *  # noqa: F403
from ._shape import *  # noqa: F403
from ._softmax import *  # noqa: F403

_FAMILIES = (_creation, _elementwise, _gather, _matmul, _needle, _pad, _reduce, _render, _scan, _shape, _softmax)

__all__ = sorted(name for family in _FAMILIES for name in family.__all__)

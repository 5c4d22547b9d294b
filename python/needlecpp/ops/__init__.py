"""Every op as a function, one module a family: NumPy's and PyTorch's names, and needle's where it has its own.

Ops broadcast as NumPy does, accept any strides, and are differentiable unless they return bool or indices.
"""

from __future__ import annotations

from . import (
    _activation,
    _attention,
    _conv,
    _creation,
    _elementwise,
    _gather,
    _linalg,
    _loss,
    _matmul,
    _needle,
    _norm,
    _pad,
    _pool,
    _reduce,
    _render,
    _resample,
    _scan,
    _segment,
    _shape,
    _softmax,
    _sort,
)
from ._activation import *  # noqa: F403
from ._attention import *  # noqa: F403
from ._conv import *  # noqa: F403
from ._creation import *  # noqa: F403
from ._elementwise import *  # noqa: F403
from ._gather import *  # noqa: F403
from ._linalg import *  # noqa: F403
from ._loss import *  # noqa: F403
from ._matmul import *  # noqa: F403
from ._needle import *  # noqa: F403
from ._norm import *  # noqa: F403
from ._pad import *  # noqa: F403
from ._pool import *  # noqa: F403
from ._reduce import *  # noqa: F403
from ._render import *  # noqa: F403
from ._resample import *  # noqa: F403
from ._scan import *  # noqa: F403
from ._segment import *  # noqa: F403
from ._shape import *  # noqa: F403
from ._softmax import *  # noqa: F403
from ._sort import *  # noqa: F403

_FAMILIES = (
    _activation,
    _attention,
    _conv,
    _creation,
    _elementwise,
    _gather,
    _linalg,
    _loss,
    _matmul,
    _needle,
    _norm,
    _pad,
    _pool,
    _reduce,
    _render,
    _resample,
    _scan,
    _segment,
    _shape,
    _softmax,
    _sort,
)

__all__ = sorted(name for family in _FAMILIES for name in family.__all__)

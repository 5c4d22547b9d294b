"""needlecpp: a C++ engine for deep learning and neural rendering.

Tensors with reverse-mode gradients, fused kernels for radiance fields, and a small ``nn`` API.

>>> import needlecpp as ndl
>>> x = ndl.Tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> y = (x * x).sum()
>>> y.backward()
>>> x.grad
tensor([2., 4., 6.])
"""

from . import _load as _load  # isort: skip
from . import _numpy as _numpy
from . import autograd, fft, init, linalg, nn, ops, optim
from ._core import (
    Device,
    Tensor,
    __version__,
    asarray,
    cpu,
    cuda,
    default_device,
    from_dlpack,
    from_numpy,
    initial_seed,
    isa,
    manual_seed,
    memory_limit,
    memory_stats,
    num_threads,
    rand,
    randint,
    randn,
    release_cached_memory,
    reset_peak_memory,
    set_default_device,
    set_memory_limit,
    set_num_threads,
    tensor,
)
from ._core.ops import *  # noqa: F403  (of which type checkers see more than of what .ops makes of it)
from .autograd import checkpoint, enable_grad, grad, gradcheck, gradgradcheck, jvp, no_grad, vjp
from .ops import *  # noqa: F403

# What .ops is made of: type checkers do not see the names through its own star imports.
from ._core.ops import *  # noqa: F403  # isort: skip
from .ops._einsum import *  # noqa: F403  # isort: skip
from .ops._needle import *  # noqa: F403  # isort: skip
from .ops._split import *  # noqa: F403  # isort: skip
from .ops._unique import *  # noqa: F403  # isort: skip

NDArray = Tensor  # needle's name for an array off the tape

float32, float64, float16, bfloat16 = "float32", "float64", "float16", "bfloat16"
int32, int64, uint8, bool_ = "int32", "int64", "uint8", "bool"

__all__ = [
    "Device",
    "NDArray",
    "Tensor",
    "__version__",
    "asarray",
    "autograd",
    "bfloat16",
    "bool_",
    "checkpoint",
    "cpu",
    "cuda",
    "default_device",
    "enable_grad",
    "fft",
    "float16",
    "float32",
    "float64",
    "from_dlpack",
    "from_numpy",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "init",
    "initial_seed",
    "int32",
    "int64",
    "isa",
    "jvp",
    "linalg",
    "manual_seed",
    "memory_limit",
    "memory_stats",
    "nn",
    "no_grad",
    "num_threads",
    "ops",
    "optim",
    "rand",
    "randint",
    "randn",
    "release_cached_memory",
    "reset_peak_memory",
    "set_default_device",
    "set_memory_limit",
    "set_num_threads",
    "tensor",
    "uint8",
    "vjp",
    *ops.__all__,
]

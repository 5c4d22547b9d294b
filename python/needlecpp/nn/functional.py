"""Functions of layers under PyTorch's names: convolution, pooling, normalization, activations, losses.

>>> import needlecpp as ndl
>>> ndl.nn.functional.softplus(ndl.zeros(1))
tensor([0.6931472])
"""

from .._core.functional import *  # noqa: F403
from .._core.functional import __all__ as __all__

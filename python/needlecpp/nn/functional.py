"""Functions of layers under PyTorch's names: convolution, pooling, normalization, activations, losses.

>>> import needlecpp as ndl
>>> ndl.nn.functional.softplus(ndl.zeros(1))
tensor([0.6931472])
"""

from .._core import pad_last as pad
from ..ops._elementwise import relu, sigmoid, softplus, tanh
from ..ops._softmax import log_softmax, softmax

__all__ = ["log_softmax", "pad", "relu", "sigmoid", "softmax", "softplus", "tanh"]

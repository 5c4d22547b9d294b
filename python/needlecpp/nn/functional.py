"""Functions of layers under PyTorch's names: convolution, pooling, normalization, activations, losses.

>>> import needlecpp as ndl
>>> ndl.nn.functional.softplus(ndl.zeros(1))
tensor([0.6931472])
"""

from ..ops._activation import (
    celu,
    elu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    selu,
    silu,
    softplus,
    softshrink,
    softsign,
    swish,
    tanhshrink,
    threshold,
)
from ..ops._elementwise import sigmoid, tanh
from ..ops._softmax import log_softmax, softmax

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softshrink",
    "softsign",
    "swish",
    "tanh",
    "tanhshrink",
    "threshold",
]

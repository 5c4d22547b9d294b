"""Modules: parameters with a forward function, composed as in PyTorch and CMU's needle.

>>> import needlecpp as ndl
>>> from needlecpp import nn
>>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
>>> net(ndl.zeros(3, 4)).shape
(3, 2)
>>> len(net.parameters())
4
"""

from . import functional
from .modules import Flatten, Identity, Linear, Module, Parameter, ReLU, Sequential, Sigmoid, Softplus, Tanh

__all__ = [
    "Flatten",
    "Identity",
    "Linear",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "functional",
]

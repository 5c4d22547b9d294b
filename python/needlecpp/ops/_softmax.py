"""Softmax and its relatives."""

from __future__ import annotations

from .._core import (
    log_softmax,
    logsumexp,
    softmax,
)

__all__ = [
    "log_softmax",
    "logsoftmax",
    "logsumexp",
    "softmax",
]

logsoftmax = log_softmax

"""Softmax and its relatives."""

from __future__ import annotations

from .._core import (
    log_softmax,
    logsumexp,
    softmax,
    softmin,
)

__all__ = [
    "log_softmax",
    "logsoftmax",
    "logsumexp",
    "softmax",
    "softmin",
]

logsoftmax = log_softmax

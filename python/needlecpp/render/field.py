"""A radiance field written in Python."""

from __future__ import annotations

from .. import _core, nn
from .._core import Box, FieldParameter, Tensor
from ..autograd import no_grad

PROBE = 4096  # points whose memory is measured


class Field(nn.Module):
    """A radiance field of one's own: subclass it, keep parameters and modules as attributes, define two functions.

    - ``density(positions)``: positions [n, 3] float32, world units, in the box -> a pair (sigma [n], features [n, f]),
      float32; sigma is density per world unit, 0 or more, features are whatever ``color`` needs to know of the point.
    - ``color(features, directions)``: features [n, f] of some of those points, unit directions [n, 3] of the rays that
      see them -> colour [n, 3] float32, sRGB in [0, 1].

    Both are written in ops of tensors and are differentiated by the tape; n may be 0. A
    :class:`~needlecpp.render.Trainer` calls them some ten times a step, off the tape and on it, with batches of 10^4 to
    10^5 points, from the thread that called it. What they raise comes out of the step. Answers of other shapes raise
    ValueError, of other dtypes TypeError.

    Args:
        box: outside it there is nothing; world units.

    >>> import needlecpp as ndl
    >>> import needlecpp.render
    >>> class Ball(ndl.render.Field):
    ...     def __init__(self, box):
    ...         super().__init__(box)
    ...         self.radius = ndl.nn.Parameter([0.5])
    ...         self.tint = ndl.nn.Parameter([0.1, 0.2, 0.3])
    ...     def density(self, positions):
    ...         inside = self.radius - ndl.sqrt((positions * positions).sum(axis=1))
    ...         return ndl.sigmoid(inside * 20) * 10, positions
    ...     def color(self, features, directions):
    ...         return ndl.sigmoid(self.tint + features * 0)
    >>> field = Ball(ndl.render.Box((-1, -1, -1), (1, 1, 1)))
    >>> [name for name, _ in field.named_parameters()]
    ['radius', 'tint']
    """

    def __init__(self, box: Box) -> None:
        super().__init__()
        self.box = box

    def density(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Density [n] and features [n, f] at world positions [n, 3]."""
        raise NotImplementedError(f"[{type(self).__name__}] density is not defined: define it in the subclass.")

    def color(self, features: Tensor, directions: Tensor) -> Tensor:
        """Colour [n, 3] for features [n, f] seen along unit directions [n, 3]."""
        raise NotImplementedError(f"[{type(self).__name__}] color is not defined: define it in the subclass.")

    def trained(self) -> list[FieldParameter]:
        """What a training moves, and how: every parameter, unless a subclass gives some another learning rate."""
        return [FieldParameter(name, parameter) for name, parameter in self.named_parameters()]

    def penalty(self) -> Tensor | None:
        """What is added to the loss of each step, a float32 number on the tape; None: nothing."""
        return None

    def refine(self, progress: float) -> bool:
        """Called before every step. True: the parameters are others now (grown, pruned), and the optimizer's moments
        start anew where shapes have changed."""
        return False

    def bytes(self, samples: int, training: bool) -> int:
        """At most so many bytes of tensors the two functions hold at a time for ``samples`` points, besides the
        parameters: measured on a few points. A subclass may know better."""
        n = max(1, min(samples, PROBE))
        positions, directions = _core.ops.zeros(n, 3), _core.ops.full((n, 3), 3**-0.5)
        before = _core.memory_stats()["current"]
        _core.reset_peak_memory()
        if training:
            sigma, features = self.density(positions)
            loss = sigma.sum() + self.color(features, directions).sum()
            if loss.requires_grad:
                gradients = [p.grad for p in self.parameters()]
                loss.backward()
                for parameter, gradient in zip(self.parameters(), gradients, strict=True):
                    parameter.grad = gradient
        else:
            with no_grad():
                self.color(self.density(positions)[1], directions)
        held = _core.memory_stats()["peak"] - before
        return int(held * 1.25) * -(-samples // n)

"""Discrete Fourier transforms: NumPy's ``fft`` for an engine without complex numbers.

Complex numbers are pairs: a last axis of two, real and imaginary part, as ``torch.view_as_real`` shows them and
``array.view(float)`` of a complex NumPy array. Axes and shapes are counted without that last one, so that arguments
mean what they mean in NumPy: of [8, 8, 2], the complex picture [8, 8], the axes are 0 and 1, or -2 and -1.

    numpy.fft.fft(z)            ndl.fft.fft(x), where x[..., 0] is z.real and x[..., 1] is z.imag
    numpy.fft.rfft(r).real      ndl.fft.rfft(r)[..., 0]

``norm`` says what is divided: "backward" (the default) by n on the way back, "ortho" by sqrt(n) on both ways,
"forward" by n on the way there. Any length; products of 2, 3, 5 and 7 are fastest. float32 and float64 are computed as
such, 16-bit floats in float32, integers become float32. Differentiable to any order.

>>> import needlecpp as ndl
>>> ndl.fft.rfft(ndl.tensor([1.0, 2.0, 3.0, 4.0]))
tensor([[10.,  0.],
        [-2.,  2.],
        [-2.,  0.]])
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from . import _core, ops
from ._core import Tensor

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

Axes = Sequence[int] | None


def fft(x: Tensor, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """``y[j] = sum over k of x[k] exp(-2 pi i j k / n)`` of complex lines [..., m, 2], which are cut or filled with
    zeros to n numbers first.

    >>> import needlecpp as ndl
    >>> ndl.fft.fft(ndl.tensor([[1.0, 0.0], [0.0, 1.0]]))
    tensor([[ 1.,  1.],
            [ 1., -1.]])
    """
    return _core.fft(x, False, n, axis, norm)


def ifft(x: Tensor, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of ``fft``: ``y[j] = sum over k of x[k] exp(2 pi i j k / n) / n``.

    >>> import needlecpp as ndl
    >>> ndl.fft.ifft(ndl.tensor([[1.0, 1.0], [1.0, -1.0]]))
    tensor([[1., 0.],
            [0., 1.]])
    """
    return _core.fft(x, True, n, axis, norm)


def rfft(x: Tensor, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """``fft`` of real lines [..., m]: its first n // 2 + 1 numbers [..., n // 2 + 1, 2], of which the others are the
    conjugates.

    >>> import needlecpp as ndl
    >>> ndl.fft.rfft(ndl.tensor([1.0, -1.0]))
    tensor([[0., 0.],
            [2., 0.]])
    """
    return _core.rfft(x, n, axis, norm)


def irfft(x: Tensor, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of ``rfft``: n real numbers, 2 (m - 1) by default, from [..., m, 2], cut or filled with zeros to
    n // 2 + 1. An odd n has to be given. The imaginary parts of numbers 0 and n / 2 are taken as 0.

    >>> import needlecpp as ndl
    >>> ndl.fft.irfft(ndl.tensor([[0.0, 0.0], [2.0, 0.0]]))
    tensor([ 1., -1.])
    """
    return _core.irfft(x, n, axis, norm)


def _other_way(op: str, norm: str | None) -> str:
    swapped = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}
    if norm not in swapped:
        raise ValueError(f"[fft.{op}] bad norm: got {norm!r}, expected one of backward, ortho, forward.")
    return swapped[norm]


def hfft(x: Tensor, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """``fft`` of n numbers with Hermitian symmetry, of which the first n // 2 + 1 are given as [..., m, 2]: real.

    >>> import needlecpp as ndl
    >>> ndl.fft.hfft(ndl.tensor([[1.0, 0.0], [2.0, 0.0]]))
    tensor([ 3., -1.])
    """
    return _core.irfft(_core.conjugate(x), n, axis, _other_way("hfft", norm))


def ihfft(x: Tensor, n: int | None = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of ``hfft``: the first n // 2 + 1 numbers of ``ifft`` of real lines.

    >>> import needlecpp as ndl
    >>> ndl.fft.ihfft(ndl.tensor([3.0, -1.0]))[..., 0]
    tensor([1., 2.])
    """
    return _core.conjugate(_core.rfft(x, n, axis, _other_way("ihfft", norm)))


def _sizes_and_axes(op: str, shape: tuple[int, ...], s: Axes, axes: Axes) -> tuple[list[int], list[int | None]]:
    """The axes to transform and the number of points on each, None for what is there. ``shape`` has complex axes."""
    if axes is None:
        axes = range(-len(shape if s is None else s), 0)
    names = [operator.index(axis) for axis in axes]
    sizes: list[int | None] = [None] * len(names) if s is None else [None if n == -1 else n for n in s]
    if len(sizes) != len(names):
        raise ValueError(f"[fft.{op}] s and axes do not pair: got {s} and {axes}, expected as many of each.")
    return names, sizes


def _complex_shape(op: str, x: Tensor) -> tuple[int, ...]:
    if x.ndim == 0 or x.shape[-1] != 2:
        raise ValueError(
            f"[fft.{op}] not complex numbers: got shape {x.shape}, expected [..., 2], real and imaginary parts."
        )
    return tuple(x.shape[:-1])


def _along_each(op: str, x: Tensor, inverse: bool, s: Axes, axes: Axes, norm: str | None) -> Tensor:
    names, sizes = _sizes_and_axes(op, _complex_shape(op, x), s, axes)
    for axis, n in zip(reversed(names), reversed(sizes), strict=True):
        x = _core.fft(x, inverse, n, axis, norm)
    return x


def fftn(x: Tensor, s: Axes = None, axes: Axes = None, norm: str | None = None) -> Tensor:
    """``fft`` along several complex axes of [..., 2], all by default; ``s`` has the number of points on each (-1: as
    many as there are), of the last ones where ``axes`` is not given.

    >>> import needlecpp as ndl
    >>> ndl.fft.fftn(ndl.ones(2, 2, 2))[0, 0].tolist()
    [4.0, 4.0]
    """
    return _along_each("fftn", x, False, s, axes, norm)


def ifftn(x: Tensor, s: Axes = None, axes: Axes = None, norm: str | None = None) -> Tensor:
    """The inverse of ``fftn``.

    >>> import needlecpp as ndl
    >>> ndl.fft.ifftn(ndl.fft.fftn(ndl.ones(2, 2, 2))).tolist() == ndl.ones(2, 2, 2).tolist()
    True
    """
    return _along_each("ifftn", x, True, s, axes, norm)


def rfftn(x: Tensor, s: Axes = None, axes: Axes = None, norm: str | None = None) -> Tensor:
    """``rfft`` along the last of several axes of real numbers, then ``fft`` along the others; see ``fftn``.

    >>> import needlecpp as ndl
    >>> ndl.fft.rfftn(ndl.ones(4, 4)).shape
    (4, 3, 2)
    """
    names, sizes = _sizes_and_axes("rfftn", tuple(x.shape), s, axes)
    if not names:
        raise ValueError("[fft.rfftn] no axis to transform: got (), expected one or more.")
    y = _core.rfft(x, sizes[-1], names[-1], norm)
    for axis, n in zip(reversed(names[:-1]), reversed(sizes[:-1]), strict=True):
        y = _core.fft(y, False, n, axis, norm)
    return y


def irfftn(x: Tensor, s: Axes = None, axes: Axes = None, norm: str | None = None) -> Tensor:
    """The inverse of ``rfftn``: real numbers, 2 (m - 1) on the last axis by default.

    >>> import needlecpp as ndl
    >>> ndl.fft.irfftn(ndl.fft.rfftn(ndl.ones(4, 4))).shape
    (4, 4)
    """
    names, sizes = _sizes_and_axes("irfftn", _complex_shape("irfftn", x), s, axes)
    if not names:
        raise ValueError("[fft.irfftn] no axis to transform: got (), expected one or more.")
    for axis, n in zip(names[:-1], sizes[:-1], strict=True):
        x = _core.fft(x, True, n, axis, norm)
    return _core.irfft(x, sizes[-1], names[-1], norm)


def fft2(x: Tensor, s: Axes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Tensor:
    """``fftn`` of complex pictures [..., h, w, 2].

    >>> import needlecpp as ndl
    >>> ndl.fft.fft2(ndl.ones(3, 2, 2, 2))[:, 0, 0, 0]
    tensor([4., 4., 4.])
    """
    return _along_each("fft2", x, False, s, axes, norm)


def ifft2(x: Tensor, s: Axes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of ``fft2``.

    >>> import needlecpp as ndl
    >>> ndl.fft.ifft2(ndl.ones(3, 2, 2, 2))[:, 0, 0, 0]
    tensor([1., 1., 1.])
    """
    return _along_each("ifft2", x, True, s, axes, norm)


def rfft2(x: Tensor, s: Axes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Tensor:
    """``rfftn`` of real pictures [..., h, w].

    >>> import needlecpp as ndl
    >>> ndl.fft.rfft2(ndl.ones(3, 4, 4)).shape
    (3, 4, 3, 2)
    """
    return rfftn(x, s, axes, norm)


def irfft2(x: Tensor, s: Axes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of ``rfft2``.

    >>> import needlecpp as ndl
    >>> ndl.fft.irfft2(ndl.fft.rfft2(ndl.ones(3, 4, 4))).shape
    (3, 4, 4)
    """
    return irfftn(x, s, axes, norm)


def _check_points(op: str, n: int) -> int:
    if operator.index(n) < 1:
        raise ValueError(f"[fft.{op}] bad number of points: got {n}, expected 1 or more.")
    return operator.index(n)


def fftfreq(n: int, d: float = 1.0, *, dtype: str | None = None, device: Any = None) -> Tensor:
    """The frequencies of ``fft``'s n results, in cycles per unit of the sample spacing d: 0, 1, ..., then the negative
    ones, over n d.

    >>> import needlecpp as ndl
    >>> ndl.fft.fftfreq(4)
    tensor([ 0.  ,  0.25, -0.5 , -0.25])
    """
    n = _check_points("fftfreq", n)
    halves = [ops.arange(0, (n - 1) // 2 + 1, device=device), ops.arange(-(n // 2), 0, device=device)]
    cycles = ops.concat(halves)
    return (cycles.astype("float64") / (n * d)).astype(dtype or "float32")


def rfftfreq(n: int, d: float = 1.0, *, dtype: str | None = None, device: Any = None) -> Tensor:
    """The frequencies of ``rfft``'s n // 2 + 1 results, in cycles per unit of the sample spacing d.

    >>> import needlecpp as ndl
    >>> ndl.fft.rfftfreq(4)
    tensor([0.  , 0.25, 0.5 ])
    """
    n = _check_points("rfftfreq", n)
    return (ops.arange(0, n // 2 + 1, device=device).astype("float64") / (n * d)).astype(dtype or "float32")


def _shifted(op: str, x: Tensor, axes: int | Axes, real: bool, sign: int) -> Tensor:
    shape = tuple(x.shape) if real else _complex_shape(op, x)
    names = range(len(shape)) if axes is None else [axes] if isinstance(axes, int) else list(axes)
    for axis in names:
        if not -len(shape) <= axis < len(shape):
            raise IndexError(f"[fft.{op}] axis out of range: got {axis}, expected -{len(shape)} to {len(shape) - 1}.")
    places = [axis % len(shape) for axis in names]
    return ops.roll(x, [sign * (shape[i] // 2) for i in places], places)


def fftshift(x: Tensor, axes: int | Axes = None, *, real: bool = False) -> Tensor:
    """Frequency 0 moved to the middle of each axis, of complex [..., 2] or, if so told, of real numbers.
    Differentiable.

    >>> import needlecpp as ndl
    >>> ndl.fft.fftshift(ndl.fft.fftfreq(4), real=True)
    tensor([-0.5 , -0.25,  0.  ,  0.25])
    """
    return _shifted("fftshift", x, axes, real, 1)


def ifftshift(x: Tensor, axes: int | Axes = None, *, real: bool = False) -> Tensor:
    """The inverse of ``fftshift``, which differs from it on odd axes. Differentiable.

    >>> import needlecpp as ndl
    >>> ndl.fft.ifftshift(ndl.tensor([-1.0, 0.0, 1.0]), real=True)
    tensor([ 0.,  1., -1.])
    """
    return _shifted("ifftshift", x, axes, real, -1)

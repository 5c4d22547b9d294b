"""needlecpp.fft beside NumPy's: every kind of length, axis and size, accuracy, and what is refused."""

from __future__ import annotations

import itertools
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest

fft = ndl.fft
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
LENGTHS = [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    11,
    13,
    16,
    25,
    49,
    60,
    64,
    97,
    105,
    121,
    128,
    210,
    243,
    256,
    1000,
    1009,
    4096,
    5040,
]


def numbers(*shape: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def pairs(z: Any, dtype: str = "float64") -> ndl.Tensor:
    return ndl.tensor(np.stack([z.real, z.imag], -1).astype(dtype))


def values(x: ndl.Tensor) -> Any:
    a = x.astype("float64").numpy()
    return a[..., 0] + 1j * a[..., 1]


def assert_close(got: Any, expected: Any, dtype: str, n: int) -> None:
    """Within a few rounding errors a pass, of the root of the mean square."""
    size = np.sqrt(np.mean(np.abs(expected) ** 2)) if expected.size else 0.0
    allowed = 4 * EPS[dtype] * (2 + np.log2(n)) * size
    assert np.abs(got - expected).max(initial=0) <= 4 * allowed
    assert np.sqrt(np.mean(np.abs(got - expected) ** 2)) <= allowed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [*LENGTHS, 16384, 65536, 30030, 65537])
def test_lengths(n: int, dtype: str) -> None:
    z = values(pairs(numbers(n), dtype))  # as rounded
    assert_close(values(fft.fft(pairs(z, dtype))), np.fft.fft(z), dtype, n)
    assert_close(values(fft.ifft(pairs(z, dtype))), np.fft.ifft(z), dtype, n)
    real = z.real.copy()
    half = fft.rfft(ndl.tensor(real, dtype=dtype))
    assert half.shape == (n // 2 + 1, 2)
    assert_close(values(half), np.fft.rfft(real), dtype, n)
    assert_close(fft.irfft(half, n).astype("float64").numpy(), real, dtype, n)


@pytest.mark.parametrize("lines", [1, 2, 15, 16, 17, 40])
def test_lines_do_not_mix(lines: int) -> None:
    for n in (5, 11, 24):
        z = numbers(lines, n)
        z[0] *= 1e12  # a neighbour must not cost the others their digits
        if lines > 2:
            z[1] = np.nan
        got = values(fft.fft(pairs(z)))
        for i in range(lines):
            if np.isnan(z[i, 0]):
                assert np.isnan(got[i]).all()
            else:
                assert_close(got[i], np.fft.fft(z[i]), "float64", n)


@pytest.mark.parametrize(("axis", "n"), list(itertools.product((0, 1, 2, -1, -3), (None, 1, 3, 4, 5, 9))))
def test_axes_sizes_and_layouts(axis: int, n: int | None) -> None:
    z = numbers(4, 5, 3)
    x = pairs(z)
    turned = pairs(z.transpose(2, 0, 1)).permute(1, 2, 0, 3)
    apart = ndl.stack([ndl.tensor(z.real.copy()), ndl.tensor(z.imag.copy())], 0).permute(1, 2, 3, 0)
    for norm in ("backward", "ortho", "forward"):
        for layout in (x, turned, apart, x.flip(1).flip(1)):
            np.testing.assert_allclose(values(fft.fft(layout, n, axis, norm)), np.fft.fft(z, n, axis, norm), atol=1e-13)
            np.testing.assert_allclose(
                values(fft.ifft(layout, n, axis, norm)), np.fft.ifft(z, n, axis, norm), atol=1e-13
            )
            np.testing.assert_allclose(
                fft.irfft(layout, n or 6, axis, norm).numpy(), np.fft.irfft(z, n or 6, axis, norm), atol=1e-13
            )
            np.testing.assert_allclose(
                fft.hfft(layout, n or 6, axis, norm).numpy(), np.fft.hfft(z, n or 6, axis, norm), atol=1e-12
            )
        real = layout[..., 0]
        np.testing.assert_allclose(
            values(fft.rfft(real, n, axis, norm)), np.fft.rfft(z.real, n, axis, norm), atol=1e-13
        )
        np.testing.assert_allclose(
            values(fft.ihfft(real, n, axis, norm)), np.fft.ihfft(z.real, n, axis, norm), atol=1e-13
        )


def test_empty_batches_and_integers() -> None:
    assert fft.fft(ndl.zeros(0, 4, 2)).shape == (0, 4, 2)
    assert fft.rfft(ndl.zeros(4, 0), axis=0).shape == (3, 0, 2)
    assert fft.irfft(ndl.zeros(0, 3, 2)).shape == (0, 4)
    assert fft.fft(ndl.zeros(0, 2), 3).tolist() == [[0.0, 0.0]] * 3
    assert fft.rfft(ndl.tensor([1, 2])).tolist() == [[3.0, 0.0], [-1.0, 0.0]]
    assert fft.rfft(ndl.tensor([1, 2])).dtype == "float32"
    assert fft.rfft(ndl.tensor([1.0, 2.0], dtype="float16")).dtype == "float16"


def test_parts_that_share_one_memory_and_bytes_without_a_sign() -> None:
    both = ndl.broadcast_to(ndl.Tensor([[0.0], [1.0], [2.0], [4.0]]), (4, 2))
    assert np.array_equal(fft.fft(both).numpy(), fft.fft(both.clone()).numpy())
    counts = np.array([[1, 2], [3, 4], [5, 6]])
    for dtype in (np.uint8, np.bool_):
        same = ndl.from_numpy(counts.astype(dtype))
        assert np.array_equal(fft.hfft(same).numpy(), fft.hfft(same.astype(ndl.float32)).numpy())


def test_the_imaginary_parts_that_cannot_be_are_left_out() -> None:
    z = numbers(4)
    np.testing.assert_allclose(fft.irfft(pairs(z)).numpy(), np.fft.irfft(z))
    np.testing.assert_allclose(fft.irfft(pairs(z), 5).numpy(), np.fft.irfft(z, 5))


def test_sizes_without_axes_are_those_of_the_last_axes() -> None:
    z = numbers(2, 3, 4)
    got = values(fft.fftn(pairs(z), (5, -1)))
    np.testing.assert_allclose(got, np.fft.fftn(z, (5, 4), (1, 2)), atol=1e-13)
    np.testing.assert_allclose(fft.irfftn(pairs(z), (5, 3)).numpy(), np.fft.irfftn(z, (5, 3), (1, 2)), atol=1e-13)
    np.testing.assert_allclose(values(fft.fftn(pairs(z), axes=())), z)


def test_shifts_and_frequencies() -> None:
    for n in (1, 2, 5, 8):
        np.testing.assert_allclose(fft.fftfreq(n, 0.1, dtype="float64").numpy(), np.fft.fftfreq(n, 0.1))
        np.testing.assert_allclose(fft.rfftfreq(n, 0.1, dtype="float64").numpy(), np.fft.rfftfreq(n, 0.1))
    z = numbers(3, 4, 5)
    for axes in (None, 0, (1, 2), (-1,)):
        np.testing.assert_array_equal(values(fft.fftshift(pairs(z), axes)), np.fft.fftshift(z, axes))
        np.testing.assert_array_equal(values(fft.ifftshift(pairs(z), axes)), np.fft.ifftshift(z, axes))
        real = ndl.tensor(z.real.copy())
        np.testing.assert_array_equal(fft.fftshift(real, axes, real=True).numpy(), np.fft.fftshift(z.real, axes))


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    x = [pairs(numbers(n)) for n in (1 << 17, 65537)] + [pairs(numbers(50, 600))]
    before = ndl.num_threads()
    ndl.set_num_threads(1)
    alone = [fft.fft(one).numpy() for one in x]
    ndl.set_num_threads(3)
    for one, expected in zip(x, alone, strict=True):
        np.testing.assert_array_equal(fft.fft(one).numpy(), expected)
    ndl.set_num_threads(before)


@pytest.mark.parametrize("n", [5, 6, 11])
def test_the_gradient_of_a_real_line(n: int) -> None:
    """A filter in the frequency domain and its transpose."""
    x = ndl.tensor(numbers(2, n).real.copy(), requires_grad=True)
    window = ndl.tensor(np.linspace(0.1, 1, n // 2 + 1))[:, None]
    assert ndl.gradcheck(lambda t: fft.irfft(fft.rfft(t) * window, n), [x])
    assert ndl.gradgradcheck(lambda t: ndl.square(fft.irfft(fft.rfft(t) * window, n + 3)), [x])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fft.fft(ndl.ones(4)), ValueError, r"\[fft.fft\] not complex numbers: got shape \(4,\).*Use rfft"),
        (lambda: fft.ifft(ndl.ones(4, 3)), ValueError, r"\[fft.ifft\] not complex numbers"),
        (lambda: fft.fft(ndl.ones(4, 2), 0), ValueError, r"\[fft.fft\] bad number of points: got 0"),
        (lambda: fft.fft(ndl.ones(0, 2)), ValueError, r"\[fft.fft\] bad number of points: got 0"),
        (lambda: fft.irfft(ndl.ones(1, 2)), ValueError, r"\[fft.irfft\] bad number of points: got 0"),
        (lambda: fft.fft(ndl.ones(4, 2), axis=1), IndexError, r"\[fft.fft\] axis out of range"),
        (lambda: fft.fft(ndl.ones(4, 2), norm="both"), ValueError, r"\[fft.fft\] bad norm"),
        (lambda: fft.hfft(ndl.ones(4, 2), norm="both"), ValueError, r"\[fft.hfft\] bad norm"),
        (lambda: fft.rfft(ndl.tensor(1.0)), ValueError, r"\[fft.rfft\] no axis"),
        (lambda: fft.fftn(ndl.ones(4, 2), (2, 2), (0,)), ValueError, r"\[fft.fftn\] s and axes do not pair"),
        (lambda: fft.rfftn(ndl.ones(4, 2), axes=()), ValueError, r"\[fft.rfftn\] no axis"),
        (lambda: fft.fftshift(fft.fftfreq(8)), ValueError, r"\[fft.fftshift\] not complex numbers"),
        (lambda: fft.fftshift(ndl.ones(4, 2), 1), IndexError, r"\[fft.fftshift\] axis out of range"),
        (lambda: fft.fftfreq(0), ValueError, r"\[fft.fftfreq\] bad number of points"),
    ],
)
def test_errors_are_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_the_standards_extension_is_refused_with_a_pointer() -> None:
    xp = ndl.zeros(1).__array_namespace__()
    assert not hasattr(xp, "fft")
    with pytest.raises(AttributeError, match=r"\[array_api\] no extension fft: .* needlecpp.fft"):
        _ = xp.fft
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = xp.nothing

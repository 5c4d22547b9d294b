"""PSNR and SSIM against slow implementations written from the definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from needlecpp.render.metrics import composite, psnr, ssim, to_uint8


def slow_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Window by window, with two-pass variances."""
    window = np.array([[math.exp(-(i * i + j * j) / (2 * 1.5**2)) for j in range(-5, 6)] for i in range(-5, 6)])
    window /= window.sum()
    a, b = to_uint8(a) / 255.0, to_uint8(b) / 255.0
    values = []
    for c in range(a.shape[2]):
        for y in range(a.shape[0] - 10):
            for x in range(a.shape[1] - 10):
                p, q = a[y : y + 11, x : x + 11, c], b[y : y + 11, x : x + 11, c]
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
                cov = (window * (p - mp) * (q - mq)).sum()
                c1, c2 = 0.01**2, 0.03**2
                values.append((2 * mp * mq + c1) * (2 * cov + c2) / ((mp * mp + mq * mq + c1) * (vp + vq + c2)))
    return float(np.mean(values))


@pytest.mark.parametrize("noise", [0.02, 0.3])
@pytest.mark.parametrize("shape", [(11, 11, 3), (17, 23, 3), (13, 30, 1)])
def test_ssim_matches_definition(shape: tuple[int, int, int], noise: float) -> None:
    rng = np.random.default_rng(3)
    a = rng.random(shape)
    b = np.clip(a + noise * rng.standard_normal(shape), 0, 1)
    assert ssim(a, b) == pytest.approx(slow_ssim(a, b), abs=1e-9)
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-12)
    assert ssim(a, b) < 1


def test_ssim_of_constant_images_has_a_closed_form() -> None:
    a, b = np.full((16, 16, 3), 51 / 255), np.full((16, 16, 3), 204 / 255)
    expected = (2 * 0.2 * 0.8 + 1e-4) / (0.2**2 + 0.8**2 + 1e-4)
    assert ssim(a, b) == pytest.approx(expected, abs=1e-9)


def test_psnr_by_hand() -> None:
    a = np.zeros((2, 2, 3), np.uint8)
    b = a.copy()
    b[0, 0, 0] = 51  # one of 12 values is off by 0.2
    assert psnr(a, b) == pytest.approx(-10 * math.log10(0.04 / 12), abs=1e-12)
    assert psnr(a, a) == math.inf


def test_floats_are_rounded_to_8_bit_first() -> None:
    a = np.full((12, 12, 3), 100.4 / 255)
    b = np.full((12, 12, 3), 99.6 / 255)
    assert psnr(a, b) == math.inf
    assert ssim(a, b) == pytest.approx(1.0, abs=1e-9)
    c = np.full((12, 12, 3), 101.4 / 255, np.float32)
    assert psnr(a, c) == pytest.approx(20 * math.log10(255), abs=1e-9)


def test_to_uint8_clips_and_rounds_half_up() -> None:
    values = np.array([-3.0, 0.0, 0.5 / 255, 0.49 / 255, 1.0, 1.7, np.inf, -np.inf])
    assert to_uint8(values).tolist() == [0, 0, 1, 0, 255, 255, 255, 0]
    assert to_uint8(np.float32(values)).dtype == np.uint8
    every = np.arange(256, dtype=np.uint8)
    assert (to_uint8(every.astype(np.float32) / np.float32(255)) == every).all()


def test_composite_over_white_and_black() -> None:
    image = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 51]]], np.uint8)
    over_white = to_uint8(composite(image, 1.0))
    assert over_white.tolist() == [[[200, 100, 0], [255, 255, 255], [244, 224, 204]]]
    assert to_uint8(composite(image, 0.0)).tolist() == [[[200, 100, 0], [0, 0, 0], [40, 20, 0]]]
    opaque = image[..., :3]
    assert to_uint8(composite(opaque, 1.0)).tolist() == opaque.tolist()


@pytest.mark.parametrize(
    ("a", "b", "function"),
    [
        (np.zeros((12, 12, 3)), np.zeros((12, 13, 3)), psnr),
        (np.zeros((0, 12, 3)), np.zeros((0, 12, 3)), psnr),
        (np.zeros((10, 12, 3)), np.zeros((10, 12, 3)), ssim),
        (np.zeros((12, 12)), np.zeros((12, 12)), ssim),
        (np.full((12, 12, 3), np.nan), np.zeros((12, 12, 3)), psnr),
        (np.zeros((12, 12, 3), np.int32), np.zeros((12, 12, 3), np.int32), ssim),
    ],
)
def test_unusable_images_are_errors(a: np.ndarray, b: np.ndarray, function: object) -> None:
    with pytest.raises(ValueError, match="got"):
        function(a, b)  # type: ignore[operator]

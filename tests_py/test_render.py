"""Rendering ops from Python: a field of one's own out of the parts, and fused ops beside their composed twins."""

from __future__ import annotations

import json
import os
from pathlib import Path

import needlecpp as ndl
import numpy as np
import pytest
from needlecpp import _core

DATA = os.environ.get("NEEDLECPP_DATA")


def test_volume_rendering_matches_its_definition() -> None:
    rng = np.random.default_rng(0)
    counts = np.array([5, 0, 1, 12, 3])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    n = offsets[-1]
    sigma, rgb = rng.uniform(0, 5, n).astype("f4"), rng.uniform(0, 1, (n, 3)).astype("f4")
    t, dt = rng.uniform(1, 2, n).astype("f4"), rng.uniform(0.01, 0.3, n).astype("f4")
    color, opacity, depth = (
        x.numpy() for x in ndl.render_volume(*(ndl.tensor(a) for a in (sigma, rgb, t, dt, offsets)), early_stop=0)
    )
    weights = _core.volume_weights(ndl.tensor(sigma), ndl.tensor(dt), ndl.tensor(offsets), 0.0).numpy()
    for ray in range(len(counts)):
        s = slice(offsets[ray], offsets[ray + 1])
        tau = sigma[s].astype("f8") * dt[s]
        w = np.exp(-(np.cumsum(tau) - tau)) * (1 - np.exp(-tau))
        np.testing.assert_allclose(weights[s], w, rtol=2e-5, atol=1e-7)
        np.testing.assert_allclose(color[ray], w @ rgb[s], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(opacity[ray], w.sum(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(depth[ray], w @ t[s], rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(DATA is None, reason="NEEDLECPP_DATA is not set")
def test_hash_grid_equals_the_reference() -> None:
    reference = json.loads((Path(DATA or "") / "hashgrid_ref" / "hashgrid_ref.json").read_text())
    c = reference["config"]
    grid = _core.HashGridConfig(
        c["n_levels"], c["n_features_per_level"], c["log2_hashmap_size"], c["base_resolution"], c["per_level_scale"]
    )
    assert _core.hashgrid_entries(grid) * grid.features == reference["n_params"]
    table = ndl.Tensor(np.linspace(0, 1000, reference["n_params"], dtype="f4").reshape(-1, grid.features))
    x = ndl.Tensor(np.array(reference["positions"]))
    for encode in (ndl.hashgrid, _core.hashgrid_composed):
        np.testing.assert_allclose(encode(x, table, grid).numpy(), np.array(reference["reference"]), rtol=1e-6)


def test_fused_ops_equal_their_twins_forward_and_backward() -> None:
    ndl.manual_seed(3)
    grid = _core.HashGridConfig(4, 2, 10, 4, 1.6)
    cases = [
        (
            lambda x, table: ndl.hashgrid(x, table, grid),
            lambda x, table: _core.hashgrid_composed(x, table, grid),
            [ndl.rand(50, 3), ndl.randn(_core.hashgrid_entries(grid), 2)],
        ),
        (
            lambda x, *w: ndl.fused_mlp(x, list(w), output="sigmoid"),
            lambda x, *w: _core.fused_mlp_composed(x, list(w), output="sigmoid"),
            [ndl.randn(70, 20), ndl.randn(20, 33), ndl.randn(33, 3)],
        ),
        (
            lambda x, table, *w: ndl.hashgrid_mlp(x, table, list(w), grid, (-1, -1, -1), (1, 1, 2)),
            lambda x, table, *w: _core.hashgrid_mlp_composed(x, table, list(w), grid, (-1, -1, -1), (1, 1, 2)),
            [ndl.rand(70, 3), ndl.randn(_core.hashgrid_entries(grid), 2), ndl.randn(8, 33), ndl.randn(33, 3)],
        ),
        (ndl.spherical_harmonics, _core.spherical_harmonics_composed, [ndl.randn(30, 3)]),
        (
            lambda x: ndl.frequency_encoding(x, 5),
            lambda x: _core.frequency_encoding_composed(x, 5),
            [ndl.rand(30, 3)],
        ),
    ]
    for fused, composed, arrays in cases:
        gradients = []
        for fn in (fused, composed):
            inputs = [ndl.Tensor(a, requires_grad=True) for a in arrays]
            y = fn(*inputs)
            weights = ndl.tensor(np.cos(np.arange(y.size)).reshape(y.shape).astype("f4"))
            gradients.append([y, *ndl.grad((y * weights).sum(), inputs)])
        for a, b in zip(*gradients, strict=True):
            scale = np.abs(b.numpy()).max()
            np.testing.assert_allclose(a.numpy() / scale, b.numpy() / scale, atol=1e-5)


def test_a_field_of_ones_own_learns() -> None:
    """Density from a hash grid, marched and composited: opacity of rays through a ball."""
    ndl.manual_seed(0)
    grid = _core.HashGridConfig(6, 2, 12, 4, 1.6)
    table = _core.hashgrid_init(grid)
    table.requires_grad = True
    weights = [ndl.init.xavier_uniform(12, 16, requires_grad=True), ndl.init.xavier_uniform(16, 1, requires_grad=True)]

    def sigma_of(positions: ndl.Tensor) -> ndl.Tensor:
        return ndl.softplus(ndl.fused_mlp(ndl.hashgrid((positions + 1) / 2, table, grid), weights)[:, 0] * 10)

    occupancy = _core.OccupancyGrid(_core.Box((-1, -1, -1), (1, 1, 1)), 32)
    options = _core.MarchOptions()
    options.step = 0.05
    optimizer = ndl.optim.Adam([table, *weights], lr=0.02)
    xy = np.random.default_rng(0).uniform(-0.9, 0.9, (512, 2)).astype("f4")
    origins = ndl.tensor(np.concatenate([xy, np.full((512, 1), -3, "f4")], 1))
    directions = ndl.tensor(np.tile(np.array([[0, 0, 1]], "f4"), (512, 1)))
    target = ndl.tensor((np.hypot(xy[:, 0], xy[:, 1]) < 0.5).astype("f4"))
    for step in range(80):
        if step % 16 == 8:
            occupancy.update(sigma_of, options.step)
        samples = occupancy.march(origins, directions, options)
        colors = ndl.ones(len(samples), 3)
        _, opacity, _ = ndl.render_volume(sigma_of(samples.positions), colors, samples.t, samples.dt, samples.offsets)
        loss = ndl.square(opacity - target).mean()
        optimizer.reset_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02
    assert occupancy.occupied_fraction() < 0.9


def test_a_preview_is_shown_pass_by_pass_and_ends_in_the_picture() -> None:
    config = _core.TrainerConfig()
    config.march.step = 0.05
    pose = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -3]], "f4")
    cameras = _core.Cameras(pose[None], np.array([[20, 20, 8, 6, 0, 0, 0, 0]], "f4"), 16, 12)
    scene = _core.Trainer(np.full((1, 12, 16, 3), 90, "u1"), cameras, config).checkpoint()
    seen = []

    def show(color: np.ndarray, opacity: np.ndarray, depth: np.ndarray, block: int) -> bool | None:
        assert color.shape == (12, 16, 3)
        assert opacity.shape == depth.shape == (12, 16)
        assert (color[:block, :block] == color[0, 0]).all()
        seen.append(block)
        return None

    last = _core.render_progressive(scene, cameras, 0, show, coarsest=4)
    np.testing.assert_allclose(last[0], _core.render_image(scene, cameras, 0)[0], atol=1e-5)
    assert seen == [4, 2, 1]
    seen.clear()
    _core.render_progressive(scene, cameras, 0, lambda *picture: seen.append(picture[3]) or False)
    assert seen == [8]

    def fails(*_: object) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        _core.render_progressive(scene, cameras, 0, fails)


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"\[cameras\]|\[fused_mlp\]"):
        ndl.fused_mlp(ndl.zeros(3, 4), [ndl.zeros(5, 2)])
    with pytest.raises(ValueError, match="unknown activation"):
        ndl.fused_mlp(ndl.zeros(3, 4), [ndl.zeros(4, 2)], hidden="gelu")
    with pytest.raises(ValueError, match=r"\[hashgrid\]"):
        ndl.hashgrid(ndl.zeros(3, 2), ndl.zeros(8, 2), _core.HashGridConfig())
    with pytest.raises(ValueError, match=r"\[render_volume\]"):
        ndl.render_volume(ndl.zeros(3), ndl.zeros(3, 3), ndl.zeros(3), ndl.zeros(3), ndl.tensor([0, 5]))
    with pytest.raises(ValueError, match=r"\[cameras\]"):
        _core.Cameras(np.zeros((2, 3, 4), "f4"), np.zeros((3, 8), "f4"), 4, 4)
    config = _core.TrainerConfig()
    with pytest.raises(ValueError, match='unknown background: got "pink"'):
        config.background = "pink"

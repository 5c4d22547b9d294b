"""Rendering ops from Python: a field of one's own out of the parts, and fused ops beside their composed twins."""

from __future__ import annotations

import json
import os
from pathlib import Path

import needlecpp as ndl
import numpy as np
import pytest
from needlecpp import _core, render

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

    occupancy = render.OccupancyGrid(render.Box((-1, -1, -1), (1, 1, 1)), 32)
    options = render.MarchOptions(step=0.05)
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


def one_camera() -> render.Cameras:
    pose = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -3]], "f4")
    return render.Cameras(pose[None], np.array([[20, 20, 8, 6, 0, 0, 0, 0]], "f4"), 16, 12)


def grey_trainer(**settings: object) -> render.Trainer:
    config = render.TrainerConfig(march={"step": 0.05}, occupancy_resolution=32, **settings)
    field = render.fields.NGP(grid={"log2_table_size": 10})
    return render.Trainer(field, np.full((1, 12, 16, 3), 90, "u1"), one_camera(), config)


def test_a_preview_is_shown_pass_by_pass_and_ends_in_the_picture() -> None:
    renderer = render.Renderer(grey_trainer().scene())
    seen = []

    def show(picture: render.RenderedImage, block: int) -> bool | None:
        color = picture.color.numpy()
        assert color.shape == (12, 16, 3)
        assert picture.opacity.shape == picture.depth.shape == (12, 16)
        assert (color[:block, :block] == color[0, 0]).all()
        seen.append(block)
        return None

    last = renderer.render_progressive(one_camera(), 0, show, coarsest=4)
    np.testing.assert_allclose(last.color.numpy(), renderer.render(one_camera(), 0).color.numpy(), atol=1e-5)
    assert seen == [4, 2, 1]
    seen.clear()
    renderer.render_progressive(one_camera(), 0, lambda _, block: seen.append(block) or False)
    assert seen == [8]

    def fails(*_: object) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        renderer.render_progressive(one_camera(), 0, fails)


def test_a_renderer_writes_into_memory_of_ones_own_and_follows_a_training() -> None:
    trainer = grey_trainer()
    renderer = render.Renderer(trainer.scene(), background=(0, 0, 0))
    before = renderer.render(one_camera(), 0)
    color, depth = np.full((12, 16, 3), np.nan, "f4"), ndl.zeros(12, 16)
    renderer.render_into(one_camera(), 0, color, depth=depth)
    assert (color == before.color.numpy()).all() and (depth == before.depth).all().item()
    trainer.run(render.Budget(steps=20))
    assert (renderer.render(one_camera(), 0).color.numpy() != color).any()
    for wrong in (np.zeros((12, 16, 3)), np.zeros((12, 32, 3), "f4")[:, ::2]):
        with pytest.raises(TypeError):
            renderer.render_into(one_camera(), 0, wrong)
    with pytest.raises(ValueError, match="color does not fit"):
        renderer.render_into(one_camera(), 0, np.zeros((16, 12, 3), "f4"))
    with pytest.raises(IndexError, match="no such camera"):
        renderer.render(one_camera(), 1)


def test_settings_are_refused_out_of_range_and_come_back() -> None:
    config = render.TrainerConfig(loss="huber", lr=1)
    assert (config.loss, config.lr, config.background) == ("huber", 1.0, "random")
    config.background = (0.5, 0, 1)
    assert config.background == (0.5, 0.0, 1.0)
    assert "loss='huber'" in repr(config)
    config.march.step = 0.25
    assert config.march.step == 0.25
    config.march = {"step": 0.5}
    assert config.march.step == 0.5
    for name, value, error, words in (
        ("lr", 0, ValueError, "lr out of range: got 0, expected"),
        ("lr", "fast", TypeError, "expected a number"),
        ("max_rays", 2.5, TypeError, "expected an integer"),
        ("loss", "l1", ValueError, "expected 'mse' or 'huber'"),
        ("background", (0, 2, 0), ValueError, "color out of range: got 2"),
        ("seed", -1, TypeError, "0 or more"),
    ):
        with pytest.raises(error, match=words):
            setattr(config, name, value)
        with pytest.raises(error, match=words):
            render.TrainerConfig(**{name: value})
    with pytest.raises(TypeError, match="unknown setting: got 'rate'"):
        render.TrainerConfig(rate=1)
    with pytest.raises(ValueError, match=r"max_step is below march\.step"):
        render.MarchOptions(step=1, max_step=0.5)
    with pytest.raises(ValueError, match=r"density_hidden out of range: got 999, expected 1 to 256"):
        render.fields.NGP(density_hidden=999)
    with pytest.raises(ValueError, match="box is empty on axis 1"):
        render.Box((0, 1, 0), (1, 1, 1))
    with pytest.raises(ValueError, match="neither seconds nor steps"):
        render.Budget()


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
        render.Cameras(np.zeros((2, 3, 4), "f4"), np.zeros((3, 8), "f4"), 4, 4)
    config = render.TrainerConfig()
    with pytest.raises(ValueError, match='unknown background: got "pink"'):
        config.background = "pink"

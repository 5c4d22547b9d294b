"""Which trainer settings suit which scene: the one place where defaults depend on data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from needlecpp.data.scene import SceneData

if TYPE_CHECKING:
    from needlecpp import _core

# Of the hash grid across the subject: about a cell a pixel of a 400-pixel view. The 2048 of the instant-ngp paper are
# more than pixels see, take twice the levels, and render views that were not trained on half a decibel worse.
FINEST_RESOLUTION = 512
# Of a ray along the diagonal of the subject: steps 1.7 times instant-ngp's reach a PSNR sooner.
STEPS_ACROSS = 600
CONE_ANGLE = 1 / 100  # growth of steps with distance where there is a background


def default_config(scene: SceneData) -> _core.TrainerConfig:
    """A trainer's settings for a scene: box, march and the hash grid's growth follow from the
    scene's bounds.

    Where the scene has a background (``aabb_scale`` above 1), steps are sized for the subject, the
    part that an ``aabb_scale`` of 1 would cover, and grow with distance; the grid gains levels of
    detail in proportion.
    """
    from needlecpp import _core

    config = _core.TrainerConfig()
    low, high = scene.box
    extent = max(b - a for a, b in zip(low, high, strict=True))
    scale = max(scene.aabb_scale, 1.0)

    # Members are fetched, changed and put back: this works whether the binding hands out references
    # or copies.
    field, march = config.field, config.march
    grid = field.grid
    finest = FINEST_RESOLUTION * scale
    grid.growth = math.exp(math.log(finest / grid.base_resolution) / max(grid.levels - 1, 1))
    field.grid = grid
    field.box_low, field.box_high = low, high
    march.step = math.sqrt(3) * extent / scale / STEPS_ACROSS
    march.cone_angle = CONE_ANGLE if scale > 1 else 0.0
    march.max_step = math.sqrt(3) * extent / 64
    march.near = scene.near
    config.field, config.march = field, march
    return config

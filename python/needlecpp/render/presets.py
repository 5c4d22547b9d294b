"""Which settings suit which scene: the presets of the engine, for a data set that was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from needlecpp._core import SceneBounds, TrainerConfig, ngp_preset, trainer_preset
from needlecpp._core.fields import NgpConfig

if TYPE_CHECKING:
    from needlecpp.data.scene import SceneData


def bounds(scene: SceneData) -> SceneBounds:
    """What is known of a data set's scene before a training.

    >>> from needlecpp.data import load_scene
    >>> bounds(load_scene("demo", downscale=8)).background_scale
    1.0
    """
    low, high = scene.box
    return SceneBounds(low, high, scene.aabb_scale, scene.near)


def trainer(scene: SceneData | SceneBounds) -> TrainerConfig:
    """A trainer's settings for a scene. Where it has a background (``background_scale`` above 1), steps are sized for
    the subject, the part that a scale of 1 would cover, and grow with distance.

    >>> config = trainer(SceneBounds((-1, -1, -1), (1, 1, 1)))
    >>> round(config.march.step, 6)
    0.005774
    """
    return trainer_preset(scene if isinstance(scene, SceneBounds) else bounds(scene))


def ngp(scene: SceneData | SceneBounds) -> NgpConfig:
    """An NGP field's settings for a scene: the hash grid's growth follows from its bounds; where there is a background,
    the grid gains levels of detail in proportion.

    >>> config = ngp(SceneBounds((-1, -1, -1), (1, 1, 1)))
    >>> round(config.grid.base_resolution * config.grid.growth ** (config.grid.levels - 1))
    512
    """
    return ngp_preset(scene if isinstance(scene, SceneBounds) else bounds(scene))

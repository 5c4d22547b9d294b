"""Neural rendering: fields are trained on photographs and rendered from anywhere.

>>> from needlecpp import render
>>> from needlecpp.data import load_scene
>>> photographs = load_scene("demo", "train", downscale=8)
>>> field = render.fields.NGP(render.presets.ngp(photographs), seed=0)
>>> config = render.presets.trainer(photographs)
>>> config.samples_per_step = 4096
>>> trainer = render.Trainer(field, photographs.images, photographs.cameras(), config)
>>> step = trainer.run(render.Budget(steps=5))
>>> picture = render.Renderer(trainer.scene()).render(photographs.cameras(), 0)
>>> picture.color.shape == (photographs.height, photographs.width, 3)
True
"""

from needlecpp._core import (
    Box,
    Budget,
    Cameras,
    FieldParameter,
    HashGridConfig,
    MarchOptions,
    OccupancyGrid,
    RenderedImage,
    Renderer,
    Scene,
    SceneBounds,
    Snapshot,
    Trainer,
    TrainerConfig,
    TrainerStep,
    Watch,
    hashgrid_entries,
    hashgrid_init,
)
from needlecpp.render import fields, presets
from needlecpp.render.field import Field
from needlecpp.render.metrics import composite, psnr, ssim, to_uint8
from needlecpp.render.paths import CameraPath, look_at, orbit, read_camera_path

__all__ = [
    "Box",
    "Budget",
    "CameraPath",
    "Cameras",
    "Field",
    "FieldParameter",
    "HashGridConfig",
    "MarchOptions",
    "OccupancyGrid",
    "RenderedImage",
    "Renderer",
    "Scene",
    "SceneBounds",
    "Snapshot",
    "Trainer",
    "TrainerConfig",
    "TrainerStep",
    "Watch",
    "composite",
    "fields",
    "hashgrid_entries",
    "hashgrid_init",
    "look_at",
    "orbit",
    "presets",
    "psnr",
    "read_camera_path",
    "ssim",
    "to_uint8",
]

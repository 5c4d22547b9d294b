"""A radiance field in Python: a grid of densities and colours, trained, saved and rendered by the engine's own loop.

python field_in_python.py [seconds]
"""

import sys

import needlecpp as ndl
import numpy as np
from needlecpp import nn, render
from needlecpp.data import load_scene


class Voxels(render.Field):
    """A number of features at each corner of a grid, interpolated; a small network makes colour of them."""

    def __init__(self, box, resolution=64, features=8):
        super().__init__(box)
        self.resolution = resolution
        self.grid = nn.Parameter(np.random.default_rng(0).normal(0, 0.01, (resolution**3, features)))
        self.hidden = nn.Linear(features + 3, 32)
        self.out = nn.Linear(32, 3)

    def density(self, positions):
        low, high = ndl.Tensor(self.box.low), ndl.Tensor(self.box.high)
        at = ndl.clamp((positions - low) / (high - low), 0, 0.9999) * (self.resolution - 1)
        corner = ndl.floor(at)
        part = at - corner
        index = corner.astype("int64")
        features = 0
        for x, y, z in np.ndindex(2, 2, 2):
            near = [part[:, i] if up else 1 - part[:, i] for i, up in enumerate((x, y, z))]
            entry = ((index[:, 2] + z) * self.resolution + index[:, 1] + y) * self.resolution + index[:, 0] + x
            features = features + ndl.embedding(entry, self.grid) * (near[0] * near[1] * near[2]).reshape(-1, 1)
        return ndl.softplus(features[:, 0] * 10), features

    def color(self, features, directions):
        hidden = ndl.relu(self.hidden(ndl.concat([features, directions], 1)))
        return ndl.sigmoid(self.out(hidden))


def main(seconds=45.0):
    photographs, views = (load_scene("demo", split) for split in ("train", "test"))
    config = render.presets.trainer(photographs)
    trainer = render.Trainer(
        Voxels(render.presets.ngp(photographs).box), photographs.images, photographs.cameras(), config
    )
    trainer.run(render.Budget(seconds=seconds))
    renderer = render.Renderer(trainer.scene(), background=(1, 1, 1))
    cameras = views.cameras()
    scores = []
    for i in range(len(views)):
        picture = np.asarray(renderer.render(cameras, i).color)
        scores.append(render.psnr(render.composite(views.image(i), 1.0), picture))
    print(f"{trainer.steps} steps, PSNR {np.mean(scores):.2f} dB over {len(views)} test views")
    return float(np.mean(scores))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))

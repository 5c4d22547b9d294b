"""A radiance field in Python, trained, saved and rendered by the engine's own loop: a hash grid as in instant-ngp, and
two small networks of plain layers.

    python field_in_python.py [seconds]
"""

import sys

import needlecpp as ndl
import numpy as np
from needlecpp import nn, render
from needlecpp.data import load_scene


class MyField(render.Field):
    def __init__(self, box, features=8, width=32):
        super().__init__(box)
        self.grid = render.HashGridConfig(levels=6, log2_table_size=16, base_resolution=16, growth=1.7)
        self.table = nn.Parameter(render.hashgrid_init(self.grid))
        self.density_net = nn.Sequential(nn.Linear(12, width), nn.ReLU(), nn.Linear(width, features))
        self.color_net = nn.Sequential(nn.Linear(features + 3, width), nn.ReLU(), nn.Linear(width, 3))

    def density(self, positions):
        low, high = ndl.Tensor(self.box.low), ndl.Tensor(self.box.high)
        features = self.density_net(ndl.hashgrid((positions - low) / (high - low), self.table, self.grid))
        return ndl.exp(ndl.clamp(features[:, 0], -8, 8)), features

    def color(self, features, directions):
        return ndl.sigmoid(self.color_net(ndl.concat([features, directions], 1)))


def main(budget, shown=4, downscale=1, file="my_field.safetensors"):
    photographs, views = (load_scene("demo", split, downscale=downscale) for split in ("train", "test"))
    field = MyField(render.presets.ngp(photographs).box)
    config = render.presets.trainer(photographs)
    config.march.step *= 2
    config.occupancy_resolution = 64
    trainer = render.Trainer(field, photographs.images, photographs.cameras(), config)
    trainer.run(budget)

    trainer.scene().save(file)
    scene = render.Scene.load(file, field=MyField(field.box))
    renderer = render.Renderer(scene, background=(1, 1, 1))
    scores = []
    for i in range(shown):
        picture = np.asarray(renderer.render(views.cameras(), i).color)
        scores.append(render.psnr(render.composite(views.image(i), 1.0), picture))
    print(f"{trainer.steps} steps, PSNR {np.mean(scores):.2f} dB over {len(scores)} test views")
    return float(np.mean(scores))


if __name__ == "__main__":
    main(render.Budget(seconds=float(sys.argv[1]) if len(sys.argv) > 1 else 45))

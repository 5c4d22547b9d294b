"""Data sets of photographs with known cameras, read into one convention.

Everything is converted on loading: poses are camera-to-world with OpenCV axes (+X right, +Y down,
+Z forward), intrinsics are in pixels of the loaded resolution, images are 8-bit sRGB with straight
alpha.
"""

from needlecpp.data.load import load_scene
from needlecpp.data.scene import Box, DataError, DataWarning, SceneData

__all__ = ["Box", "DataError", "DataWarning", "SceneData", "load_scene"]

"""Neural rendering: image metrics, camera paths, and how a scene's box becomes a trainer's
settings."""

from needlecpp.render.metrics import psnr, ssim, to_uint8
from needlecpp.render.paths import CameraPath, look_at, orbit, read_camera_path
from needlecpp.render.presets import default_config

__all__ = ["CameraPath", "default_config", "look_at", "orbit", "psnr", "read_camera_path", "ssim", "to_uint8"]

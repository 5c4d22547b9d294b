"""Masks of frames, in the two conventions that there are: nerfstudio's ``mask_path``, whose black
pixels are ignored, and instant-ngp's file ``dynamic_mask_<name>.png`` beside the picture, whose lit
pixels are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from needlecpp.data.files import PictureFinder
from needlecpp.data.scene import DataError, Notes, listed
from needlecpp.data.transforms import Frame

Masks = list[tuple[Path, bool]]  # files, and whether their lit pixels are those to use


def find_masks(frames: Sequence[Frame], file: Path, notes: Notes) -> list[Masks]:
    """The mask files of each frame; says which convention was met."""
    named = [frame for frame in frames if frame.record.get("mask_path") is not None]
    for frame in named:
        if not isinstance(frame.record["mask_path"], str):
            raise DataError(f"{frame.where}: mask_path is not a file name")
    files = PictureFinder(file.parent).find_all(
        [frame.record["mask_path"] for frame in named],
        [frame.where for frame in named],
        key="mask_path",
        others=[frame.file for frame in frames],
    )
    by_frame = {frame.name: mask for frame, mask in zip(named, files, strict=True)}
    missing = [name for name, mask in by_frame.items() if mask is None]

    beside: dict[Path, set[str]] = {}  # names of the mask files in a folder
    found: list[Masks] = []
    for frame in frames:
        mask = by_frame.get(frame.name)
        masks: Masks = [] if mask is None else [(mask.file, True)]
        folder = frame.file.parent
        if folder not in beside:
            beside[folder] = {entry for entry in os.listdir(folder) if entry.startswith("dynamic_mask_")}
        dynamic = f"dynamic_mask_{frame.file.stem}.png"
        if dynamic in beside[folder]:
            masks.append((folder / dynamic, False))
        found.append(masks)
    conventions = {lit_is_used for masks in found for _, lit_is_used in masks}
    if missing:
        notes.say(f"{file}: there is no file of the mask_path of {listed(missing)}, which are used whole")
    for lit_is_used, text in (
        (True, "mask_path is used: black pixels of a mask"),
        (False, "dynamic_mask files are used: pixels that are not black"),
    ):
        if lit_is_used in conventions:
            notes.say(f"{file}: {text} are neither learnt from nor compared")
    return found

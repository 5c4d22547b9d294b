"""Finds the picture that a frame's ``file_path`` means.

Data sets are moved, renamed and converted on other machines, so the path in the document is often
not the path of the file. First a path is taken as it is written, from the document's folder, with
an extension added where it has none. What is not there is looked for by the end of its path below
that folder: the file that shares the most of its last folders wins. There, small and capital
letters, either slash, escapes of URLs and the kind of picture (``.jpg`` for ``.png``) may differ.

A frame whose folder is there and holds pictures of the set is missing if its picture is not in that
folder: its namesake elsewhere is another picture. So is one that another frame means.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from needlecpp.data.scene import DataError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".jp2", ".ppm", ".pgm", ".avif", ".heic")
DEEPEST = 12  # folders below the document's
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Found:
    """Where a picture is, and whether it stands elsewhere than its ``file_path`` says."""

    file: Path
    moved: bool


class PictureFinder:
    """Finds pictures below a folder, which it lists at most once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_stem: dict[str, list[tuple[str, ...]]] | None = None

    def find_all(
        self, names: Sequence[str], wheres: Sequence[str], key: str = "file_path", others: Iterable[Path] = ()
    ) -> list[Found | None]:
        """The files that the frames' ``key`` means, none of which is one of ``others``. Raises
        DataError where a name could mean two files equally well."""
        direct = [self.as_written(name) for name in names]
        known = [*(file for file in direct if file is not None), *others]
        taken = {os.path.realpath(file) for file in known}
        inhabited = {os.path.dirname(file) for file in taken}
        claims: dict[str, int] = {}
        found: list[Found | None] = []
        for i, (name, file) in enumerate(zip(names, direct, strict=True)):
            if file is not None:
                found.append(Found(file, False))
                continue
            file = self.by_tail(name, wheres[i], key, inhabited)
            if file is None or os.path.realpath(file) in taken:
                found.append(None)
                continue
            other = claims.setdefault(str(file), i)
            if names[other] != name:
                raise DataError(f"{wheres[i]}: {key} can only mean {file}, as that of {names[other]} does")
            found.append(Found(file, True))
        return found

    def as_written(self, name: str) -> Path | None:
        """The file at this very path, its extension added where the name has none."""
        for text in _spellings(name):
            try:
                candidate = self._absolute(text)
                if candidate.is_file():
                    return candidate
                for extension in EXTENSIONS:
                    for letters in (extension, extension.upper()):
                        with_extension = candidate.with_name(candidate.name + letters)
                        if with_extension.is_file():
                            return with_extension
            except (OSError, ValueError):  # a name too long or with a NUL in it names no file
                pass
        return None

    def by_tail(self, name: str, where: str, key: str, inhabited: set[str]) -> Path | None:
        """The file below the root that shares most of the name's end, compared without regard to
        letters' case and the kind of picture. Of a folder that is ``inhabited`` by other pictures of
        the set, a name means only what is in it."""
        for text in _spellings(name):
            parts = [p for p in text.split("/") if p not in ("", ".", "..") and not re.fullmatch(r"[A-Za-z]:", p)]
            if not parts:
                continue
            candidates = self._candidates(parts)
            try:
                home = os.path.realpath(self._absolute(text).parent)
            except (OSError, ValueError):
                continue
            if home in inhabited:
                candidates = [c for c in candidates if os.path.realpath(self._root.joinpath(*c).parent) == home]
            if not candidates:
                continue
            likeness = [_likeness(parts, candidate) for candidate in candidates]
            best = [c for c, like in zip(candidates, likeness, strict=True) if like == max(likeness)]
            if len(best) > 1:
                first, second = ("/".join(c) for c in best[:2])
                raise DataError(f"{where}: {key} may mean {first} or {second}, write which")
            return self._root.joinpath(*best[0])
        return None

    def _absolute(self, text: str) -> Path:
        absolute = text.startswith("/") or re.match(r"[A-Za-z]:/", text) is not None
        return Path(text) if absolute else self._root / text

    def _candidates(self, parts: list[str]) -> list[tuple[str, ...]]:
        if self._by_stem is None:
            self._by_stem = _index(self._root)
        split = _splits_of(parts)
        candidates = self._by_stem.get(_key(_stem(parts[-1])), [])
        # train/r_0 is not test/r_0, whatever else is missing
        return [c for c in candidates if not split or not _splits_of(c) or split & _splits_of(c)]


def _spellings(name: str) -> list[str]:
    text = re.sub(r"^file://", "", name.replace("\\", "/"))
    return [text] if "%" not in text else [text, unquote(text)]


def _index(root: Path) -> dict[str, list[tuple[str, ...]]]:
    """Picture files below ``root`` by the key of their stem, as parts of their path."""
    by_stem: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    seen: set[str] = set()  # links may lead in circles
    for folder, folders, files in os.walk(root, followlinks=True):
        relative = Path(folder).relative_to(root).parts
        real = os.path.realpath(folder)
        if real in seen or len(relative) >= DEEPEST:
            folders.clear()
        if real in seen:
            continue
        seen.add(real)
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in sorted(files):
            if os.path.splitext(file)[1].lower() in EXTENSIONS and not file.startswith("."):
                by_stem[_key(_stem(file))].append((*relative, file))
    return by_stem


def _stem(name: str) -> str:
    stem, extension = os.path.splitext(name)
    return stem if extension.lower() in EXTENSIONS else name


def _key(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _splits_of(parts: Sequence[str]) -> set[str]:
    return {p.casefold() for p in parts[:-1]} & set(SPLITS)


def _likeness(parts: Sequence[str], candidate: Sequence[str]) -> tuple[int, bool, int]:
    """How many of the last folders agree, whether the kind of picture does, and how many names
    do so to the letter."""
    shared = 0
    for mine, its in zip(reversed(parts[:-1]), reversed(candidate[:-1]), strict=False):
        if _key(mine) != _key(its):
            break
        shared += 1
    extension = os.path.splitext(parts[-1])[1].lower() == os.path.splitext(candidate[-1])[1].lower()
    tail = [(parts[-1], candidate[-1]), *zip(parts[-1 - shared : -1], candidate[-1 - shared : -1], strict=True)]
    return shared, extension, sum(mine == its for mine, its in tail)

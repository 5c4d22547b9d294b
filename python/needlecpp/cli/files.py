"""Files that are whole or not there: a neighbour is written, reaches the disk, and takes the place of
what was there; whatever breaks that off leaves the old file as it was.

Neighbours are hidden and end in ``.part``. Only ``kill -9`` and power cuts leave any behind, and the
next command that writes there takes them away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from needlecpp.cli.arguments import CliError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PART = r"\..+\.part(\.mp4)?"
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


@contextlib.contextmanager
def replacing(file: Path, ending: str = "") -> Iterator[Path]:
    """A path to write to, which takes the place of ``file`` at the end. Errors name ``file``.

    ``ending`` ends the neighbour's name, for programs that go by it.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part{ending}")
    try:
        yield part
        with open(part, "rb") as written:
            os.fsync(written.fileno())
        os.replace(part, file)
        sync_folder(file.parent)
    except OSError as e:
        raise OSError(e.errno, e.strerror or str(e), str(file)) from e
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_text(file: Path, text: str) -> None:
    """Writes a file in one move, so that a reader never sees half of it."""
    with replacing(file) as part:
        part.write_text(text, encoding="utf-8")


def sync_folder(folder: Path) -> None:
    """Lets the names in a folder reach the disk, where the file system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def pictures(folder: Path, stale: str) -> Iterator[Path]:
    """A folder to write pictures to, which at the end take their places in ``folder`` together.

    Those in ``folder`` whose whole names match ``stale`` and that were not written anew go then, and not before: if
    anything fails, all stays as it was, and ``folder`` is taken away if it was made here. Errors name the picture's
    place. Raises CliError while another process writes there.
    """
    made = make_folders(folder)
    try:
        with claimed(folder, f"another command is writing to {folder}"):
            clear_parts(folder)
            part = Path(tempfile.mkdtemp(prefix=".pictures-", suffix=".part", dir=folder))
            try:
                yield part
                new = sorted(file.name for file in part.iterdir())
                for name in new:  # before the first is moved
                    if (folder / name).is_dir():
                        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(folder / name))
                for name in new:
                    os.replace(part / name, folder / name)
                for file in list(folder.iterdir()):
                    if file.name not in new and re.fullmatch(stale, file.name) and not file.is_dir():
                        file.unlink()
                sync_folder(folder)
            except OSError as e:
                name = Path(os.fsdecode(e.filename)).name if e.filename not in (None, str(part)) else ""
                raise OSError(e.errno, e.strerror or str(e), str(folder / name)) from e
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except BaseException:
        remove_empty(made)
        raise


def make_folders(folder: Path) -> list[Path]:
    """Makes a folder and those above it, and returns which of them are new, innermost first."""
    missing = [p for p in (folder, *folder.parents) if not os.path.lexists(p)]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def remove_empty(folders: list[Path]) -> None:
    with contextlib.suppress(OSError):  # one that is not empty stays
        for folder in folders:
            folder.rmdir()


def clear_parts(folder: Path) -> None:
    """Takes away what broken-off processes have left in a folder."""
    with contextlib.suppress(OSError):
        for file in list(folder.iterdir()):
            if re.fullmatch(PART, file.name):
                if file.is_dir() and not file.is_symlink():
                    shutil.rmtree(file, ignore_errors=True)
                else:
                    file.unlink(missing_ok=True)


@contextlib.contextmanager
def claimed(folder: Path, taken: str) -> Iterator[None]:
    """Keeps other processes' claims off a folder. Raises CliError(taken) where one has it.

    A claim ends with its process, however that ends. Where the file system knows no locks, nothing is claimed.
    """
    descriptor = -1
    try:
        if fcntl is not None:
            try:
                descriptor = os.open(folder, os.O_RDONLY)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CliError(taken) from None
            except OSError:
                pass
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def is_claimed(folder: Path) -> bool:
    """Whether a process is at work in a folder."""
    try:
        with claimed(folder, ""):
            return False
    except CliError:
        return True

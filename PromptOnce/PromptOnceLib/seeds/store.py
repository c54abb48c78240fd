"""The library's folder: where things lie in it, the lock of its writers, and how entries appear and go.

    <library>/<id>/            an entry: seed.json and its pictures (see entry.py)
    <library>/trash/<id>/      a deleted entry
    <library>/features/<id>/   features of the seed's frame, one .npy file a model; may be removed at any time
    <library>/library.lock     while somebody writes

An entry appears and goes by the renaming of its folder, and only seed.json is ever replaced in it, as a whole; so
readers need no lock, on a network share neither. Writers hold the lock; where a share knows no locks, two of them at
once cannot damage an entry, but may give two seeds the same name.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PromptOnceLib.errors import SeedError
from PromptOnceLib.files.atomic import PREFIX
from PromptOnceLib.files.folders import make_user_folder, user_folder
from PromptOnceLib.files.lock import LockedError, exclusive_lock
from PromptOnceLib.seeds.entry import ENTRY_NAME, RECORD_FILE, encoded
from PromptOnceLib.seeds.seed import Seed

FOLDER_VARIABLE = "PROMPTONCE_LIBRARY"
TRASH = "trash"
FEATURES = "features"
LOCK = "library.lock"

_PATIENCE = 20.0  # seconds to wait for another writer
_STALE = 24 * 3600.0  # seconds after which a temporary folder was left by a process that died


def library_folder(folder: str | Path | None = None) -> Path:
    """The library's folder: the argument, else PROMPTONCE_LIBRARY, else "seeds" in the user's data folder."""
    return user_folder("seeds", FOLDER_VARIABLE, folder)


def entry_folders(folder: Path) -> list[Path]:
    """Folders that are entries, or should be: other files and folders are ignored. Sorted by name."""
    try:
        return [path for path in sorted(folder.iterdir()) if _is_entry(path)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SeedError(f"The library {folder} cannot be opened: {error.strerror or error}.", repr(error)) from error


def _is_entry(path: Path) -> bool:
    if path.name.startswith(".") or path.name in (TRASH, FEATURES) or not path.is_dir():
        return False
    if ENTRY_NAME.fullmatch(path.name):
        return True
    try:
        return (path / RECORD_FILE).exists()
    except OSError:  # a folder that is nobody's business, such as lost+found of a share
        return False


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold off other writers for the time of a block, and make the folder first. OSError becomes SeedError."""
    try:
        make_user_folder(folder)
        with exclusive_lock(folder / LOCK, _PATIENCE):
            yield
    except LockedError as error:
        raise SeedError("Somebody else is writing to the library. Try again in a moment.") from error
    except OSError as error:
        raise SeedError(
            f"The library {folder} cannot be changed: {error.strerror or error}. Check that you may write there and "
            "that the disk is not full, or choose another library.",
            repr(error),
        ) from error


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A temporary folder in the library, out of sight of readers, that goes away with what is left in it."""
    temporary = folder / (PREFIX + secrets.token_hex(6))
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_entry(folder: Path, seed: Seed) -> None:
    """Write the files of a seed into a new folder, down to the disk."""
    folder.mkdir()
    for name, content in encoded(seed):
        with (folder / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def publish(stage: Path, library: Path, names: list[str]) -> None:
    """Move finished entries from a temporary folder into the library: all of them, or none when one fails."""
    moved: list[str] = []
    try:
        for name in names:
            (stage / name).rename(library / name)
            moved.append(name)
    except OSError:
        for name in moved:
            with suppress(OSError):
                (library / name).rename(stage / name)
        raise


def move_to_trash(library: Path, name: str) -> None:
    """Move an entry to the trash; an older one of the same id there gives way."""
    trash = library / TRASH
    trash.mkdir(exist_ok=True)
    if (trash / name).exists():
        shutil.rmtree(trash / name)
    (library / name).rename(trash / name)
    shutil.rmtree(library / FEATURES / name, ignore_errors=True)


def remove_stale(library: Path) -> None:
    """Remove temporary folders that a process which died has left."""
    for path in library.glob(PREFIX + "*"):
        with suppress(OSError):
            if path.is_dir() and time.time() - path.stat().st_mtime > _STALE:
                shutil.rmtree(path)

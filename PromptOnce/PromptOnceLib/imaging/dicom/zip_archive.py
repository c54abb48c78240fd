"""A DICOM series as a ZIP archive, as portals and PACS hand it out."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PromptOnceLib.errors import VolumeError

_MOST_FILES = 50_000
_LEAST_SUSPECT = 2**30  # bytes; above, an archive that shrinks its files by more than _MOST_SHRUNK claims too much
_MOST_SHRUNK = 100


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A folder with all files of an archive, whatever folders they lie in there; it is removed afterwards.

    Raises VolumeError for an archive that is damaged, protected by a password or larger than any series.
    """
    with tempfile.TemporaryDirectory(prefix="promptonce-") as temporary:
        folder = Path(temporary) / path.name
        folder.mkdir()
        try:
            with zipfile.ZipFile(path) as archive:
                _unpack(archive, path, folder)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise VolumeError(
                f"{path.name} is a damaged archive, or packed in an unusual way. Copy it again, or unpack it and give "
                "the folder."
            ) from error
        except RuntimeError as error:  # how zipfile says that it needs a password
            raise VolumeError(f"{path.name} is protected by a password. Unpack it and give the folder.") from error
        yield folder


def _unpack(archive: zipfile.ZipFile, path: Path, folder: Path) -> None:
    members = [member for member in archive.infolist() if not member.is_dir()]
    size, packed = sum(member.file_size for member in members), sum(member.compress_size for member in members)
    if len(members) > _MOST_FILES or (size > _LEAST_SUSPECT and size > _MOST_SHRUNK * packed):
        raise VolumeError(f"{path.name} holds more than any series of images. Unpack it and give the folder.")
    if size > shutil.disk_usage(folder).free:
        raise VolumeError(f"{path.name} needs {size / 2**30:.1f} GB of room to be unpacked, more than is free.")
    taken: set[str] = set()
    for number, member in enumerate(members):
        name = Path(member.filename.replace("\\", "/")).name
        if name.startswith(".") or name.casefold() in taken:
            name = f"{number}-{name}"
        taken.add(name.casefold())
        with archive.open(member) as source, (folder / name).open("wb") as target:
            shutil.copyfileobj(source, target)

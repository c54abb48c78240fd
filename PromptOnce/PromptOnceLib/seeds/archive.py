"""Seeds as one ZIP file, to hand them on. What comes in is taken for hostile until it has been checked.

Nothing is unpacked to the disk: files are read into memory one seed at a time, decoded, and written anew by the
library, so that only what was understood gets there. Names outside <id>/seed.json, frame.png and mask-N.png are
refused, whatever they are, and so are links, encrypted files, names given twice, and sizes or ratios of a bomb.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from PromptOnceLib.errors import SeedError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.files.names import check_ordinary
from PromptOnceLib.seeds.entry import ENTRY_NAME, FILE_NAME, RECORD_FILE, decoded, encoded, largest
from PromptOnceLib.seeds.library import OnConflict, Saved, SeedLibrary
from PromptOnceLib.seeds.seed import Seed

MOST_SEEDS = 1000
LARGEST_ARCHIVE = 2**30  # bytes, packed as well as unpacked

_LARGEST_DIRECTORY = 8 * 2**20  # bytes of the list of names; read as a whole by zipfile
_GREATEST_RATIO = 1100  # deflate itself ends at 1032; a black frame comes near it, other methods go far beyond
_SUSPICIOUS_BYTES = 2**20
_END = struct.Struct("<4s4H2LH")
_WIDE_END = b"PK\x06\x07"  # starts the 20 bytes before the end of a file with 64-bit sizes
_TIME = (1980, 1, 1, 0, 0, 0)  # the time of export is nobody's business, and equal seeds give equal files


def export_seeds(seeds: Iterable[Seed], path: str | Path) -> None:
    """Write seeds into a ZIP file, which is complete or not there. Raises SeedError."""
    seeds = tuple(seeds)
    if not seeds:
        raise SeedError("There is no seed to export. Choose one or more.")
    if len(seeds) > MOST_SEEDS:
        raise SeedError(f"One file takes up to {MOST_SEEDS} seeds: export them in parts.")
    if len({seed.id for seed in seeds}) < len(seeds):
        raise SeedError("A seed was named twice. Name each seed once.")
    with replacing(path, error=SeedError) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
        for seed in seeds:
            for name, content in encoded(seed):
                entry = zipfile.ZipInfo(f"{seed.id}/{name}", _TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED if name == RECORD_FILE else zipfile.ZIP_STORED
                file.writestr(entry, content)


def import_seeds(path: str | Path, library: SeedLibrary, on_conflict: OnConflict = "refuse") -> Saved:
    """Add the seeds of a ZIP file to a library: all of them, or none where anything is wrong with one.

    on_conflict: as in SeedLibrary.save_all. Raises SeedError with what is wrong.
    """
    path = Path(path)
    try:
        check_ordinary(path, SeedError)
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            _check_end(size, _tail(stream, size))
            with zipfile.ZipFile(stream) as file:
                entries = _checked(file.infolist())
                return library.save_all(_seeds(file, entries), on_conflict)
    except SeedError as error:
        raise SeedError(f"{path.name}: {error.message}", error.detail) from error
    except OSError as error:
        raise SeedError(
            f"{path.name} cannot be opened: {error.strerror or error}. Choose a file of exported seeds (ZIP).",
            repr(error),
        ) from error
    except _DAMAGE as error:
        raise SeedError(f"{path.name} is damaged, or not a file of exported seeds (ZIP).", repr(error)) from error


# zipfile reports damage with any of these; NotImplementedError and RuntimeError stand for methods and passwords.
_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


def _tail(stream: BinaryIO, size: int) -> bytes:
    """The last bytes of a file, where a ZIP file says where its list of names is."""
    stream.seek(max(0, size - _END.size - 20))
    return stream.read()


def _check_end(size: int, tail: bytes) -> None:
    """Refuse before zipfile reads the list of names as a whole: a small number there could ask for gigabytes."""
    if size > LARGEST_ARCHIVE:
        raise SeedError("The file is too large to be an export of seeds.")
    if len(tail) < _END.size:
        raise SeedError("The file is damaged, or not an export of seeds (ZIP).")
    end = _END.unpack(tail[-_END.size :])
    # A comment at the end and 64-bit sizes are never written here, and are ways to show two programs two contents.
    if end[0] != b"PK\x05\x06" or end[7] != 0:
        raise SeedError("The file is damaged, or not an export of seeds (ZIP).")
    if tail.startswith(_WIDE_END) or end[5] > _LARGEST_DIRECTORY:
        raise SeedError("The file lists more names than an export of seeds has.")


def _checked(infos: Iterable[zipfile.ZipInfo]) -> dict[str, dict[str, zipfile.ZipInfo]]:
    """Files by seed and name; raises SeedError for anything that an export would not hold."""
    entries: dict[str, dict[str, zipfile.ZipInfo]] = {}
    total = 0
    for info in infos:
        folder, _, name = info.orig_filename.partition("/")
        if (
            not ENTRY_NAME.fullmatch(folder)
            or (name and not FILE_NAME.fullmatch(name))
            or "/" not in info.orig_filename
        ):
            raise SeedError("It holds files that do not belong to seeds. Nothing was imported.", _shown(info))
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG if name else stat.S_IFDIR):
            raise SeedError("It holds a link where a file should be. Nothing was imported.", _shown(info))
        files = entries.setdefault(folder, {})
        if not name:
            continue  # other programs write folders, too
        if name in files:
            raise SeedError(f"It holds {name} of a seed twice. Nothing was imported.", _shown(info))
        _check_sizes(info, name)
        total += info.file_size
        files[name] = info
    if total > LARGEST_ARCHIVE or len(entries) > MOST_SEEDS:
        raise SeedError("It holds more than an export of seeds can. Nothing was imported.")
    if not entries:
        raise SeedError("It holds no seed.")
    return entries


def _check_sizes(info: zipfile.ZipInfo, name: str) -> None:
    if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SeedError("It is encrypted or packed in an unknown way. Export the seeds again.", _shown(info))
    bomb = info.file_size > _SUSPICIOUS_BYTES and info.file_size > _GREATEST_RATIO * info.compress_size
    if info.file_size > largest(name) or bomb:
        raise SeedError(f"{name} of a seed is too large. Nothing was imported.", _shown(info))


def _seeds(file: zipfile.ZipFile, entries: dict[str, dict[str, zipfile.ZipInfo]]) -> Iterator[Seed]:
    for folder, infos in entries.items():
        contents = {}
        for name, info in infos.items():
            with file.open(info) as stream:
                contents[name] = stream.read(largest(name))
        seed = decoded(contents)
        if seed.id != folder:
            raise SeedError("A folder has not the name of the seed in it. Nothing was imported.")
        surplus = len(contents) - 2 - len(seed.masks)
        if surplus:
            raise SeedError(f'It holds files that do not belong to the seed "{seed.name}". Nothing was imported.')
        yield seed


def _shown(info: zipfile.ZipInfo) -> str:
    """A name from outside, for the log."""
    return re.sub(r"[^\w./-]", "?", info.orig_filename)[:100]

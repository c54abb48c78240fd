"""Finds pictures that were cut off: ITK reads JPEG, BMP and TIFF without a word and fills or drops what is missing."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import Image, TiffImagePlugin

from PromptOnceLib.imaging.formats.pixel_kind import incomplete

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF
_JPEG, _BMP = b"\xff\xd8\xff", b"BM"
_SCAN, _END = b"\xff\xda", b"\xff\xd9"  # markers of JPEG: no pixel holds them
_LAST = "its last pixel"
_BMP_FILE_HEADER = 14  # bytes
_START = 18  # bytes: as much as says how long the headers of a BMP are

# Tags of a TIFF directory: where the strips or tiles of a page begin, and how long they are.
_PLACES = ((273, 279), (324, 325))
_CUT_OFF = "Truncated|Corrupt|Possibly corrupt"


def check_picture_complete(path: Path) -> None:
    """Raise VolumeError where a JPEG, BMP or TIFF file, told by its contents, ends before its last pixel.

    A picture that Pillow does not know is left to the reader.
    """
    with path.open("rb") as file:
        start, length = file.read(_START), path.stat().st_size
        if start.startswith(_TIFF):
            if not _tiff_is_complete(file, start, length):
                raise incomplete(path.name, _LAST)
        elif start.startswith((_JPEG, _BMP)):
            if start.startswith(_BMP) and not _bmp_has_its_headers(start, length):
                raise incomplete(path.name, _LAST)
            file.seek(0)
            _decode(file, path.name)
            if start.startswith(_JPEG):
                file.seek(0)
                if _END not in file.read().rpartition(_SCAN)[2]:
                    raise incomplete(path.name, _LAST)


def _bmp_has_its_headers(start: bytes, length: int) -> bool:
    """Whether a BMP of so many bytes holds both its headers; the second one begins with its own length."""
    return len(start) == _START and _BMP_FILE_HEADER + struct.unpack_from("<I", start, _BMP_FILE_HEADER)[0] <= length


def _decode(file: BinaryIO, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            picture = Image.open(file)
        except Exception:  # Pillow raises whatever a damaged header brings about
            return
    try:
        picture.load()
    except Exception as error:
        raise incomplete(name, _LAST) from error


def _tiff_is_complete(file: BinaryIO, start: bytes, length: int) -> bool:
    """Whether every directory of a TIFF and everything it points to lies within the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=_CUT_OFF)  # Pillow only warns of a directory that was cut
        try:
            return all(_ends_by(directory, length) for directory in _directories(file, start, length))
        except Exception:  # Pillow raises whatever a damaged directory brings about
            return False


def _ends_by(directory: TiffImagePlugin.ImageFileDirectory_v2, length: int) -> bool:
    """Whether all strips and tiles of a page end within so many bytes."""
    pairs = [(directory.get(places, ()), directory.get(lengths, ())) for places, lengths in _PLACES]
    return all(place + count <= length for places, counts in pairs for place, count in zip(places, counts))  # noqa: B905


def _directories(file: BinaryIO, start: bytes, length: int) -> Iterator[TiffImagePlugin.ImageFileDirectory_v2]:
    """The directories of a TIFF, one a page. Raises EOFError where the next one would lie behind the end."""
    big = start[2:4] in (b"+\0", b"\0+")
    file.seek(0)
    directory = TiffImagePlugin.ImageFileDirectory_v2(file.read(16 if big else 8))
    seen: set[int] = set()
    place = directory.next
    while place and place not in seen:
        if place >= length:
            raise EOFError
        seen.add(place)
        file.seek(place)
        directory.load(file)
        yield directory
        place = directory.next

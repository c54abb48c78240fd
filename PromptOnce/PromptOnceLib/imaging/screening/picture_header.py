"""What the header of a picture claims, read with Pillow, which is written to be given anything."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

from PIL import Image

from PromptOnceLib.imaging.screening.claims import DEFLATE_RATIO, check_claim

_BYTES = {"1": 1, "L": 1, "P": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4, "YCbCr": 3, "I": 4, "F": 4}
_MOST_PAGES = 10_000
_SMALLEST_BMP = 54  # its two headers
# Tags of TIFF.
_COMPRESSION, _STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 259, 273, 279, 324, 325
_NO_COMPRESSION = 1
_FAX = {2, 3, 4}  # a line of fax that equals the last one takes a bit, however long it is
_MOST_RATIO = 4096  # of the others LZW gives most: strings of so many bytes for one of its codes


def vouch_for_picture(path: Path) -> bool:
    """Whether a reader can be given the file, as far as its header tells. Raises VolumeError, OutOfMemoryError; Pillow
    raises whatever a damaged picture brings about.
    """
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # compared with the memory here
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                return _vouch(picture, path, path.stat().st_size)
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _vouch(picture: Image.Image, path: Path, stored: int) -> bool:
    pixels = picture.width * picture.height
    claimed = pixels * (2 if picture.mode.startswith("I;16") else _BYTES.get(picture.mode, 8))
    if picture.format == "PNG":
        check_claim(path, pixels // 8, stored, DEFLATE_RATIO)
    elif picture.format == "BMP":
        if stored < _SMALLEST_BMP or picture.info.get("compression", 0) != 0:
            return False
        check_claim(path, _bmp_bytes(path, picture.width, picture.height), stored)
    elif picture.format == "TIFF":
        return _pages_lie_within(picture, path, stored)
    elif picture.format != "JPEG":
        return False
    check_claim(path, claimed, claimed)
    return True


def _bmp_bytes(path: Path, columns: int, rows: int) -> int:
    """Bytes that the whole file has: rows are filled up to four bytes."""
    with path.open("rb") as file:
        header = file.read(_SMALLEST_BMP)
    (offset,), (bits,) = struct.unpack_from("<I", header, 10), struct.unpack_from("<H", header, 28)
    return int(offset) + (columns * int(bits) + 31) // 32 * 4 * rows


def _pages_lie_within(picture: Image.Image, path: Path, stored: int) -> bool:
    """Whether the pieces of all pages of a TIFF are in the file."""
    whole = 0
    for page in range(_MOST_PAGES):
        try:
            picture.seek(page)
        except EOFError:
            check_claim(path, whole, whole)
            return page > 0
        tags = picture.tag_v2  # type: ignore[attr-defined]
        whole += picture.width * picture.height * _BYTES.get(picture.mode, 8)
        places = tags.get(_STRIPS, tags.get(_TILES))
        sizes = tags.get(_STRIP_BYTES, tags.get(_TILE_BYTES))
        if not places or not sizes or len(places) != len(sizes):
            return False
        compression = tags.get(_COMPRESSION, _NO_COMPRESSION)
        if compression not in _FAX:
            ratio = 1 if compression == _NO_COMPRESSION else _MOST_RATIO
            check_claim(path, picture.width * picture.height // 8, sum(sizes), ratio)
        check_claim(path, max(place + size for place, size in zip(places, sizes, strict=True)), stored)
    return False

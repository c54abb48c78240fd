"""What a NIfTI or Analyze header claims. ITK's NIfTI library never returns from a form that holds an infinity."""

from __future__ import annotations

import gzip
import math
import re
import struct
from pathlib import Path
from typing import IO, NamedTuple

from PromptOnceLib.errors import VolumeError
from PromptOnceLib.imaging.screening.claims import DEFLATE_RATIO, FARTHEST, are_places, check_claim

# Bits a voxel by NIfTI's data type; others (128 bits, colour with alpha, binary) are rare enough for a trial.
_BITS = {2: 8, 4: 16, 8: 32, 16: 32, 64: 64, 128: 24, 256: 8, 512: 16, 768: 32, 1024: 64, 1280: 64}


class _Fields(NamedTuple):
    """Where the fields of a header are, as struct formats without byte order, and their offsets.

    size: of the header. quaternion: its three numbers and the offset; affine: the sform.
    """

    size: int
    dim: tuple[str, int]
    kind: tuple[str, int]
    pixdim: tuple[str, int]
    offset: tuple[str, int]
    quaternion: tuple[str, int]
    affine: tuple[str, int]


# By the size of the header: NIfTI-1 (and Analyze, which leaves the forms out) and NIfTI-2.
_FIELDS = {
    348: _Fields(348, ("8h", 40), ("2h", 70), ("8f", 76), ("f", 108), ("6f", 256), ("12f", 280)),
    540: _Fields(540, ("8q", 16), ("2h", 12), ("8d", 104), ("q", 168), ("6d", 352), ("12d", 400)),
}


def vouch_for_nifti(path: Path) -> bool:
    """Whether a reader can be given the file, as far as its header tells. Raises VolumeError, OutOfMemoryError.

    OSError, EOFError, zlib.error or struct.error: of a file that is cut off or something else.
    """
    place, voxels = _header_and_voxels(path)
    with gzip.open(place) if _is_gzip(place) else place.open("rb") as file:
        header = file.read(540)
        order, fields = _order_and_fields(header)
        if fields is None:
            return False

        def values(field: tuple[str, int]) -> tuple[float, ...]:
            return struct.unpack_from(order + field[0], header, field[1])

        numbers = list(values(fields.pixdim)[:4])
        if header[344:347] in (b"n+1", b"ni1") or header[4:7] in (b"n+2", b"ni2"):
            # The library looks at both forms, whichever of them is to be used.
            numbers += [*values(fields.quaternion), *values(fields.affine)]
        if not are_places(numbers):
            raise VolumeError(
                f"{path.name} cannot be read: the position of the image in its header is not a number. Export the "
                "image again."
            )
        count, *sizes = (int(value) for value in values(fields.dim))
        kind, bits = (int(value) for value in values(fields.kind))
        (offset,) = values(fields.offset)
        usual = 1 <= count <= 7 and min(sizes[:count]) >= 1 and _BITS.get(kind) == bits and 0 <= offset < FARTHEST
        if not usual:
            return False
        stored = voxels.stat().st_size
        check_claim(path, math.prod(sizes[:count]) * bits // 8, stored, DEFLATE_RATIO if _is_gzip(voxels) else 1)
        return voxels != place or _extensions_end(file, order, fields.size, int(offset))


def _is_gzip(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def _header_and_voxels(path: Path) -> tuple[Path, Path]:
    """The files that hold them: a pair .hdr and .img (.gz), or one file."""
    pair = re.fullmatch(r"(.*\.)(hdr|img)(\.gz)?", path.name, re.IGNORECASE)
    if pair is None:
        return path, path
    is_header = pair[2].lower() == "hdr"
    other = path.with_name(f"{pair[1]}{'img' if is_header else 'hdr'}{pair[3] or ''}")
    return (path, other) if is_header else (other, path)


def _order_and_fields(header: bytes) -> tuple[str, _Fields | None]:
    """Byte order and layout by the header's first field, its own size."""
    for order in "<>":
        fields = _FIELDS.get(struct.unpack(f"{order}i", header[:4])[0])
        if fields is not None:
            return order, fields
    return "", None


def _extensions_end(file: IO[bytes] | gzip.GzipFile, order: str, size: int, offset: int) -> bool:
    """Whether the chain of extensions between a header of this size and the voxels is in order."""
    file.seek(size)
    if file.read(4)[:1] in (b"\0", b""):
        return True
    place = size + 4
    while place < offset:
        (length,) = struct.unpack(f"{order}i", file.read(8)[:4])
        if length < 16 or length % 16 or place + length > offset:
            return False
        place += length
        file.seek(place)
    return True

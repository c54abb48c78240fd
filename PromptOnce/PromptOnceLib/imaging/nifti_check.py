"""Finds NIfTI files that were cut off: ITK reads those without a word and fills what is missing with zeros."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PromptOnceLib.errors import VolumeError

_CHUNK = 1 << 20


class _Layout(NamedTuple):
    """Where a NIfTI header says its number of dimensions and sizes, bits per voxel and start of the voxels are."""

    sizes: str
    sizes_at: int
    bits_at: int
    offset: str
    offset_at: int


# By the size of the header, the first field of the file (the NIfTI-1 and NIfTI-2 header definitions).
_LAYOUTS = {348: _Layout("8h", 40, 72, "f", 108), 540: _Layout("8q", 16, 14, "q", 168)}


def check_nifti_complete(path: Path) -> None:
    """Raises VolumeError where a .nii or .nii.gz file ends before its last voxel or fails its checksum.

    Reads a compressed file once from end to end. Files with another header are left to the reader.
    """
    name = path.name.lower()
    if not name.endswith((".nii", ".nii.gz")):
        return
    try:
        with gzip.open(path) if name.endswith(".gz") else path.open("rb") as file:
            needed = _bytes_needed(file.read(540))
            file.seek(0)
            complete = _length(file) >= needed
    except gzip.BadGzipFile:
        return
    except (EOFError, zlib.error):
        complete = False
    if not complete:
        raise VolumeError(f"{path.name} is incomplete: it ends before its last voxel. Copy or download it again.")


def _bytes_needed(header: bytes) -> int:
    for order in "<>":
        layout = _LAYOUTS.get(struct.unpack(f"{order}i", header[:4].ljust(4, b"\0"))[0])
        if layout and len(header) >= 348:
            count, *sizes = struct.unpack_from(order + layout.sizes, header, layout.sizes_at)
            (bits,) = struct.unpack_from(f"{order}h", header, layout.bits_at)
            (offset,) = struct.unpack_from(order + layout.offset, header, layout.offset_at)
            voxels = math.prod(int(size) for size in sizes[: max(0, count)])
            return int(offset) + voxels * int(bits) // 8 if math.isfinite(offset) else 0
    return 0


def _length(file: BinaryIO | gzip.GzipFile) -> int:
    length = 0
    while chunk := file.read(_CHUNK):
        length += len(chunk)
    return length

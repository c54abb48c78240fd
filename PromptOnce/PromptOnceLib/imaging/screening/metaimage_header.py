"""What a MetaImage header claims. Its reader hangs on wrong numbers of dimensions, and opens whatever it names.

Definition of the format: https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from PromptOnceLib.imaging.screening.claims import (
    DEFLATE_RATIO,
    are_places,
    check_beside,
    check_claim,
    check_dimensions,
    floats,
    whole_numbers,
)

_LONGEST_LINE = 1000
_MOST_LINES = 10_000
_MOST_DIMENSIONS = 10  # MetaIO's

_BYTES = {"MET_CHAR": 1, "MET_UCHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_UINT": 4,
          "MET_LONG_LONG": 8, "MET_ULONG_LONG": 8, "MET_FLOAT": 4, "MET_DOUBLE": 8}  # fmt: skip
_PLACES = {"Offset", "Position", "Origin", "TransformMatrix", "Rotation", "Orientation", "CenterOfRotation",
           "ElementSpacing", "ElementSize"}  # fmt: skip


def vouch_for_metaimage(path: Path) -> bool:
    """Whether a reader can be given the file, as far as its header tells. Raises VolumeError, OutOfMemoryError."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        for _ in range(_MOST_LINES):
            line = file.readline(_LONGEST_LINE + 1)
            match = re.fullmatch(r"\s*(\w+)\s*=\s*(.*?)\s*", line.decode("latin-1"), re.ASCII)
            if match is None or len(line) > _LONGEST_LINE:
                return False
            fields[match[1]] = match[2]
            if match[1] == "ElementDataFile":
                break
        rest = path.stat().st_size - file.tell()
        listed = [line.decode("utf-8", "replace").strip() for line in file] if "ElementDataFile" in fields else []
    return _vouch(path, fields, rest, listed)


def _vouch(path: Path, fields: dict[str, str], rest: int, listed: list[str]) -> bool:
    dimensions, sizes = whole_numbers(fields.get("NDims", "")), whole_numbers(fields.get("DimSize", ""))
    if dimensions:
        check_dimensions(path, dimensions[0], _MOST_DIMENSIONS)
    for name in _PLACES & set(fields):
        numbers = floats(fields[name])
        if numbers is None or not are_places(numbers):
            return False
    stored = _stored(path, fields.get("ElementDataFile", ""), rest, listed)
    skipped, channels = (
        whole_numbers(fields.get(name, usual))
        for name, usual in (("HeaderSize", "0"), ("ElementNumberOfChannels", "1"))
    )
    bytes_each, compressed = _BYTES.get(fields.get("ElementType", "")), fields.get("CompressedData", "False")
    if stored is None or not bytes_each or not dimensions or not sizes or not skipped or not channels:
        return False
    usual = len(sizes) == dimensions[0] and min(sizes) > 0 and channels[0] in range(1, 5) and skipped[0] in (0, -1)
    if not usual or compressed.lower() not in ("true", "false", "t", "f", "1", "0"):
        return False
    packed = compressed.lower() in ("true", "t", "1")
    in_bytes = whole_numbers(fields.get("CompressedDataSize", "0"))
    if in_bytes is None or in_bytes[0] < 0:
        return False
    check_claim(path, in_bytes[0], stored)
    check_claim(path, math.prod(sizes) * channels[0] * bytes_each, stored, DEFLATE_RATIO if packed else 1)
    return True


def _stored(path: Path, named: str, rest: int, listed: list[str]) -> int | None:
    """Bytes of the file with the voxels; None for several, and for names that are patterns."""
    if named.upper() == "LOCAL":
        return rest
    if named.upper().startswith("LIST"):
        for name in filter(None, listed):
            check_beside(path, name)
        return None
    return None if "%" in named or not named else check_beside(path, named)

"""What a NRRD header claims. Its reader in ITK (teem) crashes on a long line that it does not understand.

Definition of the format: https://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from PromptOnceLib.errors import VolumeError
from PromptOnceLib.imaging.screening.claims import (
    DEFLATE_RATIO,
    are_places,
    check_beside,
    check_claim,
    check_dimensions,
    floats,
    whole_numbers,
)

_LONGEST_VALUE = 400
_LONGEST_HEADER = 1 << 24
_MOST_DIMENSIONS = 16  # NRRD_DIM_MAX

_BYTES = {
    **dict.fromkeys(("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"), 1),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), 2),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), 2),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t"), 4),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), 8),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), 8),
    "float": 4,
    "double": 8,
}
_COMPRESSED = {"gz": DEFLATE_RATIO, "gzip": DEFLATE_RATIO}
_NUMBERS = {"spacings", "thicknesses", "axis mins", "axismins", "axis maxs", "axismaxs", "min", "max", "old min",
            "oldmin", "old max", "oldmax", "space directions", "space origin", "measurement frame"}  # fmt: skip
_WORDS = {"space", "space dimension", "space units", "kinds", "centers", "centerings", "units", "labels", "endian",
          "sample units", "sampleunits", "block size", "blocksize", "line skip", "lineskip", "byte skip", "byteskip",
          "data file", "datafile", "type", "dimension", "sizes", "encoding", "content", "number"}  # fmt: skip
_TEXTS = {"content", "labels"}  # taken as they are, however long


def vouch_for_nrrd(path: Path) -> bool:
    """Whether a reader can be given the file, as far as its header tells. Raises VolumeError, OutOfMemoryError."""
    with path.open("rb") as file:
        if not re.fullmatch(rb"NRRD000\d\r?\n", file.readline(16)):
            return False
        fields: dict[str, str] = {}
        while line := file.readline(_LONGEST_HEADER):
            text = line.decode("latin-1").rstrip("\r\n")
            if not text:
                break
            if text.startswith("#"):
                continue
            name, colon, value = text.partition(": ")
            name, value = name.lower(), value.strip()
            if colon and name in _NUMBERS | _WORDS:
                fields[name.replace(" ", "")] = value
                if not _is_usual(name, value):
                    return False
            elif ":=" not in text:
                return False
            if fields.get("datafile") == "LIST":
                break
        rest = path.stat().st_size - file.tell()
        listed = [line.decode("utf-8", "replace").strip() for line in file] if fields.get("datafile") else []
    return _vouch(path, fields, rest, listed)


def _is_usual(name: str, value: str) -> bool:
    if name in _NUMBERS:
        unknown = re.sub(r"\bnan\b", "0", value, flags=re.IGNORECASE) if "space" not in name else value
        numbers = floats(re.sub(r"[(),]|\bnone\b", " ", unknown))
        return len(value) <= _LONGEST_VALUE and numbers is not None and are_places(numbers)
    return name in _TEXTS or len(value) <= _LONGEST_VALUE


def _vouch(path: Path, fields: dict[str, str], rest: int, listed: list[str]) -> bool:
    dimension, sizes = whole_numbers(fields.get("dimension", "")), whole_numbers(fields.get("sizes", ""))
    skip = whole_numbers(f"{fields.get('lineskip', '0')} {fields.get('byteskip', '0')}")
    if not dimension or not sizes or skip is None or len(skip) != 2:
        return False
    check_dimensions(path, dimension[0], _MOST_DIMENSIONS)
    stored = rest
    detached = fields.get("datafile")
    if detached is not None:
        found = [check_beside(path, name) for name in (listed if detached == "LIST" else [detached])]
        if len(found) != 1 or found[0] is None:
            return False  # several files, a pattern, or none
        stored = found[0]
    if max(skip) > stored:
        raise VolumeError(
            f"{path.name} is incomplete: its header skips more than the file holds. Copy or download it again."
        )
    bytes_each, encoding = _BYTES.get(fields.get("type", "").lower()), fields.get("encoding", "").lower()
    usual = bytes_each and min(sizes) > 0 and len(sizes) == dimension[0] and skip[0] == 0 and skip[1] >= -1
    if not usual or encoding not in ("raw", *_COMPRESSED):
        return False
    check_claim(path, math.prod(sizes) * (bytes_each or 0), stored, _COMPRESSED.get(encoding, 1))
    return True

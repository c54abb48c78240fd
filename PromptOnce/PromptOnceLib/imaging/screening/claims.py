"""What a header claims against what there is: bytes in the file, memory in the computer, files beside it."""

from __future__ import annotations

import math
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from PromptOnceLib.errors import OutOfMemoryError, VolumeError
from PromptOnceLib.imaging.formats.pixel_kind import incomplete
from PromptOnceLib.processes.memory_limit import total_memory

DEFLATE_RATIO = 1032
"""Bytes that one compressed byte gives at most (zlib's technical details, "maximum compression factor")."""

FARTHEST = 1e9
"""Any position or spacing, in mm or in microns, is below."""


def check_claim(path: Path, claimed: int, stored: int, ratio: int = 1) -> None:
    """Compare what a header claims with what is there.

    claimed: bytes of the voxels. stored: bytes of the file that hold them. ratio: bytes that a stored byte gives at
    most. Raises VolumeError where the file ends before its last voxel, OutOfMemoryError where this computer could
    never hold the image.
    """
    if claimed > stored * ratio:
        raise incomplete(path.name)
    memory = total_memory()
    if memory is not None and claimed > memory:
        raise OutOfMemoryError(
            f"The computer's memory is too small for {path.name}: the image has {claimed / 1e9:.1f} GB, the memory "
            f"{memory / 1e9:.1f} GB. Crop the image, or use a larger computer."
        )


def check_dimensions(path: Path, claimed: int, most: int) -> None:
    """Raises VolumeError where a header claims more dimensions than the format has, or none."""
    if not 1 <= claimed <= most:
        raise VolumeError(
            f"{path.name} cannot be read: it claims to have {claimed} dimensions. Export the image again."
        )


def check_beside(path: Path, name: str) -> int | None:
    """Bytes of the file that a header names; None where there is none. VolumeError for a device, a pipe or the like."""
    beside = path.parent / name
    with suppress(OSError, ValueError):
        status = beside.stat()
        if not stat.S_ISREG(status.st_mode):
            raise VolumeError(
                f"{path.name} cannot be read: the header says that the voxels are in {name}, which is not an ordinary "
                "file. Export the image again."
            )
        return status.st_size
    return None


def are_places(numbers: Iterable[float]) -> bool:
    """Whether numbers can be positions, spacings or directions of an image."""
    return all(math.isfinite(number) and abs(number) < FARTHEST for number in numbers)


def floats(text: str) -> list[float] | None:
    """Numbers between blanks; None for anything else."""
    try:
        return [float(part) for part in text.split()]
    except ValueError:
        return None


def whole_numbers(text: str) -> list[int] | None:
    """Whole numbers between blanks, none longer than a size or a position can be; None for anything else."""
    parts = text.split()
    fine = all(len(part) <= 18 and part.lstrip("-").isdecimal() and part.isascii() for part in parts)
    return [int(part) for part in parts] if fine else None

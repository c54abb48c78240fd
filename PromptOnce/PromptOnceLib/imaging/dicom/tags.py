"""What the headers of DICOM files say: a file's own tags, and those of each of its frames (functional groups)."""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom import config
from pydicom.dataset import Dataset

from PromptOnceLib.errors import CancelledError
from PromptOnceLib.imaging.scanner import Scanner

SHARED, PER_FRAME = 0x52009229, 0x52009230

# Sequences about other images than the frame's own.
_OF_OTHERS = frozenset({0x00081140, 0x00082112, 0x00089124, 0x00089154, 0x00089215})

_PIXELS = 0x7FE00010
_UNDEFINED = 0xFFFFFFFF
_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM, by its contents: with the usual mark, or without it where GDCM knows it."""
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError:
        return False
    return start[128:] == b"DICM" or bool(
        start and sitk.ImageFileReader.GetImageIOFromFileName(str(path)) == "GDCMImageIO"
    )


@contextmanager
def as_it_is() -> Iterator[None]:
    """Has pydicom take values that break rules of DICOM, such as names that are too long.

    Without a warning: these quote values of the header, and appear where a user sees them.
    """
    with config.disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


OnProgress = Callable[[int, int], object]
"""Is told how many frames of a file or files of a folder are looked at, of how many; may raise CancelledError."""


class Pixels(NamedTuple):
    """The pixels behind a header. stored: bytes, None where they are compressed. complete: whether all are there that
    are announced. missing: whether there are none at all. fractions: whether they are floating-point numbers.
    """

    stored: int | None
    complete: bool
    missing: bool = False
    fractions: bool = False


class Header:
    """The header of a DICOM file up to its pixels; to be asked within as_it_is(), as values are made when asked for.

    pixels: what follows. Raises ValueError for a file that is no DICOM or whose header is damaged.
    """

    def __init__(self, path: Path, on_progress: OnProgress | None = None) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self.dataset: Dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True)
                self.pixels = _pixels_at(file, self.dataset)
                self._shared = [_flat(item) for item in self.dataset.get(SHARED, _Empty).value or ()][:1]
                self._frames = []
                items = self.dataset.get(PER_FRAME, _Empty).value or ()
                for item in items:
                    self._frames.append(_flat(item))
                    if on_progress is not None:
                        on_progress(len(self._frames), len(items))
        except (OSError, CancelledError):
            raise
        except Exception as error:  # the parser raises whatever a damaged file brings about
            raise ValueError(f"the header cannot be read ({type(error).__name__})") from error

    @property
    def described_frames(self) -> int:
        """How many frames have functional groups of their own; 0 in a file without them."""
        return len(self._frames)

    def file_meta(self) -> Tags:
        """What stands before the header proper."""
        return Tags(getattr(self.dataset, "file_meta", Dataset()), [])

    def frame(self, index: int) -> Tags:
        """What is said about a frame."""
        own = [self._frames[index]] if index < len(self._frames) else []
        return Tags(self.dataset, [*own, *self._shared])

    def scanner(self) -> Scanner:
        """The scanner, from the bytes of the header: which letters they mean is not always said, or said wrongly."""

        def tag(key: str) -> str:
            number = int(key.replace("|", ""), 16)
            if number not in self.dataset:
                return ""
            value = self.dataset.get_item(number).value
            return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else _text(value)

        return Scanner.from_tags(tag)


class _Empty:
    value = None


class Tags:
    """Values by tag (0xGGGGEEEE): of the frame, else of all frames of the file, else of the file."""

    def __init__(self, dataset: Dataset, groups: list[dict[int, Any]]) -> None:
        self._dataset, self._groups = dataset, groups

    def value(self, tag: int) -> Any:
        """Value as pydicom gives it; None where it is absent, empty or not to be understood."""
        for group in self._groups:
            if tag in group:
                return group[tag]
        try:
            value = self._dataset[tag].value if tag in self._dataset else None
        except Exception:  # a value of another kind than its tag: as good as none
            return None
        return None if value is None or value == "" else value

    def text(self, tag: int) -> str:
        """Text, several values separated by a backslash; "" where there is none."""
        return _text(self.value(tag))

    def numbers(self, tag: int, count: int) -> tuple[float, ...] | None:
        """The first `count` numbers; None where there are fewer, or any that is not finite.

        Numbers whose kind depends on that of the pixels, which an implicit VR leaves open, are taken as unsigned.
        """
        value = self.value(tag)
        if isinstance(value, bytes):
            value = np.frombuffer(value[: len(value) // 2 * 2], dtype="<u2").tolist()
        values = list(value) if _is_several(value) else [value]
        try:
            numbers = tuple(float(one) for one in values[:count])
        except (TypeError, ValueError):
            return None
        return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None

    def number(self, tag: int) -> float | None:
        """The first number, or None."""
        found = self.numbers(tag, 1)
        return None if found is None else found[0]

    def integer(self, tag: int, default: int = 0) -> int:
        """The first number as an integer, or the default."""
        found = self.number(tag)
        return default if found is None else int(found)

    def items(self, tag: int) -> list[Tags]:
        """The items of a sequence in the file's own header."""
        value = self.value(tag)
        return [Tags(item, []) for item in value] if isinstance(value, pydicom.Sequence) else []


def same_pixels(path: Path, other: Path) -> bool:
    """Whether two files store the same bytes of pixels."""
    with as_it_is():
        try:
            pixels = [pydicom.dcmread(one, force=True, specific_tags=[_PIXELS])[_PIXELS].value for one in (path, other)]
        except Exception:  # the parser raises whatever a damaged file brings about
            return False
    return bool(pixels[0] == pixels[1])


def _flat(item: Dataset) -> dict[int, Any]:
    """All values in an item and its inner sequences by tag; the first of several holds."""
    found: dict[int, Any] = {}
    for element in item:
        if element.VR != "SQ":
            if element.value is not None and element.value != "":
                found.setdefault(int(element.tag), element.value)
        elif element.value and not element.tag.is_private and int(element.tag) not in _OF_OTHERS:
            for tag, value in _flat(element.value[0]).items():
                found.setdefault(tag, value)
    return found


def _is_several(value: Any) -> bool:
    return isinstance(value, (list, tuple, pydicom.multival.MultiValue))


def _text(value: Any) -> str:
    if value is None:
        return ""
    parts = value if _is_several(value) else [value]
    return "\\".join(str(part) for part in parts).strip(" \0")


def _encoding(dataset: Dataset) -> tuple[bool, bool]:
    """Whether a dataset was read with implicit VR, and as little endian."""
    implicit, little = getattr(dataset, "original_encoding", (None, None))
    if implicit is None or little is None:  # before pydicom 3
        implicit, little = dataset.is_implicit_VR, dataset.is_little_endian
    return bool(implicit), bool(little)


def _pixels_at(file: BinaryIO, dataset: Dataset) -> Pixels:
    """Looks at the element where the reader stopped; of compressed pixels the pieces are counted, up to their end."""
    start, end = file.tell(), file.seek(0, 2)
    file.seek(start)
    head = file.read(12)
    implicit, little = _encoding(dataset)
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is not None and syntax.is_deflated:
        # Unpacked in memory: how much there is shows when the pixels are read.
        return Pixels(None, complete=True)
    if len(head) < 8 or head[:2] not in (b"\xe0\x7f", b"\x7f\xe0"):
        return Pixels(0, complete=False, missing=True)
    order = "<" if little else ">"
    (element,) = struct.unpack(order + "H", head[2:4])
    (length,) = struct.unpack(order + "I", head[4:8] if implicit else head[8:12].ljust(4, b"\0"))
    fractions, begin = element in (0x0008, 0x0009), start + (8 if implicit else 12)
    if length != _UNDEFINED:
        return Pixels(max(0, min(length, end - begin)), begin + length <= end, fractions=fractions)
    file.seek(begin)
    while len(head := file.read(8)) == 8 and head[:4] == _ITEM:
        (length,) = struct.unpack("<I", head[4:])
        if file.seek(length, 1) > end:
            return Pixels(None, complete=False)
    # Some writers leave out the mark at the very end.
    return Pixels(None, complete=head[:4] == _DELIMITER or not head)

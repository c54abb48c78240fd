"""Names for cases: possible as folder names on Linux, Windows and macOS, and different whatever the letters' case."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from PromptOnceLib.imaging.image_file import PICTURE_SUFFIXES

VOLUME_SUFFIXES = (".nii.gz", ".nii", ".hdr.gz", ".hdr", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgz", ".mgh")
"""Endings of image files with a place in space, the more special before the more general."""

_OF_A_SEGMENTATION = re.compile(
    r"(^|[-_. ])(seg|segmentation|mask|label|labels|labelmap|gt|groundtruth)([-_ ]?\d+)?$", re.IGNORECASE
)

_LONGEST = 100  # bytes; file systems allow 255, of which the files in the folder need some for a whole path
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def image_suffix(name: str) -> str | None:
    """The ending by which a file name says that it is an image, None for others."""
    lower = name.lower()
    return next((suffix for suffix in (*VOLUME_SUFFIXES, *sorted(PICTURE_SUFFIXES)) if lower.endswith(suffix)), None)


def stem(path: PurePath) -> str:
    """File name without the ending of an image."""
    suffix = image_suffix(path.name)
    return path.name[: -len(suffix)] if suffix and len(suffix) < len(path.name) else path.name


def names_a_segmentation(path: PurePath) -> bool:
    """Whether a file is called like a segmentation: its stem is or ends in seg, mask, label and the like."""
    return _OF_A_SEGMENTATION.search(stem(path)) is not None


def safe_name(text: str) -> str:
    """The text as a case's name: letters, digits, ".", "-" and "_" stay, runs of anything else become one "-"."""
    kept = "".join(c if c.isalnum() or c in "._-" else " " for c in unicodedata.normalize("NFC", text))
    name = re.sub(r"\s+", "-", kept.strip()).strip(".-")
    name = name.encode("utf-8", "ignore")[:_LONGEST].decode("utf-8", "ignore").rstrip(".-")
    if not name:
        return "case"
    return f"{name}_" if name.split(".")[0].casefold() in _RESERVED else name


def is_safe(name: str) -> bool:
    """Whether a name can be used as it is."""
    return name == safe_name(name)


def name_problem(name: str) -> str | None:
    """What is wrong with the name that somebody gives a case; None where it can be used as it is."""
    if is_safe(name):
        return None
    return f'"{" ".join(name.split())}" cannot name a folder everywhere; "{safe_name(name)}" could.'


def distinct_names(texts: Iterable[str], of_none: str) -> dict[str, str]:
    """A name for every text, no two alike whatever the letters' case, as "CT+" and "CT-" would be; of_none: for ""."""
    names: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        names[text] = _numbered(safe_name(text) if text else of_none, tuple(names.values()))
    return names


def unique_names(paths: Sequence[PurePath]) -> list[str]:
    """Names for image files, in their order: the file's stem or, where several have it, with the folders before it.

    paths: relative to the folder that was searched. What is still alike gets a number.
    """
    short = [safe_name(stem(path)) for path in paths]
    shared = Counter(name.casefold() for name in short)
    names: list[str] = []
    for path, name in zip(paths, short, strict=True):
        if shared[name.casefold()] > 1:
            name = safe_name("-".join((*path.parent.parts, stem(path))))
        names.append(_numbered(name, names))
    return names


def _numbered(name: str, taken: Sequence[str]) -> str:
    used = {other.casefold() for other in taken}
    candidate, number = name, 2
    while candidate.casefold() in used:
        candidate, number = f"{name}-{number}", number + 1
    return candidate

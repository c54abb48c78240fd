"""Patterns such as `labels/{case}.nii.gz:1,2`: which file belongs to which case."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath, PurePosixPath

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.names import name_key
from PromptOnceLib.segmentation.reference import parse_reference

_CASE = "{case}"
_WILDCARDS = {"*": "[^/]*", "?": "[^/]"}


class Pattern:
    """`{case}` stands for the case, `*` and `?` for anything within a name; neither the letters' case nor
    how accents are stored matters.

    A pattern with a "/" is meant from the searched folder on; one without looks at names in every folder. Raises
    InputError for a pattern that leaves the folder, holds `{case}` twice, or names a file for all cases at once.
    """

    def __init__(self, text: str) -> None:
        wanted = PurePosixPath(unicodedata.normalize("NFC", text.replace("\\", "/")))
        if wanted.is_absolute() or ".." in wanted.parts or not wanted.parts or re.match("[A-Za-z]:", text):
            raise InputError(f'The pattern "{text}" has to lie within the folder of the images.')
        self.names_case = _CASE in text
        self._in_subfolder = len(wanted.parts) > 1
        if text.count(_CASE) > 1 or (self._in_subfolder and not self.names_case):
            raise InputError(f'The pattern "{text}" needs {_CASE} once, for example {_CASE}_lung.nii.gz.')
        parts = ("".join(_WILDCARDS.get(c, re.escape(c)) for c in part) for part in wanted.as_posix().split(_CASE))
        self._regex = re.compile("([^/]+)".join(parts), re.IGNORECASE)

    def case_of(self, path: PurePath) -> str | None:
        """The case that a file, relative to the searched folder, stands for; None where it does not match.

        Without `{case}` in the pattern: "". Accents are part of their letters (NFC), however they are stored.
        """
        name = path.as_posix() if self._in_subfolder else path.name
        match = self._regex.fullmatch(unicodedata.normalize("NFC", name))
        return None if match is None else "".join(match.groups())

    def belongs(self, found: PurePath, image: PurePath, case: str) -> bool:
        """Whether a file is the one that goes with an image: of its case and, unless the pattern says where, beside it.

        Both paths relative to the searched folder.
        """
        own = self.case_of(found)
        if own is None or (self.names_case and name_key(own) != name_key(case)):
            return False
        return found != image and (self._in_subfolder or found.parent == image.parent)


def split_labels(text: str) -> tuple[str, str]:
    """Pattern and ":LABEL,..." of what the user gave for references; the latter may be empty."""
    path, labels = parse_reference(text)
    if labels is None:
        return text, ""
    return path.as_posix(), ":" + ",".join(map(str, labels))

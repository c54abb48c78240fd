"""What objects are, as codes: SNOMED CT for names that 3D Slicer's terminologies know, or codes that the user gives."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache

from PromptOnceLib.errors import InputError
from PromptOnceLib.resources import resource

CONTEXT = "Segmentation category and type - DICOM master list"
NO_CODE = "^^"
_ANATOMY = "Anatomic codes - DICOM master list~^^~^^"
_STRUCTURE = "SCT^123037004^Anatomical Structure"
_SIDES = {"left": "SCT^7771000^Left", "right": "SCT^24028007^Right"}


@dataclass(frozen=True)
class Code:
    """A coded concept: DICOM's coding scheme designator ("SCT" for SNOMED CT), value and meaning."""

    scheme: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Terminology:
    """What a segment is. modifier: the side of the body, or another one of the type; None where there is none."""

    category: Code
    type: Code
    modifier: Code | None = None

    @classmethod
    def of_entry(cls, entry: str) -> Terminology:
        """From Slicer's terminology entry, seven parts joined by "~". Raises InputError for anything else."""
        parts = entry.split("~")
        codes = [part.split("^") for part in parts[1:4]]
        if len(parts) < 4 or any(len(code) != 3 for code in codes):
            raise InputError(f'"{entry}" is not a terminology entry of 3D Slicer.')
        category, kind, modifier = (Code(*code) for code in codes)
        return cls(category, kind, modifier if modifier.value else None)


@cache
def _table() -> dict[str, tuple[str, str, str, bool]]:
    """By name: list, category and code as Slicer writes them, and whether there is one on each side of the body."""
    content = json.loads(resource("terminology.json").read_text(encoding="utf-8"))
    return {
        " ".join(_words(name)): (
            content["lists"][entry["list"]],
            content["categories"][entry["category"]],
            entry["code"],
            entry["sided"],
        )
        for entry in content["structures"]
        for name in entry["names"]
    }


def known_names() -> list[str]:
    """Names of all structures with a code, sorted, with those of both sides of the body where there are two."""
    sided = [f"{side} {name}" for name, entry in _table().items() if entry[3] for side in _SIDES]
    return sorted({*_table(), *sided})


def terminology_of(name: str) -> str | None:
    """Slicer's terminology entry for a name such as "liver", "right kidney" or "kidney_right"; None for other names."""
    words = _words(name)
    found = _table().get(" ".join(words))
    side = next((word for word in words if word in _SIDES), None)
    if found is None and side is not None:
        found = _table().get(" ".join(word for word in words if word not in _SIDES))
        if found is not None and not found[3]:
            return None
    elif found is not None:
        side = None
    if found is None:
        return None
    context, category, code, _ = found
    return terminology_entry(category, code, NO_CODE if side is None else _SIDES[side], context)


def entry_of_code(text: str) -> str:
    """Slicer's terminology entry for SCHEME:VALUE:MEANING, such as SCT:10200004:Liver. Raises InputError."""
    parts = [part.strip() for part in text.split(":", 2)]
    if len(parts) != 3 or not all(parts) or any(mark in text for mark in "~^|"):
        raise InputError(f'"{text}" is not SCHEME:VALUE:MEANING, such as SCT:10200004:Liver.')
    return terminology_entry(_STRUCTURE, "^".join(parts))


def _words(name: str) -> list[str]:
    return re.sub(r"[\W_]+", " ", name.casefold()).split()


def terminology_entry(category: str, code: str, modifier: str = NO_CODE, context: str = CONTEXT) -> str:
    """Slicer's terminology entry of codes that are written SCHEME^VALUE^MEANING."""
    return f"{context}~{category}~{code}~{modifier}~{_ANATOMY}"

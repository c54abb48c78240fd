"""Results as the papers' code writes them, read into rows: theirs and a study's own go through the same statistics."""

from __future__ import annotations

import csv
import math
from collections import Counter
from pathlib import Path

from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.rows import SliceRow

_NEEDED = ("slice", "jaccard", "dice")
_IMAGE = "image"
_PREFIX = "image_"  # of the names in the column image
_GROUPS = {"coronacases": "Coronacases", "radiopaedia": "Radiopaedia", "MCUCXR": "Montgomery"}


def read_published(path: Path) -> tuple[SliceRow, ...]:
    """Rows of a `joint_raw_data` file, or of a `raw_data` file, whose case is the folder it lies in.

    Columns: slice, jaccard, dice, as fractions and empty where the reference is; of several images also image; and
    where they are there sam_score, set_image_time, predict_image_time. The files do not say how many pixels a reference
    has: `reference_pixels` is 1 for any, 0 for none. Raises InputError for a file that cannot be read as such.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name} cannot be read as a table of results.", repr(error)) from error
    missing = [name for name in _NEEDED if not lines or name not in lines[0]]
    if missing:
        raise InputError(
            f"{path.name} is no table of results by slice: {', '.join(missing)} is missing among its columns. Choose a "
            "raw_data or joint_raw_data file."
        )
    names = [(line.get(_IMAGE) or path.parent.name).removeprefix(_PREFIX) for line in lines]
    slices = Counter(names)
    try:
        return tuple(_row(line, name, slices[name]) for line, name in zip(lines, names, strict=True))
    except ValueError as error:
        raise InputError(f"{path.name} holds something else than numbers between 0 and 1.", str(error)) from error


def _row(line: dict[str, str], name: str, slices: int) -> SliceRow:
    jaccard, dice = _share(line, "jaccard"), _share(line, "dice")
    return SliceRow(
        group=next((group for start, group in _GROUPS.items() if name.startswith(start)), "all"),
        case=name,
        slice=int(line["slice"]),
        slices=slices,
        reference_pixels=0 if dice is None else 1,
        jaccard=jaccard,
        dice=dice,
        hausdorff_mm=None,
        predicted_iou=_number(line, "sam_score"),
        embed_seconds=_number(line, "set_image_time"),
        prompt_seconds=_number(line, "predict_image_time"),
        prompted=dice is not None,
    )


def _share(line: dict[str, str], column: str) -> float | None:
    value = _number(line, column)
    if value is not None and not 0 <= value <= 1:
        raise ValueError(f"{column}: {value}")
    return value


def _number(line: dict[str, str], column: str) -> float | None:
    text = (line.get(column) or "").strip()
    if not text:
        return None
    value = float(text)
    return None if math.isnan(value) else value

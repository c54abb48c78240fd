"""What the report's templates show of a case: columns of the table, thumbnails, facts."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from PIL import Image

from PromptOnceLib.batch.report.run_results import CaseResult
from PromptOnceLib.batch.run_folder.case_folder import (
    SHEET,
    SLICES,
    SLICES_BY_OBJECT,
    THUMBNAIL_LOOK,
    THUMBNAIL_SEED,
)
from PromptOnceLib.batch.run_folder.records import CASES, CORRECTED, CORRECTED_SLICES, CaseRecord, Figures
from PromptOnceLib.errors import InputError
from PromptOnceLib.files.names import check_ordinary
from PromptOnceLib.segmentation.metrics import Summary

DASH = "\u2013"
"""Stands for a value that there is not."""

_LONGEST = 200  # pixels of a thumbnail
_QUALITY = 72


# What Pillow's reader for PNG reports damage with.
_DAMAGE = (
    InputError,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True)
class ReportColumn:
    """name: its title. first: "ascending" or "descending", the order of the first click. value: None sorts last."""

    name: str
    first: str
    value: Callable[[CaseRecord], float | None]
    digits: int = 2


_COLUMNS = (
    ReportColumn("Lowest presence", "ascending", lambda record: record.look_first.lowest_presence),
    ReportColumn("Lowest predicted IoU", "ascending", lambda record: record.look_first.lowest_predicted_iou),
    ReportColumn("Largest jump of area", "descending", lambda record: record.look_first.largest_jump),
    ReportColumn("Round trip", "ascending", lambda record: record.identity.round_trip),
    ReportColumn("Dice", "ascending", lambda record: record.figures.dice, 3),
    ReportColumn("Volume in ml", "descending", lambda record: record.figures.volume, 1),
)


@dataclass(frozen=True)
class Thumbnail:
    """A picture as JPEG in a data URI, with its size in pixels."""

    uri: str
    width: int
    height: int


def shown_columns(cases: Sequence[CaseResult]) -> list[ReportColumn]:
    """The columns that any case has a value for."""
    records = [case.record for case in cases if case.record is not None]
    return [column for column in _COLUMNS if any(column.value(record) is not None for record in records)]


def thumbnail(case: CaseResult, kind: Literal["look", "seed"]) -> Thumbnail | None:
    """The picture of the slice to look at or of the seed slice; None where the file is missing or damaged."""
    path = case.folder / {"look": THUMBNAIL_LOOK, "seed": THUMBNAIL_SEED}[kind]
    try:
        check_ordinary(path)
        with Image.open(path, formats=["PNG"]) as opened:
            picture = opened.convert("RGB")
    except _DAMAGE:
        return None
    picture.thumbnail((_LONGEST, _LONGEST))
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=_QUALITY, optimize=True)
    uri = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(uri, picture.width, picture.height)


def number(value: float | None, digits: int) -> str:
    """A number with this many digits after the point; a dash for None."""
    return DASH if value is None else f"{value:.{digits}f}"


def time_of_day(moment: str) -> str:
    """A moment in ISO 8601, as the records have it, for reading."""
    return moment.replace("T", " ").replace("+00:00", " UTC")


def case_facts(record: CaseRecord) -> list[tuple[str, str]]:
    """Names and values of what unfolds below a case; empty values are not shown."""
    figures, identity, review = record.figures, record.identity, record.review
    agreement = f"{number(figures.dice, 4)} / {number(figures.jaccard, 4)}" if figures.dice is not None else ""
    return [
        ("Objects", ", ".join(record.objects)),
        ("Prompt", identity.prompt),
        ("Reference", identity.reference),
        ("Volume", "" if figures.volume is None else f"{figures.volume:.2f} ml"),
        ("Dice / Jaccard of the volume", agreement),
        ("Dice by slice", _spread(figures.dice_per_slice)),
        ("Slices computed", f"{figures.computed_slices} of {figures.slices}, along {record.axis}"),
        ("Window", record.window),
        ("Seed", "" if identity.seed is None else f"{identity.seed.name} {identity.seed.id[:12]}".strip()),
        ("Time", f"{record.seconds:.1f} s on {record.device}{identity.precision and f', {identity.precision}'}"),
        ("Finished", time_of_day(record.finished)),
        ("Reviewed", f"{review.state}, {review.day}" if review.day else ""),
        ("After correction", _corrected(record.corrected)),
    ]


def case_files(case: CaseResult) -> list[tuple[str, str]]:
    """Names of a case's files, and where they lie from the report on."""
    record = case.record
    if record is None:
        return []
    names = [*record.files, SHEET, SLICES, SLICES_BY_OBJECT, CORRECTED, CORRECTED_SLICES]
    there = [name for name in names if (case.folder / name).is_file()]
    return [(name, quote(f"{CASES}/{case.name}/{name}")) for name in there]


def _corrected(figures: Figures | None) -> str:
    if figures is None:
        return ""
    parts = [] if figures.dice is None else [f"Dice {figures.dice:.4f}"]
    parts += [] if figures.volume is None else [f"{figures.volume:.2f} ml"]
    return ", ".join(parts)


def _spread(summary: Summary | None) -> str:
    if summary is None:
        return ""
    spread = "" if summary.std is None else f" ± {summary.std:.4f}"
    return f"{summary.mean:.4f}{spread}, from {summary.min:.4f} to {summary.max:.4f} ({summary.count} slices)"

"""The papers' tables of a whole run: every slice, every image, and all slices together.

Columns and statistics are those of the tables published with No More Training (Gutiérrez et al. 2024): minimum,
maximum, mean and standard deviation (ddof 1) over the slices that hold the reference; other slices have empty cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from PromptOnceLib.files.atomic import write_csv_rows
from PromptOnceLib.segmentation.metrics import Summary
from PromptOnceLib.segmentation.result import SliceResult

JOINT_RAW_DATA = "joint_raw_data.csv"
JOINT_RESULTS = "joint_results.csv"
RESULTS = "results.csv"

METRICS = ("jaccard", "dice")
_STATISTICS = ("min", "max", "avg", "std")

Table = list[list[str]]
Images = Sequence[tuple[str, Sequence[SliceResult]]]
"""Name and per-slice table of every image."""


def write_joint_tables(folder: Path, images: Images) -> tuple[Path, ...]:
    """Write the three tables into a folder; return their paths. Raises InputError where they cannot be written."""
    tables = {JOINT_RAW_DATA: joint_raw_data(images), JOINT_RESULTS: joint_results(images), RESULTS: results(images)}
    for name, table in tables.items():
        write_csv_rows(folder / name, table)
    return tuple(folder / name for name in tables)


def joint_raw_data(images: Images) -> Table:
    """Every slice of every image."""
    rows = [
        [name, str(row.slice), *(_cell(_value(row, m)) for m in METRICS)] for name, table in images for row in table
    ]
    return [["image", "slice", *METRICS], *rows]


def joint_results(images: Images) -> Table:
    """Statistics of every image; slices: all it has, with reference or not."""
    header = ["image", "slices", *(f"{metric}_{statistic}" for metric in METRICS for statistic in _STATISTICS)]
    rows = []
    for name, table in images:
        cells = [cell for metric in METRICS for cell in _statistics(summary_of(table, metric))]
        rows.append([name, str(len(table)), *cells])
    return [header, *rows]


def results(images: Images) -> Table:
    """Statistics of the slices of all images together."""
    slices = [row for _, table in images for row in table]
    return [["metric", *_STATISTICS], *([metric, *_statistics(summary_of(slices, metric))] for metric in METRICS)]


def summary_of(rows: Iterable[SliceResult], metric: str) -> Summary | None:
    """Statistics of "jaccard" or "dice" over the computed slices that hold the reference; None where there is none."""
    return Summary.of(_value(row, metric) for row in rows)


def _value(row: SliceResult, metric: str) -> float | None:
    value: float | None = getattr(row, metric)
    return value if row.reference_area else None


def _statistics(summary: Summary | None) -> list[str]:
    if summary is None:
        return [""] * len(_STATISTICS)
    return [_cell(value) for value in (summary.min, summary.max, summary.mean, summary.std)]


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)

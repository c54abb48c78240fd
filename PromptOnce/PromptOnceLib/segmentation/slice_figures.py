"""Figures of single slices that are computed only where they are asked for: distances, and what a slice took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PromptOnceLib.segmentation.metrics import Mask, surface_figures
from PromptOnceLib.segmentation.result import SliceResult


def with_distances(
    rows: Sequence[SliceResult], mask: Mask, reference: Mask, spacing: tuple[float, float]
) -> list[SliceResult]:
    """The rows with the Hausdorff distance of each slice's mask to its reference, in mm, as surface_figures has it.

    mask, reference: (n, rows, columns), not 0 where the object is. spacing: mm between rows, between columns. None
    where mask or reference is empty, and on slices that nobody computed. Raises GeometryError for different shapes.
    """
    between_rows, between_columns = spacing
    found = []
    for row in rows:
        if row.area and row.reference_area:
            figures = surface_figures(mask[row.slice], reference[row.slice], (between_columns, between_rows))
            row = replace(row, hausdorff_mm=None if figures is None else figures.maximum)
        found.append(row)
    return found


def with_seconds(row: SliceResult, seconds: tuple[float, float] | None) -> SliceResult:
    """The row with what encoding its slice and answering its prompt took; None where nobody measured it."""
    if seconds is None:
        return row
    return replace(row, embed_seconds=seconds[0], prompt_seconds=seconds[1])

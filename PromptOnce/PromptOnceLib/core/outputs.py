"""What a run leaves behind: the segmentation, the table, the contact sheet, and its figures as one JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from PromptOnceLib.core.case import Case
from PromptOnceLib.core.contact_sheet import contact_sheet
from PromptOnceLib.core.errors import InputError
from PromptOnceLib.core.results import SegmentationResult, SliceResult, Totals, slice_results, totals, write_csv
from PromptOnceLib.core.segmentation_files import check_suffix, write_segmentation
from PromptOnceLib.core.segments import Segment, default_color
from PromptOnceLib.core.stack import AXIS_NAMES, as_displayed, pixel_spacing


@dataclass(frozen=True)
class Outputs:
    """Where the results go; None: not wanted."""

    segmentation: Path
    csv: Path | None = None
    sheet: Path | None = None

    def check(self, inputs: Iterable[Path]) -> None:
        """Whatever can be known before the computing: InputError for an output that is an input or has no folder,
        SegmentationFileError for a segmentation of unknown kind.
        """
        check_suffix(self.segmentation)
        taken = {path.resolve() for path in inputs}
        for written in (self.segmentation, self.csv, self.sheet):
            if written is None:
                continue
            if written.resolve() in taken:
                raise InputError(f"{written} is an input: choose another name for the output.")
            if not written.resolve().parent.is_dir():
                raise InputError(f"There is no folder {written.parent} for {written.name}: make it or choose another.")


@dataclass(eq=False)
class Run:
    """A finished or cancelled propagation of a case.

    seconds: of the propagation alone. device: where it ended. notices: sentences for the user, the case's not included.
    """

    case: Case
    result: SegmentationResult
    model: str
    device: str
    seconds: float
    cancelled: bool = False
    notices: list[str] = field(default_factory=list)

    @cached_property
    def rows(self) -> list[SliceResult]:
        """The per-slice table of the union of all objects."""
        return slice_results(self.result, self.case.reference)

    @cached_property
    def totals(self) -> Totals:
        """Figures of the whole stack, of the union of all objects."""
        return totals(self.result, self.case.volume.geometry.spacing, self.case.reference)


def write_outputs(run: Run, outputs: Outputs) -> None:
    """Write segmentation, table and contact sheet; notices of the writing are added to the run's."""
    objects = run.case.prompt.objects
    segments = [Segment(o.name, o.color or default_color(i), o.terminology) for i, o in enumerate(objects)]
    masks = [run.result.to_volume_order(i) for i in range(len(segments))]
    run.notices += write_segmentation(outputs.segmentation, masks, segments, run.case.volume.geometry)
    if outputs.csv is not None:
        write_csv(outputs.csv, run.rows)
    if outputs.sheet is not None:
        _write_sheet(run, outputs.sheet, segments)


def as_report(run: Run, outputs: Outputs) -> dict[str, Any]:
    """The object that --json prints. dice, jaccard: of the whole volume, None without a reference."""
    case, figures = run.case, run.totals
    return {
        "output": str(outputs.segmentation),
        "csv": None if outputs.csv is None else str(outputs.csv),
        "sheet": None if outputs.sheet is None else str(outputs.sheet),
        "model": run.model,
        "device": run.device,
        "slices": figures.computed_slices,
        "slices_in_volume": figures.slices,
        "seconds": round(run.seconds, 3),
        "slices_per_second": round(figures.computed_slices / run.seconds, 2),
        "axis": AXIS_NAMES[case.axis.axis],
        "seed_slice": case.prompt.slice,
        "window": case.stack.window.name,
        "millilitres": figures.millilitres,
        "dice": figures.dice,
        "jaccard": figures.jaccard,
        "cancelled": run.cancelled,
        "notices": [*case.notices, *run.notices],
        "per_slice": [row.as_json() for row in run.rows],
    }


def _write_sheet(run: Run, path: Path, segments: list[Segment]) -> None:
    case, geometry, axis = run.case, run.case.volume.geometry, run.case.axis.axis
    contact_sheet(
        as_displayed(case.stack.frames, geometry, axis),
        as_displayed(run.result.masks, geometry, axis),
        None if case.reference is None else as_displayed(case.reference, geometry, axis),
        run.rows,
        path,
        pixel_spacing(geometry, axis)[:2],
        title=f"PromptOnce, model {run.model}",
        total_dice=run.totals.dice,
        names=run.result.names,
        colors=[segment.color for segment in segments],
        seed_slice=case.prompt.slice,
    )

"""What a run leaves behind: the segmentation, the table, the contact sheet, and its figures as one JSON object."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from PromptOnceLib.cases.case import Case
from PromptOnceLib.cases.correction_record import TAG, correction_record
from PromptOnceLib.errors import DiskFullError, InputError, ResultsFolderError
from PromptOnceLib.files.atomic import check_writable
from PromptOnceLib.files.disk import HARDLY_ANYTHING, caused_by_full_disk, disk_is_full, free_bytes
from PromptOnceLib.imaging.dicom.tags import is_dicom
from PromptOnceLib.imaging.orientation import DisplayView
from PromptOnceLib.imaging.stack import AXIS_NAMES, pixel_spacing
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.segmentation.contact_sheet import contact_sheet
from PromptOnceLib.segmentation.io import check_suffix, write_segmentation
from PromptOnceLib.segmentation.result import SegmentationResult, SliceResult, Totals, slice_results, totals, write_csv
from PromptOnceLib.segmentation.segment import segments_of

_COMPRESSION = 20
"""A compressed mask has hardly ever more than this part of a byte a voxel."""


def check_targets(
    targets: Iterable[Path | None], inputs: Iterable[Path] = (), error: type[InputError] = InputError
) -> None:
    """As `check_writable`; a DICOM file is never replaced, because it may be the only copy of an image."""
    check_writable(targets, inputs, error, is_dicom)


@dataclass(frozen=True)
class Outputs:
    """Where the results go; None: not wanted."""

    segmentation: Path
    csv: Path | None = None
    sheet: Path | None = None

    def check(self, inputs: Iterable[Path]) -> None:
        """Whatever can be known before the computing: InputError for what cannot be written, or is an input."""
        check_suffix(self.segmentation)
        if self.sheet is not None and self.sheet.suffix.lower() != ".png":
            raise InputError(f"{self.sheet.name}: a contact sheet is a PNG. Choose a name that ends in .png.")
        check_targets([self.segmentation, self.csv, self.sheet], inputs)

    def check_room(self, case: Case) -> None:
        """Before hours of work: DiskFullError where the disk of a result has no room for it."""
        voxels = math.prod(case.volume.geometry.size)
        needed = HARDLY_ANYTHING + (voxels if self.segmentation.suffix == ".nii" else voxels // _COMPRESSION)
        for target in filter(None, (self.segmentation, self.csv, self.sheet)):
            folder = Path(os.path.realpath(target)).parent
            if free_bytes(folder) < needed:
                raise DiskFullError(
                    f"The disk is full: the results need about {needed / 1e6:.0f} MB in {folder}. Free some space, or "
                    "choose another folder."
                )

    def within(self, folder: Path) -> Outputs:
        """The same files in another folder."""
        csv, sheet = (None if path is None else folder / path.name for path in (self.csv, self.sheet))
        return Outputs(folder / self.segmentation.name, csv, sheet)


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


def write_outputs(run: Run, outputs: Outputs) -> tuple[str, ...]:
    """Write segmentation, table and contact sheet; return the notices of the writing, which the run takes in too."""
    segments = segments_of(run.case.prompt.objects)
    masks = [run.result.to_volume_order(i) for i in range(len(segments))]
    stack = run.case.stack
    record = correction_record(run.case.prompt, run.result, stack.window.name, stack.frames)
    tags = {TAG: record.to_tag()}
    notices = write_segmentation(outputs.segmentation, masks, segments, run.case.volume.geometry, tags)
    run.notices += notices
    if outputs.csv is not None:
        write_csv(outputs.csv, run.rows)
    if outputs.sheet is not None:
        write_sheet(run, outputs.sheet)
    return notices


@dataclass(frozen=True)
class Kept:
    """Where a run's results are. elsewhere: they could not be written where they should be. notices: of the writing."""

    outputs: Outputs
    notices: tuple[str, ...]
    elsewhere: bool = False


def keep_outputs(run: Run, outputs: Outputs) -> Kept:
    """Write results that may have taken hours: where they should be, or, where that fails, wherever there is room.

    The other place is a new folder, of this user alone, in the current folder, the home folder or that for temporary
    files; a notice names it. Raises DiskFullError or ResultsFolderError where there is no room anywhere.
    """
    try:
        return Kept(outputs, write_outputs(run, outputs))
    except (InputError, OSError) as error:
        reason = error
    sentence = reason.message if isinstance(reason, InputError) else str(reason)
    for place in (Path.cwd, Path.home, lambda: Path(tempfile.gettempdir())):
        try:
            folder = Path(tempfile.mkdtemp(prefix="promptonce-results-", dir=place()))
        except (OSError, RuntimeError):  # there is no such folder
            continue
        try:
            notices = write_outputs(run, outputs.within(folder))
        except (InputError, OSError):
            shutil.rmtree(folder, ignore_errors=True)
            continue
        notice = f"{sentence} The results are in {folder} instead."
        run.notices.append(notice)
        return Kept(outputs.within(folder), (*notices, notice), elsewhere=True)
    full = caused_by_full_disk(reason) or disk_is_full(Path(os.path.realpath(outputs.segmentation)).parent)
    raise (DiskFullError if full else ResultsFolderError)(sentence, repr(reason)) from reason


def as_report(run: Run, outputs: Outputs) -> dict[str, Any]:
    """The object that --json prints.

    seed: names of the seeds that took a prompt's place, else None. prompted_slice: the prompt's slice, or where the
    seeds start. dice, jaccard: of the whole volume, None without a reference.
    """
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
        "seed": case.prompt.label if isinstance(case.prompt, SharedSeed) else None,
        "seed_slice": case.prompt.slice,
        "window": case.stack.window.name,
        "millilitres": figures.millilitres,
        "dice": figures.dice,
        "jaccard": figures.jaccard,
        "cancelled": run.cancelled,
        "notices": [*case.notices, *run.notices],
        "per_slice": [row.as_json() for row in run.rows],
    }


def write_sheet(run: Run, path: Path) -> None:
    """Write the contact sheet of a run, a PNG. Raises InputError where it cannot be written, or shows nothing."""
    segments = segments_of(run.case.prompt.objects)
    case, axis = run.case, run.case.axis.axis
    view = DisplayView.of(case.volume.geometry, axis)
    contact_sheet(
        view.of_slices(case.stack.frames),
        view.of_slices(run.result.masks),
        None if case.reference is None else view.of_slices(case.reference),
        run.rows,
        path,
        view.of_spacing(pixel_spacing(case.volume.geometry, axis)[:2]),
        title=f"PromptOnce, model {run.model}",
        total_dice=run.totals.dice,
        names=run.result.names,
        colors=[segment.color for segment in segments],
        prompted_slice=case.prompt.slice,
    )

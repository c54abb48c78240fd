"""What a run leaves behind: the segmentation, the table, the contact sheet, and its figures as one JSON object."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from PromptOnceLib.cases.added_segments import AllSegments, check_addable, with_added
from PromptOnceLib.cases.case import Case
from PromptOnceLib.cases.correction_record import correction_record
from PromptOnceLib.cases.segment_records import tags_of
from PromptOnceLib.errors import DiskFullError, InputError, ResultsFolderError
from PromptOnceLib.files.atomic import check_writable
from PromptOnceLib.files.disk import HARDLY_ANYTHING, caused_by_full_disk, disk_is_full, free_bytes
from PromptOnceLib.imaging.dicom.tags import is_dicom
from PromptOnceLib.imaging.facts import edge_letters
from PromptOnceLib.imaging.orientation import DisplayView
from PromptOnceLib.imaging.stack import pixel_spacing
from PromptOnceLib.models.default_model import demonstration_note
from PromptOnceLib.models.registry import load_registry
from PromptOnceLib.prompts.drawn import marked_slices, marks_on
from PromptOnceLib.segmentation.contact_sheet import contact_sheet
from PromptOnceLib.segmentation.formats.dicom_seg import check_source, is_dicom_seg
from PromptOnceLib.segmentation.io import DICOM_SUFFIX, check_suffix, write_segmentation
from PromptOnceLib.segmentation.metrics import slice_distances
from PromptOnceLib.segmentation.result import SegmentationResult, SliceResult, Totals, slice_results, totals, write_csv
from PromptOnceLib.segmentation.segment import segments_of

_COMPRESSION = 20
"""A compressed mask has hardly ever more than this part of a byte a voxel."""


def check_targets(
    targets: Iterable[Path | None],
    inputs: Iterable[Path] = (),
    error: type[InputError] = InputError,
    overwrite: bool = True,
) -> None:
    """As `check_writable`; a DICOM image is never replaced, because it may be the only copy of one."""
    check_writable(targets, inputs, error, lambda path: is_dicom(path) and not is_dicom_seg(path), overwrite)


@dataclass(frozen=True)
class Outputs:
    """Where the results go; None: not wanted. into: the segmentation is there, and gets more segments.

    title: of the contact sheet, such as the image's name, which may be that of a patient; "" for none.
    """

    segmentation: Path
    csv: Path | None = None
    sheet: Path | None = None
    into: bool = False
    title: str = ""

    def check(self, inputs: Iterable[Path], overwrite: bool = True) -> None:
        """Whatever can be known before the computing: InputError for what cannot be written, or is an input.

        OutputExistsError, without overwrite, for what is there already.
        """
        check_suffix(self.segmentation)
        if self.sheet is not None and self.sheet.suffix.lower() != ".png":
            raise InputError(f"{self.sheet.name}: a contact sheet is a PNG. Choose a name that ends in .png.")
        check_targets(
            [self.segmentation], [*inputs, *filter(None, (self.csv, self.sheet))], overwrite=overwrite or self.into
        )
        check_targets([self.csv, self.sheet], [*inputs, self.segmentation], overwrite=overwrite)

    def check_case(self, case: Case, overwrite: bool = True) -> None:
        """Before hours of work, whether the results of a case can be kept.

        Raises DiskFullError where the disk of a result has no room for it, OutputExistsError, without overwrite, where
        the file that segments are added to has some of these names, and what check_addable raises.
        """
        if self.segmentation.suffix.lower() == DICOM_SUFFIX:
            check_source(case.volume.dicom)
        if self.into:
            names = [item.name for item in case.prompt.objects]
            check_addable(self.segmentation, case.volume.geometry, names, overwrite)
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
        """The same files in another folder; a file that gets more segments is copied there."""
        csv, sheet = (None if path is None else folder / path.name for path in (self.csv, self.sheet))
        if self.into:
            shutil.copy2(self.segmentation, folder)
        return Outputs(folder / self.segmentation.name, csv, sheet, self.into, self.title)


@dataclass(eq=False)
class Run:
    """A finished or cancelled propagation of a case.

    seconds: of the propagation alone. device: where it ended. notices: sentences for the user, the case's not included.
    slice_seconds: what encoding a slice and answering its prompt took, where slices were prompted each by itself.
    distances: whether the rows of slices say the Hausdorff distance to the reference.
    """

    case: Case
    result: SegmentationResult
    model: str
    device: str
    seconds: float
    cancelled: bool = False
    notices: list[str] = field(default_factory=list)
    slice_seconds: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    distances: bool = False

    @property
    def model_note(self) -> str:
        """What has to be said of the model beside its results, "" for most models."""
        return demonstration_note(load_registry().models, self.model)

    @cached_property
    def rows(self) -> list[SliceResult]:
        """The per-slice table of the union of all objects."""
        rows = slice_results(self.result, self.case.reference)
        for index, (embedding, prompting) in self.slice_seconds.items():
            rows[index] = replace(rows[index], embed_seconds=embedding, prompt_seconds=prompting)
        if not self.distances or self.case.reference is None:
            return rows
        between_rows, between_columns, _ = pixel_spacing(self.case.volume.geometry, self.case.axis.axis)
        found = slice_distances(self.result.in_stack_order(), self.case.reference, (between_rows, between_columns))
        return [replace(row, hausdorff_mm=distance) for row, distance in zip(rows, found, strict=True)]

    @cached_property
    def totals(self) -> Totals:
        """Figures of the whole stack, of the union of all objects."""
        return totals(self.result, self.case.volume.geometry.spacing, self.case.reference)

    def rows_of(self, index: int) -> list[SliceResult]:
        """The per-slice table of the object at this place, compared with the reference of its name."""
        return slice_results(self.result, self.case.reference_of(index), index)

    def totals_of(self, index: int) -> Totals:
        """Figures of the whole stack, of the object at this place, compared with the reference of its name."""
        return totals(self.result, self.case.volume.geometry.spacing, self.case.reference_of(index), index)

    @property
    def table(self) -> list[SliceResult]:
        """The table as a file has it: of every object where there are several, with its name, else without."""
        count = len(self.result.names)
        return self.rows if count == 1 else [row for index in range(count) for row in self.rows_of(index)]


def write_outputs(run: Run, outputs: Outputs) -> tuple[str, ...]:
    """Write segmentation, table and contact sheet; return the notices of the writing, which the run takes in too."""
    geometry, dicom = run.case.volume.geometry, run.case.volume.dicom
    segments = segments_of(run.case.prompt.objects)
    masks = [run.result.to_volume_order(i) for i in range(len(segments))]
    stack = run.case.stack
    record = correction_record(run.case.prompt, run.result, stack.window.name, stack.frames)
    whole = AllSegments(segments, masks, record)
    if outputs.into:
        whole = with_added(outputs.segmentation, geometry, segments, masks, record)
    tags = [] if whole.record is None else tags_of(whole.record)
    written = write_segmentation(outputs.segmentation, whole.masks, whole.segments, geometry, tags, dicom)
    notices = (*whole.notices, *written)
    run.notices += notices
    if outputs.csv is not None:
        write_csv(outputs.csv, run.table)
    if outputs.sheet is not None:
        write_sheet(run, outputs.sheet, outputs.title)
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
            moved = outputs.within(folder)
            notices = write_outputs(run, moved)
        except (InputError, OSError):
            shutil.rmtree(folder, ignore_errors=True)
            continue
        notice = f"{sentence} The results are in {folder} instead."
        run.notices.append(notice)
        return Kept(moved, (*notices, notice), elsewhere=True)
    full = caused_by_full_disk(reason) or disk_is_full(Path(os.path.realpath(outputs.segmentation)).parent)
    raise (DiskFullError if full else ResultsFolderError)(sentence, repr(reason)) from reason


def write_sheet(run: Run, path: Path, title: str = "") -> None:
    """Write the contact sheet of a run, a PNG. Raises InputError where it cannot be written, or shows nothing."""
    segments = segments_of(run.case.prompt.objects)
    case, axis, geometry = run.case, run.case.axis.axis, run.case.volume.geometry
    view, figures = DisplayView.of(geometry, axis), run.totals
    shape = case.stack.frames.shape[1:]
    facts = [f"window {case.stack.window.name}", f"model {run.model}"]
    if case.volume.has_millilitres:
        facts.insert(0, f"{figures.millilitres:.1f} ml")
    if figures.dice is not None:
        facts.insert(0, f"Dice of the volume {figures.dice:.3f}")
    marked = {index: marks_on(case.prompt, index) for index in marked_slices(case.prompt)}
    contact_sheet(
        view.of_slices(case.stack.frames),
        view.of_slices(run.result.masks),
        None if case.reference is None else view.of_slices(case.reference),
        run.rows,
        path,
        view.of_spacing(pixel_spacing(geometry, axis)[:2]),
        title=title or "PromptOnce",
        facts=facts,
        note=run.model_note,
        names=run.result.names,
        colors=[segment.color for segment in segments],
        prompted_slice=case.prompt.slice,
        marks={index: [item.seen(view, shape) for item in marks] for index, marks in marked.items()},
        sides=view.of_edges(edge_letters(geometry, axis))[:2],
    )

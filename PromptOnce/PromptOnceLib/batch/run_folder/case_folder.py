"""The folder of a finished case: segmentation, table of slices, pictures and record; complete or not there."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from PromptOnceLib.batch.priority import look_first
from PromptOnceLib.batch.run_folder.records import (
    CaseIdentity,
    CaseRecord,
    Figures,
    ObjectFigures,
    now,
    write_case_record,
)
from PromptOnceLib.cases.outputs import Outputs, Run, write_outputs
from PromptOnceLib.errors import RunFolderError
from PromptOnceLib.files.atomic import PREFIX, failure_sentence, replacing
from PromptOnceLib.imaging.orientation import DisplayView
from PromptOnceLib.imaging.stack import AXIS_NAMES, pixel_spacing
from PromptOnceLib.segmentation.metrics import surface_figures
from PromptOnceLib.segmentation.result import write_csv
from PromptOnceLib.segmentation.segment import segments_of
from PromptOnceLib.segmentation.slice_picture import picture_size, slice_picture

SLICES = "slices.csv"
"""Of the union of all objects."""
SLICES_BY_OBJECT = "slices-by-object.csv"
"""Where there are several."""
SHEET = "sheet.png"
THUMBNAIL_SEED = "thumbnail-seed.png"
"""The prompted slice."""
THUMBNAIL_LOOK = "thumbnail-look.png"
"""The slice to look at first."""
SEGMENTATION = "segmentation"

_THUMBNAIL = (224, 224)


def write_case(run: Run, folder: Path, identity: CaseIdentity, formats: Sequence[str] = ("seg.nrrd",)) -> CaseRecord:
    """Write everything of a case into `folder`, which appears, or replaces an older one, when all of it is written.

    formats: endings of the segmentation files, at least one; see segmentation.io. The notices of the writing
    are in the record, and in those of the run. Raises InputError and its children where something cannot be written;
    an OSError, such as that of a full disk, is the cause.
    """
    files = tuple(f"{SEGMENTATION}.{ending}" for ending in formats)
    with _replacing_folder(folder) as temporary:
        write_outputs(run, Outputs(temporary / files[0], None, temporary / SHEET, title=identity.case))
        write_csv(temporary / SLICES, run.rows)
        if len(run.result.names) > 1:
            write_csv(temporary / SLICES_BY_OBJECT, run.table)
        for name in files[1:]:
            write_outputs(run, Outputs(temporary / name))
        record = _record(run, identity, files)
        _write_thumbnail(run, temporary / THUMBNAIL_SEED, run.case.prompt.slice)
        _write_thumbnail(run, temporary / THUMBNAIL_LOOK, record.look_first.slice)
        sizes = {path.name: path.stat().st_size for path in sorted(temporary.iterdir())}
        record = record.model_copy(update={"bytes": sizes})
        write_case_record(temporary, record)
    return record


def _record(run: Run, identity: CaseIdentity, files: tuple[str, ...]) -> CaseRecord:
    case = run.case
    return CaseRecord(
        identity=identity,
        status="partial" if run.cancelled else "complete",
        objects=run.result.names,
        files=files,
        window=case.stack.window.name,
        axis=AXIS_NAMES[case.axis.axis],
        seed_slice=case.prompt.slice,
        device=run.device,
        seconds=round(run.seconds, 3),
        finished=now(),
        figures=Figures.of(run.totals, case.volume.measured),
        per_object=tuple(_object_figures(run, index) for index in range(len(run.result.names))),
        look_first=look_first(run.rows, case.prompt.slice, run.totals.dice, identity.round_trip, run.cancelled),
        notices=(*case.notices, *run.notices),
    )


def _object_figures(run: Run, index: int) -> ObjectFigures:
    rows, totals, reference = run.rows_of(index), run.totals_of(index), run.case.reference_of(index)
    has_volume = run.case.volume.has_millilitres
    ious = [row.predicted_iou for row in rows if row.area and row.predicted_iou is not None]
    surfaces = None
    if reference is not None:
        between_rows, between_columns, between_slices = pixel_spacing(run.case.volume.geometry, run.case.axis.axis)
        spacing = (between_columns, between_rows, between_slices)
        surfaces = surface_figures(run.result.masks[index], reference, spacing)
    return ObjectFigures(
        name=run.result.names[index],
        millilitres=totals.millilitres if has_volume else None,
        reference_millilitres=totals.reference_millilitres if has_volume else None,
        dice=totals.dice,
        jaccard=totals.jaccard,
        hausdorff95_mm=None if surfaces is None else surfaces.percentile95,
        predicted_iou=float(np.mean(ious)) if ious else None,
        look_slice=look_first(rows, run.case.prompt.slice, totals.dice, None, run.cancelled).slice,
    )


def _write_thumbnail(run: Run, path: Path, index: int) -> None:
    """One slice with the contours, turned as radiologists expect it."""
    case, axis = run.case, run.case.axis.axis
    view = DisplayView.of(case.volume.geometry, axis)
    frame = view.of_slices(case.stack.frames[index])
    spacing = view.of_spacing(pixel_spacing(case.volume.geometry, axis)[:2])
    colors = [segment.color for segment in segments_of(case.prompt.objects)]
    picture = slice_picture(
        frame,
        [view.of_slices(mask[index]) for mask in run.result.masks],
        colors,
        None if case.reference is None else view.of_slices(case.reference[index]),
        picture_size(frame.shape, spacing, _THUMBNAIL),
    )
    with replacing(path, ".png") as temporary:
        picture.save(temporary, format="PNG")


@contextmanager
def _replacing_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside target; what the block writes there becomes target, unless it raises."""
    token = secrets.token_hex(6)
    temporary, aside = (target.with_name(f"{PREFIX}{token}-{what}") for what in ("new", "old"))
    try:
        temporary.mkdir()
        yield temporary
        _sync_folder(temporary)
        _put_in_place(temporary, target, aside)
        _sync_folder(target.parent)
    except OSError as reason:
        raise RunFolderError(failure_sentence(target, reason), detail=repr(reason)) from reason
    finally:
        for left in (temporary, aside):
            shutil.rmtree(left, ignore_errors=True)


def _put_in_place(folder: Path, target: Path, aside: Path) -> None:
    """Rename a folder to target; one that is there goes aside first, and back if the other cannot replace it."""
    if not target.exists():
        folder.rename(target)
        return
    target.rename(aside)
    try:
        folder.rename(target)
    except OSError:
        aside.rename(target)
        raise


def _sync_folder(folder: Path) -> None:
    """Have the disk take in the names in a folder; Windows does not open folders and needs no such thing."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

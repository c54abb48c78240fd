"""Corrections of results in the folder of a run: kept beside them, and told by record, table and report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from PromptOnceLib.batch.file_names import is_run_folder
from PromptOnceLib.batch.report.write_report import write_report
from PromptOnceLib.batch.run_folder.open_run import read_recorded
from PromptOnceLib.batch.run_folder.records import (
    CASE_RECORD,
    CASES,
    CORRECTED,
    CORRECTED_SLICES,
    Figures,
    read_case_record,
    set_review,
    write_case_record,
)
from PromptOnceLib.cases.recorded_result import read_recorded_result
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.stack import AXIS_NAMES, slices_along
from PromptOnceLib.imaging.volume import Array, Geometry
from PromptOnceLib.segmentation.object_labels import parse_objects
from PromptOnceLib.segmentation.reference import read_reference
from PromptOnceLib.segmentation.result import slice_results, totals, write_csv


@dataclass(frozen=True)
class CaseCorrection:
    """A case of a run whose result is corrected. folder: of the case."""

    folder: Path

    @classmethod
    def of(cls, result: Path) -> CaseCorrection | None:
        """The case that a file is the result of, or its correction; None for files that are in no run."""
        folder = result.absolute().parent
        in_run = folder.parent.name == CASES and is_run_folder(folder.parent.parent)
        if not in_run or not (folder / CASE_RECORD).is_file():
            return None
        return cls(folder) if result.name in (CORRECTED, *read_case_record(folder).files) else None

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self.folder.parent.parent

    @property
    def target(self) -> Path:
        """Where the correction is kept; the result itself stays."""
        return self.folder / CORRECTED

    def source(self, result: Path) -> Path:
        """What a correction of this result goes on from: the one before, where there is one."""
        return self.target if self.target.is_file() else result

    def note(self) -> tuple[str, ...]:
        """Write table and record of the correction; notices for the user.

        The record names the case as corrected first: a person's work is never computed again. Raises InputError and its
        children where something cannot be read or written.
        """
        record = set_review(self.folder, "corrected")
        recorded = read_recorded_result(self.target, record.axis)
        axis, notices = AXIS_NAMES.index(record.axis), list(recorded.notices)
        reference = self._reference(recorded.geometry, notices)
        in_stack = None if reference is None else np.ascontiguousarray(slices_along(reference, axis) != 0)
        write_csv(self.folder / CORRECTED_SLICES, slice_results(recorded.result, in_stack))
        figures = Figures.of(totals(recorded.result, recorded.geometry.spacing, in_stack), record.figures.measured)
        write_case_record(self.folder, record.model_copy(update={"corrected": figures}))
        return tuple(notices)

    def renew_report(self) -> None:
        """Write the run's report anew. Raises RunFolderError, and InputError where it cannot be written."""
        write_report(self.run)

    def _reference(self, grid: Geometry, notices: list[str]) -> Array | None:
        planned = {case.name: case for case in read_recorded(self.run).plan.cases}.get(self.folder.name)
        if planned is None or planned.reference is None:
            return None
        try:
            choice = parse_objects(planned.reference)
            return read_reference(choice.path, grid, choice.labels, notices.append)
        except InputError as error:
            notices.append(f"The correction was not compared with the reference. {error.message}")
            return None

"""A run's folder read again: its record, and what became of every case."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from PromptOnceLib.batch.priority import LOOK
from PromptOnceLib.batch.run_folder.case_folder import SLICES
from PromptOnceLib.batch.run_folder.records import (
    CASES,
    CaseRecord,
    Failure,
    RunRecord,
    read_case_record,
    read_run_record,
)
from PromptOnceLib.errors import InputError, RunFolderError
from PromptOnceLib.files.names import check_name
from PromptOnceLib.segmentation.metrics import Summary
from PromptOnceLib.segmentation.result import SliceResult, read_csv


@dataclass(frozen=True)
class CaseResult:
    """A case of a run: with a record and rows where it has a result, with a failure where it has none.

    Neither: the run has not come to it.
    """

    name: str
    group: str
    folder: Path
    record: CaseRecord | None = None
    rows: tuple[SliceResult, ...] = ()
    failure: Failure | None = None

    @property
    def urgency(self) -> float:
        """What the report is sorted by: failed cases first, then those not done, then by the score of look_first."""
        if self.record is not None:
            return self.record.look_first.score
        return 2.0 if self.failure is None else 3.0

    @property
    def state(self) -> str:
        """What the report can be filtered by: "failed", "not-done", "look", or "fine" for the rest."""
        if self.record is None:
            return "failed" if self.failure is not None else "not-done"
        return "look" if self.to_look_at else "fine"

    @property
    def to_look_at(self) -> bool:
        """Whether the figures say that somebody should look, and nobody has."""
        return self.record is not None and self.record.look_first.score >= LOOK and self.record.review.state == "none"

    @property
    def dice(self) -> float | None:
        """Dice of the volume, where there is a reference."""
        return None if self.record is None else self.record.figures.dice


@dataclass(frozen=True)
class RunResults:
    """A run; cases in the order in which they were begun."""

    record: RunRecord
    cases: tuple[CaseResult, ...]

    @property
    def done(self) -> list[CaseResult]:
        """Cases with a result."""
        return [case for case in self.cases if case.record is not None]

    @property
    def failed(self) -> list[CaseResult]:
        """Cases without a result."""
        return [case for case in self.cases if case.failure is not None]

    @property
    def not_done(self) -> int:
        """How many cases the run has not come to."""
        return len(self.cases) - len(self.done) - len(self.failed)

    @property
    def to_look_at(self) -> int:
        """How many results somebody should look at."""
        return sum(case.to_look_at for case in self.cases)

    @property
    def dice(self) -> Summary | None:
        """Dice of the volumes that have a reference."""
        return Summary.of(case.dice for case in self.cases)

    @property
    def median_millilitres(self) -> float | None:
        """Median volume of the results; None for pictures, and where several groups hold different things."""
        records = [case.record for case in self.cases if case.record is not None]
        volumes = [record.figures.volume for record in records if record.figures.volume is not None]
        groups = {record.identity.group for record in records}
        return float(np.median(volumes)) if volumes and len(groups) == 1 else None


def read_run(folder: Path) -> RunResults:
    """Read a run's folder. A damaged case counts as failed. Raises RunFolderError for any other folder."""
    record = read_run_record(folder)
    failures = {failure.case: failure for failure in record.failures}
    cases = tuple(
        _read_case(item.case, item.group, folder / CASES / item.case, failures.get(item.case)) for item in record.cases
    )
    return RunResults(record, cases)


def _read_case(name: str, group: str, folder: Path, failure: Failure | None) -> CaseResult:
    if failure is not None:
        return CaseResult(name, group, folder, failure=failure)
    try:
        check_name(folder)
        if not folder.exists():
            return CaseResult(name, group, folder)
        return CaseResult(name, group, folder, read_case_record(folder), tuple(read_csv(folder / SLICES)))
    except (InputError, OSError) as error:
        known = error if isinstance(error, InputError) else RunFolderError(f"The folder of {name} cannot be read.")
        return CaseResult(name, group, folder, failure=Failure(case=name, code=known.code, message=known.message))

"""What is written for a case and for the run, from what the run knows about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PromptOnceLib import __version__
from PromptOnceLib.batch.events import BatchSummary
from PromptOnceLib.batch.loading import LoadedCase
from PromptOnceLib.batch.plan import BatchOptions, BatchPlan, PlannedCase
from PromptOnceLib.core.case_folder import write_case
from PromptOnceLib.core.outputs import Run
from PromptOnceLib.core.records import (
    CASES,
    CaseIdentity,
    Failure,
    ModelUse,
    RunCase,
    RunRecord,
    SeedUse,
    machine_kind,
    now,
    read_case_record,
    write_run_record,
)
from PromptOnceLib.core.registry import ModelFiles


@dataclass(frozen=True)
class Computed:
    """With what a case was computed. versions: of the worker's packages."""

    precision: str
    versions: dict[str, str]


def write_results(
    loaded: LoadedCase, run: Run, folder: Path, files: ModelFiles, options: BatchOptions, computed: Computed
) -> None:
    """Write a case's folder in one go. Raises InputError and its children; an OSError is then the cause."""
    planned = loaded.planned
    identity = CaseIdentity(
        case=planned.name,
        group=planned.group,
        image=_image_in_words(planned),
        reference=planned.reference or "",
        prompt=_prompt_in_words(planned),
        seed=None if loaded.seed is None else SeedUse(name=loaded.seed.name, id=loaded.seed.id),
        model=ModelUse(name=files.name, sha256=files.sha256 or ""),
        precision=computed.precision,
        versions={"promptonce": __version__, **computed.versions},
    )
    write_case(run, folder / CASES / planned.name, identity, options.formats)


def begin_record(plan: BatchPlan, options: BatchOptions, files: ModelFiles) -> RunRecord:
    """The run's record before the first case."""
    return RunRecord(
        source=str(plan.selection.source or "a list of images"),
        cases=tuple(RunCase(case=case.name, group=case.group) for case in plan.cases),
        options={
            **plan.selection.model_dump(mode="json", exclude={"source"}, exclude_none=True),
            **options.model_dump(mode="json", exclude={"python"}, exclude_none=True),
        },
        model=ModelUse(name=files.name, sha256=files.sha256 or ""),
        versions={"promptonce": __version__},
        machine=machine_kind(),
        started=now(),
    )


def end_record(record: RunRecord, summary: BatchSummary, folder: Path, finished: Iterable[str]) -> RunRecord:
    """The record with how the run ended, and with the seeds and versions its cases were computed with; written."""
    records = [read_case_record(folder / CASES / name) for name in finished]
    versions = {key: value for case in records for key, value in case.identity.versions.items()}
    seeds = {case.identity.seed.id: case.identity.seed for case in records if case.identity.seed is not None}
    failures = tuple(
        Failure(
            case=item.case,
            status="set_aside" if item.status == "set_aside" else "failed",
            code=item.code,
            message=item.message,
        )
        for item in summary.not_succeeded
        if item.status in ("failed", "set_aside")
    )
    ended = record.model_copy(
        update={
            "versions": {**versions, **record.versions},
            "seeds": tuple(seeds.values()),
            "failures": failures,
            "ended": "" if summary.cancelled or summary.stopped else now(),
        }
    )
    write_run_record(folder, ended)
    return ended


def _image_in_words(planned: PlannedCase) -> str:
    """Where the image came from; of DICOM only that, for its folders and files may be called after the patient."""
    if planned.image is None:
        return "a volume in memory"
    return f"DICOM, {len(planned.files)} files" if planned.dicom else str(planned.image)


def _prompt_in_words(planned: PlannedCase) -> str:
    kind, name = planned.prompt.kind, planned.prompt.name
    words = {"seed": f"seed {name}", "auto": "best seed", "file": name, "reference": "reference"}
    return words[kind]

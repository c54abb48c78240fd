"""What is written for a case and for the run, from what the run knows about them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PromptOnceLib import __version__
from PromptOnceLib.batch.events import BatchSummary
from PromptOnceLib.batch.planning.case_names import image_suffix
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, PlannedCase, PromptChoice
from PromptOnceLib.batch.run_folder.case_folder import write_case
from PromptOnceLib.batch.run_folder.records import (
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
from PromptOnceLib.batch.running.compute import Computed
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.segmentation.reference import parse_reference


def write_results(computed: Computed, folder: Path, files: ModelFiles, options: BatchOptions) -> None:
    """Write a case's folder in one go. Raises InputError and its children; an OSError is then the cause."""
    loaded, circumstances = computed.loaded, computed.circumstances
    planned = loaded.planned
    identity = CaseIdentity(
        case=planned.name,
        group=planned.group,
        image=_image_in_words(planned),
        reference=_reference_in_words(planned),
        prompt=_prompt_in_words(planned.prompt),
        seed=None if loaded.seed is None else SeedUse(name=loaded.seed.name, id=loaded.seed.id),
        model=ModelUse(name=files.name, sha256=files.sha256 or ""),
        precision=circumstances.precision,
        versions={"promptonce": __version__, **(circumstances.versions or {})},
        round_trip=computed.round_trip,
    )
    write_case(computed.run, folder / CASES / planned.name, identity, options.formats)


def begin_record(plan: BatchPlan, options: BatchOptions, files: ModelFiles) -> RunRecord:
    """The run's record before the first case."""
    return RunRecord(
        source=_source_in_words(plan),
        cases=tuple(RunCase(case=case.name, group=case.group) for case in plan.cases),
        options={
            "prompt": None if plan.selection.prompt is None else _prompt_in_words(plan.selection.prompt),
            **plan.selection.model_dump(mode="json", include={"window", "axis"}),
            **options.model_dump(mode="json", exclude={"model", "config", "library", "python"}),
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


# Paths are in the run's plan alone: folders and files may be called after patients.


def _source_in_words(plan: BatchPlan) -> str:
    source = plan.selection.source
    if source is None:
        return "a list of images"
    return "a folder" if source.is_dir() else "a manifest"


def _image_in_words(planned: PlannedCase) -> str:
    if planned.image is None:
        return "a volume in memory"
    return f"DICOM, {len(planned.files)} files" if planned.dicom else _file_in_words(planned.image)


def _reference_in_words(planned: PlannedCase) -> str:
    if planned.reference is None:
        return ""
    path, labels = parse_reference(planned.reference)
    chosen = "" if labels is None else f", labels {', '.join(map(str, labels))}"
    return f"{_file_in_words(Path(path))}{chosen}"


def _file_in_words(path: Path) -> str:
    return f"a file {image_suffix(path.name) or ''}".strip()


def _prompt_in_words(choice: PromptChoice) -> str:
    """A seed has a name that its user gave it; a file has one that it may have from anywhere."""
    reference = "reference" if choice.strategy == "paper" else f"reference, {choice.strategy}"
    words = {"seed": f"seed {choice.name}", "auto": "best seed", "file": "a prompt file", "reference": reference}
    return words[choice.kind]

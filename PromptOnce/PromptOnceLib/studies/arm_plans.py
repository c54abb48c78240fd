"""An arm of a study as a run of the batch runner: its plan, its options and its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, PlannedCase, PromptChoice, Selection
from PromptOnceLib.batch.planning.scan_folder import dicom_files_of, files_of
from PromptOnceLib.studies.design import StudyArm, StudyDesign
from PromptOnceLib.studies.group_seeds import keep_seed, seed_names
from PromptOnceLib.studies.study_cases import ReadyCase, Say

ARMS, SEEDS = "arms", "seeds"


@dataclass(frozen=True)
class StudyMachine:
    """What all arms are computed with. device, workers, python: as BatchOptions takes them."""

    device: str = "auto"
    workers: int = 1
    python: Path | None = None


def arm_folder(study: Path, arm: StudyArm) -> Path:
    """Where the run of an arm lies in the study's folder."""
    return study / ARMS / arm.name


def arm_plan(design: StudyDesign, arm: StudyArm, cases: Sequence[ReadyCase], study: Path, say: Say) -> BatchPlan:
    """The cases of an arm. A shared seed is made here, of the first case of each group, which then is left out.

    Raises InputError and its children where the first case of a group gives no seed.
    """
    firsts = {case.group: case for case in reversed(cases)}
    axis, seeds = design.slice_axis, seed_names(cases)
    if arm.shared_seed:
        for first in firsts.values():
            keep_seed(first, seeds[first.group], study / SEEDS, design.window_of(arm, first.group), axis, say)
        cases = [case for case in cases if case != firsts[case.group]]
    planned = tuple(_planned(case, arm, seeds[case.group], design.window_of(arm, case.group), axis) for case in cases)
    return BatchPlan(selection=Selection(axis=axis), cases=planned)


def arm_options(design: StudyDesign, arm: StudyArm, study: Path, machine: StudyMachine) -> BatchOptions:
    """The options of an arm: whole slices, and masks as they come, as in the papers."""
    return BatchOptions(
        method=arm.method,
        jitter=arm.jitter,
        random_seed=arm.random_seed,
        position=None if arm.method == "each-slice" or arm.shared_seed or arm.position == 0.5 else arm.position,
        fewest_pixels=design.fewest_pixels,
        distances="hausdorff" in design.metrics,
        model=arm.model,
        config=Path(arm.config) if arm.config else None,
        precision=arm.precision,
        device=machine.device,
        workers=machine.workers,
        python=machine.python,
        zoom="off",
        clean_up="all",
        library=(study / SEEDS).absolute() if arm.shared_seed else None,
    )


def _planned(case: ReadyCase, arm: StudyArm, seed: str, window: str, axis: str) -> PlannedCase:
    image = case.image.absolute()
    dicom = dicom_files_of(image)
    shared = PromptChoice(kind="seed", name=seed)
    return PlannedCase(
        name=case.name,
        image=image,
        files=dicom or files_of(image),
        dicom=bool(dicom),
        reference=case.reference,
        prompt=shared if arm.shared_seed else PromptChoice(kind="reference", strategy=arm.strategy),
        window=window,
        axis=axis,
        group=case.group,
    )

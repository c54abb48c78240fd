"""Runs of a batch as a worker would have left them, made from the phantom without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.batch.run_folder.case_folder import write_case
from PromptOnceLib.batch.run_folder.records import (
    CASES,
    CaseIdentity,
    CaseRecord,
    Failure,
    ModelUse,
    RunCase,
    RunRecord,
    SeedUse,
    write_run_record,
)
from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.cases.outputs import Run
from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.segment import Labels

Masks = NDArray[np.uint8]
Scores = NDArray[np.float32]
Disturbance = Callable[[Masks, Scores, Scores], None]
"""Changes masks (n, rows, columns), presence (n,) and predicted IoU (n,) in place."""

SHAPE = (9, 40, 40)
MODEL = ModelUse(name="nano", sha256="ab" * 32)


def nothing(masks: Masks, presence: Scores, iou: Scores) -> None:
    """A result without a fault."""


def unsure(masks: Masks, presence: Scores, iou: Scores) -> None:
    """Low presence on a slice in the middle."""
    presence[len(masks) // 2 + 2] = 0.55


def badly_fitting(masks: Masks, presence: Scores, iou: Scores) -> None:
    """A low predicted IoU on a slice in the middle."""
    iou[len(masks) // 2 - 2] = 0.4


def leaking(masks: Masks, presence: Scores, iou: Scores) -> None:
    """The mask covers half the slice from one slice on."""
    masks[len(masks) // 2 + 3 :, : masks.shape[1] // 2] = 1


def vanishing(masks: Masks, presence: Scores, iou: Scores) -> None:
    """The mask is lost on one slice, and found again."""
    masks[len(masks) // 2 + 2] = 0
    presence[len(masks) // 2 + 2] = 0.1


def empty(masks: Masks, presence: Scores, iou: Scores) -> None:
    """Nothing was found."""
    masks[:] = 0
    presence[:] = 0.05


@dataclass(frozen=True)
class Sample:
    """A case to make: its name and group, what is wrong with its result, whether there is a reference."""

    name: str
    group: str = ""
    disturb: Disturbance = nothing
    reference: bool = True


@lru_cache(maxsize=8)
def _phantom(seed: int, shape: tuple[int, int, int]) -> tuple[Volume, Masks]:
    return chest_phantom(seed, shape)


def sample_run(sample: Sample, seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> Run:
    """A finished propagation of the lungs of a phantom."""
    volume, labels = _phantom(seed, shape)
    lungs = np.isin(labels, [LABELS["right lung"], LABELS["left lung"]]).astype(np.uint8)
    reference = lungs if sample.reference else None
    case = prepare_case(volume, Labels(lungs, "lungs"), axis="k", window="lung", reference=reference)
    masks = lungs.copy()
    rng = np.random.default_rng(seed)
    drawn = masks.any(axis=(1, 2))
    presence = np.where(drawn, 1 - rng.uniform(0, 0.03, len(masks)), 0.1).astype(np.float32)
    iou = np.where(drawn, 1 - rng.uniform(0.02, 0.1, len(masks)), 0.2).astype(np.float32)
    masks[:, : int(rng.integers(0, shape[1] // 3))] = 0
    sample.disturb(masks, presence, iou)
    result = SegmentationResult.empty(("lungs",), masks.shape, axis=case.axis.axis)
    for index in range(len(masks)):
        result.set_slice(index, masks[None, index], [float(presence[index])], [float(iou[index])])
    return Run(case, result, "nano", "cpu", seconds=1.5)


def write_sample(
    folder: Path, sample: Sample, seed: int = 0, shape: tuple[int, int, int] = SHAPE
) -> tuple[Run, CaseRecord]:
    """Make a case and write its folder."""
    run = sample_run(sample, seed, shape)
    identity = CaseIdentity(
        case=sample.name,
        group=sample.group,
        image=f"images/{sample.name}.nii.gz",
        prompt="seed lungs",
        seed=SeedUse(name="lungs", id="cd" * 32),
        model=MODEL,
        precision="float32",
        versions={"promptonce": "0.0"},
    )
    return run, write_case(run, folder / sample.name, identity)


def write_sample_run(
    folder: Path,
    samples: Sequence[Sample],
    failures: Sequence[Failure] = (),
    waiting: Sequence[str] = (),
    shape: tuple[int, int, int] = SHAPE,
) -> None:
    """Make the folder of a run: finished cases, failed ones, and some that the run has not come to."""
    (folder / CASES).mkdir(parents=True)
    for seed, sample in enumerate(samples):
        write_sample(folder / CASES, sample, seed, shape)
    names = [RunCase(case=sample.name, group=sample.group) for sample in samples]
    names += [RunCase(case=failure.case) for failure in failures] + [RunCase(case=name) for name in waiting]
    record = RunRecord(
        source="images",
        cases=tuple(names),
        options={"device": "auto", "python": "/home/somebody/python", "formats": ["seg.nrrd"]},
        model=MODEL,
        seeds=(SeedUse(name="lungs", id="cd" * 32),),
        versions={"promptonce": "0.0"},
        machine="Linux x86_64, Python 3.12",
        started="2026-01-02T03:04:05+00:00",
        ended="2026-01-02T04:05:06+00:00",
        failures=tuple(failures),
    )
    write_run_record(folder, record)

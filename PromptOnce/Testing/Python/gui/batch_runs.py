"""Runs of a batch to review, with the images they were made from."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import SimpleITK as sitk
from batch.sample_runs import Sample, leaking, unsure, write_sample_run

from PromptOnceLib.batch.file_names import PLAN
from PromptOnceLib.batch.planning.plan import (
    BatchOptions,
    BatchPlan,
    PlannedCase,
    PromptChoice,
    RecordedPlan,
    Selection,
)
from PromptOnceLib.batch.run_folder.records import Failure
from PromptOnceLib.imaging.phantom import chest_phantom

Shape = tuple[int, int, int]
SHAPE: Shape = (9, 40, 40)
SAMPLES = (Sample("good"), Sample("leaks", disturb=leaking), Sample("unsure", disturb=unsure))
FAILED = "broken"


def finished_run(folder: Path, samples: tuple[Sample, ...] = SAMPLES, shape: Shape = SHAPE) -> Path:
    """The folder of a run with results of phantoms and a case that failed; the images lie beside it."""
    shutil.copytree(_images_and_run(samples, shape).name, folder, dirs_exist_ok=True)
    prompt = PromptChoice(kind="file", name=str(folder / "prompt.json"))
    cases = [PlannedCase(name=name, image=folder / f"{name}.nrrd", prompt=prompt) for name in _names(samples)]
    plan = RecordedPlan(plan=BatchPlan(selection=Selection(), cases=tuple(cases)), options=BatchOptions())
    out = folder / "out"
    (out / PLAN).write_text(plan.model_dump_json())
    return out


@cache
def _images_and_run(samples: tuple[Sample, ...], shape: Shape) -> TemporaryDirectory[str]:
    """All but the plan, which names the place; made once."""
    made = TemporaryDirectory(prefix="finished-run-")
    failures = [Failure(case=FAILED, code="bad_volume", message="It is empty.")]
    write_sample_run(Path(made.name) / "out", samples, failures=failures, shape=shape)
    for seed, name in enumerate(_names(samples)):
        volume, _ = chest_phantom(seed, shape)
        image = sitk.GetImageFromArray(volume.array)
        image.SetSpacing(volume.geometry.spacing)
        image.SetOrigin(volume.geometry.origin)
        image.SetDirection(volume.geometry.direction)
        sitk.WriteImage(image, str(Path(made.name) / f"{name}.nrrd"))
    return made


def _names(samples: tuple[Sample, ...]) -> list[str]:
    return [*(sample.name for sample in samples), FAILED]

"""Runs of a batch to review, with the images they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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

SHAPE = (9, 40, 40)


def finished_run(
    folder: Path, names: Sequence[str] = ("good", "leaks", "unsure"), shape: tuple[int, int, int] = SHAPE
) -> Path:
    """The folder of a run with results of phantoms and a case that failed; the images lie beside it."""
    kinds = {"leaks": leaking, "unsure": unsure}
    samples = [Sample(name, disturb=kinds[name]) if name in kinds else Sample(name) for name in names]
    out = folder / "out"
    write_sample_run(
        out, samples, failures=[Failure(case="broken", code="bad_volume", message="It is empty.")], shape=shape
    )
    prompt = PromptChoice(kind="file", name=str(folder / "prompt.json"))
    cases = []
    for seed, name in enumerate([*names, "broken"]):
        volume, _ = chest_phantom(seed, shape)
        image = sitk.GetImageFromArray(volume.array)
        image.SetSpacing(volume.geometry.spacing)
        image.SetOrigin(volume.geometry.origin)
        image.SetDirection(volume.geometry.direction)
        path = folder / f"{name}.nrrd"
        sitk.WriteImage(image, str(path))
        cases.append(PlannedCase(name=name, image=path, prompt=prompt))
    plan = RecordedPlan(plan=BatchPlan(selection=Selection(), cases=tuple(cases)), options=BatchOptions())
    (out / PLAN).write_text(plan.model_dump_json())
    return out

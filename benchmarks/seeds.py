"""Own prompt against shared seed: python -m benchmarks.seeds generated real --data ../shared/data --output DIR.

For every patient Dice of the whole image against its reference, with the papers' prompt on its own central slice and
with another patient's seed put before its slices, in several ways. Computed in this process, frames are encoded once.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from benchmarks import seed_patients
from benchmarks.machine import machine
from benchmarks.seed_patients import Patient
from PromptOnceLib.cases.case import Case, prepare_case
from PromptOnceLib.cases.outputs import Outputs, Run, write_outputs
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.seeds.apply import SeedSource, accepted_masks, shared_seed
from PromptOnceLib.seeds.average import mean_seed
from PromptOnceLib.segmentation.metrics import dice
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.workflows.round_trip import steps_of_shared_seed
from PromptOnceLib.workflows.start_slice import steps_of_start
from PromptOnceLib.workflows.steps import EmbeddingStep, PropagationStep, Step, Steps
from training.evaluation.markdown import markdown_table
from training.evaluation.scores import CachingTracker, as_shipped

R = TypeVar("R")

Ways = dict[str, Callable[..., SeedSource]]
"""Of putting the seeds of some patients, list[Patient], before another one, by name; options: those of SeedSource."""

OWN = "own prompt"
SHARED = "shared"
TRIP = "round trip"


@dataclass
class Experiment:
    """A seed's patient (several for several seeds) and those it is put before; rows: Dice by patient and way."""

    name: str
    seeds: list[Patient]
    patients: list[Patient]
    ways: Ways
    alike: bool = True
    rows: dict[str, dict[str, float]] = field(default_factory=dict)

    def run(self, bench: Bench) -> None:
        sources = {way: make(self.seeds) for way, make in self.ways.items()}
        for patient in self.patients:
            row = self.rows.setdefault(patient.name, {})
            own = patient.own_case()
            row[OWN] = bench.dice(own, f"{self.name}, {patient.name}, {OWN}")
            for way, source in sources.items():
                case = prepare_case(patient.volume, source, window=patient.window, reference=patient.labels)
                trip = self._take(bench, row, way, case, patient)
                if way == SHARED:
                    row[TRIP] = bench.round_trip(case, source, trip)
                    if self.alike:
                        self._take(bench, row, "start similar", bench.starting_similar(case), patient)
                        self._take(bench, row, "start confident", bench.starting_confident(case), patient)

    def _take(self, bench: Bench, row: dict[str, float], way: str, case: Case, patient: Patient) -> SegmentationResult:
        row[way] = bench.dice(case, f"{self.name}, {patient.name}, {way}")
        return bench.last

    def table(self) -> str:
        """Markdown: a line for each patient, then mean and worst."""
        columns = list(dict.fromkeys(way for row in self.rows.values() for way in row))
        lines = [_line(name, [row.get(way) for way in columns]) for name, row in self.rows.items()]
        values = {way: [row[way] for row in self.rows.values() if way in row] for way in columns}
        lines.append(_line("mean", [statistics.fmean(values[way]) for way in columns]))
        lines.append(_line("worst", [min(values[way]) for way in columns]))
        return markdown_table([self.name, *columns], lines)


def _line(name: str, values: Sequence[float | None]) -> list[str]:
    return [name, *("" if value is None else f"{value:.3f}" for value in values)]


@dataclass
class Bench:
    """The model in this process."""

    tracker: CachingTracker
    sheets: Path | None
    last: SegmentationResult = field(init=False)

    def propagate(self, stack: Stack, prompt: Prompt | SharedSeed, settings: Settings) -> SegmentationResult:
        frames = prompt.frames if isinstance(prompt, SharedSeed) else ()
        chosen = settings.range_for(prompt, len(stack.frames))
        result = SegmentationResult.empty([item.name for item in prompt.objects], stack.frames.shape, stack.axis)
        task = Task(
            prompt.objects,
            prompt.slice,
            chosen[0],
            chosen[-1],
            settings.direction,
            conditioning=frames,
            alone=settings.alone,
        )
        for output in Propagation(self.tracker, stack.frames, print).run(task):
            result.set_slice(output.slice, output.masks, output.presence, output.predicted_iou)
        return result

    def dice(self, case: Case, name: str) -> float:
        """Dice of a case; the contact sheets of the papers' two ways are written."""
        began = time.monotonic()
        self.last = self.propagate(case.stack, case.prompt, Settings())
        run = Run(case, self.last, "nano", "cpu", time.monotonic() - began)
        if self.sheets is not None and name.endswith((OWN, SHARED)):
            self.sheets.mkdir(parents=True, exist_ok=True)
            stem = name.replace(", ", "_").replace(" ", "-")
            files = Outputs(self.sheets / f"{stem}.nii.gz", None, self.sheets / f"{stem}.png")
            write_outputs(run, files)
            files.segmentation.unlink()
        return run.totals.dice or 0.0

    def round_trip(self, case: Case, source: SeedSource, result: SegmentationResult) -> float:
        """Dice on the seed's frame after the way through the patient and back."""
        assert isinstance(case.prompt, SharedSeed)
        stored = accepted_masks(source, case.volume.geometry, case.axis.axis)
        return float(self._go(steps_of_shared_seed(case.stack, case.prompt, stored, result)).dice[0] or 0.0)

    def starting_similar(self, case: Case) -> Case:
        """The case with its seed starting on the slice most like the seed's frame."""
        assert isinstance(case.prompt, SharedSeed)
        return self._go(steps_of_start(case, "similar"))

    def starting_confident(self, case: Case) -> Case:
        """The case with its seed starting on the most confident slice."""
        assert isinstance(case.prompt, SharedSeed)
        return self._go(steps_of_start(case, "confident"))

    def _go(self, steps: Steps[R]) -> R:
        try:
            step = next(steps)
            while True:
                step = steps.send(self._answer(step))
        except StopIteration as end:
            found: R = end.value
            return found

    def _answer(self, step: Step) -> Any:
        if isinstance(step, PropagationStep):
            return self.propagate(step.stack, step.prompt, step.settings)
        assert isinstance(step, EmbeddingStep)
        assert step.stack is not None
        of = Propagation(self.tracker, step.stack.frames, print)
        return np.stack([of.embed(frame) for frame in (*(step.stack.frames[i] for i in step.slices), *step.frames)])


def _first(seeds: list[Patient], **options: Any) -> SeedSource:
    return SeedSource((seeds[0].seed(),), **options)


def _several(seeds: list[Patient], count: int, **options: Any) -> SeedSource:
    return SeedSource(tuple(patient.seed(f"seed {n}") for n, patient in enumerate(seeds[:count])), **options)


def _mean(seeds: list[Patient], **options: Any) -> SeedSource:
    made = [patient.seed(f"seed {n}") for n, patient in enumerate(seeds)]
    return SeedSource((mean_seed(made, "mean"),), **options)


PAPER: Ways = {SHARED: _first}
BY_MASK: Ways = {"by mask": functools.partial(_first, by="mask")}
MORE_SEEDS: Ways = {"two seeds": functools.partial(_several, count=2), "mean of three": _mean}
IN_MILLIMETRES: Ways = {"millimetres": functools.partial(_first, fit="millimetres")}


def _in_millimetres(ways: Ways) -> Ways:
    """The same ways with every seed fitted in millimetres."""
    return {way: functools.partial(make, fit="millimetres") for way, make in ways.items()}


def generated(count: int) -> list[Experiment]:
    """Each organ of each family: three patients give seeds, the others are segmented."""
    return [
        Experiment(f"{family}, {organ}", patients[:3], patients[3:], {**PAPER, **BY_MASK, **MORE_SEEDS})
        for family in seed_patients.ORGANS
        for organ, patients in seed_patients.generated(family, count).items()
    ]


def fields_of_view(count: int) -> list[Experiment]:
    """Generated patients whose fields of view differ by up to a third: how seeds are fitted."""
    found = []
    for family in seed_patients.ORGANS:
        for organ, patients in seed_patients.generated(family, count).items():
            shares = np.random.default_rng(0).uniform(0.68, 1.0, len(patients))
            cut = [patient.cropped(float(share)) for patient, share in zip(patients, shares, strict=True)]
            found.append(
                Experiment(
                    f"{family}, {organ}, fields of view", cut[:1], cut[3:], {**PAPER, **IN_MILLIMETRES}, alike=False
                )
            )
    return found


def real(data: Path) -> list[Experiment]:
    """Real sets, the seed from the first patient."""
    chest, ge, hippocampi = (
        f(data) for f in (seed_patients.chest_follow_up, seed_patients.chest_ge, seed_patients.hippocampi)
    )
    ways = {**PAPER, **BY_MASK, **IN_MILLIMETRES}
    return [
        Experiment("chest CT, right lung", chest[:1], chest[1:], ways),
        Experiment("GE, a to b", ge[:1], ge[1:], ways),
        Experiment("GE, b to a", ge[1:], ge[:1], ways),
        Experiment("hippocampus", hippocampi[:3], hippocampi[3:], {**ways, **MORE_SEEDS}),
        Experiment("hippocampus, the other two", hippocampi[:1], hippocampi[1:3], ways),
        Experiment(
            "hippocampus, millimetres",
            hippocampi[:3],
            hippocampi[3:],
            _in_millimetres({**PAPER, **BY_MASK, **MORE_SEEDS}),
        ),
        Experiment(
            "hippocampus, the other two, millimetres",
            hippocampi[:1],
            hippocampi[1:3],
            _in_millimetres({**PAPER, **BY_MASK}),
        ),
    ]


def xrays(bench: Bench, data: Path) -> str:
    """Radiographs: own prompt, and one seed for all, as one sequence and each right after the seed."""
    patients = seed_patients.chest_xrays(data)
    found = Experiment("chest X-rays, lungs", patients[:1], patients[1:], {})
    seeds = {"": _first(patients), " by mask": _first(patients, by="mask")}
    seeds |= {" two seeds": _several(patients, 2)}
    cases = [patient.own_case() for patient in patients[1:]]
    for patient, case in zip(patients[1:], cases, strict=True):
        found.rows[patient.name] = {OWN: bench.dice(case, f"xray, {patient.name}, {OWN}")}
    for way, source in seeds.items():
        geometry = patients[0].volume.geometry
        seed = shared_seed(source, geometry, cases[0].axis.axis)
        for order, alone in (("one sequence", False), ("each", True)):
            frames = [case.stack.frames[0] for case in cases]
            task = Task(seed.objects, 0, 0, len(frames) - 1, "forward", conditioning=seed.frames, alone=alone)
            for output in Propagation(bench.tracker, frames, print).run(task):
                case, patient = cases[output.slice], patients[1 + output.slice]
                assert case.reference is not None
                found.rows[patient.name][f"{order}{way}"] = dice(output.masks[0], case.reference[0]) or 0.0
    return found.table()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=["generated", "fields", "real", "xrays"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the real images")
    parser.add_argument("--patients", type=int, default=13, help="generated patients of each family, three for seeds")
    parser.add_argument("--output", type=Path, help="folder for tables.md, results.json and contact sheets")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    bench = Bench(as_shipped(resolve_model("nano")), options.output and options.output / "sheets")
    began, tables, rows = time.monotonic(), [], {}
    experiments: dict[str, Callable[[], list[Experiment]]] = {
        "generated": lambda: generated(options.patients),
        "fields": lambda: fields_of_view(options.patients),
        "real": lambda: real(options.data),
    }
    for part in options.parts:
        if part == "xrays":
            tables.append(xrays(bench, options.data))
            print(tables[-1], flush=True)
            continue
        for experiment in experiments[part]():
            experiment.run(bench)
            rows[experiment.name] = experiment.rows
            tables.append(experiment.table())
            print(f"{tables[-1]}\n({time.monotonic() - began:.0f} s)\n", flush=True)
    if options.output is not None:
        found = {"machine": machine(), "seconds": time.monotonic() - began, "rows": rows}
        (options.output / "results.json").write_text(json.dumps(found, indent=1) + "\n")
        (options.output / "tables.md").write_text("\n\n".join(tables) + "\n")


if __name__ == "__main__":
    main()

"""The figures of a run as one record: what --json prints, and what the sentences at the end are made of."""

from __future__ import annotations

from typing import Literal

from PromptOnceLib.cases.outputs import Outputs, Run
from PromptOnceLib.imaging.stack import AXIS_NAMES
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.schema import StrictModel
from PromptOnceLib.segmentation.result import SliceResult


class SliceReport(StrictModel):
    """One slice. area: pixels. presence, predicted_iou, dice, jaccard: 0 to 1; None where there is no such figure."""

    slice: int
    computed: bool
    area: int | None
    presence: float | None
    predicted_iou: float | None
    dice: float | None
    jaccard: float | None


class ObjectReport(StrictModel):
    """One object. millilitres: None for pictures. dice, jaccard: of the whole volume, None without a reference."""

    name: str
    millilitres: float | None
    dice: float | None
    jaccard: float | None
    reference_millilitres: float | None
    per_slice: list[SliceReport]


class RoundTripReport(StrictModel):
    """How well a seed found back to itself. dice: of each object; worst: the lowest; trust: good, fair or poor."""

    dice: list[float | None]
    worst: float | None
    trust: str | None
    sentence: str


class RunReport(StrictModel):
    """A run of `promptonce segment`.

    output, csv, sheet: files that were written. slices: computed, of slices_in_volume. seconds: of the propagation.
    axis: k, j or i. model_note: what a reader has to know of the model, "" for most. seed: names of the seeds that took
    a prompt's place. seed_slice: the prompted slice, or where the seeds start. millilitres, dice, jaccard, per_slice:
    of the union of all objects. objects: the same for each.
    """

    version: Literal[1] = 1
    output: str
    csv: str | None
    sheet: str | None
    model: str
    model_note: str
    device: str
    slices: int
    slices_in_volume: int
    seconds: float
    slices_per_second: float
    axis: str
    seed: str | None
    seed_slice: int
    window: str
    millilitres: float | None
    reference_millilitres: float | None
    dice: float | None
    jaccard: float | None
    cancelled: bool
    notices: list[str]
    per_slice: list[SliceReport]
    objects: list[ObjectReport]
    round_trip: RoundTripReport | None = None


def run_report(run: Run, outputs: Outputs, round_trip: RoundTripReport | None = None) -> RunReport:
    """The report of a run whose results are in these files."""
    case, figures = run.case, run.totals
    return RunReport(
        output=str(outputs.segmentation),
        csv=None if outputs.csv is None else str(outputs.csv),
        sheet=None if outputs.sheet is None else str(outputs.sheet),
        model=run.model,
        model_note=run.model_note,
        device=run.device,
        slices=figures.computed_slices,
        slices_in_volume=figures.slices,
        seconds=round(run.seconds, 3),
        slices_per_second=round(figures.computed_slices / run.seconds, 2),
        axis=AXIS_NAMES[case.axis.axis],
        seed=case.prompt.label if isinstance(case.prompt, SharedSeed) else None,
        seed_slice=case.prompt.slice,
        window=case.stack.window.name,
        millilitres=figures.millilitres if case.volume.has_millilitres else None,
        reference_millilitres=figures.reference_millilitres if case.volume.has_millilitres else None,
        dice=figures.dice,
        jaccard=figures.jaccard,
        cancelled=run.cancelled,
        notices=[*case.notices, *run.notices],
        per_slice=slice_rows(run.rows),
        objects=[_object_report(run, index) for index in range(len(run.result.names))],
        round_trip=round_trip,
    )


def slice_rows(rows: list[SliceResult]) -> list[SliceReport]:
    """Rows of the table of slices, of one object."""
    return [SliceReport.model_validate(row.as_json()) for row in rows]


def _object_report(run: Run, index: int) -> ObjectReport:
    figures, measured = run.totals_of(index), run.case.volume.has_millilitres
    return ObjectReport(
        name=run.result.names[index],
        millilitres=figures.millilitres if measured else None,
        dice=figures.dice,
        jaccard=figures.jaccard,
        reference_millilitres=figures.reference_millilitres if measured else None,
        per_slice=slice_rows(run.rows_of(index)),
    )

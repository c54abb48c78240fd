"""What all arms of a study say together: the papers' files, tables, statistics, figures, and the page with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PromptOnceLib import __version__
from PromptOnceLib.batch.report.run_results import RunResults, read_run
from PromptOnceLib.batch.run_folder.records import RUN_RECORD, machine_kind
from PromptOnceLib.studies.arm_plans import arm_folder
from PromptOnceLib.studies.arm_rows import rows_of_run
from PromptOnceLib.studies.case_shapes import shapes_of
from PromptOnceLib.studies.design import StudyArm, StudyDesign
from PromptOnceLib.studies.papers_files import write_papers_files
from PromptOnceLib.studies.report.write_study_report import write_study_report
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.study_cases import ReadyCase, Say

RESULTS = "results"
"""The folder of the papers' files, with one for each arm."""


def write_study_results(
    folder: Path,
    design: StudyDesign,
    cases: Sequence[ReadyCase],
    say: Say,
    should_cancel: Callable[[], bool] = lambda: False,
) -> tuple[Path | None, tuple[ArmRows, ...]]:
    """Write everything from the runs in the study's folder; the page, None where no arm has results yet, and the rows.

    Raises InputError and its children where something cannot be read or written.
    """
    runs = {arm.name: read_run(run) for arm in design.arms if ((run := arm_folder(folder, arm)) / RUN_RECORD).is_file()}
    found = [rows_of_run(runs[arm.name], arm, design.fewest_pixels) for arm in design.arms if arm.name in runs]
    rows = tuple(arm for arm in found if arm.rows)
    if not rows:
        return None, ()
    for arm in rows:
        write_papers_files(folder / RESULTS / arm.name, arm)
    shapes = None
    if design.attributes and not should_cancel():
        say("The references' size, contrast, aspect and outline are measured.")
        shapes = shapes_of(cases, design.group_window, design.slice_axis, design.fewest_pixels, say, should_cancel)
    facts = _facts(design, list(runs.values()))
    return write_study_report(folder, design, rows, facts, _notes(design, runs), shapes), rows


def _facts(design: StudyDesign, runs: Sequence[RunResults]) -> list[tuple[str, str]]:
    """Names and values of how the study was computed; nothing that names a computer, a folder or a person."""
    versions = {"promptonce": __version__}
    for run in runs:
        versions |= run.record.versions
    records = [case.record for run in runs for case in run.done if case.record is not None]
    devices = dict.fromkeys(record.device for record in records)
    precisions = dict.fromkeys(record.identity.precision for record in records)
    return [
        ("Device", ", ".join(filter(None, devices))),
        ("Precision", ", ".join(filter(None, precisions))),
        ("Machine", machine_kind()),
        ("Start of random numbers", ", ".join(str(seed) for seed in dict.fromkeys(a.random_seed for a in design.arms))),
        *sorted(versions.items()),
    ]


def _notes(design: StudyDesign, runs: dict[str, RunResults]) -> list[str]:
    """Sentences for the caveats of the page."""
    notes = [note for arm in design.arms for note in _notes_of(arm, runs.get(arm.name))]
    if design.pictures_as_stack:
        notes.append(
            "The pictures of a group are the slices of one stack, brought to 1024 x 1024 pixels as SAM 2 sees them; "
            "figures are those of these squares. The one in the middle is prompted for the propagation."
        )
    if any(arm.shared_seed for arm in design.arms):
        notes.append(
            "A shared seed is the prompted slice of a group's first case, which itself is left out of that arm: pairs "
            "are those of the other cases."
        )
    if "hausdorff" in design.metrics:
        notes.append("Hausdorff distances are in mm, where Huang et al. have pixels.")
    return notes


def _notes_of(arm: StudyArm, run: RunResults | None) -> list[str]:
    if run is None:
        return [f"{arm.name} was not begun yet."]
    notes = []
    if run.failed:
        names = ", ".join(case.name for case in run.failed[:5])
        more = " and others" if len(run.failed) > 5 else ""
        notes.append(f"{arm.name}: {len(run.failed)} cases have no result ({names}{more}).")
    if run.not_done:
        notes.append(f"{arm.name}: {run.not_done} cases are not done yet.")
    return notes

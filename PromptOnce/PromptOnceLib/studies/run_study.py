"""A study from beginning to end: its arms as runs of the batch runner, then rows, tables, figures and the page.

A study can be taken up at any time by the same call: every arm goes on in its own run's folder, where finished cases
stay finished, and what is made of all arms together is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from PromptOnceLib.batch.events import BatchSummary, Event
from PromptOnceLib.batch.file_names import is_run_folder
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.errors import CancelledError, InputError, RunFolderError
from PromptOnceLib.files.lock import LockedError, exclusive_lock
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.studies.arm_plans import StudyMachine, arm_folder, arm_options, arm_plan
from PromptOnceLib.studies.datasets import StudyCase
from PromptOnceLib.studies.design import StudyArm, StudyDesign
from PromptOnceLib.studies.design_file import read_design, write_design
from PromptOnceLib.studies.group_seeds import check_shared
from PromptOnceLib.studies.picture_stacks import stacks_of
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.study_cases import ReadyCase, Say, find_cases, ready_case
from PromptOnceLib.studies.study_results import write_study_results

STUDY_FILE, DATA = "study.toml", "data"
_LOCK = ".study.lock"
_TOLD_EVERY = 20  # cases
_PACKAGES = ("matplotlib", "scipy")

OnArm = Callable[[StudyArm, int, int, int], object]
"""Is told of every arm that begins: which, its number from 1, of how many, and how many cases it has."""


@dataclass(frozen=True)
class StudyOutcome:
    """How a study ended.

    arms: how the cases of each arm that was begun ended, by its name. cancelled: whether it was ended before the last
    arm. page: the report, None where there is nothing to report yet. rows: of the arms that have results.
    """

    folder: Path
    design: StudyDesign
    arms: dict[str, BatchSummary]
    cancelled: bool
    page: Path | None = None
    rows: tuple[ArmRows, ...] = field(default=(), repr=False)

    @property
    def succeeded(self) -> bool:
        """Whether every case of every arm has a result."""
        done = len(self.arms) == len(self.design.arms) and not self.cancelled
        return done and all(summary.succeeded for summary in self.arms.values())


def run_study(
    design: StudyDesign,
    folder: Path,
    machine: StudyMachine | None = None,
    limit: int | None = None,
    *,
    say: Say = lambda text: None,
    on_arm: OnArm = lambda arm, number, count, cases: None,
    on_event: Callable[[Event], object] = lambda event: None,
    should_cancel: Callable[[], bool] = lambda: False,
) -> StudyOutcome:
    """Run a study into a folder, or go on with the one that is there, and wait for it.

    limit: cases of each group at most. say: gets sentences for the user; on_event: what the runs of the arms tell. When
    should_cancel says so the case under way is given up at its next slice; what is finished is kept and reported.

    Raises, before anything is computed: InputError where data are missing or do not fit, packages are not installed, or
    the folder holds another study or other files; CheckpointError where a model is not on this computer; CancelledError
    where it was cancelled before the first arm.
    """
    cases = find_cases(design, limit, say)
    if not cases:
        raise InputError("There are no cases in the study's data.")
    check_study(design)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with exclusive_lock(folder / _LOCK):
            _take_up(folder, design)
            ready = _ready(design, cases, (folder / DATA).absolute(), say, should_cancel)
            arms, cancelled = _run_arms(
                design, ready, folder, machine or StudyMachine(), say, on_arm, on_event, should_cancel
            )
            say("Tables and figures are made of what is there.")
            page, rows = write_study_results(folder, design, ready, say, should_cancel)
    except LockedError as error:
        raise RunFolderError(
            f"Another process works on the study in {folder}. Wait for it, or choose another folder."
        ) from error
    return StudyOutcome(folder, design, arms, cancelled, page, rows)


def check_study(design: StudyDesign) -> None:
    """Raise InputError where packages of the extra are missing, and ModelError where a model is not on this computer or
    cannot do what its arm asks for.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(f'Studies need {" and ".join(missing)}: pip install "promptonce[study]".')
    for arm in design.arms:
        files = resolve_model(arm.model, arm.config or None)
        if arm.method == "propagate":
            files.check_propagates()


def _run_arms(
    design: StudyDesign,
    cases: Sequence[ReadyCase],
    folder: Path,
    machine: StudyMachine,
    say: Say,
    on_arm: OnArm,
    on_event: Callable[[Event], object],
    should_cancel: Callable[[], bool],
) -> tuple[dict[str, BatchSummary], bool]:
    """Every arm in its folder, one after the other; and whether the last one begun was cancelled or had to stop."""
    ended: dict[str, BatchSummary] = {}
    for number, arm in enumerate(design.arms, start=1):
        if should_cancel():
            return ended, True
        plan = arm_plan(design, arm, cases, folder, say)
        on_arm(arm, number, len(design.arms), len(plan.cases))
        run = arm_folder(folder, arm)
        options = arm_options(design, arm, folder, machine)
        summary = run_batch(
            plan, options, run, resume=is_run_folder(run), on_event=on_event, should_cancel=should_cancel
        )
        ended[arm.name] = summary
        if summary.cancelled or summary.stopped:
            return ended, True
    return ended, False


def _take_up(folder: Path, design: StudyDesign) -> None:
    """Keep the design in the folder. Raises RunFolderError where that holds another study, or other files."""
    path = folder / STUDY_FILE
    if path.is_file():
        begun = read_design(path)
        if begun.name != design.name:
            raise RunFolderError(f"{folder} holds another study, {begun.name}. Choose another folder.")
    elif any(not item.name.startswith(".") for item in folder.iterdir()):
        raise RunFolderError(f"{folder} holds other files. Choose an empty or a new folder.")
    data = tuple(item.model_copy(update={"folder": item.folder.absolute()}) for item in design.data)
    write_design(path, design.model_copy(update={"data": data}))


def _ready(
    design: StudyDesign, found: Sequence[StudyCase], folder: Path, say: Say, should_cancel: Callable[[], bool]
) -> tuple[ReadyCase, ...]:
    """The cases as the batches take them; the folder is that of the files that have to be made for it.

    Raises CancelledError between two cases.
    """
    cases = []
    for number, case in enumerate(found, start=1):
        if should_cancel():
            raise CancelledError("Cancelled while the data were made ready.")
        if len(case.references) > 1 and number % _TOLD_EVERY == 1:
            say(f"References are united: case {number} of {len(found)}.")
        cases.append(ready_case(case, folder, say))
    ready = stacks_of(cases, folder, say, should_cancel) if design.pictures_as_stack else tuple(cases)
    if any(arm.shared_seed for arm in design.arms):
        check_shared(ready)
    return ready

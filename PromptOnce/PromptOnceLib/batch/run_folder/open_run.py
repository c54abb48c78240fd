"""The folder of a run: made, taken up again by one process at a time, and joined by others."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from PromptOnceLib.batch.file_names import LOCK, PLAN, STATE, is_run_folder
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, PlannedCase, RecordedPlan
from PromptOnceLib.batch.run_folder.fingerprints import input_files
from PromptOnceLib.batch.run_folder.journal import (
    Finished,
    Journal,
    finished_cases,
    interrupted_readings,
    read_journals,
)
from PromptOnceLib.batch.run_folder.leases import Leases, runner_name
from PromptOnceLib.batch.run_folder.records import CASES, CORRECTED, read_case_record
from PromptOnceLib.errors import RunExistsError, RunFolderError
from PromptOnceLib.files.atomic import PREFIX, replacing
from PromptOnceLib.files.lock import LockedError, exclusive_lock
from PromptOnceLib.files.stamp import file_sha256

_TITLES = {
    "method": "method",
    "jitter": "jitter of prompts",
    "random_seed": "start of random numbers",
    "position": "position of the prompted slice",
    "fewest_pixels": "smallest reference of a prompted slice",
    "distances": "choice of distances",
    "model": "model",
    "precision": "precision",
    "fill_hole_area": "hole filling",
    "early_stop": "choice of an early stop",
    "zoom": "zoom",
    "between": "way between prompted slices",
    "clean_up": "clean-up",
    "formats": "choice of formats",
    "start": "start of the seeds",
    "by": "way the seeds prompt",
    "fit": "fit of the seeds",
    "round_trip": "choice of a round trip",
}
"""Options that decide what comes out, and what they are called."""


@dataclass(frozen=True, eq=False)
class RunFolder:
    """An open run.

    finished: cases with results from earlier. interrupted: cases during whose reading an earlier run ended. notices:
    what is different from then. leases: which of the cases this process has. joined: whether others may be at work
    here.
    """

    folder: Path
    state: Journal
    leases: Leases
    finished: dict[str, Finished]
    interrupted: frozenset[str]
    notices: tuple[str, ...]
    joined: bool = False

    def is_reviewed(self, name: str) -> bool:
        """Whether somebody has accepted or corrected the results of a case: a person's work is never replaced.

        Raises RunFolderError where there is a correction whose record cannot be read.
        """
        folder = self.folder / CASES / name
        corrected = (folder / CORRECTED).is_file()
        try:
            return read_case_record(folder).review.state != "none" or corrected
        except RunFolderError:
            if corrected:
                raise
            return False

    def discard(self, name: str) -> None:
        """Remove the results of a case that are no longer those of its inputs and options."""
        folder = self.folder / CASES / name
        if folder.exists():
            # First out of the way in one step: half a folder must never look like a result.
            aside = folder.with_name(PREFIX + secrets.token_hex(6))
            folder.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def open_run(folder: Path, plan: BatchPlan, options: BatchOptions, resume: bool = False) -> Iterator[RunFolder]:
    """Make a folder for a run, or take up the run in it, and hold it until the block ends.

    resume: go on with the run that may be there; finished cases of another image or without a place in the plan are
    never mixed with it. Raises RunFolderError with a sentence that says what is in the way or what differs.
    """
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(exclusive_lock(folder / LOCK))
            run = _open(folder, plan, options, resume)
        except LockedError as error:
            raise RunFolderError(
                f"Another batch is running in {folder}. Wait for it, or choose another folder."
            ) from error
        except OSError as error:
            raise _cannot_write(folder, error) from error
        held.callback(run.state.close)
        held.callback(run.leases.close)
        yield run


@contextmanager
def join_run(
    folder: Path,
    plan: BatchPlan,
    options: BatchOptions,
    runner: str | None = None,
    is_gone: Callable[[str], bool] | None = None,
) -> Iterator[RunFolder]:
    """Work on the run in a folder beside others, each with a journal of its own; the first one to come makes it.

    runner, is_gone: see Leases.

    Raises RunFolderError where the run has other cases or options, or the folder cannot be written to.
    """
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _begin_together(folder, RecordedPlan(plan=plan, options=options))
            recorded = read_recorded(folder)
            differences = _differences(recorded, plan, options)
            if differences or [case.name for case in recorded.plan.cases] != [case.name for case in plan.cases]:
                raise RunFolderError(f"The run in {folder} is another one. {' '.join(differences)}".rstrip())
            (folder / CASES).mkdir(exist_ok=True)
            name = runner or runner_name()
            steps = read_journals(folder)
            journal = Journal(folder / f"{Path(STATE).stem}-{name}.jsonl")
        except OSError as error:
            raise _cannot_write(folder, error) from error
        held.callback(journal.close)
        leases = held.enter_context(Leases(folder, name, is_gone))
        finished = finished_cases(steps, folder / CASES)
        yield RunFolder(folder, journal, leases, finished, frozenset(), plan.notices, joined=True)


def _begin_together(folder: Path, recorded: RecordedPlan) -> None:
    """Write the plan where there is none yet; of several that do so at once, one wins."""
    if is_run_folder(folder):
        return
    _refuse_other_files(folder)
    temporary = folder / f"{PREFIX}{secrets.token_hex(6)}.json"
    temporary.touch(mode=0o600)  # its paths may name patients
    try:
        temporary.write_text(recorded.model_dump_json(indent=2) + "\n", encoding="utf-8")
        try:
            os.link(temporary, folder / PLAN)
        except FileExistsError:
            return
        except OSError:  # a disk without links: what another has written meanwhile says the same
            temporary.replace(folder / PLAN)
    finally:
        temporary.unlink(missing_ok=True)


def _refuse_other_files(folder: Path) -> None:
    # The plan last: it may be what another runner has just written.
    if any(not path.name.startswith(".") for path in folder.iterdir()) and not is_run_folder(folder):
        raise RunFolderError(f"{folder} holds other files. Choose an empty or a new folder.")


def _cannot_write(folder: Path, error: OSError) -> RunFolderError:
    return RunFolderError(f"The folder {folder} cannot be written to: {error.strerror or error}.", repr(error))


def read_recorded(folder: Path) -> RecordedPlan:
    """Plan and options of the run in a folder. Raises RunFolderError where there is none or it cannot be read."""
    try:
        return RecordedPlan.model_validate_json((folder / PLAN).read_bytes())
    except FileNotFoundError as error:
        raise RunFolderError(f"{folder} holds no run of a batch.") from error
    except (OSError, ValidationError) as error:
        raise RunFolderError(
            f"The run in {folder} cannot be read: its {PLAN} is damaged or of another version. Choose another folder.",
            repr(error),
        ) from error


def _open(folder: Path, plan: BatchPlan, options: BatchOptions, resume: bool) -> RunFolder:
    notices: tuple[str, ...] = ()
    finished: dict[str, Finished] = {}
    interrupted: frozenset[str] = frozenset()
    if is_run_folder(folder):
        recorded = read_recorded(folder)
        if not resume:
            raise RunExistsError(
                f"{folder} holds a run already{_difference_in_brackets(recorded, plan, options)}. "
                "Resume it, or choose another folder."
            )
        steps = read_journals(folder)
        finished, interrupted = finished_cases(steps, folder / CASES), interrupted_readings(steps)
        _refuse_to_mix(folder, recorded, plan, finished)
        notices = tuple(_differences(recorded, plan, options))
    else:
        _refuse_other_files(folder)
    for left in folder.glob(f"{CASES}/{PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    (folder / CASES).mkdir(exist_ok=True)
    text = RecordedPlan(plan=plan, options=options).model_dump_json(indent=2)
    with replacing(folder / PLAN, error=RunFolderError) as temporary:
        temporary.chmod(0o600)  # its paths may name patients; nothing else in the folder does
        temporary.write_text(text + "\n", encoding="utf-8")
    leases = Leases(folder, runner_name(), leads=True)
    leases.forget()
    return RunFolder(folder, Journal(folder / STATE), leases, finished, interrupted, notices)


def _refuse_to_mix(folder: Path, recorded: RecordedPlan, plan: BatchPlan, finished: dict[str, Finished]) -> None:
    """Raise where a finished case would be left over, or its results taken for those of another image."""
    before = {case.name: case for case in recorded.plan.cases}
    now = {case.name: case for case in plan.cases}
    gone = [name for name in finished if name not in now]
    if gone:
        raise RunFolderError(
            f"The run in {folder} does not fit: it holds finished cases that are not among these ({_some(gone)}). "
            "Choose another folder."
        )
    for name, done in finished.items():
        if name in before and before[name].image != now[name].image and not _same_image(now[name], done):
            raise RunFolderError(
                f"The run in {folder} does not fit: its finished case {name} is another image "
                f"({before[name].image} then, {now[name].image} now). Choose another folder."
            )


def _same_image(case: PlannedCase, done: Finished) -> bool:
    """Whether a case whose image lies elsewhere than before is still of the same image: one that was moved.

    Series of one scanner often have files of equal sizes and times, so the contents of the first and of the last count.
    """
    paths = input_files(case)
    if [path.stat().st_size if path.is_file() else -1 for path in paths] != [stamp.size for stamp in done.files]:
        return False
    last = len(case.files) - 1
    return all(file_sha256(paths[n]) == done.files[n].sha256 for n in {0, last} if n >= 0)


def _differences(recorded: RecordedPlan, plan: BatchPlan, options: BatchOptions) -> list[str]:
    """Sentences on what is not as it was when the run was begun or taken up last."""
    found = []
    for name, title in _TITLES.items():
        then, now = getattr(recorded.options, name), getattr(options, name)
        if then != now:
            found.append(f"Another {title} than before: {_plain(now)}, then {_plain(then)}.")
    before = {case.name: case for case in recorded.plan.cases}
    new = [case.name for case in plan.cases if case.name not in before]
    changed = [c.name for c in plan.cases if c.name in before and _settings(before[c.name]) != _settings(c)]
    if new:
        found.append(f"New cases: {_some(new)}.")
    if changed:
        found.append(f"Cases with another prompt, reference, window, axis or slice: {_some(changed)}.")
    return found


def _difference_in_brackets(recorded: RecordedPlan, plan: BatchPlan, options: BatchOptions) -> str:
    if recorded.plan.selection.source != plan.selection.source:
        return f" (of {recorded.plan.selection.source or 'a list of images'})"
    differences = _differences(recorded, plan, options)
    return f" ({' '.join(differences).rstrip('.')})" if differences else ""


def _settings(case: PlannedCase) -> dict[str, object]:
    return case.model_dump(include={"prompt", "reference", "window", "axis", "slice"})


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

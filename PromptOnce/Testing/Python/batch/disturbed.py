"""A batch around which something goes wrong, and what has to be true of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from batch.studies import computed, segmentation, steps_of
from PromptOnceLib.batch.events import BatchSummary
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan
from PromptOnceLib.batch.run_folder.records import is_whole, read_case_record
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.files.atomic import PREFIX
from PromptOnceLib.segmentation.result import read_csv


@dataclass
class World:
    """A batch of three cases, a to c, and its folder."""

    folder: Path
    plan: BatchPlan
    options: BatchOptions

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def case(self) -> Path:
        """Of the second case."""
        return self.out / "cases" / "b"

    def run(self, **changes: object) -> BatchSummary:
        options = self.options.model_copy(update=changes)
        return run_batch(self.plan, options, self.out, resume=(self.out / "plan.json").exists())

    def whole(self) -> set[str]:
        return {path.name for path in (self.out / "cases").glob("[!.]*") if is_whole(path)}


def check_sentence(message: str, world: World) -> None:
    assert message.endswith("."), message
    assert not any(word in message for word in ("Unexpected", "Traceback", str(world.folder))), message


def check_the_rest_is_done(world: World) -> None:
    """Without the fault a run ends well, and computes nothing that was finished."""
    done = world.whole() if (world.out / "cases").exists() else set()
    before = len(computed(world.out)) if (world.out / "state.jsonl").exists() else 0
    summary = world.run()
    assert summary.succeeded, summary
    assert world.whole() == {"a", "b", "c"}, world.whole()
    again = done & set(computed(world.out)[before:])
    assert not again, f"computed again: {again}"
    left = list(world.out.rglob(f"{PREFIX}*"))
    assert not left, left
    check_nothing_is_half(world.out)


def check_nothing_is_half(out: Path) -> None:
    """Every case that shows has a complete folder."""
    for folder in (out / "cases").glob("*"):
        if folder.name.startswith(PREFIX):
            continue
        record = read_case_record(folder)
        assert all((folder / name).stat().st_size > 0 for name in ("sheet.png", *record.files)), folder
        assert len(read_csv(folder / "slices.csv")) == record.figures.slices, folder
        assert segmentation(out, folder.name).ndim == 3, folder


def check_nothing_was_done_twice(out: Path) -> None:
    """After a case is finished it never goes to a worker again."""
    finished: set[str] = set()
    for step in steps_of(out):
        assert not (step.event == "started" and step.case in finished), f"{step.case} was computed again"
        if step.event == "finished":
            finished.add(step.case)


def check_it_is_as_undisturbed(out: Path, undisturbed: Path) -> None:
    """The same cases with the same masks and figures."""
    cases = sorted(path.name for path in (undisturbed / "cases").iterdir())
    found = sorted(path.name for path in (out / "cases").iterdir())
    assert found == cases, found
    for case in cases:
        assert np.array_equal(segmentation(out, case), segmentation(undisturbed, case)), case
        rows, expected = (read_csv(folder / "cases" / case / "slices.csv") for folder in (out, undisturbed))
        assert rows == expected, case

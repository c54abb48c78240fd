"""Round trips of seeds on the command line: with progress, and what they say about a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PromptOnceLib.cli.worker_session import WorkerSession
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.seeds.apply import SeedSource, accepted_masks
from PromptOnceLib.seeds.reliability import applied_sentence, trust_of
from PromptOnceLib.workflows.round_trip import RoundTripFigures, steps_of_shared_seed

if TYPE_CHECKING:
    from PromptOnceLib.cases.outputs import Run
    from PromptOnceLib.cases.run_report import RoundTripReport

TRIP_STOPPING = "Cancelling the round trip. Press Ctrl-C again to stop at once."


def trip_of_seed(work: WorkerSession, source: SeedSource, run: Run) -> RoundTripFigures:
    """From the finished run of a seed back to the frame of the first seed."""
    case = run.case
    assert isinstance(case.prompt, SharedSeed)
    stored = accepted_masks(source, case.volume.geometry, case.axis.axis)
    steps = steps_of_shared_seed(case.stack, case.prompt, stored, run.result)
    return work.go(steps, "Round trip", stopping=TRIP_STOPPING)


def trip_after(work: WorkerSession, source: SeedSource, run: Run) -> RoundTripReport:
    """The round trip of a seed that was applied, as --json shows it; says it aloud where it is not good."""
    report = applied_report(trip_of_seed(work, source, run))
    if report.trust != "good":
        run.notices.append(report.sentence)
        work.reporter.say(report.sentence)
    return report


def applied_report(figures: RoundTripFigures) -> RoundTripReport:
    """Dice of every object, that of the worst, what it means in a word and in a sentence."""
    from PromptOnceLib.cases.run_report import RoundTripReport

    found = [value for value in figures.dice if value is not None]
    worst = min(found) if found else None
    return RoundTripReport(
        dice=list(figures.dice),
        worst=worst,
        trust=None if worst is None else trust_of(worst),
        sentence=applied_sentence(worst),
    )

"""What a batch shows on the terminal: one line that lives, or plain lines where nobody watches."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from PromptOnceLib.batch.events import BatchSummary, CaseEnded, CaseStarted, Event, Said, SliceProgress
from PromptOnceLib.batch.planning.plan import BatchPlan, PlannedCase

_STATUS_WORDS = {"set_aside": "set aside", "reused": "was finished before"}


class BatchProgress:
    """Shows the events of a run on standard error; silent when quiet, or once nobody reads them."""

    def __init__(self, total: int, quiet: bool) -> None:
        self._total, self._quiet, self._done = total, quiet, 0
        self._live = not quiet and sys.stderr.isatty()
        self._bar: tqdm[Any] | None = None

    def show(self, event: Event) -> None:
        """Take in an event."""
        if isinstance(event, Said):
            self.say(f"{event.case}: {event.text}" if event.case else event.text)
        elif isinstance(event, CaseStarted | SliceProgress) and self._live:
            self._write(lambda: self._move(event))
        elif isinstance(event, CaseEnded):
            self._done += 1
            self._ended(event)

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._quiet:
            return
        bar = self._bar
        self._write(lambda: click.echo(text, err=True) if bar is None else bar.write(text, file=sys.stderr))

    def end(self) -> None:
        """Close the line that lives."""
        bar, self._bar = self._bar, None
        if bar is not None:
            self._write(bar.close)

    def _ended(self, event: CaseEnded) -> None:
        # Where the line lives, only what a person has to know stays above it.
        if not self._live or event.status not in ("finished", "reused"):
            self.say(f"[{self._done}/{self._total}] {_in_words(event)}")
        if self._live:
            self._write(lambda: self._move(event))

    def _move(self, event: CaseStarted | SliceProgress | CaseEnded) -> None:
        if self._bar is None:
            self._bar = tqdm(total=self._total, unit="case", file=sys.stderr, dynamic_ncols=True)
        if isinstance(event, CaseEnded):
            self._bar.update(self._done - self._bar.n)
        elif isinstance(event, SliceProgress):
            self._bar.set_description_str(f"{event.case} {event.done}/{event.total}", refresh=False)
            self._bar.update(0)
        else:
            self._bar.set_description_str(event.case)

    def _write(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (OSError, ValueError, AttributeError):  # the terminal or the pipe is closed
            self._quiet, self._live, self._bar = True, False, None


def summary_in_words(summary: BatchSummary, report: Path | None = None) -> str:
    """The end of a run for a person: how many cases have results, and which have none and why; where the report is."""
    done = summary.finished + summary.reused
    lines = [
        f"{done} of {summary.total} cases have results"
        + (f", {summary.reused} from before." if summary.reused else ".")
    ]
    named = [item for item in summary.not_succeeded if item.status in ("failed", "set_aside")]
    lines += [f"  {item.case} ({_STATUS_WORDS.get(item.status, item.status)}): {item.message}" for item in named]
    if summary.stopped:
        lines.append(f"The run stopped. {summary.stopped}")
    if summary.not_done:
        verb = "is" if summary.not_done == 1 else "are"
        lines.append(f"{_cases(summary.not_done)} {verb} not done; --resume goes on.")
    if report is not None:
        lines.append(f"Report: {report}")
    return "\n".join(lines)


def _in_words(event: CaseEnded) -> str:
    if event.status == "finished":
        dice = "" if event.dice is None else f", Dice {event.dice:.4f}"
        return f"{event.case}: {event.slices} slices in {event.seconds:.1f} s{dice}"
    reason = f": {event.message}" if event.message and event.status in ("failed", "set_aside") else ""
    return f"{event.case}: {_STATUS_WORDS.get(event.status, event.status)}{reason}"


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"


def list_plan(plan: BatchPlan, as_json: bool) -> None:
    """Print the cases of a plan, for people or as a JSON list."""
    if as_json:
        click.echo(json.dumps([case.model_dump(mode="json", exclude={"files"}) for case in plan.cases]))
        return
    for notice in plan.notices:
        click.echo(notice, err=True)
    for case in plan.cases:
        click.echo(_describe(case))
    click.echo(_cases(len(plan.cases)), err=True)


def _describe(case: PlannedCase) -> str:
    strategy = "" if case.prompt.strategy == "paper" else case.prompt.strategy
    prompt = " ".join(word for word in (case.prompt.kind, case.prompt.name, strategy) if word)
    image = f"{case.image} ({len(case.files)} files)" if case.dicom else str(case.image)
    reference = f"  reference {case.reference}" if case.reference else ""
    return f"{case.name}  {image}  prompt: {prompt}{reference}"

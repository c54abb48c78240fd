"""Run cases in a worker from the command line: messages, progress, Ctrl-C, and the report in words."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from PromptOnceLib.cases.case import Case
from PromptOnceLib.cli.remedies import model_note
from PromptOnceLib.cli.terminal import CtrlC, Reporter
from PromptOnceLib.environment.engine_python import found_interpreter
from PromptOnceLib.imaging.stack import AXIS_NAMES
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.worker.protocol import FrameDone, SliceDone
from PromptOnceLib.worker.segmenter import Segmenter, Settings
from PromptOnceLib.workflows.drive import run_steps
from PromptOnceLib.workflows.start_worker import EngineOptions, start_segmenter
from PromptOnceLib.workflows.steps import Step, Steps, resumed

R = TypeVar("R")

if TYPE_CHECKING:
    from PromptOnceLib.cases.outputs import Run
    from PromptOnceLib.cases.run_report import ObjectReport, RunReport

STOPPING = "Cancelling; nothing is kept. Press Ctrl-C again to stop at once."


class WorkerSession:
    """A worker for one command, started when it is needed first; Ctrl-C ends what it does."""

    def __init__(
        self,
        files: ModelFiles,
        device: str,
        precision: str,
        reporter: Reporter,
        compiled: bool = False,
        python: Path | None = None,
    ) -> None:
        self.files = files
        self.reporter = reporter
        self._options = EngineOptions(device, precision, compiled)
        self._python = python
        self._held = ExitStack()
        self._segmenter: Segmenter | None = None
        self.model = files.name

    def __enter__(self) -> WorkerSession:
        self._interrupt = self._held.enter_context(CtrlC())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    @property
    def segmenter(self) -> Segmenter:
        """The worker with its model loaded."""
        if self._segmenter is None:
            found = found_interpreter(self._python)
            segmenter = start_segmenter(self.files, self._options, found, self.reporter.say)
            self._held.callback(segmenter.client.close)
            model = segmenter.session.model
            assert model is not None
            self.reporter.say(f"Model {model.name} on {model.device_name}.")
            if note := model_note(model.name):
                self.reporter.say(note)
            self._segmenter, self.model = segmenter, model.name
        return self._segmenter

    def cancelled(self, sentence: str = STOPPING) -> Callable[[], bool]:
        """For the worker to ask: whether Ctrl-C was pressed, which from now on is no longer the end at once.

        sentence: said when it is.
        """
        self._interrupt.gentle = True
        told = False

        def asked() -> bool:
            nonlocal told
            if self._interrupt.requested and not told:
                told = True
                self.reporter.say(sentence)
            return self._interrupt.requested

        return asked

    def run(self, case: Case, settings: Settings) -> Run:
        """Propagate a case; Ctrl-C and a failure of the worker end it and, once slices have come, keep what is done."""
        from PromptOnceLib.workflows.propagate_case import propagate_case

        settings.range_for(case.prompt, len(case.stack.frames))  # before the worker is started
        for notice in case.notices:
            self.reporter.say(notice)
        segmenter = self.segmenter
        self.reporter.say(_introduction(case))
        cancelled = self.cancelled("Cancelling; what is done is kept. Press Ctrl-C again to stop at once.")
        reporter = self.reporter
        try:
            return propagate_case(segmenter, case, settings, self.model, reporter.progress, reporter.say, cancelled)
        finally:
            reporter.end()

    def go(self, steps: Steps[R], what: str, unit: str = "slice", stopping: str = STOPPING) -> R:
        """Take a workflow to its end with progress; Ctrl-C cancels it. No worker is started for one without any step.

        what, unit: of the progress bar, `what` with the number of the step where there are several. stopping: said
        when Ctrl-C was pressed.
        """
        reporter = self.reporter
        try:
            first = next(steps)
        except StopIteration as end:
            found: R = end.value
            return found

        def next_step(step: Step) -> None:
            reporter.end()

        def progress(step: Step, event: SliceDone | FrameDone) -> None:
            which = f"{what}, step {step.number} of {step.count}" if step.count > 1 else what
            reporter.progress(event, which, unit)

        segmenter, whole = self.segmenter, resumed(first, steps)
        try:
            return run_steps(segmenter, whole, next_step, progress, reporter.say, self.cancelled(stopping))
        finally:
            reporter.end()


def run_case(
    case: Case,
    settings: Settings,
    files: ModelFiles,
    device: str,
    precision: str,
    reporter: Reporter,
    python: Path | None = None,
) -> Run:
    """Propagate a case in a worker of its own."""
    with WorkerSession(files, device, precision, reporter, python=python) as work:
        return work.run(case, settings)


def _introduction(case: Case) -> str:
    """What is about to be done."""
    where = (
        f"on slice {case.prompt.slice} of {len(case.stack.frames)} along {AXIS_NAMES[case.axis.axis]} "
        f"({case.axis.reason}), window {case.stack.window.name}"
    )
    if isinstance(case.prompt, SharedSeed):
        return f"Seed {case.prompt.label}, starting {where}: {', '.join(item.name for item in case.prompt.objects)}."
    if isinstance(case.prompt, PromptSet):
        fixed = (f"{item.name} on {', '.join(map(str, item.indices))}" for item in case.prompt.objects)
        return f"Prompts on several slices, {where}: {'; '.join(fixed)}."
    return f"Prompt {where}: {'; '.join(_describe(item) for item in case.prompt.objects)}."


def _describe(item: ObjectPrompt) -> str:
    """An object's prompt in the form the command line takes it."""
    if item.mask is not None:
        return f"{item.name} by a mask"
    parts = [] if item.box is None else [f"box {item.box.x0:g},{item.box.y0:g},{item.box.x1:g},{item.box.y1:g}"]
    for kind, positive in (("positive", True), ("negative", False)):
        points = " ".join(f"{p.x:g},{p.y:g}" for p in item.points if p.positive is positive)
        parts += [f"{kind} {points}"] if points else []
    return f"{item.name} by {', '.join(parts)}"


def in_words(report: RunReport) -> str:
    """The report of a run for a person."""
    lines = [f"{report.slices} slices in {report.seconds:.1f} s, {report.slices_per_second:.1f} slices/s."]
    lines += [f"{item.name}: {', '.join(_figures(item))}." for item in report.objects if _figures(item)]
    if len(report.objects) > 1 and report.dice is not None and report.jaccard is not None:
        lines.append(f"All objects together: Dice {report.dice:.4f}, Jaccard {report.jaccard:.4f}.")
    lines += [f"Wrote {path}" for path in (report.output, report.csv, report.sheet) if path]
    return "\n".join(lines)


def _figures(item: ObjectReport) -> list[str]:
    found = [] if item.millilitres is None else [f"{item.millilitres:.1f} ml"]
    if item.reference_millilitres is not None:
        found[-1] += f" (reference {item.reference_millilitres:.1f} ml)"
    if item.dice is not None and item.jaccard is not None:
        found += [f"Dice {item.dice:.4f}", f"Jaccard {item.jaccard:.4f}"]
    return found

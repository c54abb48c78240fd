"""Run one case in a worker from the command line: messages, progress, Ctrl-C, and the report in words."""

from __future__ import annotations

import time
from typing import Any

from PromptOnceLib.cli.console import CtrlC, Reporter
from PromptOnceLib.core.case import Case
from PromptOnceLib.core.outputs import Run
from PromptOnceLib.core.prompts import ObjectPrompt
from PromptOnceLib.core.registry import ModelFiles
from PromptOnceLib.core.stack import AXIS_NAMES
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.segmenter import Segmenter, Settings
from PromptOnceLib.worker.transport import SubprocessTransport, worker_command, worker_environment


def run_case(case: Case, settings: Settings, files: ModelFiles, device: str, precision: str, reporter: Reporter) -> Run:
    """Propagate a case in a worker of its own; Ctrl-C cancels and, once slices come, keeps what is done."""
    settings.range_for(case.prompt, len(case.stack.frames))
    for notice in case.notices:
        reporter.say(notice)
    client = WorkerClient(lambda: SubprocessTransport(worker_command(), worker_environment()))
    with CtrlC() as interrupt, client:
        segmenter = Segmenter(client)
        model = segmenter.use_model(files, device, precision)
        reporter.say(f"Model {model.name} on {model.device_name}.")
        reporter.say(
            f"Prompt on slice {case.prompt.slice} of {len(case.stack.frames)} along {AXIS_NAMES[case.axis.axis]} "
            f"({case.axis.reason}), window {case.stack.window.name}: "
            + "; ".join(_describe(item) for item in case.prompt.objects)
            + "."
        )
        segmenter.use_stack(case.stack)
        started = time.monotonic()
        interrupt.gentle = True

        def cancelled() -> bool:
            if interrupt.requested:
                reporter.say("Cancelling; what is done is kept. Press Ctrl-C again to stop at once.")
            return interrupt.requested

        job = segmenter.start_propagation(case.prompt, settings, reporter.slice_done, reporter.say)
        try:
            result = segmenter.wait(job, cancelled)
        finally:
            reporter.end()
        seconds = time.monotonic() - started
    return Run(case, result, model.name, job.device, seconds, job.cancelled, job.notices)


def _describe(item: ObjectPrompt) -> str:
    """An object's prompt in the form the command line takes it."""
    if item.mask is not None:
        return f"{item.name} by a mask"
    parts = [] if item.box is None else [f"box {item.box.x0:g},{item.box.y0:g},{item.box.x1:g},{item.box.y1:g}"]
    for kind, positive in (("positive", True), ("negative", False)):
        points = " ".join(f"{p.x:g},{p.y:g}" for p in item.points if p.positive is positive)
        parts += [f"{kind} {points}"] if points else []
    return f"{item.name} by {', '.join(parts)}"


def in_words(report: dict[str, Any]) -> str:
    """The report of a run (outputs.as_report) for a person."""
    lines = [f"{report['slices']} slices in {report['seconds']:.1f} s, {report['slices_per_second']:.1f} slices/s."]
    if report["dice"] is not None:
        lines.append(f"Dice {report['dice']:.4f}, Jaccard {report['jaccard']:.4f} over the whole volume.")
    lines += [f"Wrote {report[key]}" for key in ("output", "csv", "sheet") if report[key]]
    return "\n".join(lines)

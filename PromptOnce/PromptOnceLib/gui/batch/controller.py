"""A batch that is under way: begun in the panel or in the console, shown in the panel and in the status bar."""

from __future__ import annotations

from pathlib import Path

import slicer

from PromptOnceLib.batch.background import BatchRequest
from PromptOnceLib.batch.client import BatchJob
from PromptOnceLib.batch.planning.plan import BatchOptions, PromptChoice, Selection
from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.gui.batch.process import begun_batches, start_batch
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.preferences import FILE_MODEL
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.timer import QtTimer
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.seeds.seed import Seed

_PUMP_MILLISECONDS = 300
_STATUS_MILLISECONDS = 5000


class BatchController:
    """job: the batch that was begun last, None before the first. changed: called when something has happened to it.
    case_over: called with the run's folder when a case is over, and when the batch is.
    """

    def __init__(self, engine: EngineAccess, notices: Notices) -> None:
        self._engine, self._notices = engine, notices
        self.changed: Signal[[]] = Signal()
        self.case_over: Signal[[Path]] = Signal()
        self.job: BatchJob | None = None
        self._own: BatchJob | None = None
        self._known = 0
        self._pump_timer = QtTimer(_PUMP_MILLISECONDS, False, self._pump)
        self._wake_timer = QtTimer(0, True, self._pump)
        begun_batches.connect(self.follow)

    @property
    def running(self) -> bool:
        """Whether a batch goes on."""
        return self.job is not None and not self.job.finished

    def close(self) -> None:
        """End the batch that was begun here; what is finished is kept."""
        begun_batches.disconnect(self.follow)
        for timer in (self._pump_timer, self._wake_timer):
            timer.stop()
        if self._own is not None:
            self._own.listeners.clear()
            self._own.close()
        self.job = None

    def start(
        self,
        source: str,
        output: str,
        prompt: PromptChoice,
        references: str = "",
        resume: bool = False,
        early_stop: bool = False,
    ) -> None:
        """Begin a batch over a folder or a manifest; what stands in the way is said in the panel.

        references: pattern of the references, "" for none. early_stop: whether a pass stops where the object has ended.
        """
        if self.running:
            return
        if not source.strip() or not output.strip():
            self._notices.say("batch", _("Choose the images, and a folder for the results."))
            return
        missing = self._engine.missing()
        if missing is not None:
            self._notices.say("batch", missing.sentence)
            return
        self._notices.say("batch", "")
        chosen = self._engine.preferences
        of_file = chosen.model == FILE_MODEL
        options = BatchOptions(
            model=chosen.checkpoint if of_file else chosen.model,
            config=Path(chosen.config) if of_file and chosen.config else None,
            device=chosen.device,
            early_stop=early_stop,
        )
        selection = Selection(source=Path(source), prompt=prompt, references=references.strip() or None)
        request = BatchRequest(selection=selection, options=options, folder=Path(output), resume=resume)
        try:
            self._own = BatchJob(lambda wanted: start_batch(wanted, self._wake_timer.start), request)
        except PromptOnceError as error:
            self._notices.say("batch", error.message)
            return
        self._pump_timer.start()
        begun_batches(self._own)

    def follow(self, job: BatchJob) -> None:
        """Show a batch from now on."""
        self.job, self._known = job, 0
        job.follow(self._happened)
        self.changed()

    def cancel(self) -> None:
        """Give up the case under way at its next slice; what is finished is kept."""
        if self.job is not None:
            self.job.cancel()

    @property
    def progress(self) -> tuple[str, int, int]:
        """As text, and cases, done and all of them."""
        job = self.job
        if job is None or job.finished:
            return "", 0, 0
        if not job.case:
            return _("Looking for the images ..."), 0, 0
        text = _("Case {number} of {total}: {name}").format(
            number=min(len(job.ended) + 1, job.total), total=job.total, name=job.case
        )
        done, slices = job.slices
        if slices:
            text += _(", slice {done} of {total}").format(done=done, total=slices)
        return text, len(job.ended), job.total

    def _pump(self) -> None:
        if self._own is None or not self._own.pump():
            self._pump_timer.stop()

    def _happened(self, job: BatchJob) -> None:
        if job is not self.job:
            return
        if job.finished:
            self._notices.say("batch", _as_text(job))
        slicer.util.showStatusMessage(f"PromptOnce: {self.progress[0] or _as_text(job)}", _STATUS_MILLISECONDS)
        if job.finished or len(job.ended) != self._known:
            self._known = len(job.ended)
            self.case_over(job.folder)
        self.changed()


def _as_text(job: BatchJob) -> str:
    """How a batch ended."""
    sentences = []
    if job.summary is not None:
        done = job.summary.finished + job.summary.reused
        sentences.append(_("{done} of {total} cases have a result.").format(done=done, total=job.summary.total))
        if job.summary.failed:
            sentences.append(_("{count} failed.").format(count=job.summary.failed))
        if job.summary.cancelled:
            sentences.append(_("The batch was cancelled; you can go on with it later."))
    if job.error is not None and not (job.summary and isinstance(job.error, CancelledError)):
        sentences.append(job.error.message)
    return " ".join(sentences)


def choices_of_prompt(seeds: list[Seed]) -> list[tuple[str, str]]:
    """What a batch can be prompted by, as entries of a combo box."""
    first = [(_("the seed that fits each image best"), "auto")]
    of_reference = (_("box and points of the references"), "reference")
    return [*first, *((seed.name, f"seed:{seed.id}") for seed in seeds), of_reference]


def prompt_choice(data: str) -> PromptChoice:
    """The choice that an entry of choices_of_prompt stands for."""
    if data.startswith("seed:"):
        return PromptChoice(kind="seed", name=data.removeprefix("seed:"))
    return PromptChoice(kind="reference") if data == "reference" else PromptChoice(kind="auto")

"""A run: its start, its slices as they come, its end, and going back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, cast

from PromptOnceLib.cases.case import Case, case_of
from PromptOnceLib.errors import CancelledError, InputError, PromptOnceError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices, Part
from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.prompt.editor import PromptEditor
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.run.sentences import correction_begun, run_in_words, undone_in_words
from PromptOnceLib.gui.run.target import ResultTarget, lost_work
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.mrml.runs import VolumeRun, prepared_writer
from PromptOnceLib.mrml.segmentations.settled import keeping_settled
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.zoom import zoom_from_text
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.ways import Between
from PromptOnceLib.worker.requests import PropagationJob, Settings

Direction = Literal["both", "forward", "backward"]
Corrections = Literal["ask", "keep", "overwrite"]
"""What becomes of slices of the result that were corrected by hand."""

AfterRun = Callable[[VolumeRun, list[str]], object]
"""Is given the run and the keys of its objects."""


class RunController:
    """At most one run at a time. run: the last one on this volume, None before the first.

    question: what the user has to decide before the run that was asked for can begin, "" for nothing; see `answer`.
    accepted: the prompt as it was shown with the result when the last run ended, None after it was changed meanwhile.
    changed: called when a run was begun, has ended, or was taken back. finished: called with the result of a run of
    which something is kept, and the keys of its objects; gone_back: after it was taken back.
    """

    def __init__(
        self,
        current: CurrentCase,
        choices: SceneChoices,
        engine: EngineAccess,
        notices: Notices,
        editor: PromptEditor,
        preview: PromptPreview,
        target: ResultTarget,
    ) -> None:
        self._current, self._choices, self._engine, self._notices = current, choices, engine, notices
        self._editor, self._preview, self._target = editor, preview, target
        self.changed: Signal[[]] = Signal()
        self.finished: Signal[[SegmentationResult, list[str]]] = Signal()
        self.gone_back: Signal[[]] = Signal()
        self.run: VolumeRun | None = None
        self.accepted: Prompt | None = None
        self.question = ""
        self._asked: Direction = "both"
        self._keys: list[str] = []
        self._after: AfterRun | None = None
        engine.occupied_by("run", lambda: self.running)
        current.opened.connect(self._fit_range)
        current.closing.connect(self._leave)

    @property
    def running(self) -> bool:
        """Whether a run goes on."""
        return self.run is not None and not self.run.finished

    @property
    def job(self) -> PropagationJob | None:
        """What the last run has done so far."""
        return None if self.run is None else self.run.job

    @property
    def writer(self) -> SegmentWriter | None:
        """Where the last run wrote to."""
        return None if self.run is None else self.run.writer

    # Beginning

    def start(self, direction: Direction = "both") -> None:
        """Propagate the prompt; what stands in the way is said in the panel.

        Where slices were corrected by hand that the run would overwrite, there is a `question` first.
        """
        self.attempt("run", lambda case: self._start(case, direction, "ask"))

    def answer(self, corrections: Corrections) -> None:
        """Begin the run that the question is about: "keep" or "overwrite"."""
        self.attempt("run", lambda case: self._start(case, self._asked, corrections))

    def attempt(self, part: Part, work: Callable[[OpenCase], object]) -> None:
        """Begin something that propagates; what stands in the way is said in a part of the panel."""
        case = self._current.case
        if case is None or self._engine.working:
            return
        if case.correction is not None:
            self._notices.say(part, correction_begun())
            return
        self._editor.finish()
        self._ask("")
        missing = self._engine.missing()
        if missing is not None:
            self._notices.say(part, missing.sentence)
            return
        self._notices.say(part, "")
        try:
            work(case)
        except PromptOnceError as error:
            self._notices.say(part, error.message)

    def settings(self, direction: Direction = "both") -> Settings:
        """How to propagate, as chosen in the panel."""
        choices = self._choices.now
        first, last = (choices.firstSlice, choices.lastSlice) if choices.limitRange else (0, -1)
        settings = Settings(first, None if last < 0 else last, direction, stop_when_absent=choices.earlyStop)
        rule, between = cast(CleanUp, choices.cleanUp), cast(Between, choices.between)
        return replace(settings, clean_up=rule, zoom=zoom_from_text(choices.zoom), between=between)

    def begin(
        self,
        case: Case,
        keys: list[str],
        after: AfterRun | None = None,
        direction: Direction = "both",
        keep_corrections: bool = True,
    ) -> None:
        """Propagate a case of the open volume; keys: of its objects, in order.

        keep_corrections: slices that were corrected by hand keep their masks; the notice after the run names them.
        after: called when the run has ended and some of it was done and is kept. Raises InputError and its children for
        what cannot be propagated; nothing is changed then.
        """
        opened = self._current.case
        if opened is None:
            raise RuntimeError("a run needs an open volume")
        settings, engine, target = self.settings(direction), self._engine, self._target
        settings.range_for(case.prompt, len(case.stack.frames))
        self._keys, self._after, self.accepted = keys, after, None
        segments = [target.segment_for(key) for key in keys]
        into = (target.segmentation, segments, opened.choices.overwrite, keep_corrections)
        writer = prepared_writer(opened.image.node, case, *into)
        target.written(writer.node, dict(zip(keys, writer.segment_ids, strict=True)))
        session = engine.session
        session.cancel()  # a preview that is still to come would lie over the result
        self.run = VolumeRun(session, case, engine.files(), writer, self._slice_done, self._ended)
        self.run.start(settings, engine.device)
        engine.begin_work()
        self.changed()

    def _start(self, case: OpenCase, direction: Direction, corrections: Corrections) -> None:
        prompt, keys = case.kept.joined(case.prompt, case.objects.marked)
        keep = corrections != "overwrite"
        # In one direction a run goes out from its prompt alone; the slices keep their masks all the same.
        both = keep and direction == "both"
        results = self._target.results(keys) if both or corrections == "ask" else []
        if corrections == "ask":
            question = lost_work(results, set(self.settings(direction).reached(prompt, len(case.image.slices))))
            if question:
                self._asked = direction
                self._ask(question)
                return
        prompts = keeping_settled(prompt, results) if both else prompt
        self.begin(case_of(case.framed(case.prompt), prompts), keys, None, direction, keep)

    def _ask(self, question: str) -> None:
        if self.question != question:
            self.question = question
            self.changed()

    # Its end, and going back

    def cancel(self) -> None:
        """Stop at the next slice and keep what is done."""
        self._engine.cancel()

    @property
    def can_undo(self) -> bool:
        """Whether the last run can be taken back."""
        return self.ended_run is not None and not self.ended_run.writer.undone

    @property
    def can_redo(self) -> bool:
        """Whether a run was taken back."""
        return self.ended_run is not None and self.ended_run.writer.undone

    def undo(self) -> None:
        """Take the last run back, in one step; what was taken back is said in the panel."""
        run = self.ended_run
        if run is not None:
            self._swap(SegmentWriter.undo, undone_in_words(run.writer))

    def redo(self) -> None:
        """Take `undo` back."""
        self._swap(SegmentWriter.redo, _("The run was restored."))

    def tell_result(self) -> None:
        """Have everybody look at the result of the last run again: it was changed."""
        if self.run is not None and self.run.job is not None:
            try:
                result = self.run.as_written()
            except InputError:  # a segment was removed: what is left has figures of its own
                self.gone_back()
            else:
                self.finished(result, self._keys)
        self.changed()

    def choose_zoom(self, zoom: str) -> None:
        """Have the network see so much of a slice from now on, in the preview too."""
        self._choices.set(zoom=zoom)
        self._preview.ask()

    def _fit_range(self, case: OpenCase) -> None:
        """The range that the panel shows is that of the run: the volume before may have had more slices."""
        choices, end = case.choices, len(case.image.slices) - 1
        self._choices.set(firstSlice=min(choices.firstSlice, end), lastSlice=min(choices.lastSlice, end))

    def _leave(self, _case: OpenCase) -> None:
        """End the run, which keeps what it can."""
        if self.running:
            self.cancel()
        self.run = self._after = self.accepted = None
        self.question = ""
        self.changed()

    def _slice_done(self, run: VolumeRun) -> None:
        """The first slice, the prompted slice, is written at once: the preview is not needed any more."""
        if run is self.run:
            self._preview.hide()

    def _ended(self, run: VolumeRun) -> None:
        if run is not self.run or run.job is None:
            return
        result = run.job.result
        done = int(result.computed.sum())
        sentences = [] if run.error is None or isinstance(run.error, CancelledError) else [run.error.message]
        kept = run.writer.node.GetScene() is not None
        if kept or not done:
            sentences.append(run_in_words(run, done))
        # What there is to say of the volume stands in the panel Volume.
        of_run = [notice for notice in run.notices if notice not in run.case.volume.notices]
        self._notices.say("run", " ".join([*sentences, *of_run]))
        if done and kept:
            self._take(run, result)
        else:
            self.run = None
            self._preview.ask()
        self.changed()

    def _take(self, run: VolumeRun, result: SegmentationResult) -> None:
        after, self._after = self._after, None
        if after is not None:
            after(run, list(self._keys))
        case, late = self._current.case, self._preview.late
        prompt = None if case is None else case.prompt
        self.accepted = None if late else prompt
        self.finished(result, self._keys)
        if late and prompt != run.case.prompt:
            self._preview.ask()

    @property
    def ended_run(self) -> VolumeRun | None:
        """The last run, once it is over; None while anything is computed that may change what it has written."""
        return None if self._engine.working else self.run

    def _swap(self, step: Callable[[SegmentWriter], object], sentence: str) -> None:
        run = self.ended_run
        if run is None:
            return
        self._ask("")
        try:
            step(run.writer)
        except InputError as error:
            self.run = None
            sentence = error.message
        self._notices.say("run", sentence)
        if run.writer.undone:
            self.gone_back()
        elif self.run is not None:
            self.tell_result()
        self.changed()

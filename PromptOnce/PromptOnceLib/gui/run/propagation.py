"""A run: its start, its slices as they come, its end, and going back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import vtk

from PromptOnceLib.cases.case import Case
from PromptOnceLib.errors import CancelledError, InputError
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.mrml.runs import VolumeRun, prepared_writer
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.worker.requests import PropagationJob, Settings

if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import Workbench

Direction = Literal["both", "forward", "backward"]

AfterRun = Callable[[VolumeRun, list[str]], object]
"""Is given the run and the keys of its objects."""

_OBJECT_TAG = "PromptOnce.Object"


class Propagating:
    """At most one run at a time. run: the last one on this volume, None before the first.

    accepted: the prompt as it was shown with the result when the last run ended, None after it was changed meanwhile.
    segment_choice: for an object's key the segment its mask goes into, "" for a new one; where there is no choice, the
    segment of the object's earlier run in the chosen segmentation, else a new one.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.run: VolumeRun | None = None
        self.segment_choice: dict[str, str] = {}
        self.accepted: Prompt | None = None
        self._keys: list[str] = []
        self._after: AfterRun | None = None

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

    def start(self, direction: Direction = "both") -> None:
        """Propagate the prompt; what stands in the way is said in the panel."""
        self._bench.attempt("run", lambda: self._start(direction))

    def cancel(self) -> None:
        """Stop at the next slice and keep what is done."""
        self._bench.session.cancel()
        self._bench.begin_work()

    def leave(self) -> None:
        """Another volume is chosen or the scene goes: end the run, which keeps what it can."""
        if self.running:
            self.cancel()
        self.run = self._after = self.accepted = None
        self.segment_choice = {}

    @property
    def can_undo(self) -> bool:
        """Whether the last run can be taken back."""
        return self._is_there() and not self.writer.undone

    @property
    def can_redo(self) -> bool:
        """Whether a run was taken back."""
        return self._is_there() and self.writer.undone

    def undo(self) -> None:
        """Take the last run back, in one step."""
        self._swap(lambda writer: writer.undo())

    def redo(self) -> None:
        """Take `undo` back."""
        self._swap(lambda writer: writer.redo())

    def segment_for(self, key: str) -> str | None:
        """The segment that the mask of an object will go into; None for a new one."""
        node = self._bench.parameters.segmentation
        if node is None:
            return None
        segmentation = node.GetSegmentation()
        chosen = self.segment_choice.get(key)
        if chosen is not None:
            return chosen if chosen and segmentation.GetSegment(chosen) is not None else None
        for segment_id in segmentation.GetSegmentIDs():
            if _tag(segmentation.GetSegment(segment_id)) == key:
                return str(segment_id)
        return None

    def settings(self, direction: Direction = "both") -> Settings:
        """How to propagate, as chosen in the panel."""
        choices = self._bench.parameters
        first, last = (choices.firstSlice, choices.lastSlice) if choices.limitRange else (0, -1)
        return Settings(first, None if last < 0 else last, direction, stop_when_absent=choices.earlyStop)

    def begin(self, case: Case, keys: list[str], after: AfterRun | None = None, direction: Direction = "both") -> None:
        """Propagate a case of the chosen volume; keys: of its objects, in order.

        after: called when the run has ended and some of it was done and is kept. Raises InputError and its children for
        what cannot be propagated; nothing is changed then.
        """
        bench = self._bench
        settings = self.settings(direction)
        settings.range_for(case.prompt, len(case.stack.frames))
        self._keys, self._after, self.accepted = keys, after, None
        segments = [self.segment_for(key) for key in keys]
        node = bench.image.node
        writer = prepared_writer(node, case, bench.parameters.segmentation, segments, bench.parameters.overwrite)
        for key, segment_id in zip(keys, writer.segment_ids, strict=True):
            writer.node.GetSegmentation().GetSegment(segment_id).SetTag(_OBJECT_TAG, key)
        bench.parameters.segmentation = writer.node
        for key in keys:
            self.segment_choice.pop(key, None)
        bench.session.cancel()  # a preview that is still to come would lie over the result
        self.run = VolumeRun(bench.session, case, bench.engine.files(), writer, self._slice_done, self._finished)
        self.run.start(settings, bench.engine.machine.device)
        bench.begin_work()

    def _start(self, direction: Direction) -> None:
        bench = self._bench
        prompt = bench.read_prompt()
        if prompt is None:
            raise InputError(_("There is no prompt yet: draw a box, or put a point on the object."))
        prompt.validate_for(bench.image.slices.shape)
        image = bench.fresh_image()
        case = Case(image.volume, image.axis, image.stack(bench.window(prompt)), prompt, None, ())
        self.begin(case, bench.objects.keys(), None, direction)

    def _slice_done(self, run: VolumeRun) -> None:
        """The first slice, the prompted slice, is written at once: the preview is not needed any more."""
        if run is self.run:
            self._bench.previewing.hide()

    def _finished(self, run: VolumeRun) -> None:
        if run is not self.run:
            return
        bench, job = self._bench, run.job
        done = int(job.result.computed.sum())
        sentences = [] if run.error is None or isinstance(run.error, CancelledError) else [run.error.message]
        kept = run.writer.node.GetScene() is not None
        if kept or not done:
            sentences.append(_in_words(run, done))
        bench.say("run", " ".join([*sentences, *run.notices]))
        if done and kept:
            after, self._after = self._after, None
            if after is not None:
                after(run, list(self._keys))
            self.accepted = None if bench.previewing.late else bench.read_prompt()
            bench.comparing.take(job.result, self._keys)
            if bench.previewing.late and bench.read_prompt() != run.case.prompt:
                bench.previewing.ask()
        else:
            self.run = None
            bench.previewing.ask()

    def _is_there(self) -> bool:
        return self.run is not None and self.run.finished

    def _swap(self, step: Callable[[SegmentWriter], object]) -> None:
        if not self._is_there():
            return
        try:
            step(self.writer)
        except InputError as error:
            self.run = None
            self._bench.say("run", error.message)
        self._bench.changed()


def _in_words(run: VolumeRun, done: int) -> str:
    """How far a run came. After an early stop it is done without all of its slices."""
    total = run.job.progress.total
    if done == 0:
        return _("No slice was done.")
    if done >= total or run.went_to_its_end:
        return _("Done: {done} slices.").format(done=done)
    return _("{done} of {total} slices are done and kept.").format(done=done, total=total)


def _tag(segment: Any) -> str:
    value = vtk.reference("")
    return str(value) if segment.GetTag(_OBJECT_TAG, value) else ""

"""Reviewing a result slice by slice: accepting, correcting, propagating what has changed, and going back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PromptOnceLib.errors import CancelledError, InputError, PromptOnceError
from PromptOnceLib.gui.correct.history import History
from PromptOnceLib.gui.correct.repropagation import Repropagation
from PromptOnceLib.gui.correct.segment import OpenSegment
from PromptOnceLib.gui.correct.walk import SliceWalk
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.prompt.editor import PromptEditor
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.run.comparison import RunComparison
from PromptOnceLib.gui.run.propagation import RunController
from PromptOnceLib.gui.run.sentences import correction_begun
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.gui.volume.prompted_slice import no_single_slice
from PromptOnceLib.mrml.prompts.correction_objects import CorrectionObjects
from PromptOnceLib.mrml.segmentations.corrections import slices_in_words
from PromptOnceLib.mrml.segmentations.segment_result import SegmentResult, write_correction, write_settled
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter
from PromptOnceLib.segmentation.segment import Segment, default_color
from PromptOnceLib.workflows.correct import Correctable


class CorrectionController:
    """segment: that is reviewed. walk: through its slices. history: to go back in. work: what is being computed.
    changed: called when a correction was begun, is over, goes on or has ended.
    """

    def __init__(
        self,
        current: CurrentCase,
        engine: EngineAccess,
        notices: Notices,
        editor: PromptEditor,
        preview: PromptPreview,
        segment: OpenSegment,
        runs: RunController,
        comparison: RunComparison,
    ) -> None:
        self._current, self._engine, self._notices, self._runs = current, engine, notices, runs
        self._editor, self._preview, self._comparison = editor, preview, comparison
        self.segment, self.history = segment, History()
        self.walk, self.work = SliceWalk(current, segment), Repropagation(engine)
        self.changed: Signal[[]] = Signal()
        self._outline: tuple[Any, str] | None = None
        self._lost = ""
        current.opened.connect(self._say_what_was_lost)
        current.closing.connect(self._leave)
        runs.changed.connect(self._run_changed)
        segment.drawn_on.connect(lambda: self._say(""))
        self._run: tuple[Any, bool] = (None, False)

    def next(self) -> None:
        """Show the slice to look at next."""
        if not self.walk.next() and self.segment.now is not None:
            self._say(_("There is no slice left to look at: all are prompted, corrected or accepted."))

    # Settling slices

    def accept(self) -> None:
        """Keep the slice that is shown as it is; nothing is computed."""
        self._attempt(self._accept)

    def begin(self) -> None:
        """Have the prompt tools correct the slice that is shown."""
        self._attempt(self._begin)

    def give_up(self) -> None:
        """Leave the result as it is; the marks of the correction go."""
        if not self.work.running:
            self._end_marks()

    @property
    def correcting(self) -> bool:
        """Whether a correction was begun."""
        case = self._current.case
        return case is not None and case.correction is not None

    def _accept(self, case: OpenCase, found: SegmentResult) -> None:
        if self.correcting:
            raise InputError(correction_begun())
        index = self._shown_slice()
        stack = case.framed_as(found.window).stack
        settled = found.correctable(stack).accepting(found.name, index)
        writer = write_settled(found, settled.prompts, stack.window.name)
        self._took(_('slice {index} of "{name}" accepted').format(index=index, name=found.name), writer)

    def _begin(self, case: OpenCase, found: SegmentResult) -> None:
        if self.correcting:
            return
        index, item = self._shown_slice(), found.prompts.objects[0]
        self._editor.finish()
        described = Segment(found.name, item.color or default_color(0), item.terminology)
        old = found.correctable(case.framed_as(found.window).stack)
        case.correct(CorrectionObjects(case.image.grid, index, case.selected.key, described, found.window, old))
        self._show_outline(found)
        self._current.edited()
        self.changed()

    def _shown_slice(self) -> int:
        index = self.walk.shown
        if index is None:
            raise InputError(no_single_slice())
        return index

    # Propagating what has changed

    @property
    def marked(self) -> int | None:
        """The slice on which a correction is marked; None while nothing is."""
        case = self._current.case
        prompt = None if case is None or case.correction is None else case.correction.prompt
        return None if prompt is None else prompt.slice

    @property
    def changes(self) -> tuple[int, ...]:
        """Slices from which nothing was propagated yet: drawn on by hand, or marked in the correction."""
        found, marked = self.segment.now, self.marked
        drawn = () if found is None else found.changed
        return tuple(sorted({*drawn, *(() if marked is None else (marked,))}))

    @property
    def touched(self) -> int:
        """How many slices are computed anew to propagate the changes."""
        found = self.segment.now
        return 0 if found is None else found.touched(self.changes)

    def propagate(self) -> None:
        """Settle what was marked and drawn, and compute the slices up to the next fixed ones anew."""
        self._editor.finish()
        self._attempt(self._propagate)

    def _propagate(self, case: OpenCase, found: SegmentResult) -> None:
        missing = self._engine.missing()
        if missing is not None:
            raise InputError(missing.sentence)
        outdated = case.image.outdated
        marks = {index: found.marks(index) for index in found.changed}
        prompt = None if case.correction is None else case.correction.prompt
        if prompt is not None:
            marks[prompt.slice] = prompt.objects[0]
        if not marks:
            raise InputError(_("Nothing has changed: mark what is wrong on a slice, or draw on one."))
        old = found.correctable(case.framed_as(found.window).stack)
        changed = tuple(sorted(marks))
        words = _("The volume's voxels have changed since: the corrected slices use the new ones.") if outdated else ""

        def failed(error: PromptOnceError) -> None:
            reason = "" if isinstance(error, CancelledError) else error.message
            self._say(" ".join(filter(None, [reason, _("The result is as it was; your marks are still there.")])))
            self._over()

        self.work.start(old, found.name, marks, lambda new: self._write(found, new, changed, words), failed)
        self.changed()

    def _write(self, found: SegmentResult, new: Correctable, changed: tuple[int, ...], notice: str) -> None:
        case = self._current.case
        if case is None:
            return
        try:
            writer = write_correction(found, new, changed, case.choices.overwrite)
        except PromptOnceError as error:
            self._say(error.message)
        else:
            self._end_marks()
            self._took(_corrected_in_words(found, changed), writer, notice)
            self._comparison.take_corrected(case.selected.key, new.result)
        self._over()

    def _over(self) -> None:
        self._preview.ask_if_late()
        self.segment.outdated()
        self.changed()

    # Going back

    def undo(self) -> None:
        """Take the last step back; what somebody has drawn since goes with it, which is said."""
        self._go_back(self.history.undo)

    def redo(self) -> None:
        """Do it again."""
        self._go_back(self.history.redo)

    def _go_back(self, move: Callable[[], str]) -> None:
        if self._engine.working:
            return
        before = self.segment.now
        sentence = move()
        self.segment.outdated()
        after = self.segment.now
        drawn = [] if before is None else [i for i in before.edited if after is None or i not in after.edited]
        if drawn:
            words = slices_in_words(drawn)
            sentence += " " + _("This also removed what was drawn by hand: {slices}; Redo restores it.").format(
                slices=words
            )
        self._say(sentence)
        if self._current.case is not None and after is not None:
            self._comparison.take_corrected(self._current.case.selected.key, after.result)
        self.changed()

    # What is common to all

    def _attempt(self, work: Callable[[OpenCase, SegmentResult], object]) -> None:
        """Do something to the segment; what stands in the way is said in the panel."""
        case = self._current.case
        if case is None or self._engine.working:
            return
        found = self.segment.now
        self._say("")
        if found is None:
            self._say(_("There is no result to correct yet: press Propagate, or choose the segment of one."))
            return
        try:
            work(case, found)
        except PromptOnceError as error:
            self._say(error.message)

    def _took(self, words: str, writer: SegmentWriter, notice: str = "") -> None:
        self.history.add(writer, words)
        self._say(" ".join(filter(None, [f"{words[0].upper()}{words[1:]}.", notice, *writer.notices])))
        self.segment.outdated()

    def _show_outline(self, found: SegmentResult) -> None:
        """The mask that is corrected as a line alone: the fill is that of what is to take its place."""
        display = found.node.GetDisplayNode()
        if display is not None and display.GetSegmentVisibility2DFill(found.segment_id):
            display.SetSegmentVisibility2DFill(found.segment_id, False)
            self._outline = (display, found.segment_id)

    def _show_fill(self) -> None:
        """The mask that was corrected as it was shown before."""
        outline, self._outline = self._outline, None
        if outline is not None:
            display, segment_id = outline
            display.SetSegmentVisibility2DFill(segment_id, True)

    def _end_marks(self) -> None:
        """Nothing is corrected any more."""
        case = self._current.case
        self._show_fill()
        if case is None or case.correction is None:
            return
        self._editor.use_tool(None)
        case.end_correction()
        self._preview.hide()
        self._current.drawn()
        self.changed()

    def _run_changed(self) -> None:
        """A run was begun, has ended or was taken back: steps of before cannot be taken back any more."""
        run = self._runs.run
        now = (run, run is not None and run.writer.undone)
        if now != self._run:
            self._run = now
            self.history.clear()
        self.segment.outdated()

    def _say(self, sentence: str) -> None:
        self._notices.say("correct", sentence)

    def _leave(self, case: OpenCase) -> None:
        """Another volume is chosen, or the scene goes."""
        dropped = self.work.drop()
        if self.marked is not None or dropped:
            sentence = _("The correction of {name} was not propagated before another volume or axis was opened.")
            self._lost = sentence.format(name=case.selected.name)
        self._show_fill()
        case.end_correction()
        case.objects.hide()
        self.history.clear()

    def _say_what_was_lost(self, _case: OpenCase) -> None:
        self._say(self._lost)
        self._lost = ""


def _corrected_in_words(found: SegmentResult, changed: tuple[int, ...]) -> str:
    return _('{slices} of "{name}" corrected').format(slices=slices_in_words(changed), name=found.name)

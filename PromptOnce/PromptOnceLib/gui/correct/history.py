"""What was done to results slice by slice, to go back and forth in."""

from __future__ import annotations

from collections.abc import Callable

from PromptOnceLib.errors import InputError
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter

_MOST_STEPS = 10  # each keeps a segment


class History:
    """Steps, each a writer with the words for what it has done. changed: called after each change."""

    def __init__(self) -> None:
        self.changed: Signal[[]] = Signal()
        self._done: list[tuple[SegmentWriter, str]] = []
        self._undone: list[tuple[SegmentWriter, str]] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return bool(self._undone)

    def add(self, writer: SegmentWriter, words: str) -> None:
        """Note a step that was done."""
        self._done = [*self._done, (writer, words)][-_MOST_STEPS:]
        self._undone = []
        self.changed()

    def clear(self) -> None:
        """Forget all steps: something else was done to the segments."""
        if self._done or self._undone:
            self._done, self._undone = [], []
            self.changed()

    def undo(self) -> str:
        """Take the last step back; a sentence for the user."""
        return self._move(self._done, self._undone, SegmentWriter.undo, _("Undone: {what}."))

    def redo(self) -> str:
        """Do it again; a sentence for the user."""
        return self._move(self._undone, self._done, SegmentWriter.redo, _("Redone: {what}."))

    def _move(
        self,
        source: list[tuple[SegmentWriter, str]],
        target: list[tuple[SegmentWriter, str]],
        step: Callable[[SegmentWriter], object],
        sentence: str,
    ) -> str:
        if not source:
            return ""
        writer, words = source.pop()
        try:
            step(writer)
        except InputError as error:
            self.clear()
            return error.message
        target.append((writer, words))
        self.changed()
        return sentence.format(what=words)

"""Going through the slices of a result: to one of them, and to the one to look at next."""

from __future__ import annotations

from PromptOnceLib.gui.correct.segment import OpenSegment
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase


class SliceWalk:
    """Moves the slice views of the open case."""

    def __init__(self, current: CurrentCase, segment: OpenSegment) -> None:
        self._current, self._segment = current, segment
        self._seen: set[int] = set()
        current.closing.connect(self._leave)

    @property
    def shown(self) -> int | None:
        """The slice in the working view."""
        case = self._current.case
        return None if case is None else slice_views.shown_slice(case.image.grid)

    def go_to(self, index: int) -> None:
        """Show a slice in the working view."""
        case = self._current.case
        if case is not None:
            slice_views.go_to_slice(case.image.grid, index)

    def next(self) -> bool:
        """Show the slice to look at next in all views; each is shown once before the first comes again.

        Whether there is one.
        """
        case, found, order = self._current.case, self._segment.now, self._segment.order
        if case is None or found is None or not order:
            return False
        self._seen &= set(order)
        left = [index for index in order if index not in self._seen]
        if not left:
            self._seen, left = set(), order
        index = left[0]
        self._seen.add(index)
        slice_views.go_to_middle(case.image.grid, index, found.result.masks[0, index])
        return True

    def _leave(self, _case: OpenCase) -> None:
        self._seen = set()

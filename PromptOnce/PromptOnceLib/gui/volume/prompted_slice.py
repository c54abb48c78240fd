"""The prompted slice in the slice views: going there, and choosing it by looking."""

from __future__ import annotations

from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.gui.volume.open_case import CurrentCase


class PromptedSlice:
    """Moves the working view of the open case; which slice it is, the objects know.

    views_changed: called when a slice view shows another volume, or shows it otherwise.
    """

    def __init__(self, current: CurrentCase, notices: Notices) -> None:
        self._current, self._notices = current, notices
        self.views_changed: Signal[[]] = Signal()
        self._shown_volumes = slice_views.WatchedViews("vtkMRMLSliceCompositeNode", self.views_changed)

    def close(self) -> None:
        """Let go of the views."""
        self._shown_volumes.removeObservers()

    def show_volume(self) -> None:
        """Show the volume in all slice views, and notice from now on when they show another one."""
        case = self._current.case
        if case is not None:
            slice_views.show_volume(case.node)
            self.watch_views()

    def watch_views(self) -> None:
        """Notice from now on when the views show another volume."""
        self._shown_volumes.watch()

    def show(self) -> bool:
        """Show volume and prompted slice in the working view, turned to the voxel grid if it is not.

        Whether there is such a view; a sentence in the panel says so where there is none.
        """
        case = self._current.case
        if case is None:
            return False
        image = case.image
        if slice_views.working_view(image.grid) is None:
            self._notices.say("prompt", _no_view())
            return False
        if self._notices.of("prompt") == _no_view():
            self._notices.say("prompt", "")
        if not slice_views.is_shown(image.node):
            self.show_volume()
        slice_views.go_to_slice(image.grid, case.objects.seed)
        return True

    def is_shown(self) -> bool:
        """Whether what the mouse marks in the working view would stay where it is put.

        The first mark of all decides the prompted slice; further ones have to be on it.
        """
        case = self._current.case
        if case is None:
            return False
        shown = slice_views.shown_slice(case.image.grid)
        return shown is not None and (shown == case.objects.seed or case.prompt is None)

    def use_shown(self) -> None:
        """Make the slice of the working view the prompted slice; what is marked moves there."""
        case = self._current.case
        if case is None:
            return
        index = slice_views.shown_slice(case.image.grid)
        if index is None:
            self._notices.say("prompt", no_single_slice())
            return
        case.objects.use_slice(index)
        self._current.edited()


def no_single_slice() -> str:
    """What is said where the slice shown is asked for and there is none."""
    return _("The view shows no single slice of the volume: press Go to slice first.")


def _no_view() -> str:
    return _("No slice view is shown. Choose a layout that has one, for example Four-Up.")

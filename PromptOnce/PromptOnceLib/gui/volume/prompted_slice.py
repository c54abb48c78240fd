"""The prompted slice in the slice views: going there, and choosing it by looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.volume import slice_views

if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import Workbench


class PromptedSlice:
    """Moves the working view of the workbench's volume; which slice it is, the objects know."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._shown_volumes = slice_views.ShownVolumes(bench.changed)

    def close(self) -> None:
        """Let go of the views."""
        self._shown_volumes.removeObservers()

    def show_volume(self) -> None:
        """Show the volume in all slice views, and notice from now on when they show another one."""
        slice_views.show_volume(self._bench.image.node)
        self._shown_volumes.watch()

    def show(self) -> bool:
        """Show volume and prompted slice in the working view, turned to the voxel grid if it is not.

        Whether there is such a view; a sentence in the panel says so where there is none.
        """
        bench = self._bench
        if bench.image is None or bench.objects is None:
            return False
        view = slice_views.working_view(bench.image.grid)
        if view is None:
            bench.say("prompt", _no_view())
            return False
        if bench.notices.get("prompt") == _no_view():
            bench.say("prompt", "")
        if not slice_views.is_shown(bench.image.node):
            self.show_volume()
        slice_views.go_to_slice(bench.image.grid, bench.objects.seed)
        return True

    def is_shown(self) -> bool:
        """Whether what the mouse marks in the working view would stay where it is put.

        The first mark of all decides the prompted slice; further ones have to be on it.
        """
        bench = self._bench
        shown = slice_views.shown_slice(bench.image.grid)
        return shown is not None and (shown == bench.objects.seed or bench.read_prompt() is None)

    def use_shown(self) -> None:
        """Make the slice of the working view the prompted slice; what is marked moves there."""
        bench = self._bench
        if bench.image is None or bench.objects is None:
            return
        index = slice_views.shown_slice(bench.image.grid)
        if index is None:
            bench.say("prompt", _("The view shows no single slice of the volume: press Go to prompted slice first."))
            return
        bench.objects.use_slice(index)
        bench.edited()


def _no_view() -> str:
    return _("No slice view is shown. Choose a layout that has one, for example Four-Up.")

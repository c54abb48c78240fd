"""Follows what the mouse does to the markups of the prompt, and gives it tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
import vtk

from PromptOnceLib.gui.prompt import place_tools

if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import MakeTimer, Workbench

QUIET_MILLISECONDS = 80
"""Without a change of a markup, before the change counts and the mask is asked for."""


class Editing(slicer.util.VTKObservationMixin):  # type: ignore[misc]
    """Observes the markups of the workbench's objects. A drag is taken in when it has ended, a box as it is drawn."""

    def __init__(self, bench: Workbench, make_timer: MakeTimer) -> None:
        super().__init__()
        self._bench = bench
        self._timer = make_timer(QUIET_MILLISECONDS, True, self.take_in)
        self._drawing_box = False

    @property
    def tool(self) -> str | None:
        """What the mouse places now: "box", "positive", "negative"."""
        objects = self._bench.objects
        return None if objects is None else place_tools.active_role(objects.selected)

    def use_tool(self, role: str | None) -> None:
        """Let the mouse place something on the prompted slice; None puts the tool away."""
        bench = self._bench
        if bench.objects is None:
            return
        place_tools.stop()
        if role is not None and (bench.prompted_slice.is_shown() or bench.prompted_slice.show()):
            place_tools.start(bench.objects.selected, role)
            self._drawing_box |= role == "box"
            self.watch()
        bench.changed()

    def watch(self) -> None:
        """Observe the markups there are now."""
        if self._bench.objects is None:
            return
        self._observe(place_tools.interaction_node(), vtk.vtkCommand.ModifiedEvent, self._tool_changed)
        events = slicer.vtkMRMLMarkupsNode
        for node in self._bench.objects.nodes:
            wanted = [events.PointPositionDefinedEvent, events.PointEndInteractionEvent, events.PointRemovedEvent]
            if node.IsA("vtkMRMLMarkupsROINode"):
                wanted.append(vtk.vtkCommand.ModifiedEvent)
            for event in wanted:
                self._observe(node, event, self._markups_changed)

    def leave(self) -> None:
        """Observe nothing, put the tool away."""
        self._timer.stop()
        if self.tool is not None:
            place_tools.stop()
        self._drawing_box = False
        self.removeObservers()

    def look(self) -> None:
        """Look in a moment whether something changed."""
        self._timer.start()

    def _observe(self, node: Any, event: Any, method: Any) -> None:
        if not self.hasObserver(node, event, method):
            self.addObserver(node, event, method)

    def _markups_changed(self, *_args: Any) -> None:
        self._timer.start()

    def _tool_changed(self, *_args: Any) -> None:
        """The mouse has placed the box, or a tool was put away, here or elsewhere in Slicer."""
        self._timer.start()
        self._bench.changed()

    def take_in(self) -> None:
        """Take in what was changed; by itself when the markups have been quiet for a moment."""
        self._timer.stop()
        bench, objects = self._bench, self._bench.objects
        if objects is None or self.tool == "box":
            return
        if self._drawing_box:
            self._drawing_box = False
            objects.keep_old_box()
        notices = objects.adopt()
        if notices:
            bench.say("prompt", " ".join(notices))
        if objects.settle():
            if not notices:
                bench.notices["prompt"] = ""
            bench.edited()

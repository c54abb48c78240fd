"""Follows what the mouse does to the markups of the prompt, and gives it tools."""

from __future__ import annotations

from typing import Any, Literal

import slicer
import vtk

from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.qt.signal import Observer, Signal
from PromptOnceLib.gui.qt.timer import QtTimer
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.gui.volume.prompted_slice import PromptedSlice
from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes

QUIET_MILLISECONDS = 80
"""Without a change of a markup, before the change counts and the mask is asked for."""

Tool = Literal["box", "positive", "negative"]
"""What the mouse places: Slicer's place mode with the node of the selected object for this."""

TOOLS: tuple[Tool, ...] = ("box", "positive", "negative")


class PromptEditor(Observer):
    """Observes the markups of the open case. A drag is taken in when it has ended, a box as it is drawn.

    changed: called when a tool was taken up or put away, here or elsewhere in Slicer. What was taken in is told by the
    current case's `edited`.
    """

    def __init__(self, current: CurrentCase, notices: Notices, prompted_slice: PromptedSlice) -> None:
        super().__init__()
        self._current, self._notices, self._prompted_slice = current, notices, prompted_slice
        self.changed: Signal[[]] = Signal()
        self._timer = QtTimer(QUIET_MILLISECONDS, True, self.take_in)
        self._drawing_box = False
        current.opened.connect(self._watch)
        current.closing.connect(self._leave)
        for signal in (current.edited, current.drawn):
            signal.connect(self._watch_again)

    @property
    def tool(self) -> Tool | None:
        """What the mouse places now for the selected object; None where it places nothing for it."""
        case = self._current.case
        return None if case is None else _active_tool(case.selected)

    def use_tool(self, tool: Tool | None) -> None:
        """Let the mouse place something on the prompted slice; None puts the tool away."""
        case = self._current.case
        if case is None:
            return
        _stop_placing()
        if tool is not None and (self._prompted_slice.is_shown() or self._prompted_slice.show()):
            _start_placing(case.selected, tool)
            self._drawing_box |= tool == "box"
            self._watch(case)
        self.changed()

    def finish(self) -> None:
        """Put the tool away, and take in at once what was marked."""
        self.use_tool(None)
        self.take_in()

    def take_in(self) -> None:
        """Take in what was changed; by itself when the markups have been quiet for a moment."""
        self._timer.stop()
        case = self._current.case
        if case is None or self.tool == "box":
            return
        objects = case.objects
        if self._drawing_box:
            self._drawing_box = False
            objects.keep_old_box()
        notices = objects.adopt()
        if notices:
            self._notices.say("prompt", " ".join(notices))
        if objects.settle():
            if not notices:
                self._notices.say("prompt", "")
            self._current.edited()

    def _watch(self, case: OpenCase) -> None:
        """Observe the markups there are now, and what may take them away."""
        self.observe(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self._markups_changed)
        self.observe(_interaction_node(), vtk.vtkCommand.ModifiedEvent, self._tool_changed)
        events = slicer.vtkMRMLMarkupsNode
        for node in case.objects.nodes:
            wanted = [events.PointPositionDefinedEvent, events.PointEndInteractionEvent, events.PointRemovedEvent]
            if node.IsA("vtkMRMLMarkupsROINode"):
                wanted.append(vtk.vtkCommand.ModifiedEvent)
            for event in wanted:
                self.observe(node, event, self._markups_changed)

    def _watch_again(self) -> None:
        if self._current.case is not None:
            self._watch(self._current.case)

    def _leave(self, _case: OpenCase) -> None:
        """Observe nothing, put the tool away."""
        self._timer.stop()
        if self.tool is not None:
            _stop_placing()
        self._drawing_box = False
        self.removeObservers()

    def _markups_changed(self, *_args: Any) -> None:
        self._timer.start()

    def _tool_changed(self, *_args: Any) -> None:
        """The mouse has placed the box, or a tool was put away, here or elsewhere in Slicer."""
        self._timer.start()
        self.changed()


def _start_placing(item: PromptNodes, tool: Tool) -> None:
    """Let the mouse place a box (once) or points (until the tool is put away) for an object."""
    if tool == "box":
        item.clear("box")
    node = item.make(tool)
    interaction = _interaction_node()
    slicer.modules.markups.logic().SetActiveList(node)
    interaction.SetPlaceModePersistence(0 if tool == "box" else 1)
    interaction.SetCurrentInteractionMode(interaction.Place)


def _stop_placing() -> None:
    """Another mode of the mouse, such as window and level, is left alone."""
    interaction = _interaction_node()
    if interaction.GetCurrentInteractionMode() == interaction.Place:
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)


def _active_tool(item: PromptNodes) -> Tool | None:
    interaction = _interaction_node()
    if interaction.GetCurrentInteractionMode() != interaction.Place:
        return None
    active = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton").GetActivePlaceNodeID()
    nodes = {tool: item.node(tool) for tool in TOOLS}
    return next((tool for tool, node in nodes.items() if node is not None and node.GetID() == active), None)


def _interaction_node() -> Any:
    """Slicer's node that knows what the mouse does."""
    return slicer.mrmlScene.GetNodeByID("vtkMRMLInteractionNodeSingleton")

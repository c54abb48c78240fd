"""Follows what the mouse does to the markups of the prompt, and gives it tools."""

from __future__ import annotations

from typing import Any, Literal

import slicer
import vtk

from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.prompt.box_mouse import BoxMouse, Corner
from PromptOnceLib.gui.qt.signal import Observer, Signal
from PromptOnceLib.gui.qt.timer import QtTimer
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.gui.volume.prompted_slice import PromptedSlice, no_single_slice
from PromptOnceLib.mrml.owned_nodes import role_of
from PromptOnceLib.mrml.prompts.markups import box_between
from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes
from PromptOnceLib.prompts.prompt import Box

QUIET_MILLISECONDS = 80
"""Without a change of a markup, before the change counts and the mask is asked for."""

Tool = Literal["box", "positive", "negative"]
"""What the mouse places: Slicer's place mode with the node of the selected object for this. A box is drawn by BoxMouse
from its first corner on.
"""

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
        self._mouse = BoxMouse(self._draw_box, self._set_box, lambda: self.use_tool(None))
        self._drawing_box = self._away = False
        current.opened.connect(self._watch)
        current.closing.connect(self._leave)
        for signal in (current.edited, current.drawn):
            signal.connect(self._watch_again)

    @property
    def tool(self) -> Tool | None:
        """What the mouse places now for the selected object; None where it places nothing for it."""
        case = self._current.case
        if case is None:
            return None
        return "box" if self._mouse.started else _active_tool(case.selected)

    def use_tool(self, tool: Tool | None) -> None:
        """Let the mouse place something on the prompted slice; None puts the tool away.

        A box that was begun is taken back, and the one before it is there again.
        """
        case = self._current.case
        if case is None:
            return
        _stop_placing()  # first: Slicer looks for the point that followed the mouse
        self._stop_drawing(case)
        self._keep_old_box(case)
        if tool is not None and (self._prompted_slice.is_shown() or self._prompted_slice.show()):
            slice_views.focus(case.image.grid)  # before: a name that was being typed is taken in
            _start_placing(case.selected, tool)
            if tool == "box":
                self._drawing_box = True
                self._mouse.listen()
            self._watch(case)
        self.changed()

    def swap_points(self) -> None:
        """Mark what is not the object instead of the object, or the other way round, while a point tool is in hand."""
        other: dict[Tool | None, Tool] = {"positive": "negative", "negative": "positive"}
        if self.tool in other:
            self.use_tool(other[self.tool])

    def enter(self) -> None:
        """Show what is marked, for the mouse to change."""
        self._away = False
        case = self._current.case
        if case is not None:
            case.objects.show()

    def leave(self) -> None:
        """Put the tool away and, as nobody wants to change it from elsewhere, hide and lock what is marked."""
        self.finish()
        self._away = True
        case = self._current.case
        if case is not None:
            case.objects.hide()

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
        self._keep_old_box(case)
        objects = case.objects
        notices = objects.adopt()
        if notices:
            self._notices.say("prompt", " ".join(notices))
        if objects.settle():
            if not notices:
                self._notices.say("prompt", "")
            self._current.edited()

    def _watch(self, case: OpenCase) -> None:
        """Observe the markups there are now, and what may take them away."""
        if self._away:  # a seed draws at the end of its run, wherever the user is
            case.objects.hide()
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

    def _leave(self, case: OpenCase) -> None:
        """Observe nothing, put the tool away."""
        self._timer.stop()
        if _places_mark():
            _stop_placing()
        if case.node.GetScene() is not None:
            self._stop_drawing(case)
        self._mouse.stop()  # a volume that was deleted leaves no box to take back
        self._drawing_box = False
        self.removeObservers()

    def _markups_changed(self, *_args: Any) -> None:
        self._timer.start()

    def _tool_changed(self, *_args: Any) -> None:
        """The mouse has placed the box, or a tool was put away, here or elsewhere in Slicer."""
        case = self._current.case
        drawing = self._mouse.started and _mode() == _interaction_node().ViewTransform
        if case is not None and not drawing and _active_tool(case.selected) != "box":
            self._stop_drawing(case)
        self._timer.start()
        self.changed()

    # A box, drawn by the mouse

    def _draw_box(self, first: Corner, second: Corner) -> None:
        """Show the box while its second corner follows the mouse."""
        case = self._current.case
        if case is None:
            return
        index = case.image.grid.shown_slice(second.view)
        if index is None:
            self._refuse_box(no_single_slice())
            return
        _stop_placing()  # from the first corner on: Slicer would begin a box of its own
        case.selected.write_box(_box_between(case, first, second), index)

    def _set_box(self, first: Corner, second: Corner) -> None:
        """Take in the box."""
        self._draw_box(first, second)
        case = self._current.case
        if case is None or not self._mouse.started:
            return
        if _box_between(case, first, second) is None:
            self._refuse_box(_("The box encloses nothing: drag from one corner to the opposite one, or click both."))
            return
        self._drawing_box = False
        self._mouse.stop()
        self._notices.say("prompt", "")
        self.changed()
        self.take_in()

    def _refuse_box(self, reason: str) -> None:
        """The tool stays in hand."""
        self.use_tool("box")
        self._notices.say("prompt", reason)

    def _stop_drawing(self, case: OpenCase) -> None:
        """Take back a box that was begun."""
        started = self._mouse.started
        self._mouse.stop()
        if started:
            case.objects.take_back_box()

    def _keep_old_box(self, case: OpenCase) -> None:
        """Where a new box was to be drawn and is not there, show the one before."""
        if self._drawing_box:
            self._drawing_box = False
            if not case.selected.has_box:
                case.objects.take_back_box()


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
    if _mode() == interaction.Place:
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)


def _active_tool(item: PromptNodes) -> Tool | None:
    if _mode() != _interaction_node().Place:
        return None
    active = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton").GetActivePlaceNodeID()
    nodes = {tool: item.node(tool) for tool in TOOLS}
    return next((tool for tool, node in nodes.items() if node is not None and node.GetID() == active), None)


def _places_mark() -> bool:
    """Whether the mouse places something for an object, be it of a volume that is not in the scene any more."""
    active = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton").GetActivePlaceNodeID()
    node = slicer.mrmlScene.GetNodeByID(active or "")
    return _mode() == _interaction_node().Place and node is not None and role_of(node) in TOOLS


def _box_between(case: OpenCase, first: Corner, second: Corner) -> Box | None:
    """See markups.box_between."""
    grid = case.image.grid
    return box_between(grid, grid.from_world(first.ras), grid.from_world(second.ras))


def _mode() -> int:
    """What the mouse does in Slicer's views."""
    return int(_interaction_node().GetCurrentInteractionMode())


def _interaction_node() -> Any:
    """Slicer's node that knows what the mouse does."""
    return slicer.mrmlScene.GetNodeByID("vtkMRMLInteractionNodeSingleton")

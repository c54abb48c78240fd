"""The slice views: showing a volume, turning a view to its grid, going to slices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from PromptOnceLib.gui.qt.signal import Observer
from PromptOnceLib.mrml.grid import StackGrid

Pixel = tuple[int, int]
"""Of a slice view, from its lower left corner."""
Ras = tuple[float, float, float]
"""A place in Slicer's world, mm."""


def working_view(grid: StackGrid) -> Any | None:
    """The slice node in which prompts are made: of those in the layout one that shows whole slices, else the first."""
    nodes = _in_layout()
    shown = [node for node in nodes if grid.misalignment(node) is None]
    return next(iter(shown or nodes), None)


def show_volume(volume_node: Any) -> None:
    """Show a volume in all slice views."""
    slicer.util.setSliceViewerLayers(background=volume_node, fit=True)


def is_shown(volume_node: Any) -> bool:
    """Whether a slice view of the layout shows the volume, alone or over another one."""
    names = {node.GetLayoutName() for node in _in_layout()}
    composites = [node for node in _composites() if node.GetLayoutName() in names]
    layers = [layer for node in composites for layer in (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID())]
    return volume_node.GetID() in layers


def background() -> Any | None:
    """The volume in the background of the views; of several views the first that shows one."""
    composites = {node.GetLayoutName(): node for node in _composites()}
    for view in _in_layout():
        composite = composites.get(view.GetLayoutName())
        node = None if composite is None else slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID() or "")
        if node is not None:
            return node
    return None


class WatchedViews(Observer):
    """Calls a function whenever a node of the slice views was changed.

    class_name: of the nodes: "vtkMRMLSliceCompositeNode", which says what volume is shown and how, or
    "vtkMRMLSliceNode", which moves, turns, and comes into the layout.
    """

    def __init__(self, class_name: str, on_change: Callable[[], object]) -> None:
        super().__init__()
        self._class_name, self._on_change = class_name, on_change

    def watch(self) -> None:
        """Observe the slice views there are now."""
        for node in slicer.util.getNodesByClass(self._class_name):
            self.observe(node, vtk.vtkCommand.ModifiedEvent, self._changed)

    def _changed(self, *_args: Any) -> None:
        self._on_change()


def go_to_slice(grid: StackGrid, index: int) -> None:
    """Have the working view show one slice of the stack, turned to the grid if it is not."""
    view = working_view(grid)
    if view is None:
        return
    if grid.misalignment(view) is not None:
        grid.align_view(view)
    grid.show_slice(view, index)


def shown_slice(grid: StackGrid) -> int | None:
    """Index of the slice in the working view; None where it shows none."""
    view = working_view(grid)
    return None if view is None else grid.shown_slice(view)


def interactors() -> list[tuple[Any, Any]]:
    """Node and VTK interactor of every slice view there is."""
    manager = slicer.app.layoutManager()
    widgets = [manager.sliceWidget(name) for name in manager.sliceViewNames()]
    return [(widget.mrmlSliceNode(), widget.sliceView().interactor()) for widget in widgets]


def focus(grid: StackGrid) -> None:
    """Have keys go to the working view: a tool button takes no focus from a text field."""
    view = working_view(grid)
    if view is not None:
        slicer.app.layoutManager().sliceWidget(view.GetLayoutName()).sliceView().setFocus()


def place_of(slice_node: Any, pixel: Pixel) -> Ras:
    """The place that a pixel of a slice view shows."""
    x, y, z, _ = slice_node.GetXYToRAS().MultiplyPoint((*pixel, 0.0, 1.0))
    return x, y, z


def go_to_place(grid: StackGrid, index: int, x: float, y: float) -> None:
    """Move all slice views to a place of the stack, without turning them."""
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *grid.to_world(index, x, y), -1, -1)


def go_to_middle(grid: StackGrid, index: int, mask: NDArray[Any]) -> None:
    """Move all slice views to a slice of the stack: to the middle of what a mask (rows, columns) shows there, or, where
    that is nothing, of the slice.
    """
    rows, columns = mask.shape
    found = np.argwhere(mask)
    y, x = found.mean(axis=0) if len(found) else ((rows - 1) / 2, (columns - 1) / 2)
    go_to_place(grid, index, float(x), float(y))
    go_to_slice(grid, index)


def _in_layout() -> list[Any]:
    return [node for node in slicer.util.getNodesByClass("vtkMRMLSliceNode") if node.IsMappedInLayout()]


def _composites() -> list[Any]:
    nodes: list[Any] = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return nodes

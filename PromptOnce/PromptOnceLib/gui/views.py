"""The slice views: showing a volume, turning a view to its grid, going to slices."""

from __future__ import annotations

from typing import Any

import slicer

from PromptOnceLib.mrml.grid import StackGrid


def working_view(grid: StackGrid) -> Any | None:
    """The slice node in which prompts are made: one that shows whole slices already, else the first of the layout."""
    every = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    nodes = [node for node in every if node.IsMappedInLayout()] or every
    shown = [node for node in nodes if grid.misalignment(node) is None]
    return next(iter(shown or nodes), None)


def show_volume(volume_node: Any) -> None:
    """Show a volume in all slice views."""
    slicer.util.setSliceViewerLayers(background=volume_node, fit=True)


def is_shown(volume_node: Any) -> bool:
    """Whether a slice view shows the volume in the background."""
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return any(node.GetBackgroundVolumeID() == volume_node.GetID() for node in composites)


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


def go_to_place(grid: StackGrid, index: int, x: float, y: float) -> None:
    """Move all slice views to a place of the stack, without turning them."""
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *grid.to_world(index, x, y), -1, -1)

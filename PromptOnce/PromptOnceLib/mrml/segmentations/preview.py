"""The masks of the prompted slice shown over the image while the prompt is edited; no part of the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from PromptOnceLib.mrml.grid import StackGrid
from PromptOnceLib.mrml.owned_nodes import remove
from PromptOnceLib.mrml.segmentations import labelmap
from PromptOnceLib.mrml.segmentations.new_nodes import put_on_grid
from PromptOnceLib.segmentation.segment import Segment

_NAME = "PromptOnce preview"
_FILL = 0.35


class MaskPreview:
    """A segmentation node that is neither saved nor offered anywhere, made with the first mask that is shown.

    It holds one slice only, so that showing a mask costs next to nothing whatever the size of the volume.
    """

    def __init__(self, grid: StackGrid) -> None:
        self.grid = grid
        self.node: Any | None = None

    def show(self, index: int, masks: NDArray[np.uint8], segments: Sequence[Segment]) -> None:
        """Show masks, uint8 (objects, rows, columns), on slice `index`, in the colours of the objects."""
        node = self._node()
        segmentation = node.GetSegmentation()
        while segmentation.GetNumberOfSegments() > len(segments):
            segmentation.RemoveSegment(segmentation.GetNthSegmentID(segmentation.GetNumberOfSegments() - 1))
        grid = labelmap.grid_image(self.grid.volume_node, node)
        extent, place = list(grid.GetExtent()), self.grid.ijk_axes[0]
        extent[2 * place : 2 * place + 2] = index, index
        grid.SetExtent(extent)
        shown = []
        for number, (mask, described) in enumerate(zip(masks, segments, strict=True)):
            if number == segmentation.GetNumberOfSegments():
                segmentation.AddSegment(slicer.vtkSegment(), f"object {number}")
            segment_id = segmentation.GetNthSegmentID(number)
            segment = segmentation.GetSegment(segment_id)
            segment.SetName(described.name)
            segment.SetColor(*described.color)
            labelmap.set_layer(node, segment_id, labelmap.labelmap_on(grid, np.expand_dims(mask, self.grid.axis)))
            shown.append(segment_id)
        labelmap.announce(node, shown)

    def clear(self) -> None:
        """Show nothing."""
        if self.node is not None:
            self.node.GetSegmentation().RemoveAllSegments()

    def remove(self) -> None:
        """Remove the node from the scene."""
        node, self.node = self.node, None
        if node is not None and node.GetScene() is not None:
            remove(node)

    def _node(self) -> Any:
        if self.node is None or self.node.GetScene() is None:
            self.node = self._add_node()
        self.node.SetAndObserveTransformNodeID(self.grid.volume_node.GetTransformNodeID())
        return self.node

    def _add_node(self) -> Any:
        """Kept out of the subject hierarchy, whose plugin watches every segmentation and complains of one without an
        item; hidden only afterwards, as hiding takes away the item that a node has.
        """
        node = slicer.vtkMRMLSegmentationNode()
        node.SetName(_NAME)
        names = slicer.vtkMRMLSubjectHierarchyConstants
        node.SetAttribute(names.GetSubjectHierarchyExcludeFromTreeAttributeName(), "1")
        node.SetSaveWithScene(False)
        self.grid.volume_node.GetScene().AddNode(node)
        node.SetHideFromEditors(True)
        put_on_grid(node, self.grid.volume_node)
        display = node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetVisibility3D(False)
        display.SetOpacity2DFill(_FILL)
        return node

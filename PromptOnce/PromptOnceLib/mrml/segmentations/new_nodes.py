"""Segmentation nodes and segments as they are made here, on the grid of a volume."""

from __future__ import annotations

from typing import Any

import slicer

from PromptOnceLib.mrml.segmentations import labelmap
from PromptOnceLib.segmentation.segment import DEFAULT_TERMINOLOGY, Segment

_NAME = "PromptOnce segmentation"


def new_segment(described: Segment, image: Any) -> Any:
    """A vtkSegment with this label map, in no segmentation yet."""
    segment = slicer.vtkSegment()
    segment.SetName(described.name)
    segment.SetColor(*described.color)
    segment.SetTag(segment.GetTerminologyEntryTagName(), described.terminology or DEFAULT_TERMINOLOGY)
    segment.AddRepresentation(labelmap.binary_labelmap(), image)
    return segment


def new_segmentation(volume_node: Any, name: str = _NAME) -> Any:
    """A segmentation node without segments on the grid of a volume, beside it in the subject hierarchy."""
    scene = volume_node.GetScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", scene.GenerateUniqueName(name))
    put_on_grid(node, volume_node)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    volume_item = hierarchy.GetItemByDataNode(volume_node)
    if volume_item:
        parent = hierarchy.GetItemParent(volume_item)
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(parent, node), parent)
    return node


def put_on_grid(node: Any, volume_node: Any) -> None:
    """Give a segmentation node that is in the scene and has no segments the grid of a volume, and a display node."""
    node.CreateDefaultDisplayNodes()
    # In this order: the geometry is stored in the coordinates of the node.
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)

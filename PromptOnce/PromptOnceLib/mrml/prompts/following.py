"""Marks that stay on their voxels, whatever is done to the place and the axes of their volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from PromptOnceLib.errors import GeometryError
from PromptOnceLib.mrml.grid import Floats, ijk_to_ras, volume_to_world
from PromptOnceLib.mrml.owned_nodes import nodes_on

_MARKUPS = "vtkMRMLMarkupsNode"


class MarksOnVoxels:
    """The markups made here on a volume, along all axes. They lie under the volume's parent transform.

    What was hardened while nobody followed has left them at their places under the parent of then: they are put under
    that of now there.
    """

    def __init__(self, volume_node: Any) -> None:
        self._volume, self._axes = volume_node, ijk_to_ras(volume_node)
        for node in nodes_on(volume_node, _MARKUPS):
            if node.GetTransformNodeID() != volume_node.GetTransformNodeID():
                _put_beside(volume_node, node)

    def follow(self) -> None:
        """Take them along after the volume was moved, or given other axes, as by hardening its transform."""
        before, self._axes = self._axes, ijk_to_ras(self._volume)
        change = self._axes @ np.linalg.inv(before)
        for node in nodes_on(self._volume, _MARKUPS):
            node.SetAndObserveTransformNodeID(self._volume.GetTransformNodeID())
            if not np.allclose(change, np.eye(4), atol=1e-9):
                _move(node, change)


def _put_beside(volume_node: Any, node: Any) -> None:
    """Under the volume's parent transform, where the node is."""
    try:
        change = np.linalg.inv(volume_to_world(volume_node)) @ volume_to_world(node)
    except GeometryError:  # somebody has put it under a transform that bends space
        return
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    _move(node, change)


def _move(node: Any, change: Floats) -> None:
    """Move what a node marks, in its own coordinates."""
    with slicer.util.NodeModify(node):
        if node.IsA("vtkMRMLMarkupsROINode"):
            _move_box(node, change)
            return
        for number in range(node.GetNumberOfControlPoints()):
            place = change @ [*node.GetNthControlPointPosition(number), 1.0]
            node.SetNthControlPointPosition(number, *place[:3])


def _move_box(roi: Any, change: Floats) -> None:
    """A box lies along the axes of its volume, so it stays one where these are stretched."""
    size, axes = np.array(roi.GetSize()), change @ slicer.util.arrayFromVTKMatrix(roi.GetObjectToNodeMatrix())
    lengths = np.linalg.norm(axes[:3, :3], axis=0)
    axes[:3, :3] /= lengths
    if np.linalg.det(axes[:3, :3]) < 0:
        axes[:3, 2] *= -1  # a box looks the same from behind
    roi.GetObjectToNodeMatrix().DeepCopy(slicer.util.vtkMatrixFromArray(axes))
    roi.SetSize(*(size * lengths))

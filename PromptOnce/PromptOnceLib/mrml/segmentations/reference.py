"""References to compare with, or to take a prompt from: segments and label maps of any geometry, on a volume's grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk

from PromptOnceLib.errors import GeometryError, InputError
from PromptOnceLib.imaging.volume import Array
from PromptOnceLib.mrml.grid import ijk_to_ras
from PromptOnceLib.mrml.segmentations import labelmap


@dataclass(frozen=True, eq=False)
class Reference:
    """labels: KJI on the volume's grid, uint8 or uint16, 0 is background; notices: sentences for the user.

    Segments are numbered from 1 in their order, of two that overlap the later one counts; label maps keep their labels.
    """

    labels: Array
    notices: tuple[str, ...] = ()


def read_reference_node(volume_node: Any, source: Any, segment_ids: Sequence[str] | None = None) -> Reference:
    """Labels of a segmentation node, or of a label map volume node, on the grid of a volume, by nearest neighbour.

    segment_ids: of a segmentation, by default the segments that are shown. Nothing in the scene is changed. Raises
    InputError for other nodes and segments that are not there, GeometryError where no label lies in the volume.
    """
    if source is None:
        raise InputError("No reference is chosen. Choose a segment or a label map.")
    if source.IsA("vtkMRMLSegmentationNode"):
        parts = _segments(source, segment_ids)
    elif source.IsA("vtkMRMLLabelMapVolumeNode"):
        parts = [_label_map(source)]
    else:
        raise InputError(f"{source.GetName()} cannot be a reference. Choose a segment or a label map.")
    grid = labelmap.grid_image(volume_node, volume_node)
    labels = np.zeros(tuple(reversed(grid.GetDimensions())), np.uint8 if _highest(parts) < 256 else np.uint16)
    same_grid = True
    for part in parts:
        image, exact = _on_grid_of(volume_node, part, source)
        same_grid = same_grid and exact
        found = labelmap.voxels(image)
        np.copyto(labels, found, where=found > 0, casting="unsafe")
    names = source.GetName(), volume_node.GetName()
    if not labels.any() and any(labelmap.voxels(part).any() for part in parts if not labelmap.is_empty(part)):
        raise GeometryError(f"{names[0]} lies outside {names[1]}. Choose the reference that was made on this image.")
    if same_grid:
        return Reference(labels)
    notice = f"{names[0]} lies on another grid than {names[1]}: its labels were taken over by nearest neighbour."
    return Reference(labels, (notice,))


def _segments(node: Any, segment_ids: Sequence[str] | None) -> list[Any]:
    segmentation = node.GetSegmentation()
    chosen = labelmap.visible_segments(node) if segment_ids is None else list(segment_ids)
    if not chosen:
        raise InputError(f"{node.GetName()} shows no segment. Show the segments to compare with, or choose one.")
    images = []
    for number, segment_id in enumerate(chosen, start=1):
        if segmentation.GetSegment(segment_id) is None:
            raise InputError(f'{node.GetName()} has no segment "{segment_id}". Choose another reference.')
        image = labelmap.segment_labelmap(node, segment_id)
        images.append(image if number == 1 else _numbered(image, number))
    return images


def _numbered(image: Any, number: int) -> Any:
    """The same label map with `number` in place of 1."""
    if labelmap.is_empty(image):
        return image
    if number > np.iinfo(np.uint8).max:
        wider = slicer.vtkOrientedImageData()
        wider.DeepCopy(image)
        slicer.vtkOrientedImageDataResample.CastImageForValue(wider, number)
        image = wider
    labelmap.voxels(image)[:] *= number
    return image


def _label_map(node: Any) -> Any:
    data = node.GetImageData()
    if data is None or data.GetPointData().GetScalars() is None:
        raise InputError(f"{node.GetName()} holds no voxels. Choose another reference.")
    array = slicer.util.arrayFromVolume(node)
    whole = array.dtype.kind in "iu" or np.array_equal(array, np.trunc(array))
    if not whole or array.min() < 0 or array.max() > np.iinfo(np.uint16).max:
        raise InputError(f"{node.GetName()} is no label map: its values are not whole numbers from 0 to 65535.")
    image = slicer.vtkOrientedImageData()
    image.ShallowCopy(data)
    image.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras(node)))
    return image


def _on_grid_of(volume_node: Any, image: Any, source: Any) -> tuple[Any, bool]:
    """An image in the coordinates of `source` on the volume's grid, and whether it had that grid already."""
    if labelmap.is_empty(image):
        return labelmap.labelmap_on(labelmap.grid_image(volume_node, volume_node)), True
    parent = source.GetParentTransformNode()
    if parent is None or parent.IsTransformToWorldLinear():
        grid = labelmap.grid_image(volume_node, source)
        return labelmap.resampled(image, grid), labelmap.same_grid(image, grid)
    bending = vtk.vtkGeneralTransform()
    between = slicer.vtkMRMLTransformNode.GetTransformBetweenNodes
    between(parent, volume_node.GetParentTransformNode(), bending)
    grid, result = labelmap.grid_image(volume_node, volume_node), slicer.vtkOrientedImageData()
    resample = slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage
    return (result if resample(image, grid, result, False, False, bending) else labelmap.labelmap_on(grid)), False


def _highest(images: list[Any]) -> int:
    return max((int(labelmap.voxels(image).max()) for image in images if not labelmap.is_empty(image)), default=0)

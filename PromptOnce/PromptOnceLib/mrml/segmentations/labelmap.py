"""Label maps inside segmentation nodes on the grid of a volume: read, made ready for writing, announced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.imaging.volume import Array
from PromptOnceLib.mrml.grid import ijk_to_ras, volume_to_world

Mask = NDArray[np.uint8]


def binary_labelmap() -> str:
    """Slicer's name for segments kept as voxels."""
    return str(slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName())


def segment_tag(segment: Any, name: str) -> str | None:
    """A tag of a vtkSegment; None where it has none of that name."""
    value = vtk.reference("")
    return str(value) if segment.GetTag(name, value) else None


def check_segmentation_node(node: Any) -> None:
    """Raise InputError for a node that is no segmentation."""
    if node is None:
        raise InputError("No segmentation is chosen. Choose the one that holds the segments.")
    if not node.IsA("vtkMRMLSegmentationNode"):
        raise InputError(f"{node.GetName()} is not a segmentation. Choose the one that holds the segments.")


def holds_labelmaps(segmentation_node: Any) -> bool:
    """Whether the segments are kept as voxels, not as surfaces or contours; so are no segments at all."""
    segmentation = segmentation_node.GetSegmentation()
    source = segmentation.GetSourceRepresentationName()
    return bool(segmentation.GetNumberOfSegments() == 0 or source == binary_labelmap())


def visible_segments(segmentation_node: Any) -> list[str]:
    """IDs of the segments that are shown, all of them where nothing says how to show them."""
    segment_ids = list(segmentation_node.GetSegmentation().GetSegmentIDs())
    display = segmentation_node.GetDisplayNode()
    if display is None:
        return segment_ids
    return [i for i in segment_ids if display.GetVisibility() and display.GetSegmentVisibility(i)]


def grid_image(volume_node: Any, segmentation_node: Any) -> Any:
    """An oriented image without voxels: the volume's grid in the coordinates of the segmentation node.

    Raises GeometryError where parent transforms are not linear.
    """
    matrix = ijk_to_ras(volume_node)
    if volume_node.GetTransformNodeID() != segmentation_node.GetTransformNodeID():
        matrix = np.linalg.inv(volume_to_world(segmentation_node)) @ volume_to_world(volume_node) @ matrix
    image = slicer.vtkOrientedImageData()
    i, j, k = volume_node.GetImageData().GetDimensions()
    image.SetExtent(0, i - 1, 0, j - 1, 0, k - 1)
    image.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(matrix))
    return image


def labelmap_on(grid: Any, mask: Array | None = None) -> Any:
    """A label map on a grid, holding a KJI mask of 0 and 1, or nothing."""
    image = slicer.vtkOrientedImageData()
    image.SetExtent(grid.GetExtent())
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    matrix = vtk.vtkMatrix4x4()
    grid.GetImageToWorldMatrix(matrix)
    image.SetGeometryFromImageToWorldMatrix(matrix)
    voxels(image)[:] = 0 if mask is None else mask
    return image


def voxels(image: Any) -> Array:
    """The voxels of an oriented image, KJI, as a view: writing to it writes to the image."""
    i, j, k = image.GetDimensions()
    array: Array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(k, j, i)
    return array


def is_empty(image: Any | None) -> bool:
    """Whether an oriented image has no voxels at all, as that of a new segment."""
    return image is None or image.IsEmpty() or image.GetPointData().GetScalars() is None


def same_grid(image: Any, other: Any) -> bool:
    """Whether two oriented images have the same lattice, whatever their extents."""
    return bool(slicer.vtkOrientedImageDataResample.DoGeometriesMatch(image, other))


def mirrored(grid: Any) -> Any:
    """The grid with its voxels in the opposite order along k; see cases.mirrored_record."""
    image, matrix, last = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4(), grid.GetExtent()[5]
    grid.GetImageToWorldMatrix(matrix)
    turned = slicer.util.arrayFromVTKMatrix(matrix)
    turned[:3, 3] += last * turned[:3, 2]
    turned[:3, 2] *= -1
    image.SetExtent(grid.GetExtent())
    image.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(turned))
    return image


def resampled(image: Any, grid: Any, keep_outside: bool = False) -> Any:
    """The label map on another grid, by nearest neighbour; keep_outside: what lies beyond the grid is kept as well."""
    result = slicer.vtkOrientedImageData()
    resample = slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage
    if is_empty(image) or not resample(image, grid, result, False, keep_outside):
        return labelmap_on(grid)
    return result


def segment_labelmap(segmentation_node: Any, segment_id: str) -> Any:
    """A copy of one segment alone, 0 and 1, on the grid it is kept on; made from its surface where it has no voxels."""
    segmentation = segmentation_node.GetSegmentation()
    segment = segmentation.GetSegment(segment_id)
    image, value = segment.GetRepresentation(binary_labelmap()), segment.GetLabelValue()
    if image is None:
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        image = logic.CreateRepresentationForOneSegment(segmentation, segment_id, binary_labelmap())
        image.UnRegister(segmentation)  # Slicer gives it away; Python holds it by itself
        value = None  # nobody shares this one
    if is_empty(image):
        return slicer.vtkOrientedImageData()
    array = voxels(image)
    return labelmap_on(image, (array > 0) if value is None else (array == value))


def segment_stack(segmentation_node: Any, segment_id: str, grid: Any, axis: int) -> NDArray[np.bool_]:
    """Slices of a segment on a grid along an array axis: (slice, row, column)."""
    image = resampled(segment_labelmap(segmentation_node, segment_id), grid)
    stack: NDArray[np.bool_] = slices_along(voxels(image) > 0, axis)
    return stack


def writable_layer(segmentation_node: Any, segment_id: str, grid: Any) -> Mask:
    """The voxels of a segment on a grid, KJI, to write 0 and 1 into; call `announce` when that is done.

    The segment gets a layer of its own that covers the grid, so that writing cannot change another segment. What it
    held before stays, by nearest neighbour where it was kept on another grid.
    """
    segmentation = segmentation_node.GetSegmentation()
    # Also when this was done before: saving a scene puts segments together again.
    segmentation.SeparateSegmentLabelmap(segment_id)
    segment = segmentation.GetSegment(segment_id)
    image = segment.GetRepresentation(binary_labelmap())
    ready = (
        not is_empty(image)
        and image.GetScalarType() == vtk.VTK_UNSIGNED_CHAR
        and segment.GetLabelValue() == 1
        and same_grid(image, grid)
        and _covers(image.GetExtent(), grid.GetExtent())
    )
    if not ready:
        image = resampled(segment_labelmap(segmentation_node, segment_id), grid, keep_outside=True)
        set_layer(segmentation_node, segment_id, image)
    inside = [
        slice(low - start, high - start + 1)
        for start, low, high in zip(image.GetExtent()[::2], grid.GetExtent()[::2], grid.GetExtent()[1::2], strict=True)
    ]
    return voxels(image)[tuple(inside[::-1])]


def set_layer(segmentation_node: Any, segment_id: str, image: Any) -> None:
    """Give a segment this label map of 0 and 1, for itself alone."""
    segmentation = segmentation_node.GetSegmentation()
    segmentation.SeparateSegmentLabelmap(segment_id)
    segment = segmentation.GetSegment(segment_id)
    segment.SetLabelValue(1)
    segment.AddRepresentation(binary_labelmap(), image)


def shrink_layer(segmentation_node: Any, segment_id: str) -> None:
    """Cut a segment's own label map to the voxels that are set, as Slicer does when it edits one."""
    image = segmentation_node.GetSegmentation().GetSegment(segment_id).GetRepresentation(binary_labelmap())
    extent = [0, -1] * 3
    if is_empty(image) or not slicer.vtkOrientedImageDataResample.CalculateEffectiveExtent(image, extent):
        return
    smaller = slicer.vtkOrientedImageData()
    smaller.SetExtent(extent)
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    smaller.SetGeometryFromImageToWorldMatrix(matrix)
    set_layer(segmentation_node, segment_id, resampled(image, smaller))


def announce(segmentation_node: Any, segment_ids: Sequence[str], convert: bool = False) -> None:
    """Tell Slicer that voxels of these segments were changed in place, so that views and files follow.

    convert: also make their surfaces again, which takes long, where the segmentation has any.
    """
    segmentation = segmentation_node.GetSegmentation()
    for segment_id in segment_ids:
        image = segmentation.GetSegment(segment_id).GetRepresentation(binary_labelmap())
        if not is_empty(image):
            # Enough for displays to look again. Of the image itself Slicer would take it as a reason to throw away the
            # surfaces of all segments.
            image.GetPointData().GetScalars().Modified()
    if convert:
        slicer.vtkSlicerSegmentationsModuleLogic.ReconvertAllRepresentations(segmentation_node, list(segment_ids))
    for segment_id in segment_ids:
        segmentation.InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified, segment_id)
        segmentation.InvokeEvent(slicer.vtkSegmentation.RepresentationModified, segment_id)


def _covers(extent: Sequence[int], inner: Sequence[int]) -> bool:
    lows = all(a <= b for a, b in zip(extent[::2], inner[::2], strict=True))
    return lows and all(a >= b for a, b in zip(extent[1::2], inner[1::2], strict=True))

"""Image and result of a batch's case as nodes, and the corrected segments back in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from PromptOnceLib.errors import GeometryError
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.mrml.owned_nodes import name_for_node, remove
from PromptOnceLib.mrml.prompts.prompt_nodes import find_prompts
from PromptOnceLib.mrml.segmentations import labelmap
from PromptOnceLib.mrml.segmentations.new_nodes import new_segment, new_segmentation
from PromptOnceLib.mrml.volumes import volume_geometry
from PromptOnceLib.segmentation.io import Segment, read_segmentation, write_segmentation

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


class CaseNodes:
    """volume, segmentation: nodes of a case, called by its name; the volume is the image as the batch has read it.

    Raises InputError and its children where the result cannot be read; nothing is left in the scene then.
    """

    def __init__(self, name: str, volume: Volume, result: Path) -> None:
        self._result = result
        found = read_segmentation(result)
        if found.geometry.shape != volume.geometry.shape:
            raise GeometryError(f"The result of {name} does not have the size of its image: the image was changed.")
        self._grid = volume.geometry
        self.volume = _add_volume(volume, name_for_node(name))
        self.segmentation = new_segmentation(self.volume, name_for_node(f"{name} result"))
        for segment, mask in zip(found.segments, found.masks, strict=True):
            _add_segment(self.segmentation, self.volume, segment, mask)

    @property
    def there(self) -> bool:
        """Whether both nodes are in the scene still."""
        return all(node.GetScene() is not None for node in (self.volume, self.segmentation))

    @property
    def gone(self) -> bool:
        """Whether neither of them is in the scene any more."""
        return all(node.GetScene() is None for node in (self.volume, self.segmentation))

    @property
    def segment_ids(self) -> tuple[str, ...]:
        """The segments there are now."""
        return tuple(self.segmentation.GetSegmentation().GetSegmentIDs())

    def changed(self) -> bool:
        """Whether the segments or their names differ from what was read or saved last. Raises as read_segmentation."""
        before, now = read_segmentation(self._result), self._masks()
        same = [segment.name for segment in before.segments] == [segment.name for segment in self._segments()]
        return not (same and all(np.array_equal(a > 0, b) for a, b in zip(before.masks, now, strict=True)))

    def save(self, path: Path) -> tuple[str, ...]:
        """Write the segments as they are now; notices for the user. Raises SegmentationFileError, and GeometryError
        where the volume was cropped since: a correction is one of the whole image.
        """
        grid = volume_geometry(self.volume)
        if grid.shape != self._grid.shape:
            raise GeometryError(f"{self.volume.GetName()} was given another size since: load the case again.")
        if grid.same_grid(self._grid):
            grid = self._grid  # which also knows the forms of a NIfTI image
        notices = write_segmentation(path, self._masks(), self._segments(), grid)
        self._result = path
        return notices

    def middle(self, axis: int, index: int) -> tuple[float, float] | None:
        """The middle, x and y, of what is drawn on a slice; None where nothing is."""
        masks = [slices_along(mask, axis)[index] for mask in self._masks()]
        found = np.argwhere(np.any(masks, axis=0)) if masks else np.empty((0, 2))
        if len(found) == 0:
            return None
        y, x = found.mean(axis=0)
        return float(x), float(y)

    def remove(self) -> None:
        """Remove the nodes, and prompts made on the volume, from the scene."""
        if self.volume.GetScene() is not None:
            for prompt in find_prompts(self.volume):
                prompt.remove()
        for node in (self.segmentation, self.volume):
            if node.GetScene() is not None:
                remove(node)

    def _masks(self) -> list[NDArray[np.bool_]]:
        read = slicer.util.arrayFromSegmentBinaryLabelmap
        return [read(self.segmentation, segment_id, self.volume) > 0 for segment_id in self.segment_ids]

    def _segments(self) -> list[Segment]:
        described = []
        for segment_id in self.segment_ids:
            segment = self.segmentation.GetSegmentation().GetSegment(segment_id)
            terminology = labelmap.segment_tag(segment, segment.GetTerminologyEntryTagName())
            described.append(Segment(segment.GetName(), tuple(segment.GetColor()), terminology))
        return described


def _add_volume(volume: Volume, name: str) -> Any:
    matrix = slicer.util.vtkMatrixFromArray(_LPS_TO_RAS @ volume.geometry.ijk_to_lps())
    node = slicer.util.addVolumeFromArray(volume.array, matrix, name)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
    if item and volume.modality:
        attribute = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMSeriesModalityAttributeName()
        hierarchy.SetItemAttribute(item, attribute, volume.modality)
    return node


def _add_segment(node: Any, volume_node: Any, described: Segment, mask: NDArray[np.uint8]) -> None:
    grid = labelmap.grid_image(volume_node, node)
    node.GetSegmentation().AddSegment(new_segment(described, labelmap.labelmap_on(grid, mask)))

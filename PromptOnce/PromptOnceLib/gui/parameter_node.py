"""What is chosen for a case and saved with the scene."""

from __future__ import annotations

from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class PromptOnceParameterNode:
    """Choices of the panel, saved with the scene.

    volume: the image to segment. axis: as imaging.stack.parse_axis takes it. window: as gui.volume.chosen_image takes
    it. segmentation: where results go, None for a new one. overwrite: whether results take voxels from other segments.
    earlyStop: whether a pass stops where the object has ended. limitRange, firstSlice, lastSlice: propagate in these
    slices only; -1 is the last one. reference, referenceSegment: what results are compared with, a segment of a
    segmentation or a label map volume.
    """

    volume: vtkMRMLScalarVolumeNode
    axis: str = "auto"
    window: str = "auto"
    segmentation: vtkMRMLSegmentationNode
    overwrite: bool = False
    earlyStop: bool = False  # noqa: N815
    limitRange: bool = False  # noqa: N815
    firstSlice: int = 0  # noqa: N815
    lastSlice: int = -1  # noqa: N815
    reference: vtkMRMLNode
    referenceSegment: str = ""  # noqa: N815

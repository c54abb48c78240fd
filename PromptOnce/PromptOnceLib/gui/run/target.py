"""Where the masks of objects go: into which segmentation, and there into which segments."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import slicer

from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.mrml.segmentations.corrections import corrected_slices, slices_in_words
from PromptOnceLib.mrml.segmentations.labelmap import grid_image, segment_tag

_OBJECT_TAG = "PromptOnce.Object"


class ResultTarget:
    """The segmentation is a choice of the scene; a segment is found by a tag with the key of its object.

    A volume that is opened has its own segmentation, that of which it is the reference geometry, or gets a new one.

    changed: called when a segment was chosen.
    """

    def __init__(self, current: CurrentCase, choices: SceneChoices) -> None:
        self._current, self._choices = current, choices
        self.changed: Signal[[]] = Signal()
        self._chosen: dict[str, str] = {}
        self._volume = ""
        current.opened.connect(self._choose_own)
        current.closing.connect(self._leave)

    @property
    def segmentation(self) -> Any | None:
        """The segmentation node that is chosen; None for a new one."""
        return None if self._choices.node is None else self._choices.node.segmentation

    def segment_for(self, key: str) -> str | None:
        """The segment that the mask of an object will go into; None for a new one.

        It is the one that was chosen or, where there is no choice, that of the object's earlier run.
        """
        node = self.segmentation
        if node is None:
            return None
        segmentation = node.GetSegmentation()
        chosen = self._chosen.get(key)
        if chosen is not None:
            return chosen if chosen and segmentation.GetSegment(chosen) is not None else None
        for segment_id in segmentation.GetSegmentIDs():
            if segment_tag(segmentation.GetSegment(segment_id), _OBJECT_TAG) == key:
                return str(segment_id)
        return None

    def corrections(self, keys: Sequence[str], slices: Container[int]) -> list[str]:
        """Which of these slices were corrected by hand in the segments of these objects, in words, one a segment.

        Raises GeometryError where transforms are not linear.
        """
        case, node = self._current.case, self.segmentation
        if case is None or node is None:
            return []
        grid, found = grid_image(case.node, node), []
        for segment_id in filter(None, map(self.segment_for, keys)):
            corrected = [i for i in corrected_slices(node, segment_id, grid, case.axis) if i in slices]
            if corrected:
                name = node.GetSegmentation().GetSegment(segment_id).GetName()
                found.append(f'{slices_in_words(corrected)} of "{name}"')
        return found

    def choose_segment(self, key: str, segment_id: str) -> None:
        """Have the next mask of an object go into a segment of the segmentation, "" for a new one."""
        self._chosen[key] = segment_id
        self.changed()

    def continue_segment(self, segment_id: str) -> None:
        """Have the selected object be that of a segment of the segmentation, into which its next mask goes."""
        case, node = self._current.case, self.segmentation
        if case is None or node is None:
            return
        segment = node.GetSegmentation().GetSegment(segment_id)
        case.objects.describe_selected(segment.GetName(), tuple(segment.GetColor()), None)
        self.choose_segment(case.selected.key, segment_id)
        self._current.edited()

    def written(self, segmentation_node: Any, segment_by_key: dict[str, str]) -> None:
        """A run writes its objects into these segments; later runs go on with them."""
        for key, segment_id in segment_by_key.items():
            segmentation_node.GetSegmentation().GetSegment(segment_id).SetTag(_OBJECT_TAG, key)
            self._chosen.pop(key, None)
        self._choices.set(segmentation=segmentation_node)

    def _choose_own(self, case: OpenCase) -> None:
        """The results of another volume are no place for those of this one; another axis of it changes nothing."""
        chosen, before, self._volume = self.segmentation, self._volume, case.node.GetID()
        if before == self._volume:
            return
        if volume_of(chosen) is not case.node:
            nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
            own = [node for node in nodes if volume_of(node) is case.node and is_result(node)]
            self._choices.set(segmentation=own[-1] if own else None)

    def _leave(self, _case: OpenCase) -> None:
        self._chosen = {}


def volume_of(node: Any | None) -> Any | None:
    """The volume on whose grid a segmentation is saved."""
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    return None if node is None else node.GetNodeReference(role)


def is_result(node: Any) -> bool:
    """Whether a run has written into it; others on the same volume may be references, or the preview."""
    segmentation = node.GetSegmentation()
    return any(
        segment_tag(segmentation.GetSegment(segment_id), _OBJECT_TAG) for segment_id in segmentation.GetSegmentIDs()
    )

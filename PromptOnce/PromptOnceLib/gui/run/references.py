"""What each object is compared with: a label map, or the segment of a segmentation that has its name."""

from __future__ import annotations

import json
from typing import Any

import slicer

from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.run.target import is_result, volume_of
from PromptOnceLib.gui.volume.open_case import OpenCase

_ROLE = "PromptOnceReferenceOf"


class References:
    """A label map belongs to the object that it was chosen for, a segmentation to all objects of the scene.

    Nobody has to choose a segmentation on the volume that has a segment of the object's name, unless there are several.
    """

    def __init__(self, choices: SceneChoices) -> None:
        self._choices = choices
        self._declined: set[str] = set()

    def node_for(self, case: OpenCase) -> Any | None:
        """The segmentation or label map that the selected object is compared with."""
        if self._choices.node is None:
            return None
        own = self._choices.scene_node.GetNodeReference(_ROLE + case.selected.key)
        if own is not None:
            return own
        common = self._choices.now.reference
        if common is not None:  # a label map in scenes of older versions alone
            return common
        return None if case.selected.key in self._declined else _only_one_with(case.selected.name, case.node)

    def segments_of(self, case: OpenCase) -> Any | None:
        """The vtkSegmentation of which one segment has to be the reference; None where there is none."""
        node = self.node_for(case)
        return node.GetSegmentation() if node is not None and _of_segments(node) else None

    def choose(self, node: Any | None, case: OpenCase | None, segment_id: str) -> None:
        """Compare with this node, and the selected object with this segment of it; "" for that of the object's name."""
        label_map = node is not None and not _of_segments(node)
        before = self._choices.now.reference
        common = before if label_map and case is not None else node
        chosen = self._chosen if common is before else {}
        if case is not None:
            key = case.selected.key
            self._choices.scene_node.SetNodeReferenceID(_ROLE + key, node.GetID() if label_map and node else None)
            self._declined = self._declined | {key} if node is None else self._declined - {key}
            chosen = {**chosen, key: segment_id} if segment_id else chosen
        # Of an older version, for all objects: not for another node.
        old = self._choices.now.referenceSegment if common is before else ""
        text = json.dumps(chosen) if chosen else ""
        self._choices.set(reference=common, referenceSegment=old, referenceSegments=text)

    def segment_for(self, case: OpenCase) -> str:
        """The segment that was chosen for the selected object, else that of its name, else the only one; else ""."""
        segmentation = self.segments_of(case)
        if segmentation is None:
            return ""
        names = {found: segmentation.GetSegment(found).GetName() for found in segmentation.GetSegmentIDs()}
        chosen = self._chosen.get(case.selected.key, "")
        if chosen in names:
            return chosen
        equal = [segment_id for segment_id, name in names.items() if name.casefold() == case.selected.name.casefold()]
        old = [segment_id for segment_id in names if segment_id == self._choices.now.referenceSegment]
        alone = list(names) if len(names) == 1 else []
        return next(iter([*equal, *old, *alone]), "")

    @property
    def _chosen(self) -> dict[str, str]:
        """Segments by the keys of objects."""
        text = self._choices.now.referenceSegments
        try:
            found = json.loads(text) if text else {}
        except ValueError:  # somebody else wrote into the scene
            found = {}
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _of_segments(node: Any) -> bool:
    return bool(node.IsA("vtkMRMLSegmentationNode"))


def _only_one_with(name: str, volume_node: Any) -> Any | None:
    """The one segmentation on a volume, not a result, that has a segment of this name; None of several."""
    found = []
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        segmentation = node.GetSegmentation()
        names = [segmentation.GetSegment(i).GetName().casefold() for i in segmentation.GetSegmentIDs()]
        a_reference = volume_of(node) is volume_node and not is_result(node) and not node.GetHideFromEditors()
        if a_reference and name.casefold() in names:
            found.append(node)
    return found[0] if len(found) == 1 else None

"""What each object is compared with: a label map, or the segment of a segmentation that has its name."""

from __future__ import annotations

import json
from typing import Any

from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes


class References:
    """The reference of the scene's choices, and which of its segments belongs to which object."""

    def __init__(self, choices: SceneChoices) -> None:
        self._choices = choices

    @property
    def node(self) -> Any | None:
        """The segmentation or label map that is chosen."""
        return None if self._choices.node is None else self._choices.node.reference

    @property
    def of_segmentation(self) -> bool:
        """Whether one of several segments has to be the reference."""
        return self.node is not None and bool(self.node.IsA("vtkMRMLSegmentationNode"))

    def choose(self, node: Any | None, item: PromptNodes | None, segment_id: str) -> None:
        """Compare with this node, and an object with this segment of it; "" for the one that has the object's name."""
        chosen = self._chosen if node is self.node else {}
        if item is not None and segment_id:
            chosen = {**chosen, item.key: segment_id}
        # Of an older version, for all objects: not for another node.
        old = self._choices.now.referenceSegment if node is self.node else ""
        self._choices.set(reference=node, referenceSegment=old, referenceSegments=json.dumps(chosen) if chosen else "")

    def segment_for(self, item: PromptNodes) -> str:
        """The segment that was chosen for an object, else that of its name, else the only one; else ""."""
        node = self.node
        if node is None or not self.of_segmentation:
            return ""
        segmentation = node.GetSegmentation()
        names = {found: segmentation.GetSegment(found).GetName() for found in segmentation.GetSegmentIDs()}
        chosen = self._chosen.get(item.key, "")
        if chosen in names:
            return chosen
        equal = [segment_id for segment_id, name in names.items() if name.casefold() == item.name.casefold()]
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

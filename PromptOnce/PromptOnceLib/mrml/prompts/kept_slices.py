"""Marks on further slices of a volume, beside the prompted one; kept with the volume node, and so with the scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from PromptOnceLib.cases.mirrored_record import mirrored_object
from PromptOnceLib.errors import PromptError
from PromptOnceLib.mrml.grid import StackGrid, ijk_to_ras
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet

_ATTRIBUTE = "PromptOnce.KeptPrompts"


class KeptSlices:
    """What is kept of a volume's slices along one array axis, by the objects' keys; those along others are not seen.

    Read from the node each time: scenes are loaded and closed behind our back.
    """

    def __init__(self, volume_node: Any, axis: int) -> None:
        self._node, self._axis = volume_node, axis
        self._attribute = f"{_ATTRIBUTE}{axis or ''}"
        self._handedness, self._shape = f"{self._attribute}.Handedness", f"{self._attribute}.Shape"

    @property
    def slices(self) -> list[int]:
        """The slices that hold kept marks, in their order."""
        kept = self._read()
        return [] if kept is None else kept.indices

    def keep(self, index: int, marked: Mapping[str, ObjectPrompt]) -> None:
        """Keep the marks of all objects on a slice, in place of what was kept there."""
        self._write(self._with(index, marked))

    def forget(self) -> None:
        """Keep nothing any more."""
        self._node.SetAttribute(self._attribute, None)

    def joined(self, prompt: Prompt | None, marked: Mapping[str, ObjectPrompt]) -> tuple[Prompt | PromptSet, list[str]]:
        """The prompt with what is kept on other slices, and the keys of its objects in order.

        marked: what the prompt marks, by key. Objects without any mark on the prompted slice take part by what is kept
        of them only while they are there. Raises PromptError where nothing is marked at all.
        """
        if prompt is None:
            raise PromptError("There is no prompt yet: draw a box, or put a point on the object.")
        kept = self._with(prompt.slice, marked)
        objects = [item for item in kept.objects if item.name in marked]
        if all(item.indices == (prompt.slice,) for item in objects):
            return prompt, list(marked)
        named = [
            item.model_copy(update={"name": now.name, "color": now.color, "terminology": now.terminology})
            for item in objects
            for now in (marked[item.name],)
        ]
        return PromptSet(axis=self._axis, objects=tuple(named)), [item.name for item in objects]

    def _with(self, index: int, marked: Mapping[str, ObjectPrompt]) -> PromptSet:
        kept = self._read()
        items = {} if kept is None else {item.name: item for item in kept.objects}
        for key, prompt in marked.items():
            items[key] = items.get(key, PromptedObject(name=key)).fixing(FixedSlice.of(index, prompt))
        return PromptSet(axis=self._axis, objects=tuple(items.values()))

    def _read(self) -> PromptSet | None:
        text = self._node.GetAttribute(self._attribute)
        if not text:
            return None
        try:
            kept = PromptSet.from_json(text)
        except PromptError:  # of another version, or changed by hand
            return None
        if kept.axis != self._axis or self._node.GetAttribute(self._shape) not in (None, _shape(self._node)):
            return None  # what is kept of a volume that was cropped since lies elsewhere
        if self._node.GetAttribute(self._handedness) in (None, _handedness(self._node)):
            return kept
        # Slicer has read the volume again, with its voxels in the opposite order along k; see cases.mirrored_record.
        shape = StackGrid(self._node, self._axis).shape
        objects = tuple(mirrored_object(item, self._axis, shape) for item in kept.objects)
        return kept.model_copy(update={"objects": objects})

    def _write(self, kept: PromptSet) -> None:
        self._node.SetAttribute(self._attribute, kept.to_json(indent=None))
        self._node.SetAttribute(self._handedness, _handedness(self._node))
        self._node.SetAttribute(self._shape, _shape(self._node))


def _shape(volume_node: Any) -> str:
    return " ".join(str(count) for count in volume_node.GetImageData().GetDimensions())


def _handedness(volume_node: Any) -> str:
    return "right" if np.linalg.det(ijk_to_ras(volume_node)[:3, :3]) > 0 else "left"

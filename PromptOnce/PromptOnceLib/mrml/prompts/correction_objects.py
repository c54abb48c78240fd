"""What is marked on one slice of a result to correct it: one object, whose marks go when the correction is over."""

from __future__ import annotations

from PromptOnceLib.mrml.grid import StackGrid
from PromptOnceLib.mrml.prompts.objects import PromptObjects, PromptState
from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.zoom import Sight
from PromptOnceLib.segmentation.segment import Segment
from PromptOnceLib.workflows.correct import Correctable


class CorrectionObjects(PromptObjects):
    """As PromptObjects, with the one object that is corrected, beside what it was prompted with.

    seed: the slice that is corrected; the first mark decides it. key: of the object. described: its name as the result
    has it, colour and terminology. window: under which the result was made, None where nobody knows. old: the result.
    """

    def __init__(
        self, grid: StackGrid, seed: int, key: str, described: Segment, window: str | None, old: Correctable
    ) -> None:
        self.grid, self.seed, self.current, self.window, self._old = grid, seed, 0, window, old
        nodes = PromptNodes(grid, key, described.name, described.color, described.terminology, passing=True)
        self.objects = [nodes]
        self._past: list[PromptState] = []
        self._future: list[PromptState] = []
        self._now = self.read()

    @property
    def sight(self) -> Sight:
        """What the network sees: what it saw when the result was made."""
        return Sight(zoom=self._old.result.ways_of(self.selected.name).zoom, crops=self._old.result.crops)

    def asked(self, prompt: Prompt) -> Prompt:
        """What the engine is asked for these marks: points alone correct the mask that is there."""
        marked = self._old.marks_on(self.selected.name, prompt.slice, prompt.objects[0])
        return prompt.model_copy(update={"objects": (marked,)})

    def remove(self) -> None:
        """Take all marks out of the scene."""
        for item in self.objects:
            item.remove()

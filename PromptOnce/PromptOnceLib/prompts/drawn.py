"""What a prompt looks like on one slice, for pictures."""

from __future__ import annotations

from collections.abc import Sequence

from PromptOnceLib.prompts.conditioning import AnyPrompt, SharedSeed
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.segmentation.marks import DrawnMarks
from PromptOnceLib.segmentation.segment import Color, segments_of


def marked_slices(prompt: AnyPrompt) -> list[int]:
    """Indices of the slices that carry a box, a point or a mask; none for seeds, whose marks lie on other images."""
    if isinstance(prompt, SharedSeed):
        return []
    if isinstance(prompt, PromptSet):
        return prompt.indices
    return [prompt.slice]


def marks_on(prompt: AnyPrompt, index: int) -> list[DrawnMarks]:
    """Boxes and points on a slice, each object in the colour of its segment."""
    if isinstance(prompt, SharedSeed):
        return []
    colors = {segment.name: segment.color for segment in segments_of(prompt.objects)}
    marked = prompt.on(index) if isinstance(prompt, PromptSet) else prompt if prompt.slice == index else None
    return [] if marked is None else marks_of(marked.objects, [colors[item.name] for item in marked.objects])


def marks_of(objects: Sequence[ObjectPrompt], colors: Sequence[Color]) -> list[DrawnMarks]:
    """Boxes and points of objects in these colours."""
    return [
        DrawnMarks(
            color,
            None if item.box is None else ((item.box.x0, item.box.y0), (item.box.x1, item.box.y1)),
            tuple((point.x, point.y) for point in item.points if point.positive),
            tuple((point.x, point.y) for point in item.points if not point.positive),
        )
        for item, color in zip(objects, colors, strict=True)
    ]

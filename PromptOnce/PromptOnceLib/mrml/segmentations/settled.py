"""Prompts of a run that also goes out from what is settled already in the segments that it writes into."""

from __future__ import annotations

from collections.abc import Sequence

from PromptOnceLib.mrml.segmentations.segment_result import SegmentResult
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptSet


def keeping_settled(prompt: Prompt | PromptSet, segments: Sequence[SegmentResult | None]) -> Prompt | PromptSet:
    """The prompt, with the slices of each object that were corrected or accepted, or drawn on by hand, fixed beside it.

    On a slice that is settled the prompt does not count. segments: that the objects go into, in their order, None for
    new ones. The prompt alone where nothing is settled.
    """
    alone = prompts = PromptSet.of(prompt) if isinstance(prompt, Prompt) else prompt
    for item, segment in zip(prompts.objects, segments, strict=True):
        if segment is None:
            continue
        settled = {fixed.slice: fixed for fixed in segment.prompts.objects[0].settled}
        for index in segment.edited:
            if segment.result.masks[0, index].any():
                settled[index] = FixedSlice(slice=index, state="corrected", mask=segment.marks(index).mask)
        for fixed in settled.values():
            prompts = prompts.fixing(item.name, fixed)
    return prompt if prompts == alone else prompts

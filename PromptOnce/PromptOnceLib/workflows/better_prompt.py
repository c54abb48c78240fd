"""Negative points that help on the prompted slice of a case, searched for with its reference and the loaded model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case
from PromptOnceLib.errors import CancelledError, InputError
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.prompts.strategies.negative_points import NegativePointSearch, search_negative_points
from PromptOnceLib.worker.segmenter import Segmenter


def search_better_prompt(
    segmenter: Segmenter,
    case: Case,
    candidates: int = 5,
    points: int = 1,
    on_trial: Callable[[int], object] | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> NegativePointSearch:
    """Search better negative points for the one object of a case, as search_negative_points says.

    The whole slice is seen, as in the paper. on_trial: is called with the number of segmentations after each; the slice
    is embedded for the first alone. Raises InputError for a case without a reference, with seeds, or with a prompt of
    several objects or slices, PromptError where the reference is empty on the slice, and CancelledError.
    """
    prompt, done = case.prompt, 0
    if not isinstance(prompt, Prompt) or len(prompt.objects) != 1:
        raise InputError("Negative points are searched for one object with a prompt on one slice. Choose one.")
    (item,) = prompt.objects
    reference = case.reference_of(0)
    if reference is None:
        raise InputError("Negative points are searched with a reference. Name the segmentation to compare with.")
    segmenter.use_stack(case.stack)

    def segment(changed: ObjectPrompt) -> NDArray[np.uint8]:
        nonlocal done
        if should_cancel is not None and should_cancel():
            raise CancelledError("The search for negative points was cancelled.")
        masks = segmenter.predict(prompt.model_copy(update={"objects": (changed,)})).masks
        done += 1
        if on_trial is not None:
            on_trial(done)
        mask: NDArray[np.uint8] = masks[0]
        return mask

    return search_negative_points(segment, reference[prompt.slice], item, candidates=candidates, points=points)

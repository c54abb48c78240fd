"""Every prompted slice segmented by itself: nothing is carried from one slice to the next.

The way in which No More Training and section 4.1 of Prompt Once segment, with SAM and with SAM 2 alike. Of Huang et al.
also the mode without prompts (S1): everything on a slice is segmented, and the mask that agrees best with the
reference is taken (section 3.5).
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import numpy as np

from PromptOnceLib.cases.case import Case
from PromptOnceLib.cases.outputs import Run
from PromptOnceLib.errors import CancelledError, PromptError
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.prompts.strategies.slice_prompts import Strategy, best_match
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.protocol import SliceDone
from PromptOnceLib.worker.segmenter import Segmenter

OnDone = Callable[[int, int], object]
"""Is told how many slices are done, and of how many."""


def prompt_each_slice(
    segmenter: Segmenter,
    case: Case,
    strategy: Strategy,
    model: str,
    on_done: OnDone | None = None,
    on_notice: Callable[[str], object] | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> Run:
    """Segment every slice that the case's prompt set marks; other slices stay uncomputed.

    model: its name, loaded in the worker. A cancelled run keeps the slices that are done. Raises PromptError for a case
    that is prompted otherwise or, where everything is segmented, has no reference; CancelledError when it was cancelled
    before the first slice, and what the worker reported.
    """
    if not isinstance(case.prompt, PromptSet) or len(case.prompt.objects) != 1:
        raise PromptError("Slices are prompted each by itself for one object alone, with a prompt for every slice.")
    segmenter.use_stack(case.stack)
    if strategy == "S1":
        return _everything(segmenter, case, model, on_done, should_cancel)

    def done(event: SliceDone) -> None:
        if on_done is not None:
            on_done(event.done, event.total)

    started = monotonic()
    prompts = dict(case.prompt.objects[0].prompts())
    job = segmenter.prompt_slices(prompts, done, on_notice, should_cancel)
    return Run(
        case,
        job.result,
        model,
        job.device,
        monotonic() - started,
        job.cancelled,
        list(job.notices),
        {index: (job.embed_seconds[index], job.prompt_seconds[index]) for index in job.embed_seconds},
    )


def _everything(
    segmenter: Segmenter,
    case: Case,
    model: str,
    on_done: OnDone | None,
    should_cancel: Callable[[], bool] | None,
) -> Run:
    if case.reference is None:
        raise PromptError("Where everything is segmented, a reference has to say which mask is the object's.")
    item = case.prompt.objects[0]
    assert isinstance(case.prompt, PromptSet)
    indices = case.prompt.object(item.name).indices
    result = SegmentationResult.empty([item.name], case.stack.frames.shape, case.stack.axis)
    started, cancelled = monotonic(), False
    seconds: dict[int, tuple[float, float]] = {}
    for number, index in enumerate(indices, start=1):
        try:
            found = segmenter.everything(index, should_cancel=should_cancel)
        except CancelledError:
            if number == 1:
                raise
            cancelled = True
            break
        masks, ious = found.masks, found.predicted_iou
        place, _ = best_match(masks, case.reference[index])
        nothing = np.zeros((1, *case.stack.frames.shape[1:]), np.uint8)
        mask, presence, iou = (nothing, 0.0, 0.0) if place is None else (masks[[place]], 1.0, float(ious[place]))
        result.set_slice(index, mask, [presence], [iou])
        seconds[index] = (found.embed_seconds, found.prompt_seconds)
        if on_done is not None:
            on_done(number, len(indices))
    assert segmenter.session.model is not None
    device = segmenter.session.model.device
    return Run(case, result, model, device, monotonic() - started, cancelled, slice_seconds=seconds)

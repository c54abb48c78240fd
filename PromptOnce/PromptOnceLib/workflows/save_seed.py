"""A prompted slice becomes a seed of a library: masks, round trip, and one entry written with all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case
from PromptOnceLib.errors import SeedError
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.library import SeedLibrary, check_confirmed
from PromptOnceLib.seeds.seed import ModelUsed, Seed
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.workflows.round_trip import steps_of_prompt
from PromptOnceLib.workflows.steps import PromptStep, Steps, prompted


def steps_of_saving(
    library: SeedLibrary,
    case: Case,
    name: str,
    files: ModelFiles,
    *,
    accepted: Sequence[NDArray[Any]] | None = None,
    round_trip: bool = True,
    result: SegmentationResult | None = None,
    frame_confirmed: bool,
    **words: Any,
) -> Steps[Seed]:
    """The seed as it was saved, once, with the figure of its round trip.

    case: with the prompt of its own volume. files: of the model that computes. accepted: one mask for each object,
    (rows, columns), not 0 where the object is; None for the model's. round_trip: find out how far the seed can be
    trusted, which a single picture does not tell. result: the complete result of the prompt where it is there already.
    frame_confirmed: that the user has looked at the frame. words: further fields of a seed, see seeds.create.

    Raises SeedError for a name that is taken, a frame that was not confirmed, an empty mask, and for seeds in place of
    a prompt; nothing is saved then, nor when it is cancelled.
    """
    library.check_free(name)
    prompt = case.prompt
    if not isinstance(prompt, Prompt):
        raise SeedError("A seed cannot be made of a seed: give a prompt of this volume.")
    masks = accepted
    if masks is None:
        masks = list((yield from prompted(PromptStep(case.stack, prompt))).masks)
    _check_not_empty(prompt, masks)
    model = ModelUsed(name=files.name, sha256=files.sha256)
    seed = make_seed(
        case.volume, case.stack, prompt, masks, name=name, model=model, frame_confirmed=frame_confirmed, **words
    )
    check_confirmed(seed)
    if round_trip and len(case.stack.frames) > 1:
        figures = yield from steps_of_prompt(case.stack, prompt, np.stack(seed.masks).astype(np.uint8), result)
        seed = seed.changed(round_trip=figures.record(files.name))
    return library.save(seed)


def _check_not_empty(prompt: Prompt, masks: Sequence[NDArray[Any]]) -> None:
    for item, mask in zip(prompt.objects, masks, strict=False):
        if not mask.any():
            raise SeedError(
                f'The mask of "{item.name}" is empty on slice {prompt.slice}. Choose another prompt or slice.'
            )

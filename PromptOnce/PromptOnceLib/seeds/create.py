"""A seed from a prompt on a slice and the masks that the user accepted there."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib import __version__
from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.orientation import FrameOrientation
from PromptOnceLib.imaging.stack import Stack, pixel_spacing
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.seeds.seed import ModelUsed, Seed, validated

MAY_CHANGE = frozenset(
    {"name", "target", "terminology", "scanner_name", "author", "licence", "note", "round_trip", "frame_confirmed"}
)
"""Fields that the user may give or change; the others follow from the image and the prompt."""


def make_seed(
    volume: Volume,
    stack: Stack,
    prompt: Prompt,
    masks: Sequence[NDArray[Any]],
    *,
    name: str,
    model: ModelUsed | None = None,
    date: dt.date | None = None,
    **words: Any,
) -> Seed:
    """The seed of a prompted slice.

    stack: of the volume; its frame at the prompt's slice becomes the seed frame. masks: one for each object of the
    prompt, (rows, columns), not 0 where the object is, as accepted by the user; for an object that was prompted with a
    mask this is what will prompt. model: that made the masks. date: by default today. words: further fields of
    SeedRecord among MAY_CHANGE. Of the image only grey values, grid, modality and the whitelisted tags of its scanner
    are taken.

    Raises PromptError where the prompt does not fit the stack, SeedError where anything else does not fit.
    """
    prompt.validate_for(stack.frames.shape)
    frame = stack.frames[prompt.slice]
    if frame.shape[0] * frame.shape[1] == 0 or len(masks) != len(prompt.objects):
        raise SeedError(
            f"A seed needs one accepted mask for each object of the prompt: here are {len(masks)} masks for "
            f"{len(prompt.objects)} objects."
        )
    check_words(words)
    window = stack.window
    fields = {
        "id": uuid.uuid4().hex,
        "name": name,
        "objects": [item.model_dump(exclude={"mask"}) for item in prompt.objects],
        "shape": frame.shape,
        "orientation": FrameOrientation.of(volume.geometry, stack.axis),
        "spacing": pixel_spacing(volume.geometry, stack.axis),
        "slice": prompt.slice,
        "slices": len(stack.frames),
        "window": {
            "lower": window.lower,
            "upper": window.upper,
            "name": window.name,
            "per_slice": window.per_slice,
        },
        "modality": volume.modality,
        "scanner": volume.scanner,
        "model": model or ModelUsed(),
        "software": __version__,
        "date": date or dt.datetime.now().astimezone().date(),
        **words,
    }
    return Seed(validated(fields), frame.copy(), tuple(np.asarray(mask) != 0 for mask in masks))


def check_words(words: dict[str, Any]) -> None:
    """Raise SeedError for a field that is not one of MAY_CHANGE."""
    unknown = sorted(set(words) - MAY_CHANGE)
    if unknown:
        raise SeedError(
            f"{', '.join(unknown)}: not a field of a seed that can be given. {', '.join(sorted(MAY_CHANGE))} are."
        )

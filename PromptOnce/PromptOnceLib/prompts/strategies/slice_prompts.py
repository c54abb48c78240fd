"""The prompt of one slice by the name of a strategy: the papers' own, or those of Huang et al.

Source of S1 to S6: Huang et al., Segment Anything Model for Medical Images? (MedIA 2024), sections 3.2 to 3.5 and
figure 5; where the text is silent, what their published code does, or else what stands here. All coordinates are whole
slice pixels, x = column, y = row.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.from_mask import Mask, PromptSelection, check_label_slice, prompt_from_mask, tight_box
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point
from PromptOnceLib.prompts.strategies.jitter import BoxChange, jittered
from PromptOnceLib.prompts.strategies.sampled_pixels import negative_pixels, positive_pixels
from PromptOnceLib.segmentation.metrics import dice

Strategy = Literal["paper", "S1", "S2", "S3", "S4", "S5", "S6"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
PROMPTED = tuple(name for name in STRATEGIES if name != "S1")
"""Strategies with a prompt: all but S1, everything mode."""

MIN_REFERENCE_PIXELS = 50
"""Slices with fewer pixels of the reference are left out of studies, after Huang et al., section 2.2.

They keep slices whose label values sum up to more than 50. That is a number of pixels where the only label is 1; then a
slice of exactly 50 pixels, which stays here, is left out there.
"""

# Box, number of positive points, number of negative ones.
_CONTENTS: dict[str, tuple[bool, int, int]] = {
    "S2": (False, 1, 0),
    "S3": (False, 5, 0),
    "S4": (False, 5, 5),
    "S5": (True, 0, 0),
    "S6": (True, 1, 0),
}


def slice_prompt(
    labels: NDArray[Any],
    strategy: str,
    *,
    rng: np.random.Generator,
    jitter: tuple[float, float] | None = None,
    box_change: BoxChange = "move",
    name: str = "object",
) -> ObjectPrompt:
    """The prompt of select_prompt without its notices, and shifted where jitter says so.

    jitter: lowest and highest distance in pixels, as `jittered` takes them, such as one of SHIFT_LEVELS. rng draws what
    the strategy needs first, then the shifts. Raises PromptError.
    """
    prompt = select_prompt(labels, strategy, rng=rng, name=name).prompt
    if jitter is None:
        return prompt
    rows, columns = labels.shape
    return jittered(prompt, (rows, columns), *jitter, rng, box_change)


def select_prompt(
    labels: NDArray[Any], strategy: str, *, rng: np.random.Generator, name: str = "object"
) -> PromptSelection:
    """The prompt of a strategy for an object whose labels on a slice are known; and notices.

    labels: integers or bool (rows, columns), 0 = background. rng: the same state gives the same prompt; only a first
    point that is not the centre of mass is drawn from it.

    "paper": prompt_from_mask, where every label has its point. For the others all labels are one object:

    * S2 one positive point; S3 five; S4 five and five negative ones. See positive_pixels and negative_pixels.
    * S5 the box, S6 the box and one positive point. The box goes from the centre of the first to that of the last row
      and column that hold a label, as in the published code; where these are the same it ends a pixel further on, since
      a box needs an area.

    Positive points come first. S1, everything mode, needs no prompt: `best_match` chooses among its masks.

    Raises PromptError for another strategy, for labels that are none or empty, and where there are more points than
    pixels.
    """
    check_prompted(strategy)
    if strategy == "paper":
        return prompt_from_mask(labels, name=name)
    check_label_slice(labels)
    mask = labels > 0
    with_box, positive, negative = _CONTENTS[strategy]
    points: list[Point] = []
    notices: tuple[str, ...] = ()
    if positive:
        pixels, centred = positive_pixels(mask, positive, rng)
        points += [Point(x=column, y=row, positive=True) for row, column in pixels]
        if not centred:
            notices = ("The object's centre of mass lies beside it: the first point was drawn from its pixels.",)
    if negative:
        points += [Point(x=column, y=row, positive=False) for row, column in negative_pixels(mask, negative)]
    box = _box(mask) if with_box else None
    return PromptSelection(ObjectPrompt(name=name, box=box, points=tuple(points)), notices)


def check_prompted(strategy: str) -> None:
    """Raise PromptError unless this is the name of a strategy that makes a prompt, as all but S1 do."""
    if strategy not in PROMPTED:
        why = "segments everything on a slice and has no prompt" if strategy == "S1" else "is no prompt strategy"
        raise PromptError(f"{strategy} {why}. Choose one of {', '.join(PROMPTED)}.")


def best_match(masks: NDArray[Any], reference: NDArray[Any]) -> tuple[int | None, float]:
    """Index and Dice of the mask that agrees best with the reference; (None, 0) where there is no mask.

    masks: bool or integers (n, rows, columns), as everything mode gives them (S1); reference: (rows, columns); other
    than 0 = object. Of equal ones the first. Source: section 3.5. Raises PromptError for an empty reference, to which
    any mask fits as badly, and GeometryError for other shapes.
    """
    if not reference.any():
        raise PromptError("The reference is empty on this slice: there is nothing to match. Choose another slice.")
    scores = [dice(mask, reference) or 0.0 for mask in masks]
    if not scores:
        return None, 0.0
    index = int(np.argmax(scores))
    return index, scores[index]


def generator_for(*parts: str | int | bytes) -> np.random.Generator:
    """A generator of random numbers that the same parts give again, in any process and on any machine.

    parts: what the numbers are for, such as a case's name, a slice and the number of a repetition.
    """
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(parts).encode()).digest(), "big"))


def _box(mask: Mask) -> Box:
    box = tight_box(mask)
    return Box(x0=box.x0, y0=box.y0, x1=max(box.x1 - 1, box.x0 + 1), y1=max(box.y1 - 1, box.y0 + 1))

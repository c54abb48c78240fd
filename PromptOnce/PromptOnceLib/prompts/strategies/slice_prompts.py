"""The prompt of one slice by the name of a strategy: the papers' own, or those of Huang et al.

Source of S1 to S6: Huang et al., Segment Anything Model for Medical Images? (MedIA 2024), sections 3.2 to 3.5 and figure
5; where the text is silent, what their published code does, or else what stands here. All coordinates are whole slice
pixels, x = column, y = row.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.prompts.from_mask import PromptSelection
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.prompts.strategies.jitter import BoxChange, jittered

Strategy = Literal["paper", "S1", "S2", "S3", "S4", "S5", "S6"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
PROMPTED = tuple(name for name in STRATEGIES if name != "S1")
"""Strategies with a prompt: all but S1, everything mode."""

MIN_REFERENCE_PIXELS = 50
"""Slices with fewer pixels of the reference are left out of studies, as in Huang et al., section 2.2.

They keep those whose label values sum up to more than 50, which is the number of pixels where the label is 1.
"""

# Strategy: box, positive points, negative points.
_CONTENTS = {
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
    """The prompt that select_prompt makes, without its notices; jitter: shifted as jittered does, lowest and highest
    distance in pixels.
    """
    selected = select_prompt(labels, strategy, rng=rng, name=name).prompt
    return selected if jitter is None else jittered(selected, labels.shape[:2], *jitter, rng, box_change)


def select_prompt(
    labels: NDArray[Any], strategy: str, *, rng: np.random.Generator, name: str = "object"
) -> PromptSelection:
    """Prompt for an object whose labels on a slice are known; the same labels and state of rng give the same prompt."""
    raise NotImplementedError


def best_match(masks: NDArray[Any], reference: NDArray[Any]) -> tuple[int | None, float]:
    """Index and Dice of the mask that agrees best with the reference."""
    raise NotImplementedError


def generator_for(*parts: str | int | bytes) -> np.random.Generator:
    """A generator of random numbers that the same parts, such as a case's name and a slice, give again anywhere."""
    raise NotImplementedError

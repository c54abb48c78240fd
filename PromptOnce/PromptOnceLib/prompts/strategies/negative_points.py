"""Better negative points, searched for with the reference at hand.

Source: Gutiérrez et al., No More Training (IEEE Access 2024), figure 6 and section V.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from PromptOnceLib.prompts.prompt import ObjectPrompt, Point

SegmentSlice = Callable[[ObjectPrompt], NDArray[Any]]


@dataclass(frozen=True)
class NegativePointSearch:
    """What a search found.

    prompt: the best one, the base prompt where nothing was better. points: the negative points that it has more, in the order they were
    found. moved: whether the first of them stands in the place of the base prompt's own negative points. before, after:
    Dice of the base prompt and of the best one. segmentations: how often the slice was segmented.
    """

    prompt: ObjectPrompt
    points: tuple[Point, ...]
    moved: bool
    before: float
    after: float
    segmentations: int

    @property
    def gain(self) -> float:
        """Dice gained, 0 where nothing was better."""
        return self.after - self.before


def search_negative_points(
    segment: SegmentSlice,
    reference: NDArray[Any],
    prompt: ObjectPrompt,
    *,
    candidates: int = 5,
    points: int = 1,
) -> NegativePointSearch:
    """Try negative points on what is segmented wrongly, and keep the best."""
    raise NotImplementedError

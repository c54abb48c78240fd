"""The simulated person of benchmarks.effort, who knows the reference: where the box is drawn and where the clicks go.

What is random depends on the seed, the object, the slice and the number of the click alone, so that all strategies meet
the same person.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from PromptOnceLib.prompts.from_mask import tight_box
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point
from PromptOnceLib.segmentation.metrics import dice
from training.evaluation.scores import Example

NAME = "object"
GOOD = 0.9
"""Dice from which a person leaves a slice as it is."""
MOST_CLICKS = 3
_SHIFT = 0.05  # of the box's width or height

Mask = NDArray[np.uint8]


@dataclass(frozen=True)
class Person:
    """Somebody who segments the object of an example."""

    example: Example
    seed: int = 0

    def box(self, index: int) -> ObjectPrompt:
        """Around the reference on a slice, each side moved by up to 5 % of the box's width or height."""
        reference = self.example.reference[index] != 0
        tight = tight_box(reference)
        width, height = tight.x1 - tight.x0, tight.y1 - tight.y0
        left, up, right, down = self._random(index, 0).uniform(-_SHIFT, _SHIFT, 4)
        rows, columns = reference.shape
        return ObjectPrompt(
            name=NAME,
            box=Box(
                x0=max(-0.5, tight.x0 + left * width),
                y0=max(-0.5, tight.y0 + up * height),
                x1=min(float(columns), tight.x1 + right * width),
                y1=min(float(rows), tight.y1 + down * height),
            ),
        )

    def click(self, seen: Mask, index: int, number: int) -> Point:
        """Into the deepest point of the largest wrong component, shifted at random within half its depth.

        number: of the click on this slice, from 1 on.
        """
        reference = self.example.reference[index] != 0
        missed, excess = reference & (seen == 0), ~reference & (seen != 0)
        region, positive = max(((_largest(missed), True), (_largest(excess), False)), key=lambda one: one[0].sum())
        depth = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        rng = self._random(index, number)
        distance, angle = depth.max() / 2 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        rows, columns = reference.shape
        return Point(
            x=float(np.clip(column + distance * np.cos(angle), 0, columns - 1)),
            y=float(np.clip(row + distance * np.sin(angle), 0, rows - 1)),
            positive=positive,
        )

    def slice_dice(self, seen: Mask, index: int) -> float:
        """1 where nothing is found and nothing is there."""
        found = dice(seen, self.example.reference[index])
        return 1.0 if found is None else found

    def content_with(self, seen: Mask, index: int) -> bool:
        """Whether a slice is left as it is: a Dice of 0.9, or nothing found where nothing is."""
        return self.slice_dice(seen, index) >= GOOD

    def wrong_pixels(self, masks: Mask) -> NDArray[np.int64]:
        """Of every slice."""
        wrong: NDArray[np.int64] = ((masks != 0) != (self.example.reference != 0)).sum((1, 2))
        return wrong

    def dice(self, masks: Mask) -> float:
        """Of the volume."""
        return dice(masks, self.example.reference) or 0.0

    def _random(self, index: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(str(self.example).encode()), index, number])


def _largest(wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest 8-connected component; nothing where there is none."""
    numbered, count = ndimage.label(wrong, np.ones((3, 3)))
    if not count:
        return wrong
    largest: NDArray[np.bool_] = numbered == 1 + np.bincount(numbered.ravel())[1:].argmax()
    return largest

"""What SAM and SAM 2 have in common where they segment single images."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.engine.devices import Placement
from PromptOnceLib.prompts.prompt import ObjectPrompt

T = TypeVar("T")


@dataclass(frozen=True)
class Embedding:
    """An image as the network knows it. maps: feature maps (1, C, h, w), the finest first; shape: (rows, columns)."""

    maps: list[torch.Tensor]
    shape: tuple[int, int]


@dataclass(frozen=True, eq=False)
class ImageMarks:
    """B prompts with P points each, in slice pixels.

    points: float64 (B, P, 2) of x, y. labels: int32 (B, P), 1 positive, 0 negative. box: float64 (4,) of x0, y0, x1,
    y1, for a single prompt, or None. grid: points of a grid instead of marks that somebody made.
    """

    points: NDArray[np.float64]
    labels: NDArray[np.int32]
    box: NDArray[np.float64] | None = None
    grid: bool = False

    @classmethod
    def of(cls, prompt: ObjectPrompt) -> ImageMarks:
        """Those of one object."""
        points = np.array([(point.x, point.y) for point in prompt.points], np.float64).reshape(1, -1, 2)
        labels = np.array([[int(point.positive) for point in prompt.points]], np.int32)
        box = prompt.box
        return cls(points, labels, None if box is None else np.array([box.x0, box.y0, box.x1, box.y1], np.float64))


@dataclass(frozen=True)
class Proposed:
    """Masks for B prompts, n for each.

    logits: float32 (B, n, h, w), object where > 0, in the network's resolution. predicted_iou: (B, n). presence: (B,)
    from 0 to 1, None from a model that does not estimate it.
    """

    logits: torch.Tensor
    predicted_iou: torch.Tensor
    presence: torch.Tensor | None


class ImageModel(ABC):
    """A model on a device, applied to single images. Not safe for use by several threads.

    placement: where and in which precision it runs. image_size: pixels a side of the square that the network sees.
    sure: predicted IoU above which everything.py takes a mask.
    """

    sure: ClassVar[float]

    placement: Placement
    image_size: int

    @abstractmethod
    def embed(self, frame: NDArray[np.uint8]) -> Embedding:
        """Encode a slice, uint8 (rows, columns), as three equal channels."""

    @abstractmethod
    def propose(self, embedding: Embedding, marks: ImageMarks, several: bool) -> Proposed:
        """Masks for prompts: one for each, or, with several, three that an ambiguous prompt may mean."""

    @abstractmethod
    def enlarge(self, embedding: Embedding, logits: torch.Tensor) -> torch.Tensor:
        """Logits (B, n, h, w) on the slice's own pixels, float32 (B, n, rows, columns)."""

    def timed(self, compute: Callable[[], T]) -> tuple[T, float]:
        """What is computed, and the seconds it took the device, which is waited for before and after."""
        self._wait()
        start = time.perf_counter()
        found = compute()
        self._wait()
        return found, time.perf_counter() - start

    def _wait(self) -> None:
        kind = self.placement.device.type
        if kind == "cuda":
            torch.cuda.synchronize(self.placement.device)
        elif kind == "mps":
            torch.mps.synchronize()

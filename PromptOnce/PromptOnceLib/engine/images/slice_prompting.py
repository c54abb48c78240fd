"""Prompted slices one by one, each an image of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.engine.images.image_model import Embedding, ImageMarks, ImageModel, Proposed
from PromptOnceLib.engine.lookahead import Frames
from PromptOnceLib.engine.transfer import SliceOutput, no_numbers
from PromptOnceLib.prompts.each_slice import Proposals
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.prompts.prompt_set import PromptSet


@dataclass(frozen=True)
class SlicePrompting:
    """Prompts on slices, all objects of a slice from one embedding.

    frames: uint8 (rows, columns) each, by index. slices: the indices of those to segment, of which each is prompted.
    """

    model: ImageModel
    frames: Frames
    prompts: PromptSet
    slices: Sequence[int]
    proposals: Proposals = "single"

    def run(self) -> Iterator[tuple[list[int], SliceOutput]]:
        """Slice after slice: the places of the masks that come, and what was found, with the seconds it took."""
        for index in self.slices:
            embedding, embed_seconds = self.model.timed(partial(self.model.embed, self.frames[index]))
            places: list[int] = []
            found: list[tuple[Found, float]] = []
            for place, item in enumerate(self.prompts.objects):
                prompt = item.on(index)
                if prompt is not None:
                    one, seconds = self.model.timed(partial(self._segment, embedding, prompt))
                    places += range(place * len(one.masks), (place + 1) * len(one.masks))
                    found.append((one, seconds))
            yield places, _together(index, found, embed_seconds)

    def _segment(self, embedding: Embedding, prompt: ObjectPrompt) -> Found:
        proposed = self.model.propose(embedding, ImageMarks.of(prompt), self.proposals != "single")
        return self._found(embedding, proposed)

    @torch.inference_mode()
    def _found(self, embedding: Embedding, proposed: Proposed) -> Found:
        """The masks that are wanted, on the slice's own pixels."""
        scores = proposed.predicted_iou[0].cpu().numpy()
        presence = math.nan if proposed.presence is None else float(proposed.presence[0])
        if not np.isfinite(scores).all():
            raise no_numbers()
        chosen = slice(None)
        if self.proposals == "best":
            best = int(np.argmax(scores))
            chosen = slice(best, best + 1)
        masks = self.model.enlarge(embedding, proposed.logits[:, chosen])[0] > 0
        return Found(masks.cpu().numpy().astype(np.uint8), scores[chosen], presence)


@dataclass(frozen=True, eq=False)
class Found:
    """Masks of one object, uint8 (n, rows, columns), with the predicted IoU of each; presence: NaN where unknown."""

    masks: NDArray[np.uint8]
    predicted_iou: NDArray[np.float32]
    presence: float


def _together(index: int, found: Sequence[tuple[Found, float]], embed_seconds: float) -> SliceOutput:
    return SliceOutput(
        index,
        np.concatenate([one.masks for one, _ in found]),
        tuple(one.presence for one, _ in found for _ in one.masks),
        tuple(float(score) for one, _ in found for score in one.predicted_iou),
        embed_seconds=embed_seconds,
        prompt_seconds=sum(seconds for _, seconds in found),
    )

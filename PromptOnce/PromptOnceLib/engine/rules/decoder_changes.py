"""What SAM 2's mask decoder is made to say differently, where a thread asks for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from sam2.modeling.sam.mask_decoder import MaskDecoder

MASKS_OUTVOTED = 1


class Switch:
    """Off, until a thread turns it on for itself: passes side by side share a network."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    @property
    def is_on(self) -> bool:
        """In this thread."""
        return getattr(self._of_thread, "on", False)

    @contextmanager
    def on(self) -> Iterator[None]:
        """In this context, and this thread."""
        self._of_thread.on = True
        try:
            yield
        finally:
            self._of_thread.on = False


def agreed(masks: torch.Tensor) -> torch.Tensor:
    """Logits (B, 1, rows, columns), positive where all masks but one are; masks: logits (B, 4, rows, columns)."""
    return masks.sort(dim=1).values[:, MASKS_OUTVOTED : MASKS_OUTVOTED + 1]


def take_agreed_masks(decoder: MaskDecoder, asked: Switch) -> None:
    """Where it is asked for, each of the four masks, the first and the three alternatives, is what they agree on.

    The decoder computes all four, whichever are wanted, so that asking all of them costs nothing.
    """
    predict_masks = decoder.predict_masks

    def predicted(*arguments: Any, **named: Any) -> tuple[torch.Tensor, ...]:
        masks, *others = predict_masks(*arguments, **named)
        if asked.is_on:
            masks = agreed(masks).expand_as(masks)
        return (masks, *others)

    decoder.predict_masks = predicted


def take_for_present(decoder: MaskDecoder, asked: Switch) -> None:
    """Where it is asked for, the object is there, as surely as it was said to be there or not."""

    def forced(_module: Any, _inputs: Any, outputs: tuple[torch.Tensor, ...]) -> Any:
        """Of masks, predicted IoU, tokens, presence."""
        return (*outputs[:3], outputs[3].abs().clamp(min=1e-3)) if asked.is_on else None

    decoder.register_forward_hook(forced)

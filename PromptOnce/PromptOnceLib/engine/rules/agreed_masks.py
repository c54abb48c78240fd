"""What most of the masks agree on that SAM 2 proposes for a slice: the first one and the three alternatives.

The mask decoder computes all four, whichever is asked for, so that asking all of them costs nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from sam2.modeling.sam.mask_decoder import MaskDecoder

MASKS_OUTVOTED = 1


def agreed(masks: torch.Tensor) -> torch.Tensor:
    """Logits (B, 1, rows, columns), positive where all masks but one are; masks: logits (B, 4, rows, columns)."""
    return masks.sort(dim=1).values[:, MASKS_OUTVOTED : MASKS_OUTVOTED + 1]


class Agreement:
    """Has a mask decoder give, while it is asked to, what the masks agree on in place of each; threads ask for
    themselves.
    """

    def __init__(self, decoder: MaskDecoder) -> None:
        self._asked = threading.local()
        self._predict_masks = decoder.predict_masks
        decoder.predict_masks = self._predicted

    @contextmanager
    def asked_for(self) -> Iterator[None]:
        """In this context, and this thread."""
        self._asked.on = True
        try:
            yield
        finally:
            self._asked.on = False

    def _predicted(self, *arguments: Any, **named: Any) -> tuple[torch.Tensor, ...]:
        masks, *others = self._predict_masks(*arguments, **named)
        if getattr(self._asked, "on", False):
            masks = agreed(masks).expand_as(masks)
        return (masks, *others)

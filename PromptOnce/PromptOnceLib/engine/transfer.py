"""What comes out of a slice, and its way from the device, which need not be waited for at once."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.errors import ModelError

T = TypeVar("T")


@dataclass(frozen=True)
class SliceOutput:
    """All objects on one slice.

    slice: index in the stack. masks: uint8 (objects, rows, columns), 0 or 1. presence, predicted_iou: one value 0 to 1
    an object; presence is NaN from a model that does not estimate it. embed_seconds, prompt_seconds: what encoding the
    slice and answering its prompts took, where that was measured.
    """

    slice: int
    masks: NDArray[np.uint8]
    presence: tuple[float, ...]
    predicted_iou: tuple[float, ...]
    embed_seconds: float | None = None
    prompt_seconds: float | None = None


class DeviceTransfer:
    """A slice's results, copied from the device to pinned memory while the device goes on; on the CPU they are there.

    masks: uint8 (objects, rows, columns). scores: float32 (2, objects), presence and predicted IoU.
    """

    def __init__(self, index: int, masks: torch.Tensor, scores: torch.Tensor) -> None:
        self._index = index
        on_cuda = masks.device.type == "cuda"
        # From CUDA PyTorch then copies into pinned memory of its own; other devices give no event to wait for.
        self._masks, self._scores = (item.to("cpu", non_blocking=on_cuda) for item in (masks, scores))
        self._copied = torch.cuda.current_stream(masks.device).record_event() if on_cuda else None

    def take(self) -> SliceOutput:
        """Wait for the results. Raises ModelError where the network gave no numbers."""
        if self._copied is not None:
            self._copied.synchronize()
        presence, predicted_iou = (tuple(row) for row in self._scores.tolist())
        if not all(math.isfinite(value) for value in (*presence, *predicted_iou)):
            raise no_numbers()
        return SliceOutput(self._index, self._masks.numpy(), presence, predicted_iou)


def no_numbers() -> ModelError:
    """What is wrong where scores are not finite: masks made then would be empty, which is not what happened."""
    return ModelError(
        "The model gives no numbers: its checkpoint is damaged, or the precision is too low; try float32."
    )


def delayed(steps: Iterable[Iterable[T]], lag: int) -> Iterator[T]:
    """What each step gives, in order, when `lag` more steps have been begun: then it can be waited for.

    Where a step cannot be begun, what those before it gave still comes, then the error.
    """
    begun, waiting, failure = iter(steps), deque[Iterable[T]](), None
    while failure is None:
        try:
            waiting.append(next(begun))
        except StopIteration:
            break
        except Exception as error:
            failure = error
        if len(waiting) > lag:
            yield from waiting.popleft()
    while waiting:
        yield from waiting.popleft()
    if failure is not None:
        raise failure

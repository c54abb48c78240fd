"""Small holes are filled by area, the same rule everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.test_masks_equal_upstream import blobs, bright
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.holes import fill_holes
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.tracker import Tracker


def square_with_holes() -> torch.Tensor:
    """Object with a hole of 2 pixels, one of 9, two pixels that touch at a corner, and background all around."""
    logits = torch.full((1, 1, 20, 20), -3.0)
    logits[..., 2:18, 2:18] = 4.0
    logits[..., 4, 4:6] = -1.0
    logits[..., 8:11, 8:11] = -1.0
    logits[..., 14, 14] = logits[..., 15, 15] = 0.0
    return logits


def test_holes_up_to_the_area_become_object_and_nothing_else_changes() -> None:
    logits = square_with_holes()
    filled = fill_holes(logits, 2)
    changed = filled != logits
    assert changed.sum() == 4
    assert (filled[changed] > 0).all()
    assert changed[0, 0, 4, 4:6].all()
    assert changed[0, 0, 14, 14]
    assert changed[0, 0, 15, 15]


def test_pixels_that_touch_at_a_corner_are_one_hole() -> None:
    filled = fill_holes(square_with_holes(), 1)
    assert (filled == square_with_holes()).all()


def test_background_around_the_object_stays() -> None:
    filled = fill_holes(square_with_holes(), 9)
    assert (filled[..., 2:18, 2:18] > 0).all()
    assert (filled[..., 0, :] < 0).all()


def test_tracking_does_not_depend_on_the_holes_of_earlier_slices(
    nano: tuple[Model, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As upstream: only the seed's filled mask is remembered, those of tracked slices are filled for output alone."""
    frames, tracker = blobs(5), Tracker(nano[0], on_cpu())
    calls: list[tuple[int, ...]] = []

    def everything(logits: torch.Tensor, area: int) -> torch.Tensor:
        calls.append(tuple(logits.shape))
        return torch.where(logits > 0, logits, torch.tensor(0.1)) if len(calls) > 1 else logits

    plain = list(Propagation(tracker, frames, pytest.fail).run(Task([bright(2)], 2, 0, 4)))
    monkeypatch.setattr("PromptOnceLib.engine.tracker.fill_holes", everything)
    filled = list(Propagation(tracker, frames, pytest.fail).run(Task([bright(2)], 2, 0, 4, fill_hole_area=8)))
    assert len(calls) == 5
    for before, after in zip(plain[1:], filled[1:], strict=True):
        assert after.masks.all()
        assert after.presence == before.presence
        assert after.predicted_iou == before.predicted_iou

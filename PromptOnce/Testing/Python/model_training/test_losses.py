"""The loss of one frame: what is tracked learns as inference takes it."""

from __future__ import annotations

import pytest
import torch

from training.forward import FrameOutput
from training.losses import FrameLoss, frame_loss

TRUTH = torch.zeros(1, 32, 32, dtype=torch.bool)
TRUTH[:, 8:24, 8:24] = True
NOTHING = torch.zeros_like(TRUTH)


def logits_of(mask: torch.Tensor) -> torch.Tensor:
    """Logits (rows, 8, 8) of a mask (rows, 32, 32)."""
    return torch.where(mask[:, ::4, ::4], 4.0, -4.0)


def loss_of(masks: list[torch.Tensor], true_mask: torch.Tensor, *, tracked: bool) -> tuple[FrameLoss, torch.Tensor]:
    """The loss of four masks, the first of which inference would choose, and its gradient with regard to them."""
    logits = torch.stack([logits_of(mask) for mask in masks], 1).requires_grad_()
    present = torch.where(true_mask.flatten(1).any(1, keepdim=True), 5.0, -5.0)
    output = FrameOutput(logits, torch.full((1, 4), 0.5), present, torch.zeros(1, dtype=torch.long))
    loss = frame_loss(output, true_mask, 1.0, 0.1, tracked)
    loss.total.backward()
    assert logits.grad is not None
    return loss, logits.grad


def test_the_dice_of_a_tracked_frame_is_that_of_what_three_masks_agree_on() -> None:
    masks = [NOTHING, TRUTH, TRUTH, TRUTH]
    assert loss_of(masks, TRUTH, tracked=True)[0].dice.item() == 1
    assert loss_of(masks, TRUTH, tracked=False)[0].dice.item() == 0
    assert loss_of([TRUTH, NOTHING, NOTHING, TRUTH], TRUTH, tracked=True)[0].dice.item() == 0


def test_a_tracked_frame_pays_for_what_is_not_agreed_on_though_the_best_mask_is_right() -> None:
    split, agreed = [TRUTH, TRUTH, NOTHING, NOTHING], [TRUTH, TRUTH, TRUTH, NOTHING]
    prompted, tracked = (
        loss_of(split, TRUTH, tracked=way)[0].total.item() - loss_of(agreed, TRUTH, tracked=way)[0].total.item()
        for way in (False, True)
    )
    assert tracked > prompted + 1


@pytest.mark.parametrize("masks", [[TRUTH] * 4, [TRUTH, TRUTH, TRUTH, NOTHING]])
def test_a_mask_of_a_tracked_frame_without_the_object_learns_to_be_empty(masks: list[torch.Tensor]) -> None:
    full, gradient = loss_of(masks, NOTHING, tracked=True)
    empty, _ = loss_of([NOTHING] * 4, NOTHING, tracked=True)
    assert full.total > empty.total + 1
    assert gradient[0].sum() > 0  # descent lowers the logits
    assert full.dice.isnan().all()


def test_where_a_mask_was_empty_by_agreement_nothing_else_is_learnt_of_an_absent_object() -> None:
    one, gradient = loss_of([TRUTH, NOTHING, NOTHING, NOTHING], NOTHING, tracked=True)
    none, _ = loss_of([NOTHING] * 4, NOTHING, tracked=True)
    assert one.total.item() == pytest.approx(none.total.item())
    assert gradient[0, 0].abs().max() < 1e-6


def test_a_prompted_frame_learns_no_mask_of_an_absent_object() -> None:
    _, gradient = loss_of([TRUTH] * 4, NOTHING, tracked=False)
    assert not gradient.any()

"""Losses of SAM 2's training (SAM 2 paper, section D.2.2), with cross entropy in place of the focal loss.

From scratch on few steps the focal loss ends in empty masks; a weighted cross entropy with every mask token supervised
does not. Two things are not SAM 2's: what three of the four masks agree on, which is taken while tracking, has a loss
of its own, and where a tracked object is absent, that mask learns to be empty, not presence alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from sam2.modeling.sam2_base import SAM2Base
from torch.nn import functional as F

from training.dataset import Batch
from training.forward import FrameOutput, Pass, run_clips, taken
from training.stages import Stage

CORRECTED_SHARE = 0.4  # of the batches of clips that have a frame corrected
CROSS_WEIGHT = 8.0
EMPTY_WEIGHT = 0.5  # of the cross entropy of a tracked frame's mask where the object is absent
POINT_WEIGHT = 0.5  # of what the masks say under the points of a prompt: few pixels, but those somebody has pointed at
PRESENCE_WEIGHT = 3.0  # upstream's 1 leaves objects "present" long after their end in a training as short as this


@dataclass
class FrameLoss:
    """Of one frame.

    total: scalar to minimise. dice: (rows,) of the mask inference would take, NaN where the object is absent. right:
    (rows,) 1 where the presence head is right, else 0. present: bool (rows,), whether the object is there.
    """

    total: torch.Tensor
    dice: torch.Tensor
    right: torch.Tensor
    present: torch.Tensor


def frame_loss(
    output: FrameOutput, true_mask: torch.Tensor, positive_weight: float, mean_share: float, tracked: bool = False
) -> FrameLoss:
    """Loss of one frame.

    true_mask: (rows, size, size) bool. positive_weight: weight of object pixels in the cross entropy. mean_share:
    share of the mean over the three multimask tokens; the rest is the best's. tracked: the mask that is taken is what
    the tokens agree on, so half of the loss is its; where the object is absent, it learns to be empty.
    """
    size = output.masks.shape[-1]
    target = F.adaptive_avg_pool2d(true_mask[:, None].float(), size)
    present = true_mask.flatten(1).any(1)
    logits, target4 = output.masks, target.expand_as(output.masks)
    cross, dice = _mask_losses(logits, target4, positive_weight)
    per_token = CROSS_WEIGHT * cross + dice
    multi = per_token[:, 1:]
    mask_loss = per_token[:, 0] + (1 - mean_share) * multi.min(1).values + mean_share * multi.mean(1)
    empty_loss = torch.zeros_like(mask_loss)
    inferred = taken(output, tracked)
    if tracked:
        cross, dice = (loss[:, 0] for loss in _mask_losses(inferred, target, positive_weight))
        mask_loss = mask_loss / 2 + CROSS_WEIGHT * cross + dice
        empty_loss = EMPTY_WEIGHT * CROSS_WEIGHT * cross

    with torch.no_grad():
        hard, hard_target = logits > 0, target4 > 0.5
        true_iou = (hard & hard_target).sum((2, 3)) / (hard | hard_target).sum((2, 3)).clamp(min=1)
        found, true = inferred[:, 0] > 0, hard_target[:, 0]
        found_dice = 2 * (found & true).sum((1, 2)) / (found.sum((1, 2)) + true.sum((1, 2))).clamp(min=1)
    iou_loss = (output.ious - true_iou).abs().mean(1)
    presence_loss = F.binary_cross_entropy_with_logits(output.presence[:, 0], present.float(), reduction="none")
    total = torch.where(present, mask_loss + iou_loss, empty_loss).mean() + PRESENCE_WEIGHT * presence_loss.mean()
    right = ((output.presence[:, 0] > 0) == present).float()
    return FrameLoss(total, torch.where(present, found_dice, torch.nan), right, present)


def point_loss(output: FrameOutput, batch: Batch, t: int) -> torch.Tensor:
    """Cross entropy of all masks with the truth under the points of a prompt, a scalar.

    The truth, not the label: the papers' negative point lies on most objects. What a hole shows is a few hundredths of
    a mask's pixels, and all that tells a ring from a disc.
    """
    place = batch.prompted.index(t)
    points, labels = batch.points[:, place], batch.point_labels[:, place]
    clicked = (labels == 0) | (labels == 1)
    logits, true_mask = output.masks, batch.masks[:, t]
    truth = _under(true_mask[:, None].float(), points)
    found = _under(logits, points * (logits.shape[-1] / true_mask.shape[-1]))
    cross = F.binary_cross_entropy_with_logits(found, truth.expand_as(found), reduction="none").mean(1)
    return (cross * clicked).sum() / clicked.sum().clamp(min=1)


def _under(images: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Values (rows, images, points) of images (rows, images, size, size) at points (rows, points, 2) of (x, y)."""
    size = images.shape[-1]
    cells = points.long().clamp(0, size - 1)
    index = (cells[..., 1] * size + cells[..., 0])[:, None]
    return images.flatten(2).gather(2, index.expand(-1, images.shape[1], -1))


def _mask_losses(logits: torch.Tensor, target: torch.Tensor, positive_weight: float) -> tuple[torch.Tensor, ...]:
    """Cross entropy and Dice loss, each (rows, masks), of logits (rows, masks, size, size)."""
    weight = torch.tensor(positive_weight, device=logits.device)
    cross = F.binary_cross_entropy_with_logits(logits, target, pos_weight=weight, reduction="none").mean((2, 3))
    probability = logits.sigmoid()
    overlap = (probability * target).sum((2, 3))
    return cross, 1 - (2 * overlap + 1) / (probability.sum((2, 3)) + target.sum((2, 3)) + 1)


@dataclass
class StepLoss:
    """Of one batch.

    total: scalar. dice: (rows, frames), NaN where the object is absent. found, empty: share of the tracked frames with
    the object that the presence head says hold it, and of those without it that it leaves empty; NaN where there are
    none. norm: of the gradient. All are tensors on the device: to read a number there makes a GPU wait.
    """

    total: torch.Tensor
    dice: torch.Tensor
    found: torch.Tensor
    empty: torch.Tensor
    norm: torch.Tensor | None = None


def step_loss(model: SAM2Base, batch: Batch, stage: Stage, truth: float, step: int) -> StepLoss:
    """Loss of one batch."""
    generator = torch.Generator().manual_seed(step)
    use_truth = (torch.rand(batch.masks.shape[:2], generator=generator) < truth).to(batch.masks.device)
    frames = batch.masks.shape[1]
    skippable = min(stage.skipped, max(frames - 2, 0))  # the last frame learns
    how = Pass(
        frozen=stage.frozen,
        seed=step,
        skipped=int(torch.randint(skippable + 1, (), generator=generator)),
        span=int(torch.randint(2, 24, (), generator=generator)),
    )
    if frames > 1 and torch.rand((), generator=generator) < CORRECTED_SHARE:
        how = replace(how, corrected=int(torch.randint(how.skipped + 1, frames, (), generator=generator)))
    outputs, corrected = run_clips(model, batch, use_truth, how)
    losses = [
        frame_loss(output, batch.masks[:, t], stage.positive_weight, stage.mean_share, t not in batch.prompted)
        for t, output in enumerate(outputs)
    ]
    if corrected is not None:
        true_mask = batch.masks[:, how.corrected]
        losses.append(frame_loss(corrected, true_mask, stage.positive_weight, stage.mean_share))
    learnt = [loss.total for t, loss in enumerate(losses) if how.learns(t, batch.prompted)]
    pointed = [point_loss(outputs[t], batch, t) for t in batch.prompted if not batch.by_mask]
    total = torch.stack(learnt).mean() + POINT_WEIGHT * sum(pointed) / len(learnt)
    dice, right, present = (
        torch.stack([getattr(loss, name) for loss in losses[:frames]], 1) for name in ("dice", "right", "present")
    )
    right, present = right[:, 1:], present[:, 1:]
    found, empty = ((right * among).sum() / among.sum() for among in (present, ~present))
    return StepLoss(total, dice, found, empty)

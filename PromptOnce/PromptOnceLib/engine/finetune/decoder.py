"""The mask decoder of SAM 2 with gradients: masks from boxes, and how wrong they are.

Huang et al. (Medical Image Analysis 2024), section 4.12: box prompts, image and prompt encoders frozen. The loss is
Dice and cross entropy, as in MedSAM (Ma et al. 2024). As in the training of SAM 2 (its paper, section D.2.2) all four
masks learn, of the three ambiguous ones the best, because tracking and unstable first masks fall back on them; and so
do the estimates of the IoU.

Slices that are tracked have no prompt of their own. So that they are decoded as before, what the decoder says without a
prompt is held to what it said before the training (as in Learning without Forgetting, Li and Hoiem 2016): without that
masks from boxes get better by as much, and propagations worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from PromptOnceLib.engine.preprocessing import point_inputs
from PromptOnceLib.engine.tracker import Features, Tracker
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt

# Parts of the decoder that stay: two belong to encoding, whose result is kept; the third has nothing to learn where the
# object is there on every slice.
FIXED = ("conv_s0", "conv_s1", "pred_obj_score_head")
_PRESENCE_WEIGHT = 0.1  # of logits, which reach further than shares


def decoder_of(tracker: Tracker) -> torch.nn.Module:
    """The network's mask decoder, alone able to learn."""
    network = tracker.model.network
    network.requires_grad_(False)
    decoder: torch.nn.Module = network.sam_mask_decoder
    for name, weights in decoder.named_parameters():
        weights.requires_grad_(name.split(".")[0] not in FIXED)
    return decoder


@dataclass(frozen=True)
class SeenSlices:
    """Slices as the decoder sees prompted ones.

    image: (n, channels, cells, cells), with its positions; fine: what it sees of finer levels.
    """

    image: torch.Tensor
    positions: torch.Tensor
    fine: list[torch.Tensor]


@dataclass(frozen=True)
class Prompts:
    """What the prompt encoder makes of a prompt on each of n slices."""

    sparse: torch.Tensor
    dense: torch.Tensor


@dataclass(frozen=True)
class Decoded:
    """What the decoder says of n slices.

    logits: (n, 4, size / 4, size / 4), the single mask first, then the three ambiguous ones. ious: their estimated IoU,
    (n, 4). tokens: of which object pointers are made, (n, 4, channels). presence: logits (n, 1).
    """

    logits: torch.Tensor
    ious: torch.Tensor
    tokens: torch.Tensor
    presence: torch.Tensor


@torch.no_grad()
def see(tracker: Tracker, slices: Sequence[Features]) -> SeenSlices:
    """Several slices without memory, as prompted slices are seen."""
    network: Any = tracker.model.network
    features = Features.beside(slices, 1)
    image = network._prepare_memory_conditioned_features(
        frame_idx=0,
        is_init_cond_frame=True,
        current_vision_feats=features.maps[-1:],
        current_vision_pos_embeds=features.positions[-1:],
        feat_sizes=features.sizes[-1:],
        output_dict={"cond_frame_outputs": {}, "non_cond_frame_outputs": {}},
        num_frames=1,
    )
    maps = zip(features.maps[:-1], features.sizes[:-1], strict=True)
    fine = [one.permute(1, 2, 0).reshape(len(slices), -1, *shape) for one, shape in maps]
    return SeenSlices(image, network.sam_prompt_encoder.get_dense_pe(), fine)


def box_prompts(tracker: Tracker, boxes: Sequence[Box], shapes: Sequence[tuple[int, int]]) -> Prompts:
    """A box on each slice, in slice pixels. shapes: (rows, columns) of the slices."""
    size, device = tracker.model.image_size, tracker.placement.device
    made = [point_inputs(ObjectPrompt(box=box), shape, size, device) for box, shape in zip(boxes, shapes, strict=True)]
    points, labels = (torch.cat([one[key] for one in made]) for key in ("point_coords", "point_labels"))
    return _prompts(tracker, points, labels)


def no_prompts(tracker: Tracker, count: int) -> Prompts:
    """No prompt on any of several slices, as on those that are tracked."""
    device = tracker.placement.device
    labels = torch.full((count, 1), -1, dtype=torch.int32, device=device)
    return _prompts(tracker, torch.zeros(count, 1, 2, device=device), labels)


@torch.no_grad()
def _prompts(tracker: Tracker, points: torch.Tensor, labels: torch.Tensor) -> Prompts:
    return Prompts(*tracker.model.network.sam_prompt_encoder(points=(points, labels), boxes=None, masks=None))


def decode(decoder: Any, seen: SeenSlices, prompts: Prompts) -> Decoded:
    """What a mask decoder says, with gradients."""
    logits, ious, tokens, presence = decoder.predict_masks(
        image_embeddings=seen.image,
        image_pe=seen.positions,
        sparse_prompt_embeddings=prompts.sparse,
        dense_prompt_embeddings=prompts.dense,
        repeat_image=False,
        high_res_features=seen.fine,
    )
    return Decoded(logits.float(), ious.float(), tokens, presence)


def box_loss(found: Decoded, target: torch.Tensor) -> torch.Tensor:
    """How wrong masks and their estimated IoU are, a scalar. target: shares of pixels, (n, 1, side, side)."""
    logits, wanted = found.logits, target.expand_as(found.logits)
    cross = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean((2, 3))
    shares = logits.sigmoid()
    overlap = 2 * (shares * wanted).sum((2, 3)) + 1
    each = cross + 1 - overlap / (shares.sum((2, 3)) + wanted.sum((2, 3)) + 1)
    masks = each[:, 0] + each[:, 1:].amin(1)
    with torch.no_grad():
        inside, true = logits > 0, wanted > 0.5
        iou = (inside & true).sum((2, 3)) / (inside | true).sum((2, 3)).clamp(min=1)
    return (masks + (found.ious - iou).abs().mean(1)).mean()


def drift(now: Decoded, before: Decoded) -> torch.Tensor:
    """How far a decoder has gone from what it said before, a scalar, 0 where it says the same."""
    wanted = before.logits.sigmoid()
    masks = F.binary_cross_entropy_with_logits(now.logits, wanted)
    masks = masks - F.binary_cross_entropy_with_logits(before.logits, wanted)
    tokens = (now.tokens - before.tokens).square().mean()
    ious = (now.ious - before.ious).abs().mean()
    return masks + tokens + ious + _PRESENCE_WEIGHT * (now.presence - before.presence).abs().mean()

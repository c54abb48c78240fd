"""The mask decoder of SAM 2 with gradients: masks from boxes, and how wrong they are.

Huang et al. (Medical Image Analysis 2024), section 4.12: box prompts, image and prompt encoders frozen. The loss is
Dice and cross entropy, as in MedSAM (Ma et al. 2024). As in the training of SAM 2 (its paper, section D.2.2) all four
masks learn, of the three ambiguous ones the best, because tracking and unstable first masks fall back on them; and so
do the estimates of the IoU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from PromptOnceLib.engine.preprocessing import point_inputs
from PromptOnceLib.engine.tracker import Features, Tracker
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt

# Parts of the decoder that stay: two belong to encoding, whose result is kept; the third has nothing to learn where the
# object is there on every slice.
FIXED = ("conv_s0", "conv_s1", "pred_obj_score_head")
_IOU_WEIGHT = 1.0


def decoder_of(tracker: Tracker) -> torch.nn.Module:
    """The network's mask decoder, alone able to learn."""
    network = tracker.model.network
    network.requires_grad_(False)
    decoder: torch.nn.Module = network.sam_mask_decoder
    for name, weights in decoder.named_parameters():
        weights.requires_grad_(name.split(".")[0] not in FIXED)
    return decoder


def decode(
    tracker: Tracker, slices: Sequence[Features], boxes: Sequence[Box], shapes: Sequence[tuple[int, int]]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Masks of one object on each of several slices from its box, in slice pixels, with gradients.

    shapes: (rows, columns) of the slices. Returns logits (n, 4, size / 4, size / 4), the single mask first, then the
    three ambiguous ones, and their estimated IoU (n, 4).
    """
    network, size, device = tracker.model.network, tracker.model.image_size, tracker.placement.device
    features = Features.beside(slices, 1)
    prompts = [
        point_inputs(ObjectPrompt(box=box), shape, size, device) for box, shape in zip(boxes, shapes, strict=True)
    ]
    points, labels = (torch.cat([one[key] for one in prompts]) for key in ("point_coords", "point_labels"))
    with torch.no_grad():
        sparse, dense = network.sam_prompt_encoder(points=(points, labels), boxes=None, masks=None)
        positions = network.sam_prompt_encoder.get_dense_pe()
        seen = _as_seed(network, features)
    maps = zip(features.maps[:-1], features.sizes[:-1], strict=True)
    fine = [one.permute(1, 2, 0).reshape(len(slices), -1, *shape) for one, shape in maps]
    masks, ious, _, _ = network.sam_mask_decoder.predict_masks(
        image_embeddings=seen,
        image_pe=positions,
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        repeat_image=False,
        high_res_features=fine,
    )
    return masks.float(), ious.float()


def _as_seed(network: Any, features: Features) -> torch.Tensor:
    """The coarsest features of a slice without memory, as those of a prompted slice, (n, channels, cells, cells)."""
    seen: torch.Tensor = network._prepare_memory_conditioned_features(
        frame_idx=0,
        is_init_cond_frame=True,
        current_vision_feats=features.maps[-1:],
        current_vision_pos_embeds=features.positions[-1:],
        feat_sizes=features.sizes[-1:],
        output_dict={"cond_frame_outputs": {}, "non_cond_frame_outputs": {}},
        num_frames=1,
    )
    return seen


def box_loss(logits: torch.Tensor, ious: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Loss of masks and their estimated IoU, as `decode` gives them, a scalar. target: shares, (n, 1, side, side)."""
    wanted = target.expand_as(logits)
    cross = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean((2, 3))
    found = logits.sigmoid()
    overlap = 2 * (found * wanted).sum((2, 3)) + 1
    each = cross + 1 - overlap / (found.sum((2, 3)) + wanted.sum((2, 3)) + 1)
    masks = each[:, 0] + each[:, 1:].amin(1)
    with torch.no_grad():
        inside, true = logits > 0, wanted > 0.5
        iou = (inside & true).sum((2, 3)) / (inside | true).sum((2, 3)).clamp(min=1)
    return (masks + _IOU_WEIGHT * (ious - iou).abs().mean(1)).mean()

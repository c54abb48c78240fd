"""SAM 2's forward pass for training: a clip through the memory, every mask token supervised.

Follows what upstream's training model does with a prompt on the first frame (SAM 2 paper, section D.2), written anew
for upstream's inference modules, because the training code of the sam2 package needs packages we do not want.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sam2.modeling.sam2_base import SAM2Base
from torch.nn import functional as F

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


@dataclass
class FrameOutput:
    """What the heads say of one frame.

    masks: logits (clips, 4, size / 4, size / 4); mask 0 is the single-mask token, 1 to 3 the multimask tokens.
    ious: (clips, 4) in 0..1. presence: logits (clips, 1).
    """

    masks: torch.Tensor
    ious: torch.Tensor
    presence: torch.Tensor


def run_clips(
    model: SAM2Base,
    frames: torch.Tensor,
    points: torch.Tensor,
    point_labels: torch.Tensor,
    true_masks: torch.Tensor,
    truth_in_memory: torch.Tensor,
) -> list[FrameOutput]:
    """All frames of a batch of clips in order; the prompt is on frame 0.

    frames: (clips, frames, size, size) 0..255. true_masks: (objects, frames, size, size) bool, where objects is a
    multiple of clips; the objects of a clip share its image features. truth_in_memory: (objects, frames) bool, where
    the memory is made from the true mask instead of the predicted one.
    """
    clips, length, size = frames.shape[:3]
    rgb = (frames.reshape(-1, 1, size, size).expand(-1, 3, -1, -1) / 255 - MEAN.to(frames)) / STD.to(frames)
    features = model.forward_image(rgb)
    _, flat, positions, sizes = model._prepare_backbone_features(features)
    objects = len(true_masks) // clips
    bank: dict[str, dict[int, dict]] = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    outputs = []
    for t in range(length):
        now = [f.unflatten(1, (clips, length))[:, :, t].repeat_interleave(objects, dim=1) for f in flat]
        now_positions = [p.unflatten(1, (clips, length))[:, :, t].repeat_interleave(objects, dim=1) for p in positions]
        output, pointer = _one_frame(model, t, length, now, now_positions, sizes, bank, points, point_labels)
        outputs.append(output)
        if t + 1 < length:
            key = "cond_frame_outputs" if t == 0 else "non_cond_frame_outputs"
            visible = output.presence > 0
            mask = _memory_mask(output, point_labels if t == 0 else None, true_masks[:, t], truth_in_memory[:, t])
            true_visible = true_masks[:, t].flatten(1).any(1, keepdim=True)
            visible = torch.where(truth_in_memory[:, t : t + 1], true_visible, visible)
            score = torch.where(visible, 1.0, -1.0)
            memory, memory_positions = model._encode_new_memory(now, sizes, mask, score, is_mask_from_pts=False)
            pointer = torch.where(visible, pointer, model.no_obj_ptr)
            bank[key][t] = {"maskmem_features": memory, "maskmem_pos_enc": memory_positions, "obj_ptr": pointer}
    return outputs


def _one_frame(model, t, length, flat, positions, sizes, bank, points, point_labels):
    clips = flat[0].shape[1]
    fused = model._prepare_memory_conditioned_features(
        frame_idx=t,
        is_init_cond_frame=t == 0,
        current_vision_feats=flat[-1:],
        current_vision_pos_embeds=positions[-1:],
        feat_sizes=sizes[-1:],
        output_dict=bank,
        num_frames=max(length, 16),
    )
    high_res = [f.permute(1, 2, 0).reshape(clips, -1, *s) for f, s in zip(flat[:-1], sizes[:-1], strict=True)]
    if t > 0:
        points = points.new_zeros(clips, 1, 2)
        point_labels = point_labels.new_full((clips, 1), -1)
    sparse, dense = model.sam_prompt_encoder(points=(points, point_labels), boxes=None, masks=None)
    masks, ious, tokens, presence = model.sam_mask_decoder.predict_masks(
        image_embeddings=fused,
        image_pe=model.sam_prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        repeat_image=False,
        high_res_features=high_res,
    )
    output = FrameOutput(masks.float(), ious.float(), presence.float())
    chosen = chosen_token(output, point_labels if t == 0 else None)
    pointer = model.obj_ptr_proj(tokens[torch.arange(clips), chosen])
    return output, pointer


def chosen_token(output: FrameOutput, point_labels: torch.Tensor | None) -> torch.Tensor:
    """Index of the mask that inference would take: token 0 from two points on, else the best of the other three."""
    best = output.ious[:, 1:].argmax(1) + 1
    if point_labels is None:
        return best
    return torch.where((point_labels >= 0).sum(1) > 1, torch.zeros_like(best), best)


def _memory_mask(output, point_labels, true_mask, use_truth):
    size = true_mask.shape[-1]
    chosen = chosen_token(output, point_labels)
    logits = output.masks[torch.arange(len(chosen)), chosen][:, None].detach()
    logits = F.interpolate(logits, size=(size, size), mode="bilinear", align_corners=False)
    if point_labels is not None:  # inference makes the seed's mask binary before it is remembered
        logits = torch.where(logits > 0, 10.0, -10.0)
    truth = torch.where(true_mask[:, None], 10.0, -10.0)
    return torch.where(use_truth[:, None, None, None], truth, logits)

"""SAM 2's forward pass for training: a clip through the memory, every mask token supervised.

Follows what upstream's training model does with a prompt on the first frame (SAM 2 paper, section D.2), written anew
for upstream's inference modules, because the training code of the sam2 package needs packages we do not want.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sam2.modeling.sam2_base import SAM2Base
from torch.nn import functional as F

from training.dataset import Batch

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


@dataclass
class FrameOutput:
    """What the heads say of one frame.

    masks: logits (rows, 4, size / 4, size / 4); mask 0 is the single-mask token, 1 to 3 the multimask tokens.
    ious: (rows, 4) in 0..1. presence: logits (rows, 1). chosen: (rows,) the token that inference would take.
    """

    masks: torch.Tensor
    ious: torch.Tensor
    presence: torch.Tensor
    chosen: torch.Tensor


def run_clips(model: SAM2Base, batch: Batch, truth_in_memory: torch.Tensor) -> list[FrameOutput]:
    """All frames of a batch of clips, those with a prompt first, as inference takes them.

    truth_in_memory: (rows, frames) bool, where the memory is made from the true mask instead of the predicted one.
    """
    clips, length, size = batch.frames.shape[:3]
    rgb = batch.frames.reshape(-1, 1, size, size).expand(-1, 3, -1, -1) / 255
    features = model.forward_image((rgb - MEAN.to(rgb)) / STD.to(rgb))
    _, flat, positions, sizes = model._prepare_backbone_features(features)
    objects = len(batch.masks) // clips
    bank: dict[str, dict[int, dict]] = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    outputs: dict[int, FrameOutput] = {}
    for t in [*batch.prompted, *(t for t in range(length) if t not in batch.prompted)]:
        now = [f.unflatten(1, (clips, length))[:, :, t].repeat_interleave(objects, dim=1) for f in flat]
        now_positions = [p.unflatten(1, (clips, length))[:, :, t].repeat_interleave(objects, dim=1) for p in positions]
        prompt = _prompt(batch, t)
        outputs[t], pointer = _one_frame(model, t, length, now, now_positions, sizes, bank, prompt)
        if length > 1:
            remembered = _remember(model, outputs[t], prompt, batch.masks[:, t], truth_in_memory[:, t], now, sizes)
            remembered["obj_ptr"] = torch.where(remembered.pop("visible"), pointer, model.no_obj_ptr)
            bank["cond_frame_outputs" if prompt else "non_cond_frame_outputs"][t] = remembered
    return [outputs[t] for t in range(length)]


@dataclass
class Prompt:
    """What a frame is prompted with: points (rows, n, 2) with labels (rows, n), or a mask (rows, 1, size, size)."""

    points: torch.Tensor
    labels: torch.Tensor
    mask: torch.Tensor | None = None


def _prompt(batch: Batch, t: int) -> Prompt | None:
    if t not in batch.prompted:
        return None
    i = batch.prompted.index(t)
    if batch.by_mask:
        empty = _no_points(batch.points)
        return Prompt(empty.points, empty.labels, batch.masks[:, t : t + 1].float())
    return Prompt(batch.points[:, i], batch.point_labels[:, i])


def _no_points(like: torch.Tensor) -> Prompt:
    rows = len(like)
    return Prompt(like.new_zeros(rows, 1, 2), torch.full((rows, 1), -1, dtype=torch.int32, device=like.device))


def _one_frame(model, t, length, flat, positions, sizes, bank, prompt):
    rows = flat[0].shape[1]
    fused = model._prepare_memory_conditioned_features(
        frame_idx=t,
        is_init_cond_frame=prompt is not None,
        current_vision_feats=flat[-1:],
        current_vision_pos_embeds=positions[-1:],
        feat_sizes=sizes[-1:],
        output_dict=bank,
        num_frames=max(length, 16),
    )
    high_res = [f.permute(1, 2, 0).reshape(rows, -1, *s) for f, s in zip(flat[:-1], sizes[:-1], strict=True)]
    given = prompt or _no_points(fused)
    mask = None if given.mask is None else model.mask_downsample(given.mask)
    sparse, dense = model.sam_prompt_encoder(points=(given.points, given.labels), boxes=None, masks=mask)
    masks, ious, tokens, presence = model.sam_mask_decoder.predict_masks(
        image_embeddings=fused,
        image_pe=model.sam_prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        repeat_image=False,
        high_res_features=high_res,
    )
    output = FrameOutput(masks.float(), ious.float(), presence.float(), torch.zeros(rows, dtype=torch.long))
    output.chosen = _chosen_token(output, prompt)
    pointer = model.obj_ptr_proj(tokens[torch.arange(rows), output.chosen])
    return output, pointer


def _chosen_token(output: FrameOutput, prompt: Prompt | None) -> torch.Tensor:
    """Index of the mask that inference would take: token 0 from two points on or for a mask, else the best other."""
    best = output.ious[:, 1:].argmax(1) + 1
    if prompt is None:
        return best
    single = (prompt.labels >= 0).sum(1) > 1
    if prompt.mask is not None:
        single = torch.ones_like(single)
    return torch.where(single, torch.zeros_like(best), best)


def _remember(model, output, prompt, true_mask, use_truth, features, sizes):
    """The memory of a frame, from the true mask where `use_truth`, else from the predicted one."""
    rows, size = torch.arange(len(true_mask)), true_mask.shape[-1]
    logits = output.masks[rows, output.chosen][:, None].detach()
    logits = F.interpolate(logits, size=(size, size), mode="bilinear", align_corners=False)
    if prompt is not None:  # inference makes the seed's mask binary before it is remembered
        logits = torch.where(logits > 0, 10.0, -10.0)
        use_truth = use_truth | (prompt.mask is not None)
    truth = torch.where(true_mask[:, None], 10.0, -10.0)
    mask = torch.where(use_truth[:, None, None, None], truth, logits)
    visible = torch.where(use_truth[:, None], true_mask.flatten(1).any(1, keepdim=True), output.presence > 0)
    score = torch.where(visible, 1.0, -1.0)
    memory, positions = model._encode_new_memory(features, sizes, mask, score, is_mask_from_pts=False)
    return {"maskmem_features": memory, "maskmem_pos_enc": positions, "visible": visible}

"""SAM 2's forward pass for training: a clip through the memory, every mask token supervised.

Follows what upstream's training model does with a prompt on the first frame (SAM 2 paper, section D.2), written anew
for upstream's inference modules, because the training code of the sam2 package needs packages we do not want.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sam2.modeling.sam2_base import SAM2Base
from torch.nn import functional as F

from PromptOnceLib.engine.rules.decoder_changes import agreed
from training.dataset import Batch

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
STABILITY, STABILITY_EDGE = 0.98, 0.05  # as the engine sets them
ABSENT = -1024.0  # mask logits of a frame that the presence head says is without the object, as in inference


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


@dataclass(frozen=True)
class Pass:
    """How a batch goes through the model.

    frozen: the image encoder learns nothing, which saves a fifth of a step. skipped: so many frames after the first one
    are tracked without learning from them, at a third of their cost, so that what comes later starts from a memory with
    errors of the model's own. span: slices that the pass is said to have; inference counts those of a pass, and the
    encoding of object pointers depends on it where they are fewer than 16. corrected: a frame that is shown a second
    time, with its own logits and clicks on what is wrong in them, as the correction of a tracked slice does.
    seed: of these clicks.
    """

    frozen: bool = False
    skipped: int = 0
    span: int = 16
    corrected: int | None = None
    seed: int = 0

    def learns(self, t: int, prompted: tuple[int, ...]) -> bool:
        """Whether a frame has a loss."""
        return t > self.skipped or t in prompted


def run_clips(
    model: SAM2Base, batch: Batch, truth_in_memory: torch.Tensor, how: Pass = Pass()
) -> tuple[list[FrameOutput], FrameOutput | None]:
    """All frames of a batch of clips, those with a prompt first, as inference takes them; and the corrected one.

    truth_in_memory: (rows, frames) bool, where the memory is made from the true mask instead of the predicted one.
    """
    clips, length, size = batch.frames.shape[:3]
    rgb = batch.frames.reshape(-1, 1, size, size).expand(-1, 3, -1, -1) / 255
    learning = torch.is_grad_enabled()
    with torch.set_grad_enabled(learning and not how.frozen):
        features = model.forward_image((rgb - MEAN.to(rgb)) / STD.to(rgb))
    _, flat, positions, sizes = model._prepare_backbone_features(features)
    objects = len(batch.masks) // clips
    bank: dict[str, dict[int, dict]] = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    outputs: dict[int, FrameOutput] = {}
    corrected = None
    for t in [*batch.prompted, *(t for t in range(length) if t not in batch.prompted)]:
        now = [f.unflatten(1, (clips, length))[:, :, t].repeat_interleave(objects, dim=1) for f in flat]
        now_positions = [p.unflatten(1, (clips, length))[:, :, t].repeat_interleave(objects, dim=1) for p in positions]
        prompt = _prompt(batch, t)
        with torch.set_grad_enabled(learning and how.learns(t, batch.prompted)):
            fused = fuse(model, t, max(length, how.span), now, now_positions, sizes, bank, prompt is not None)
            outputs[t], pointer = decode(model, fused, now, sizes, prompt)
            if t == how.corrected:
                clicks = _clicks(outputs[t], batch.masks[:, t], how.seed)
                corrected, _ = decode(model, fused, now, sizes, clicks)
            if length > 1:
                remembered = remember(model, outputs[t], prompt, batch.masks[:, t], truth_in_memory[:, t], now, sizes)
                remembered["obj_ptr"] = torch.where(remembered.pop("visible"), pointer, model.no_obj_ptr)
                bank["cond_frame_outputs" if prompt else "non_cond_frame_outputs"][t] = remembered
    return [outputs[t] for t in range(length)], corrected


@dataclass
class Prompt:
    """What a frame is prompted with.

    points: (rows, n, 2) with labels (rows, n). mask: (rows, 1, size, size), instead of points. logits: what was found
    before, (rows, 1, size / 4, size / 4), beside points.
    """

    points: torch.Tensor
    labels: torch.Tensor
    mask: torch.Tensor | None = None
    logits: torch.Tensor | None = None


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


def _clicks(found: FrameOutput, true_mask: torch.Tensor, seed: int) -> Prompt:
    """A click on a pixel that is wrong in each mask, positive where it is missing; where none is wrong, anywhere."""
    rows, size = torch.arange(len(true_mask)), found.masks.shape[-1]
    logits = found.masks[rows, found.chosen][:, None].detach().clamp(-32, 32)
    logits = torch.where(found.presence[:, :, None, None] > 0, logits, -32.0)
    truth = F.adaptive_avg_pool2d(true_mask[:, None].float(), size) > 0.5
    wrong = ((logits > 0) != truth).flatten(1).float() + 1e-6
    noise = torch.rand(wrong.shape, generator=torch.Generator().manual_seed(seed)).to(wrong)
    cells = (wrong * noise).argmax(1, keepdim=True)
    points = torch.stack([cells % size, cells // size], -1).float() * (true_mask.shape[-1] / size) + 1.5
    return Prompt(points, truth.flatten(1).gather(1, cells).int(), logits=logits)


def fuse(model, t, span, flat, positions, sizes, bank, is_prompted):
    """The features of a frame with what the memory knows, (rows, channels, cells, cells)."""
    return model._prepare_memory_conditioned_features(
        frame_idx=t,
        is_init_cond_frame=is_prompted,
        current_vision_feats=flat[-1:],
        current_vision_pos_embeds=positions[-1:],
        feat_sizes=sizes[-1:],
        output_dict=bank,
        num_frames=span,
    )


def decode(model, fused, flat, sizes, prompt):
    """What the heads say of a frame, and its object pointer."""
    rows = len(fused)
    high_res = [f.permute(1, 2, 0).reshape(rows, -1, *s) for f, s in zip(flat[:-1], sizes[:-1], strict=True)]
    given = prompt or _no_points(fused)
    mask = given.logits if given.mask is None else model.mask_downsample(given.mask)
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
    best, single = output.ious[:, 1:].argmax(1) + 1, _single(prompt, rows).to(output.ious.device)
    # As in inference, where a single mask that is not stable gives way to the best other, but not in the pointer.
    output.chosen = torch.where(single & _stable(output.masks[:, 0]), 0, best)
    pointer = model.obj_ptr_proj(tokens[torch.arange(rows), torch.where(single, 0, best)])
    return output, pointer


def _single(prompt: Prompt | None, rows: int) -> torch.Tensor:
    """Where inference asks for a single mask, bool (rows,): from two points on, for a mask, and while tracking.

    While tracking SAM 2 itself takes the best of three; what PromptOnce takes with this model see `taken`.
    """
    if prompt is None or prompt.mask is not None:
        return torch.ones(rows, dtype=torch.bool)
    return (prompt.labels >= 0).sum(1) > 1


def taken(output: FrameOutput, tracked: bool) -> torch.Tensor:
    """The mask that inference takes, logits (rows, 1, size / 4, size / 4): the chosen one, or, while tracking, what
    three of the four agree on, as the entry of this model in the registry has it.
    """
    if tracked:
        return agreed(output.masks)
    return output.masks[torch.arange(len(output.masks)), output.chosen][:, None]


def _stable(logits: torch.Tensor) -> torch.Tensor:
    """Whether the area of a mask hardly depends on the threshold, bool (rows,); see sam2's mask decoder."""
    inner, outer = ((logits > edge).sum((1, 2)) for edge in (STABILITY_EDGE, -STABILITY_EDGE))
    return (inner >= STABILITY * outer) | (outer == 0)


def remember(model, output, prompt, true_mask, use_truth, features, sizes):
    """The memory of a frame, from the true mask where `use_truth`, else from the predicted one."""
    size = true_mask.shape[-1]
    logits = taken(output, tracked=prompt is None).detach()
    logits = F.interpolate(logits, size=(size, size), mode="bilinear", align_corners=False)
    logits = torch.where(output.presence[:, :, None, None] > 0, logits, ABSENT)
    if prompt is not None:  # inference makes the seed's mask binary before it is remembered
        logits = torch.where(logits > 0, 10.0, -10.0)
        use_truth = use_truth | (prompt.mask is not None)
    truth = torch.where(true_mask[:, None], 10.0, -10.0)
    mask = torch.where(use_truth[:, None, None, None], truth, logits)
    visible = torch.where(use_truth[:, None], true_mask.flatten(1).any(1, keepdim=True), output.presence > 0)
    score = torch.where(visible, 1.0, -1.0)
    memory, positions = model._encode_new_memory(features, sizes, mask, score, is_mask_from_pts=False)
    return {"maskmem_features": memory, "maskmem_pos_enc": positions, "visible": visible}

"""Whole volumes of many phantoms at once, on the network itself: what calibration and comparison of checkpoints need.

Every half of every volume (SAM 2 goes from the prompted slice to either end) is a row; rows advance together, a slice
at a time, which costs a third of going one by one. Masks are those of the engine but for its memories in bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sam2.modeling.sam2_base import SAM2Base
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from PromptOnceLib.engine.preprocessing import network_input, network_pixels, point_inputs
from training.evaluation.scores import Example
from training.forward import Prompt, decode, fuse, remember, taken
from training.network import build_model, read_weights

Array = np.ndarray
POINTERS = 16  # slices whose object pointers a slice reads at most


@dataclass(frozen=True)
class Half:
    """From the prompted slice of an example to one end; slices: in the order they are visited, the prompted first."""

    example: int
    slices: range


Watch = Callable[[Sequence[Half], int], None]


@dataclass
class Encoded:
    """Image features of the slices of one volume: of each level (cells, slices, channels), in half precision."""

    maps: list[torch.Tensor]
    positions: list[torch.Tensor]
    sizes: list[tuple[int, int]]


def read_network(checkpoint: Path) -> SAM2Base:
    """The network of a checkpoint, for inference."""
    model = build_model()
    model.load_state_dict(read_weights(checkpoint))
    return model.eval().requires_grad_(False)


@torch.no_grad()
def encode(model: SAM2Base, frames: Array) -> Encoded:
    """Features of all slices of a volume, uint8 (slices, rows, columns)."""
    device = _device(model)
    pixels = [network_pixels(frame, model.image_size) for frame in frames]
    pieces = (network_input(pixels[first : first + 8], device) for first in range(0, len(pixels), 8))
    parts = [model.forward_image(piece) for piece in pieces]
    whole = [model._prepare_backbone_features(part)[1:] for part in parts]
    maps = [torch.cat([flat[i] for flat, _, _ in whole], 1).half() for i in range(len(whole[0][0]))]
    return Encoded(maps, [p[:, :1] for p in whole[0][1]], whole[0][2])


@torch.no_grad()
def track(
    model: SAM2Base,
    examples: Sequence[Example],
    encoded: dict[str, Encoded],
    shift: float = 0.0,
    watch: Watch = lambda halves, t: None,
) -> tuple[list[Array], list[Array]]:
    """Masks, bool as the examples' frames, and presence logits, float (slices,), of every example.

    examples: all of slices of one size. encoded: by the name of the image. shift: is added to the presence logits.
    watch: called with the halves that slice t of each has just been decoded for.
    """
    masks = [np.zeros(e.frames.shape, bool) for e in examples]
    presence = [np.zeros(len(e.frames), np.float32) for e in examples]
    groups: dict[int, list[Half]] = {}
    for number, example in enumerate(examples):
        for slices in (range(example.seed, len(example.frames)), range(example.seed, -1, -1)):
            groups.setdefault(min(len(slices), POINTERS), []).append(Half(number, slices))
    for span, halves in groups.items():
        halves.sort(key=lambda half: -len(half.slices))
        for first in range(0, len(halves), 24):
            _together(model, examples, encoded, shift, halves[first : first + 24], span, masks, presence, watch)
    return masks, presence


def _together(model, examples, encoded, shift, halves, span, masks, presence, watch) -> None:
    device, size, shape = _device(model), model.image_size, examples[0].frames.shape[1:]
    prompts = [point_inputs(examples[half.example].prompt, shape, size, device) for half in halves]
    points = pad_sequence([prompt["point_coords"][0] for prompt in prompts], batch_first=True)
    labels = pad_sequence([prompt["point_labels"][0] for prompt in prompts], batch_first=True, padding_value=-1)
    bank: dict[str, dict[int, dict]] = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    for t in range(len(halves[0].slices)):
        halves = [half for half in halves if t < len(half.slices)]
        rows = len(halves)
        for kept in bank.values():
            for entry in kept.values():
                _first_rows(entry, rows)
        volumes = [encoded[examples[half.example].image] for half in halves]
        flat = [
            torch.stack([v.maps[i][:, half.slices[t]] for v, half in zip(volumes, halves, strict=True)], 1).float()
            for i in range(len(volumes[0].maps))
        ]
        positions = [p.expand(-1, rows, -1) for p in volumes[0].positions]
        prompt = None if t else Prompt(points, labels)
        sizes = volumes[0].sizes
        fused = fuse(model, t, span, flat, positions, sizes, bank, prompt is not None)
        output, pointer = decode(model, fused, flat, sizes, prompt)
        watch(halves, t)
        output.presence += shift
        truth = torch.zeros(rows, size, size, dtype=torch.bool, device=device)
        unused = torch.zeros(rows, dtype=torch.bool, device=device)
        entry = remember(model, output, prompt, truth, unused, flat, sizes)
        entry["obj_ptr"] = torch.where(entry.pop("visible"), pointer, model.no_obj_ptr)
        bank["non_cond_frame_outputs" if t else "cond_frame_outputs"][t] = entry
        bank["non_cond_frame_outputs"].pop(t - POINTERS, None)
        logits = taken(output, tracked=prompt is None)
        large = F.interpolate(logits, size=shape, mode="bilinear", align_corners=False)[:, 0] > 0
        large &= output.presence[:, :, None] > 0
        found, present = large.cpu().numpy(), output.presence[:, 0].cpu().numpy()
        for row, half in enumerate(halves):
            masks[half.example][half.slices[t]] = found[row]
            presence[half.example][half.slices[t]] = present[row]


def _device(model: SAM2Base) -> torch.device:
    return next(model.parameters()).device


def _first_rows(entry: dict, rows: int) -> None:
    entry["maskmem_features"] = entry["maskmem_features"][:rows]
    entry["maskmem_pos_enc"] = [p[:rows] for p in entry["maskmem_pos_enc"]]
    entry["obj_ptr"] = entry["obj_ptr"][:rows]

"""SAM 2 on single slices: encode, segment from a prompt, remember, track.

Upstream's network, our own loop around it. The masks equal those of upstream's SAM2VideoPredictor, with memory that
does not grow with the number of slices; what has to be kept for that is said where it is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.engine.compilation import restore
from PromptOnceLib.engine.cpu import arrange
from PromptOnceLib.engine.devices import Placement
from PromptOnceLib.engine.holes import fill_holes
from PromptOnceLib.engine.memory import CorrectionContext, Entry, Memory
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.preprocessing import mask_input, network_input, network_pixels, point_inputs
from PromptOnceLib.prompts.prompt import ObjectPrompt


@dataclass(frozen=True)
class Features:
    """Image features of one slice, level by level: the flat maps (pixels, 1, channels), their positions and sizes."""

    maps: list[torch.Tensor]
    positions: list[torch.Tensor]
    sizes: list[tuple[int, int]]

    def for_objects(self, objects: int) -> Features:
        """The same for each of several objects: maps (pixels, objects, channels), which share their memory."""
        return Features(
            [item.expand(-1, objects, -1) for item in self.maps],
            [item.expand(-1, objects, -1) for item in self.positions],
            self.sizes,
        )

    @staticmethod
    def beside(slices: Sequence[Features], objects: int) -> Features:
        """Of several slices at once: maps (pixels, slices * objects, channels), the first slice's objects first."""
        each = [features.for_objects(objects) for features in slices]
        if len(each) == 1:
            return each[0]
        levels = zip(*(features.maps for features in each), strict=True)
        # Positions are the same for all slices.
        positions = slices[0].for_objects(len(slices) * objects).positions
        return Features([torch.cat(level, dim=1) for level in levels], positions, slices[0].sizes)


@dataclass(frozen=True)
class Output:
    """What the heads say of B objects on one slice, or on several slices, one after the other.

    logits: float32 (B, 1, size / 4, size / 4), object where > 0. high_res: the same at (size, size). pointer: (B, C).
    presence: logits (B, 1). predicted_iou: (B,), 0 to 1. candidates: the logits of all masks that were proposed,
    (B, n, size / 4, size / 4). All on the device: to look at them waits for it.
    """

    logits: torch.Tensor
    high_res: torch.Tensor
    pointer: torch.Tensor
    presence: torch.Tensor
    predicted_iou: torch.Tensor
    candidates: torch.Tensor

    @property
    def logits_of_each(self) -> list[torch.Tensor]:
        """Logits of one object after the other, each (1, 1, size / 4, size / 4)."""
        return [self.logits[i : i + 1] for i in range(len(self.logits))]

    def rows(self, rows: slice) -> Output:
        """The same of some of the objects."""
        return Output(*(getattr(self, part.name)[rows] for part in fields(self)))


class Tracker:
    """A model on a device, applied to slices. Not safe for use by several threads."""

    def __init__(self, model: Model, placement: Placement) -> None:
        self.model = model
        self.move(placement)

    def move(self, placement: Placement) -> None:
        """Go on at another place, with the network as upstream wrote it until it is compiled anew."""
        self.placement = placement = placement.for_network(self.model.parameters)
        restore(self.model.network)
        self._network = self.model.network.to(placement.device)
        arrange(self._network, placement.rearranged)

    @property
    def pointers(self) -> int:
        """So many frames of a pass, at most, the network remembers by their pointers; it counts time in parts of it."""
        return int(self._network.max_obj_ptrs_in_encoder)

    @property
    def reach(self) -> int:
        """So many slices before the one that is tracked are remembered, by their pointers at least."""
        network = self._network
        return int(max((network.num_maskmem - 1) * network.memory_temporal_stride_for_eval, self.pointers - 1))

    def use_less_memory(self) -> None:
        """Take smaller pieces from now on."""
        self.placement = replace(self.placement, pipeline=self.placement.pipeline.smaller())

    @contextmanager
    def attending_to(self, frames: int) -> Iterator[None]:
        """In this context a slice attends to so many conditioning frames at most (select_closest_cond_frames)."""
        network = self._network
        before, network.max_cond_frames_in_attn = network.max_cond_frames_in_attn, frames
        try:
            yield
        finally:
            network.max_cond_frames_in_attn = before

    def encode(self, frame: NDArray[np.uint8]) -> Features:
        """Image features of a slice, uint8 (rows, columns)."""
        return self.encode_several([network_pixels(frame, self.model.image_size)])[0]

    @torch.inference_mode()
    def encode_several(self, pixels: Sequence[NDArray[np.uint8]]) -> list[Features]:
        """Image features of slices, computed together; pixels: each uint8 (size, size), see `network_pixels`."""
        with self.placement.compute():
            encoded = self._network.forward_image(network_input(pixels, self.placement.device))
            _, maps, positions, sizes = self._network._prepare_backbone_features(encoded)
        return [
            Features([item[:, i : i + 1] for item in maps], [item[:, i : i + 1] for item in positions], sizes)
            for i in range(len(pixels))
        ]

    @torch.inference_mode()
    def segment(
        self, features: Features, prompt: ObjectPrompt, shape: tuple[int, int], fill_hole_area: int = 0
    ) -> Output:
        """One object on the prompted slice from its prompt alone; shape: (rows, columns) of the slice."""
        size, device = self.model.image_size, self.placement.device
        points = mask = None
        if prompt.mask is not None:
            mask = mask_input(prompt.mask_array(), size, device)
        else:
            points = point_inputs(prompt, shape, size, device)
        # Upstream fills the holes of the seed before it remembers it, those of tracked slices after.
        return filled(self._heads(features, 0, True, points, mask, Memory(1)), fill_hole_area)

    @torch.inference_mode()
    def correct(
        self,
        features: Features,
        prompt: ObjectPrompt,
        shape: tuple[int, int],
        context: CorrectionContext,
        fill_hole_area: int = 0,
    ) -> Output:
        """One object on a slice on which something was found already, from points on it; it is not remembered.

        As SAM2VideoPredictor.add_new_points_or_box does, where there is a memory.
        """
        points = point_inputs(prompt, shape, self.model.image_size, self.placement.device)
        logits = context.logits.to(self.placement.device).clamp(-32, 32)  # as upstream, against rare numerical trouble
        memory, alone = context.memory, context.memory is None
        if memory is None:
            memory = Memory(1)
        memory.to(self.placement.device)
        return filled(self._heads(features, context.position, alone, points, None, memory, logits), fill_hole_area)

    def mask_logits(self, mask: NDArray[np.bool_]) -> torch.Tensor:
        """A mask (rows, columns) as logits (1, 1, size / 4, size / 4), as sure as SAM 2 takes masks for."""
        low_res = mask_input(mask, self.model.image_size // 4, self.placement.device)
        return low_res * 20 - 10  # as in SAM2Base._use_mask_as_output

    @torch.inference_mode()
    def remember_seed(self, features: Features, seed: Output) -> Entry:
        """What every later slice remembers of the prompted slice.

        The seed's mask is enlarged again from the low resolution and made binary, as propagate_in_video_preflight does.
        """
        size = self.model.image_size
        with self.placement.compute():
            high_res = torch.nn.functional.interpolate(
                seed.logits, size=(size, size), mode="bilinear", align_corners=False
            )
            return self._remember(features, high_res, seed, is_prompted=True)

    @torch.inference_mode()
    def track(self, features: Features, index: int, memory: Memory, fill_hole_area: int = 0) -> Output:
        """The objects on frame `index` of their pass (1 = next to the seed) from memory, which takes the result in.

        features: of one slice for all rows of memory, or of a slice for each row (`Features.beside`).
        Frames have to come in order. Memory is changed only after everything that can fail has been computed.
        """
        features = features.for_objects(memory.rows)
        output = self._heads(features, index, False, None, None, memory)
        with self.placement.compute():
            entry = self._remember(features, output.high_res, output, is_prompted=False)
        memory.tracked[index] = entry
        self._forget(memory, index)
        return filled(output, fill_hole_area)

    def full_size_mask(self, logits: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
        """Mask of one object on the slice's own pixels, 0 and 1, uint8 (rows, columns), on the device."""
        return (self.full_size_logits(logits.to(self.placement.device), shape) > 0).to(torch.uint8)

    @staticmethod
    def full_size_logits(logits: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
        """Logits of one object on the slice's own pixels, float32 (rows, columns)."""
        if logits.shape[-2:] == shape:
            return logits[0, 0]
        return torch.nn.functional.interpolate(logits, size=shape, mode="bilinear", align_corners=False)[0, 0]

    def _heads(
        self,
        features: Features,
        index: int,
        is_seed: bool,
        points: dict[str, torch.Tensor] | None,
        mask: torch.Tensor | None,
        memory: Memory,
        previous: torch.Tensor | None = None,
    ) -> Output:
        with self.placement.compute():
            _, outputs, _, _ = self._network._track_step(
                frame_idx=index,
                is_init_cond_frame=is_seed,
                current_vision_feats=features.maps,
                current_vision_pos_embeds=features.positions,
                feat_sizes=features.sizes,
                point_inputs=points,
                mask_inputs=mask,
                output_dict=memory.as_output_dict(),
                num_frames=memory.pass_length,
                track_in_reverse=False,
                prev_sam_mask_logits=previous,
            )
        candidates, _, ious, low_res, high_res, pointer, presence = outputs
        # Where several masks are proposed the network takes the one of the highest estimate.
        return Output(low_res, high_res, pointer, presence, ious.float().amax(1), candidates)

    def _remember(self, features: Features, high_res: torch.Tensor, output: Output, is_prompted: bool) -> Entry:
        memory, positions = self._network._encode_new_memory(
            current_vision_feats=features.maps,
            feat_sizes=features.sizes,
            pred_masks_high_res=high_res,
            object_score_logits=output.presence,
            is_mask_from_pts=is_prompted,
        )
        # Upstream keeps memories in bfloat16 even where everything else is float32.
        return {
            "maskmem_features": memory.to(torch.bfloat16),
            "maskmem_pos_enc": positions,
            "obj_ptr": output.pointer,
        }

    def _forget(self, memory: Memory, index: int) -> None:
        """Drop what no later frame reads: masks after num_maskmem slices, pointers after max_obj_ptrs_in_encoder."""
        network = self._network
        mask_reach = (network.num_maskmem - 1) * network.memory_temporal_stride_for_eval
        for old in list(memory.tracked):
            if index - old >= max(mask_reach, network.max_obj_ptrs_in_encoder):
                del memory.tracked[old]
            elif index - old >= mask_reach:
                entry = memory.tracked[old]
                memory.tracked[old] = {**entry, "maskmem_features": None, "maskmem_pos_enc": None}


def filled(output: Output, area: int) -> Output:
    """The output without holes up to this area in its masks, in pixels of the logits; 0 for as it is."""
    if not area:
        return output
    return replace(output, logits=torch.cat([fill_holes(logits, area) for logits in output.logits_of_each]))

"""SAM 2 on single images, as upstream's SAM2ImagePredictor has it: without memory, and with no say of the presence.

It enlarges images otherwise than the video predictor does, and keeps a mask where the network takes the object for
absent; both are kept here, so that the masks are the same.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.engine.devices import Placement
from PromptOnceLib.engine.images.image_model import Embedding, ImageMarks, ImageModel, Proposed
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.preprocessing import smooth_input

_CORNERS = np.array([[2, 3]], np.int32)  # labels of a box's corners


class Sam2Images(ImageModel):
    """A SAM 2 model that is on its device already, where a tracker has put it."""

    sure = 0.8

    def __init__(self, model: Model, placement: Placement) -> None:
        self.placement, self.image_size = placement, model.image_size
        self._network = model.network

    @torch.inference_mode()
    def embed(self, frame: NDArray[np.uint8]) -> Embedding:
        """See ImageModel."""
        with self.placement.compute():
            encoded = self._network.forward_image(smooth_input(frame, self.image_size, self.placement.device))
            _, maps, _, sizes = self._network._prepare_backbone_features(encoded)
            if self._network.directly_add_no_mem_embed:
                maps[-1] = maps[-1] + self._network.no_mem_embed
        levels = [level.permute(1, 2, 0).view(1, -1, *size) for level, size in zip(maps, sizes, strict=True)]
        rows, columns = frame.shape
        return Embedding(levels, (rows, columns))

    @torch.inference_mode()
    def propose(self, embedding: Embedding, marks: ImageMarks, several: bool) -> Proposed:
        """See ImageModel."""
        network = self._network
        *finer, coarsest = embedding.maps
        with self.placement.compute():
            sparse, dense = network.sam_prompt_encoder(points=self._points(embedding, marks), boxes=None, masks=None)
            logits, predicted_iou, _, presence = network.sam_mask_decoder(
                image_embeddings=coarsest,
                image_pe=network.sam_prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=several,
                repeat_image=len(marks.labels) > 1,
                high_res_features=finer,
            )
        return Proposed(logits.float(), predicted_iou.float(), presence[:, 0].float().sigmoid())

    @torch.inference_mode()
    def enlarge(self, embedding: Embedding, logits: torch.Tensor) -> torch.Tensor:
        """See ImageModel."""
        return torch.nn.functional.interpolate(logits, embedding.shape, mode="bilinear", align_corners=False)

    def _points(self, embedding: Embedding, marks: ImageMarks) -> tuple[torch.Tensor, torch.Tensor]:
        """Points and labels in the network's pixels, a box first as its two corners."""
        points, labels = marks.points, marks.labels
        if marks.box is not None:
            points = np.concatenate([marks.box.reshape(1, 2, 2), points], axis=1)
            labels = np.concatenate([_CORNERS, labels], axis=1)
        rows, columns = embedding.shape
        device = self.placement.device
        # The order of upstream's operations, in its precision.
        places = torch.as_tensor(points, dtype=torch.float32, device=device)
        places = places / torch.tensor([columns, rows], device=device) * self.image_size
        return places, torch.as_tensor(labels, device=device)

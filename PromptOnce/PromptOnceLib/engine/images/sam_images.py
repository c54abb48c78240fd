"""SAM (version 1; Kirillov et al. 2023) on single images, as upstream's SamPredictor has it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib.engine.devices import Placement
from PromptOnceLib.engine.images.image_model import Embedding, ImageMarks, ImageModel, Proposed
from PromptOnceLib.engine.images.sam_network import SamModel


class SamImages(ImageModel):
    """SAM on a device. The longer side of an image fills the network's square, and zeros the rest of it."""

    sure = 0.88

    def __init__(self, model: SamModel, placement: Placement) -> None:
        self.model, self.image_size = model, model.image_size
        self.move(placement)

    def move(self, placement: Placement) -> None:
        """Go on at another place."""
        self.placement = placement
        self._network = self.model.network.to(placement.device)

    @torch.inference_mode()
    def embed(self, frame: NDArray[np.uint8]) -> Embedding:
        """See ImageModel."""
        rows, columns = frame.shape
        size = self._scaled((rows, columns))
        image = Image.fromarray(np.ascontiguousarray(frame))
        grey = np.array(image.resize(size[::-1], Image.Resampling.BILINEAR))
        pixels = torch.from_numpy(grey).to(self.placement.device).expand(1, 3, *size).contiguous()
        with self.placement.compute():
            features = self._network.image_encoder(self._network.preprocess(pixels))
        return Embedding([features], (rows, columns))

    @torch.inference_mode()
    def propose(self, embedding: Embedding, marks: ImageMarks, several: bool) -> Proposed:
        """See ImageModel."""
        network = self._network
        points = None
        if marks.labels.size:
            labels = torch.as_tensor(marks.labels, device=self.placement.device)
            points = self._placed(marks.points, embedding, marks.grid), labels
        box = None
        if marks.box is not None:
            box = self._placed(marks.box.reshape(2, 2), embedding).reshape(1, 4)
        with self.placement.compute():
            sparse, dense = network.prompt_encoder(points=points, boxes=box, masks=None)
            logits, predicted_iou = network.mask_decoder(
                image_embeddings=embedding.maps[0],
                image_pe=network.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=several,
            )
        return Proposed(logits.float(), predicted_iou.float(), None)

    @torch.inference_mode()
    def enlarge(self, embedding: Embedding, logits: torch.Tensor) -> torch.Tensor:
        """See ImageModel."""
        enlarged: torch.Tensor = self._network.postprocess_masks(logits, self._scaled(embedding.shape), embedding.shape)
        return enlarged

    def _scaled(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of an image in the network's square."""
        scale = self.image_size / max(shape)
        return int(shape[0] * scale + 0.5), int(shape[1] * scale + 0.5)

    def _placed(self, points: NDArray[np.float64], embedding: Embedding, grid: bool = False) -> torch.Tensor:
        """Points (..., 2) of x, y in the network's pixels; those of a grid keep their precision, as upstream's do."""
        (rows, columns), size = embedding.shape, self._scaled(embedding.shape)
        placed = points * np.array([size[1] / columns, size[0] / rows])
        exact = grid and self.placement.device.type != "mps"  # which has no float64
        return torch.as_tensor(placed, dtype=torch.float64 if exact else torch.float32, device=self.placement.device)

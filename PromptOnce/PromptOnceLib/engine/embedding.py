"""A frame in a few numbers, by which frames of different patients are compared."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.engine.tracker import Features

_GRID = 4


@torch.inference_mode()
def frame_embedding(features: Features) -> NDArray[np.float32]:
    """float32 (channels * 16,), of length 1: the encoder's coarsest features, averaged over a grid of 4 x 4 places.

    The grid keeps where things are, roughly: a mean over the whole frame would call a slice through the lungs and one
    through the abdomen alike as soon as they hold the same tissues. What a channel says on average over the frame is
    taken away: most of it is the same for all images and would bring all similarities near to 1. A frame without any
    structure gives zeros.
    """
    rows, columns = features.sizes[-1]
    maps = features.maps[-1].float()  # (pixels, 1, channels)
    maps = maps.permute(1, 2, 0).reshape(1, maps.shape[-1], rows, columns)
    places = torch.nn.functional.adaptive_avg_pool2d(maps, _GRID)[0].flatten(1)
    places = places - places.mean(dim=1, keepdim=True)
    return torch.nn.functional.normalize(places.flatten(), dim=0).cpu().numpy().astype(np.float32)

"""From an 8-bit slice to what SAM 2's image encoder takes, bit for bit as upstream does it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib.core.prompts import ObjectPrompt

# ImageNet's statistics, as in sam2.utils.misc.load_video_frames.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


def frame_tensor(frame: NDArray[np.uint8], size: int, device: torch.device) -> torch.Tensor:
    """Normalised network input of one slice.

    frame: uint8 (rows, columns). Returns float32 (1, 3, size, size). Upstream enlarges three equal channels with
    Pillow's bicubic filter; one channel enlarged and repeated gives the same bits.
    """
    image = Image.fromarray(np.ascontiguousarray(frame)).resize((size, size))
    grey = torch.from_numpy((np.asarray(image) / 255.0).astype(np.float32)).to(device)
    mean = torch.tensor(_MEAN, device=device)[:, None, None]
    std = torch.tensor(_STD, device=device)[:, None, None]
    return ((grey.expand(3, -1, -1) - mean) / std)[None]


def point_inputs(
    prompt: ObjectPrompt, shape: tuple[int, int], size: int, device: torch.device
) -> dict[str, torch.Tensor]:
    """Box and points of one object in the network's pixels.

    shape: (rows, columns) of the slice. Returns SAM 2's point_coords (1, P, 2) and point_labels (1, P); the box comes
    first as two points, as in SAM2VideoPredictor.add_new_points_or_box, whose order of operations is kept.
    """
    points, labels = prompt.points_and_labels()
    coordinates = torch.from_numpy(points)[None]
    coordinates = coordinates / torch.tensor([shape[1], shape[0]])
    coordinates = coordinates * size
    return {"point_coords": coordinates.to(device), "point_labels": torch.from_numpy(labels)[None].to(device)}


def mask_input(mask: NDArray[np.bool_], size: int, device: torch.device) -> torch.Tensor:
    """A mask prompt (rows, columns) as float32 (1, 1, size, size) of zeros and ones, as in add_new_mask."""
    tensor = torch.from_numpy(np.ascontiguousarray(mask)).float()[None, None].to(device)
    if tensor.shape[-2:] == (size, size):
        return tensor
    resized = torch.nn.functional.interpolate(
        tensor, size=(size, size), align_corners=False, mode="bilinear", antialias=True
    )
    return (resized >= 0.5).float()

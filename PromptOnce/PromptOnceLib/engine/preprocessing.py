"""From an 8-bit slice to what SAM 2's image encoder takes, bit for bit as upstream does it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib.prompts.prompt import ObjectPrompt

# ImageNet's statistics, as in sam2.utils.misc.load_video_frames.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


def network_pixels(frame: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A slice, uint8 (rows, columns), enlarged or reduced to (size, size) with Pillow's bicubic filter.

    Upstream does so with three equal channels; one gives the same bits.
    """
    return np.asarray(Image.fromarray(np.ascontiguousarray(frame)).resize((size, size)))


def network_input(pixels: Sequence[NDArray[np.uint8]], device: torch.device) -> torch.Tensor:
    """Normalised network input of slices that have the network's size, each uint8 (size, size).

    Returns float32 (slices, 3, size, size). Bytes travel to the device and become numbers there.
    """
    stacked = torch.from_numpy(np.stack(pixels))
    if device.type == "cuda":
        # From pinned memory the copy goes on while the device still computes what came before.
        stacked = stacked.pin_memory()
    numbers = _numbers(device)[:, stacked.to(device, non_blocking=True).long()]
    return numbers.transpose(0, 1).contiguous()


def smooth_input(frame: NDArray[np.uint8], size: int, device: torch.device) -> torch.Tensor:
    """Network input of one slice, uint8 (rows, columns), as SAM2ImagePredictor makes it: float32 (1, 3, size, size).

    Grey values become numbers from 0 to 1 before they are scaled, bilinearly and smoothed where the slice gets smaller.
    """
    grey = (torch.from_numpy(frame.astype(np.float32, order="C")) / 255)[None, None]
    if grey.shape[-2:] != (size, size):
        grey = torch.nn.functional.interpolate(
            grey, size=(size, size), mode="bilinear", align_corners=False, antialias=True
        )
    mean, std = torch.tensor(_MEAN)[:, None, None], torch.tensor(_STD)[:, None, None]
    return ((grey - mean) / std).to(device)


@cache
def _numbers(device: torch.device) -> torch.Tensor:
    """What each grey value becomes in the three channels, float32 (3, 256).

    Made on the CPU: upstream divides in float64, which Apple's GPUs lack. Kept: making it waits for the device.
    """
    grey = torch.from_numpy((np.arange(256) / 255.0).astype(np.float32))
    mean, std = torch.tensor(_MEAN)[:, None], torch.tensor(_STD)[:, None]
    return ((grey - mean) / std).to(device)


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

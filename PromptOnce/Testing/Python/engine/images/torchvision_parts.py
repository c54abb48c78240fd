"""What upstream's image predictors and mask generators take from torchvision, which is not installed for tests.

Each does what torchvision 0.28 does in the one case that upstream meets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image


class ToTensor:
    """uint8 (rows, columns, 3) to float32 (3, rows, columns), 0 to 1."""

    def __call__(self, image: NDArray[np.uint8]) -> torch.Tensor:
        return torch.from_numpy(image.transpose(2, 0, 1).copy()).to(torch.float32).div(255)


class Resize(torch.nn.Module):
    """Tensors (3, rows, columns) bilinearly, smoothed where they get smaller."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if image.shape[-2:] == self.size:
            return image
        scaled = torch.nn.functional.interpolate(
            image[None], size=self.size, mode="bilinear", align_corners=False, antialias=True
        )
        return scaled[0]


class Normalize(torch.nn.Module):
    """Mean taken away, divided by the standard deviation, channel by channel."""

    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.mean, self.std = (torch.tensor(values).view(-1, 1, 1) for values in (mean, std))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.clone().sub_(self.mean).div_(self.std)


def to_pil_image(image: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(image)


def resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Pillow's bilinear filter; size: (rows, columns)."""
    return image.resize(size[::-1], Image.Resampling.BILINEAR)


def box_area(boxes: torch.Tensor) -> torch.Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def batched_nms(
    boxes: torch.Tensor, scores: torch.Tensor, categories: torch.Tensor, iou_threshold: float
) -> torch.Tensor:
    """Greedily, box after box, all of one category: indices in the order of the scores."""
    assert not categories.any()
    kept: list[int] = []
    for index in scores.argsort(descending=True, stable=True).tolist():
        if all(_iou(boxes[index].tolist(), boxes[other].tolist()) <= iou_threshold for other in kept):
            kept.append(index)
    return torch.tensor(kept, dtype=torch.int64)


def _iou(one: list[float], other: list[float]) -> float:
    sides = [max(0.0, min(one[i + 2], other[i + 2]) - max(one[i], other[i])) for i in range(2)]
    common = sides[0] * sides[1]
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common) if common else 0.0


@contextmanager
def torchvision_in_parts() -> Iterator[None]:
    """Where torchvision is asked for, these parts are there; what upstream imports meanwhile stays imported."""
    modules: dict[str, Any] = {
        "torchvision": {},
        "torchvision.transforms": {"Normalize": Normalize, "Resize": Resize, "ToTensor": ToTensor},
        "torchvision.transforms.functional": {"resize": resize, "to_pil_image": to_pil_image},
        "torchvision.ops": {},
        "torchvision.ops.boxes": {"batched_nms": batched_nms, "box_area": box_area},
    }
    parts = {}
    for name, content in modules.items():
        parts[name] = ModuleType(name)
        vars(parts[name]).update(content)
    before = set(sys.modules)
    with mock.patch.dict(sys.modules, parts):
        yield
        kept = {name: module for name, module in sys.modules.items() if name not in before | set(parts)}
    sys.modules.update(kept)

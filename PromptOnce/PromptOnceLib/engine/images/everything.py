"""Everything on a slice: what SAM proposes for a grid of points, the sure and stable masks, each once.

The settings are those of upstream's mask generators (SamAutomaticMaskGenerator, SAM2AutomaticMaskGenerator), which look
at the whole image once unless they are told otherwise, as here. Only what is kept to the end is held on the slice's own
pixels, so that large slices fit into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.engine.images.image_model import Embedding, ImageMarks, ImageModel
from PromptOnceLib.engine.transfer import no_numbers

POINTS_TOGETHER = 64
_MOST_OVERLAP = 0.7  # intersection over union of two masks' boxes, above which the surer one stays
_STABLE = 0.95  # intersection over union of a mask at a higher and at a lower threshold
_STABILITY_OFFSET = 1.0
_PIXELS_TOGETHER = 2**25


@dataclass(frozen=True, eq=False)
class EverythingFound:
    """Masks, uint8 (n, rows, columns), the surest first, with the predicted IoU of each, float32 (n,).

    embed_seconds, prompt_seconds: what encoding the slice and all the rest took.
    """

    masks: NDArray[np.uint8]
    predicted_iou: NDArray[np.float32]
    embed_seconds: float
    prompt_seconds: float


def everything(
    model: ImageModel, frame: NDArray[np.uint8], points_per_side: int, on_points: Callable[[int, int], object]
) -> EverythingFound:
    """All that is found on a slice, uint8 (rows, columns).

    on_points: called with how many points of the grid are done, of how many; what it raises ends the search.
    """
    embedding, embed_seconds = model.timed(lambda: model.embed(frame))
    (masks, scores), prompt_seconds = model.timed(lambda: _search(model, embedding, points_per_side, on_points))
    return EverythingFound(masks, scores, embed_seconds, prompt_seconds)


@torch.inference_mode()
def _search(
    model: ImageModel, embedding: Embedding, points_per_side: int, on_points: Callable[[int, int], object]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    points = _grid(points_per_side) * np.array(embedding.shape[::-1])
    found: list[_Sure] = []
    for start in range(0, len(points), POINTS_TOGETHER):
        places = points[start : start + POINTS_TOGETHER, None]
        marks = ImageMarks(places, np.ones(places.shape[:2], np.int32), grid=True)
        proposed = model.propose(embedding, marks, several=True)
        if not proposed.predicted_iou.isfinite().all():
            raise no_numbers()
        sure = proposed.predicted_iou > model.sure
        few = _portions(embedding, proposed.logits[sure], proposed.predicted_iou[sure])
        found += [_stable(model, embedding, logits, scores) for logits, scores in few]
        on_points(start + len(places), len(points))
    if not found:
        return np.zeros((0, *embedding.shape), np.uint8), np.zeros(0, np.float32)
    boxes, scores = (np.concatenate(parts) for parts in ([one.boxes for one in found], [one.scores for one in found]))
    kept = apart(boxes, scores)
    return _masks(model, embedding, torch.cat([one.logits for one in found])[kept]), scores[kept]


@dataclass(frozen=True, eq=False)
class _Sure:
    """Masks that are sure and stable: logits (n, h, w), boxes float32 (n, 4) of x0, y0, x1, y1, scores float32 (n,)."""

    logits: torch.Tensor
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]


def _stable(model: ImageModel, embedding: Embedding, logits: torch.Tensor, scores: torch.Tensor) -> _Sure:
    """Those that hardly change with the threshold."""
    enlarged = model.enlarge(embedding, logits[:, None])[:, 0]
    inner, outer = ((enlarged > limit).sum(dim=(1, 2)) for limit in (_STABILITY_OFFSET, -_STABILITY_OFFSET))
    stable = inner / outer >= _STABLE  # not a number where nothing is above the lower threshold: it goes
    masks = enlarged[stable] > 0
    sides = [_ends(masks.any(dim=1)), _ends(masks.any(dim=2))]
    boxes = torch.stack([end for pair in zip(*sides, strict=True) for end in pair], dim=1)
    return _Sure(logits[stable], boxes.cpu().numpy().astype(np.float32), scores[stable].cpu().numpy())


def _ends(shadow: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """First and last true place of each row of bool (n, length); of none where a row has none."""
    places = torch.arange(shadow.shape[1], device=shadow.device).expand_as(shadow)
    return places.masked_fill(~shadow, shadow.shape[1]).amin(1), places.masked_fill(~shadow, -1).amax(1)


def _masks(model: ImageModel, embedding: Embedding, logits: torch.Tensor) -> NDArray[np.uint8]:
    masks = [
        (model.enlarge(embedding, few[:, None])[:, 0] > 0).cpu().numpy()
        for few, _ in _portions(embedding, logits, logits[:, 0, 0])
    ]
    return np.concatenate(masks).astype(np.uint8)


def _portions(
    embedding: Embedding, logits: torch.Tensor, scores: torch.Tensor
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """So many masks at once as fit into memory on the slice's own pixels."""
    count = max(1, _PIXELS_TOGETHER // (embedding.shape[0] * embedding.shape[1]))
    return zip(torch.split(logits, count), torch.split(scores, count), strict=True)


def apart(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """Indices of the boxes that stay, the surest first: greedily those that hardly overlap a surer one that stays.

    boxes: (n, 4) of x0, y0, x1, y1. Non-maximum suppression as torchvision.ops.nms does it.
    """
    order = np.argsort(-scores, kind="stable")
    sides = boxes[:, 2:] - boxes[:, :2]
    areas = sides[:, 0] * sides[:, 1]
    kept: list[int] = []
    while len(order):
        first, order = int(order[0]), order[1:]
        kept.append(first)
        lower, upper = np.maximum(boxes[order, :2], boxes[first, :2]), np.minimum(boxes[order, 2:], boxes[first, 2:])
        common = np.maximum(upper - lower, 0).prod(axis=1)
        with np.errstate(invalid="ignore"):  # boxes of one pixel have no area
            overlap = common / (areas[first] + areas[order] - common)
        order = order[~(overlap > _MOST_OVERLAP)]
    return np.array(kept, np.intp)


def _grid(side: int) -> NDArray[np.float64]:
    """Points (side * side, 2) of x, y, in the middles of equal parts of a square of side 1, row by row."""
    middles = np.linspace(1 / (2 * side), 1 - 1 / (2 * side), side)
    return np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)

"""Prompts as people give them, drawn from the mask of an object: loose boxes, points, some wrong ones.

Coordinates are (x, y) in pixels of the frame. Labels as SAM 2 codes them: 1 positive, 0 negative, 2 and 3 the corners
of a box, -1 padding.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from PromptOnceLib.prompts.from_mask import prompt_from_mask

Rng = np.random.Generator
MAX_POINTS = 8
SHIFTED_SHARE = 0.2  # of boxes moved as a whole by up to 3 % of the frame
WRONG_SHARE = 0.03  # of prompts with a positive point beside the object
KINDS = ["papers", "box", "box+points", "point", "points"]
SHARES = [0.4, 0.2, 0.2, 0.08, 0.12]
# The papers' negative point lies on most objects, and is learnt to mean nothing; beside the object, in a hole or
# between parts, it means what it says.
SHARES_BESIDE = [0.7, 0.08, 0.1, 0.04, 0.08]
EACH_PART_SHARE = 0.3  # of the papers' prompts, which have a point in every contour
ELSEWHERE_SHARE = 0.3  # of the papers' prompts of hollow objects
MAX_PARTS = 4  # of an object that have a point each
PART = 0.1  # share of an object's pixels in its second largest part, at least
HOLE = 0.1  # share of what a hollow object's outline encloses, at least


def draw_prompt(mask: np.ndarray, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
    """Points (MAX_POINTS, 2) float32 and labels (MAX_POINTS,) int32 for one boolean mask that is not empty."""
    hole = hole_of(mask)
    kind = rng.choice(KINDS, p=SHARES_BESIDE if hole is not None or not covers_middle(mask) else SHARES)
    box = jittered_box(mask, rng)
    shift = rng.uniform(-0.03, 0.03, 2) * len(mask) if rng.random() < SHIFTED_SHARE else np.zeros(2)
    box = (box[0] + shift[0], box[1] + shift[1], box[2] + shift[0], box[3] + shift[1])
    points: list[tuple[float, float, int]] = []
    if kind in ("papers", "box", "box+points"):
        points += [(box[0], box[1], 2), (box[2], box[3], 3)]
    if kind == "papers":
        points += [(*p, 1) for p in papers_points(mask, hole is not None, rng)]
        points.append(((box[0] + box[2]) // 2, (box[1] + box[3]) // 2, 0))
    elif kind in ("point", "points", "box+points"):
        count = 1 if kind == "point" else int(rng.integers(1, 4))
        points += [(*p, 1) for p in random_points(mask, count, rng)]
        if kind != "point":
            points += [(*p, 0) for p in random_points(_around(mask, box), int(rng.integers(0, 3)), rng)]
            points += [] if hole is None else [(*p, 0) for p in random_points(hole, int(rng.integers(0, 2)), rng)]
    if kind != "point" and rng.random() < WRONG_SHARE:
        points += [(*p, 1) for p in random_points(_around(mask, box), 1, rng)]
    return _padded(points)


def papers_points(mask: np.ndarray, hollow: bool, rng: Rng) -> list[tuple[float, float]]:
    """The papers' positive points, for the whole mask or for each of its parts; in a wall also elsewhere.

    In the middle of a solid object they lie where the negative one does, and so say that this one means nothing. A
    positive point elsewhere and a negative one in the middle are to mean what they say, in a ring as in a correction.
    """
    if hollow and rng.random() < ELSEWHERE_SHARE:
        return one_point_per_part(mask, rng)
    in_each = bool(rng.random() < EACH_PART_SHARE)
    chosen = prompt_from_mask(mask.astype(np.uint8), point_per_contour=in_each, min_contour_pixels=4)
    return [(point.x, point.y) for point in chosen.prompt.points if point.positive][:MAX_PARTS]


def bounds_of(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the smallest box around a boolean mask that is not empty."""
    rows, columns = ndimage.find_objects(mask.astype(np.uint8))[0]
    return rows, columns


def hole_of(mask: np.ndarray) -> np.ndarray | None:
    """What a mask encloses, bool like it; None where that is nothing or little, or the mask is empty."""
    if not mask.any():
        return None
    box = bounds_of(mask)
    filled = ndimage.binary_fill_holes(mask[box])
    hole = np.zeros_like(mask)
    hole[box] = filled & ~mask[box]
    return hole if hole.sum() >= HOLE * filled.sum() else None


def is_hollow(mask: np.ndarray) -> bool:
    """Whether a mask encloses something of some size."""
    return hole_of(mask) is not None


def covers_middle(mask: np.ndarray) -> bool:
    """Whether the middle of a mask's box, where the papers' negative point lies, is on the mask."""
    rows, columns = bounds_of(mask)
    return bool(mask[(rows.start + rows.stop - 1) // 2, (columns.start + columns.stop - 1) // 2])


def is_in_parts(mask: np.ndarray) -> bool:
    """Whether a mask is in several parts, the second of at least a tenth of its pixels."""
    parts, number = ndimage.label(mask)
    return number > 1 and bool(np.sort(np.bincount(parts.ravel())[1:])[-2] >= PART * mask.sum())


def jittered_box(mask: np.ndarray, rng: Rng) -> tuple[float, float, float, float]:
    """Box around the mask, each side moved by up to a tenth of the box and by up to two pixels."""
    rows, columns = bounds_of(mask)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    amount = rng.choice([0.0, 0.03, 0.08, 0.15])

    def moved(value: float, size: float, limit: int) -> float:
        return float(np.clip(value + rng.normal(0, 1) * (amount * size + (amount > 0)), 0, limit))

    return (
        moved(columns.start, width, mask.shape[1]),
        moved(rows.start, height, mask.shape[0]),
        moved(columns.stop, width, mask.shape[1]),
        moved(rows.stop, height, mask.shape[0]),
    )


def one_point_per_part(mask: np.ndarray, rng: Rng) -> list[tuple[float, float]]:
    """A point well inside each of the largest connected parts, up to four."""
    parts, _ = ndimage.label(mask)
    boxes = ndimage.find_objects(parts)
    sizes = np.bincount(parts.ravel())[1:]
    chosen = np.argsort(-sizes)[:MAX_PARTS]
    points = []
    for part in chosen[sizes[chosen] >= max(4, 0.05 * sizes.max())]:
        box = boxes[part]
        depth = ndimage.distance_transform_edt(np.pad(parts[box] == part + 1, 1))[1:-1, 1:-1]
        candidates = np.argwhere(depth >= rng.uniform(0.5, 1.0) * depth.max())
        row, column = candidates[rng.integers(len(candidates))]
        points.append((float(column + box[1].start), float(row + box[0].start)))
    return points


def random_points(region: np.ndarray, count: int, rng: Rng) -> list[tuple[float, float]]:
    candidates = np.argwhere(region)
    if len(candidates) == 0:
        return []
    return [(float(c), float(r)) for r, c in candidates[rng.integers(len(candidates), size=count)]]


def _around(mask: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Background near the object."""
    near = np.zeros_like(mask)
    margin_x, margin_y = 0.3 * (box[2] - box[0]) + 2, 0.3 * (box[3] - box[1]) + 2
    left, top = max(0, int(box[0] - margin_x)), max(0, int(box[1] - margin_y))
    near[top : int(box[3] + margin_y) + 1, left : int(box[2] + margin_x) + 1] = True
    return near & ~mask


def _padded(points: list[tuple[float, float, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    coordinates = torch.zeros(MAX_POINTS, 2)
    labels = torch.full((MAX_POINTS,), -1, dtype=torch.int32)
    for i, (x, y, label) in enumerate(points[:MAX_POINTS]):
        coordinates[i] = torch.tensor([x, y])
        labels[i] = label
    return coordinates, labels

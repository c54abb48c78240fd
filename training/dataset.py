"""Clips for training: frames, prompts and true masks, cut from a pool of phantoms."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from training.endings import end_objects
from training.phantoms.canvas import Array, Target
from training.pool import MIN_AREA, Phantom
from training.prompting import draw_prompt
from training.rendering import Scene, render
from training.targets import asked_first, seen_targets, some, targets_like

Rng = np.random.Generator

ENDING = 4  # objects of a clip that may be made to end, beside the one the clip was chosen for
SHARED_SHARE = 0.1  # of clips of a family whose frame 0 is another patient's
SECOND_PROMPT_SHARE = 0.2  # of batches with a prompt on a later frame too
MASK_PROMPT_SHARE = 0.1  # of batches that are prompted with the mask itself
DIFFICULT_WEIGHT = 4  # still images hold difficult phantoms so many times as often as others


class Shape(NamedTuple):
    """What a batch holds: clips with so many objects and frames of size x size pixels; close, ends: see Stage."""

    clips: int
    objects: int
    frames: int
    size: int
    close: float = 0.2
    ends: float = 0.5


@dataclass
class Batch:
    """Clips with several objects each; object o of clip c is at row c * objects + o of everything but the frames.

    frames: (clips, frames, size, size) float32 0..255; masks: (rows, frames, size, size) bool; prompted: the frames
    with a prompt, 0 first; points: (rows, prompted, MAX_POINTS, 2) (x, y) pixels; point_labels: (rows, prompted,
    MAX_POINTS) int32; by_mask: the prompt of frame 0 is its true mask instead.
    """

    frames: torch.Tensor
    masks: torch.Tensor
    prompted: tuple[int, ...]
    points: torch.Tensor
    point_labels: torch.Tensor
    by_mask: bool

    def packed(self) -> Packed:
        """The same batch in a small part of the memory: frames hold whole numbers, masks bits."""
        frames = self.frames.byte().numpy()
        masks = np.packbits(self.masks.numpy(), axis=-1, bitorder="little")
        return Packed(frames, masks, self.prompted, self.points, self.point_labels, self.by_mask)


class Packed(NamedTuple):
    """A batch as it goes from the process that makes it to the one that trains: frames as bytes, masks as bits."""

    frames: Array
    masks: Array
    prompted: tuple[int, ...]
    points: torch.Tensor
    point_labels: torch.Tensor
    by_mask: bool

    def on(self, device: torch.device) -> Batch:
        """The batch, on a device."""
        frames = torch.from_numpy(self.frames).to(device).float()
        bits = torch.from_numpy(self.masks).to(device)[..., None] >> torch.arange(8, dtype=torch.uint8, device=device)
        masks = (bits & 1).bool().flatten(-2)
        return Batch(frames, masks, self.prompted, self.points.to(device), self.point_labels.to(device), self.by_mask)


class Clips:
    """Draws batches from phantoms."""

    def __init__(self, phantoms: list[Phantom]) -> None:
        self.phantoms = phantoms
        # Rings and touching neighbours are hard to prompt, not only to follow.
        self.for_still_images = [one for one in phantoms for _ in range(DIFFICULT_WEIGHT if one.difficult else 1)]
        self.families: dict[str, list[Phantom]] = {}
        for phantom in phantoms:
            self.families.setdefault(phantom.family, []).append(phantom)

    def batch(self, seed: tuple[int, ...], shape: Shape) -> Batch:
        """The batch that belongs to `seed`, the same whenever it is asked for."""
        rng, frames = np.random.default_rng(seed), shape.frames
        images, masks = [], []
        for _ in range(shape.clips):
            image, clip_masks = self._clip(rng, shape)
            images.append(image)
            masks += clip_masks
        prompted: tuple[int, ...] = (0,)
        if frames > 2 and rng.random() < SECOND_PROMPT_SHARE:
            everywhere = [t for t in range(2, frames) if all(m[t].sum() > 20 for m in masks)]
            if everywhere:
                prompted = (0, int(rng.choice(everywhere)))
        prompts = [[draw_prompt(mask[t], rng) for t in prompted] for mask in masks]
        points = torch.stack([torch.stack([p for p, _ in row]) for row in prompts])
        labels = torch.stack([torch.stack([q for _, q in row]) for row in prompts])
        by_mask = frames > 1 and len(prompted) == 1 and bool(rng.random() < MASK_PROMPT_SHARE)
        return Batch(torch.stack(images), torch.from_numpy(np.stack(masks)), prompted, points, labels, by_mask)

    def _clip(self, rng: Rng, shape: Shape) -> tuple[torch.Tensor, list[Array]]:
        """Frames and the masks of `objects` objects that are large enough and can be seen on frame 0."""
        frames, size, objects = shape.frames, shape.size, shape.objects
        phantoms = self.phantoms if frames > 1 else self.for_still_images
        while True:
            phantom = phantoms[rng.integers(len(phantoms))]
            first = asked_first(frames, rng)
            targets = phantom.targets if first is None else targets_like(first, phantom)
            if not targets:
                continue
            target = targets[rng.integers(len(targets))]
            slices = self._slices(phantom, target, frames, rng)
            labels = np.stack([p.labels[k] for p, k in slices])
            cut = _Cut(np.isin(labels[0], target), size, shape.close, rng)
            labels = cut(labels)
            if phantom.image is None and frames > 1:
                end_objects(labels, [target, *some(phantom.targets, ENDING, rng)], shape.ends, rng)
            image = None
            if phantom.image is not None:
                image = torch.from_numpy(cut(np.stack([p.image[k] for p, k in slices if p.image is not None])))
            small = render(Scene(torch.from_numpy(labels), phantom.alike, phantom.densities, image), rng)
            seen = _enlarge(small, size)
            rows, columns = (np.arange(size) * n // size for n in labels.shape[1:])
            labels = labels[:, rows[:, None], columns[None, :]]
            chosen = seen_targets(phantom.targets, seen[0].numpy(), labels[0], objects, rng, first)
            if chosen:
                return seen, [np.isin(labels, chosen[i % len(chosen)]) for i in range(objects)]

    def _slices(self, phantom: Phantom, target: Target, frames: int, rng: Rng) -> list[tuple[Phantom, int]]:
        """The slices of a clip: of one phantom, or with another patient's first, or radiographs of several patients."""
        relatives = self.families[phantom.family]
        if phantom.image is not None:
            others = [p for p in relatives if p.area(target)[0] >= MIN_AREA]
            return [(phantom, 0)] + [(others[i], 0) for i in rng.integers(len(others), size=frames - 1)]
        if phantom.family and frames > 2 and rng.random() < SHARED_SHARE:
            patient = relatives[rng.integers(len(relatives))]
            if patient is not phantom and patient.area(target).max() >= 4 * MIN_AREA:
                own = _choose_slices(phantom.area(target), frames - 1, rng)
                return [(patient, int(patient.area(target).argmax()))] + [(phantom, int(k)) for k in own]
        return [(phantom, int(k)) for k in _choose_slices(phantom.area(target), frames, rng)]


def _choose_slices(area: Array, frames: int, rng: Rng) -> Array:
    """Prompted slice where the object is well seen, then forward or backward in steps of a half to 3 slices."""
    good = np.flatnonzero(area >= max(MIN_AREA, 0.25 * area.max()))
    seed = int(good[rng.integers(len(good))])
    direction = 1 if rng.random() < 0.5 else -1
    room = len(area) - 1 - seed if direction > 0 else seed
    if room < frames - 1:
        direction, room = -direction, len(area) - 1 - room
    step = float(rng.choice([0.5, 1, 2, 3], p=[0.1, 0.5, 0.25, 0.15]))
    if step > 1 and step * (frames - 1) > room:
        step = max(1.0, room / (frames - 1))
    return np.clip(seed + direction * (step * np.arange(frames)).astype(int), 0, len(area) - 1)


class _Cut:
    """A random rectangle that holds most of an object, mirrored or turned, with at most `size` pixels a side.

    A small rectangle keeps its few pixels: it is enlarged after rendering, as small images are.
    """

    def __init__(self, mask: Array, size: int, close: float, rng: Rng) -> None:
        kind = rng.choice(["whole", "part", "close"], p=[(1 - close) / 2, (1 - close) / 2, close])
        self.window = []
        extent = max(np.ptp(np.flatnonzero(mask.any(1 - axis))) + 1 for axis in (0, 1)) * rng.uniform(1.15, 3.0)
        for axis in (0, 1):
            n = mask.shape[axis]
            used = np.flatnonzero(mask.any(1 - axis))
            if kind == "close":
                length = int(np.clip(extent * rng.uniform(0.9, 1.1), 40, n))
            else:
                length = int(n * rng.uniform(0.45, 1.0)) if kind == "part" else n
            middle = (used[0] + used[-1]) / 2 + rng.normal(0, 0.1) * length
            start = int(np.clip(middle - length * rng.uniform(0.35, 0.65), 0, n - length))
            count = min(length, size)
            self.window.append(start + (np.arange(count) * length) // count)
        self.mirror = rng.random() < 0.5
        self.turns = int(rng.choice([0, 0, 0, 1, 2, 3]))

    def __call__(self, frames: Array) -> Array:
        part = frames[:, self.window[0][:, None], self.window[1][None, :]]
        part = part[:, :, ::-1] if self.mirror else part
        return np.ascontiguousarray(np.rot90(part, self.turns, axes=(1, 2)))


def _enlarge(frames: torch.Tensor, size: int) -> torch.Tensor:
    if frames.shape[1:] == (size, size):
        return frames
    larger = F.interpolate(frames[:, None], size=(size, size), mode="bicubic", align_corners=False)[:, 0]
    return larger.clamp(0, 255).floor()


ShapesOfStep = Callable[[int], tuple[Shape, ...]]
OwnParts = Callable[[int], range]


class _Batches(torch.utils.data.Dataset):
    def __init__(self, clips: Clips, seed: int, steps: range, shapes: ShapesOfStep, own: OwnParts) -> None:
        self.clips, self.seed, self.steps, self.shapes, self.own = clips, seed, steps, shapes, own

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, i: int) -> bytes:
        """The batches of a step, pickled: as tensors they would go through shared memory, which containers lack."""
        torch.set_num_threads(1)
        step, shapes = self.steps[i], self.shapes(self.steps[i])
        own = self.own(len(shapes))
        return pickle.dumps([self.clips.batch((self.seed, step, part), shapes[part]).packed() for part in own])


def batches(
    clips: Clips, seed: int, steps: range, shapes: ShapesOfStep, workers: int = 1, own: OwnParts = range
) -> Iterator[list[Packed]]:
    """The batches of each of `steps` in order, made beside the training.

    shapes: what those of a step hold. own: which of so many batches are made, by default all.
    """
    dataset = _Batches(clips, seed, steps, shapes, own)
    # Nothing here can be pinned; but where it is asked for, a thread of its own takes what the processes have made.
    ahead = torch.cuda.is_available()
    loader = torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=workers, pin_memory=ahead)
    return map(pickle.loads, loader)

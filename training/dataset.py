"""Clips for training: frames, prompt on the first frame, true masks, cut from a pool of phantoms on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from training.anatomy import draw
from training.prompting import draw_prompt
from training.rendering import render

TRAINING_SEED = 1_000_000  # phantom i of the pool has this seed + i; evaluation seeds lie far below


END_SHARE = 0.5  # of clips in which an object is made to end; few do by themselves within some slices
MIN_CONTRAST = 12  # grey levels between an object and its surroundings on frame 0


@dataclass
class Batch:
    """Clips with several objects each; object o of clip c is at row c * objects + o of everything but the frames.

    frames: (clips, frames, size, size) float32 0..255; masks: (clips * objects, frames, size, size) bool; points:
    (clips * objects, MAX_POINTS, 2) (x, y) pixels on frame 0; point_labels: (clips * objects, MAX_POINTS) int32.
    """

    frames: torch.Tensor
    masks: torch.Tensor
    points: torch.Tensor
    point_labels: torch.Tensor


def make_pool(folder: Path, count: int, processes: int = 2) -> None:
    """Write phantoms that are not there yet; each file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [i for i in range(count) if not (folder / f"{i:05d}.json").exists()]
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(_write_phantom, [folder] * len(missing), missing, chunksize=8))


def _write_phantom(folder: Path, index: int) -> None:
    torch.set_num_threads(1)
    phantom = draw(TRAINING_SEED + index)
    counts = np.stack([np.bincount(s.ravel(), minlength=256) for s in phantom.labels])
    targets = [t for t in phantom.targets if counts[:, list(t)].sum(1).max() >= 40]
    np.save(folder / f"{index:05d}.npy", phantom.labels)
    np.save(folder / f"{index:05d}_counts.npy", counts.astype(np.int32))
    (folder / f"{index:05d}.json").write_text(json.dumps([[int(v) for v in t] for t in targets]))


class Pool:
    """The phantoms of a folder, opened as memory maps."""

    def __init__(self, folder: Path) -> None:
        names = sorted(p.stem for p in folder.glob("*.json"))
        self.targets = [[tuple(t) for t in json.loads((folder / f"{n}.json").read_text())] for n in names]
        self.labels = [np.load(folder / f"{n}.npy", mmap_mode="r") for n in names]
        self.counts = [np.load(folder / f"{n}_counts.npy") for n in names]
        self.usable = [i for i, targets in enumerate(self.targets) if targets]

    def batch(self, seed: tuple[int, int], clips: int, objects: int, frames: int, size: int) -> Batch:
        """The batch that belongs to `seed`, the same whenever it is asked for."""
        rng = np.random.default_rng(seed)
        images, masks, points, labels = [], [], [], []
        for _ in range(clips):
            image, clip_masks = self._clip(rng, objects, frames, size)
            images.append(image)
            for mask in clip_masks:
                prompt, prompt_labels = draw_prompt(mask[0], rng)
                masks.append(torch.from_numpy(mask))
                points.append(prompt)
                labels.append(prompt_labels)
        return Batch(torch.stack(images), torch.stack(masks), torch.stack(points), torch.stack(labels))

    def _clip(
        self, rng: np.random.Generator, objects: int, frames: int, size: int
    ) -> tuple[torch.Tensor, list[np.ndarray]]:
        """Frames and the masks of `objects` objects that are large enough and can be seen on frame 0."""
        while True:
            volume = self.usable[rng.integers(len(self.usable))]
            targets = self.targets[volume]
            target = targets[rng.integers(len(targets))]
            area = self.counts[volume][:, list(target)].sum(1)
            slices = _choose_slices(area, frames, rng)
            labels = np.asarray(self.labels[volume][slices])
            labels = _crop(labels, np.isin(labels[0], target), size, rng)
            if frames > 1 and rng.random() < END_SHARE:
                _end_object(labels, target, int(rng.integers(1, frames)))
            image = render(torch.from_numpy(labels), rng, [t for t in targets if len(t) == 2])
            seen = self._seen_targets(targets, image[0].numpy(), labels[0], objects, rng)
            if seen:
                return image, [np.isin(labels, seen[i % len(seen)]) for i in range(objects)]

    @staticmethod
    def _seen_targets(
        targets: list[tuple[int, ...]], frame: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator
    ) -> list[tuple[int, ...]]:
        """Up to `count` different targets, in random order, that can be seen on the frame."""
        different = list(dict.fromkeys(targets))
        seen: list[tuple[int, ...]] = []
        for i in rng.permutation(len(different)):
            if len(seen) < count and _can_be_seen(frame, np.isin(labels, different[i])):
                seen.append(different[i])
        return seen


def _choose_slices(area: np.ndarray, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Seed slice where the object is well seen, then forward or backward in steps of 1 to 3."""
    good = np.flatnonzero(area >= max(40, 0.25 * area.max()))
    seed = int(good[rng.integers(len(good))])
    direction = 1 if rng.random() < 0.5 else -1
    room = len(area) - 1 - seed if direction > 0 else seed
    if room < frames - 1:
        direction, room = -direction, len(area) - 1 - room
    step = int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))
    while step > 1 and step * (frames - 1) > room:
        step -= 1
    return np.clip(seed + direction * step * np.arange(frames), 0, len(area) - 1)


def _end_object(labels: np.ndarray, target: tuple[int, ...], end: int) -> None:
    """From frame `end` on the object gives way to what it borders on most."""
    mask = np.isin(labels[0], target)
    around = labels[0][ndimage.binary_dilation(mask, iterations=2) & ~mask]
    if around.size:
        later = labels[end:]
        later[np.isin(later, target)] = np.bincount(around).argmax()


def _crop(labels: np.ndarray, seed_mask: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A random rectangle that holds most of the object, mirrored or turned at random, brought to size x size."""
    window = []
    for axis in (0, 1):
        n = labels.shape[1 + axis]
        length = int(n * rng.uniform(0.45, 1.0)) if rng.random() < 0.6 else n
        used = np.flatnonzero(seed_mask.any(1 - axis))
        middle = (used[0] + used[-1]) / 2 + rng.normal(0, 0.15) * length
        start = int(np.clip(middle - length * rng.uniform(0.3, 0.7), 0, n - length))
        window.append(start + (np.arange(size) * length) // size)
    cropped = labels[:, window[0][:, None], window[1][None, :]]
    if rng.random() < 0.5:
        cropped = cropped[:, :, ::-1]
    return np.ascontiguousarray(np.rot90(cropped, rng.choice([0, 0, 0, 1, 2, 3]), axes=(1, 2)))


def _can_be_seen(frame: np.ndarray, mask: np.ndarray) -> bool:
    """Whether an object differs from what is around it: nobody can outline what looks like its surroundings."""
    if mask.sum() < 20:
        return False
    reach = max(2, round(0.02 * len(mask)))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    near = (
        slice(max(0, rows[0] - reach - 1), rows[-1] + reach + 2),
        slice(max(0, columns[0] - reach - 1), columns[-1] + reach + 2),
    )
    frame, mask = frame[near], mask[near]
    around = ndimage.binary_dilation(mask, iterations=reach) & ~mask
    rim = mask & ~ndimage.binary_erosion(mask, iterations=reach)
    return bool(around.sum() > 10 and abs(frame[rim].mean() - frame[around].mean()) > MIN_CONTRAST)


Shape = Callable[[int], tuple[int, int, int, int]]


class _Batches(torch.utils.data.Dataset):
    def __init__(self, pool: Pool, seed: int, steps: range, shape: Shape) -> None:
        self.pool, self.seed, self.steps, self.shape = pool, seed, steps, shape

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, i: int) -> Batch:
        torch.set_num_threads(1)
        step = self.steps[i]
        return self.pool.batch((self.seed, step), *self.shape(step))


def batches(pool: Pool, seed: int, steps: range, shape: Shape, workers: int = 1) -> Iterator[Batch]:
    """The batches of `steps` in order, made beside the training; shape: (clips, objects, frames, size) of a step."""
    dataset = _Batches(pool, seed, steps, shape)
    return iter(torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=workers))

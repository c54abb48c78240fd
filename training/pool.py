"""Phantoms on disk, drawn once and opened as memory maps."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.phantoms import draw, draw_difficult, draw_thin_slices
from training.phantoms.canvas import Array, Target

TRAINING_SEED = 1_000_000  # phantom i of the pool has this seed + i; evaluation seeds lie far below
EVERY = 4  # one phantom in so many is a difficult one
THIN_EVERY, THIN = 8, 1  # those whose number leaves this rest are trunks in thin slices
MIN_AREA = 40  # pixels on the fullest slice of a target


@dataclass(eq=False)
class Phantom:
    """One phantom of the pool; see canvas.LabelMap.

    counts: (slices, 256) pixels by slice and label. difficult: see phantoms.draw_difficult.
    """

    labels: Array
    counts: Array
    targets: list[Target]
    family: str
    densities: Array | None
    image: Array | None
    alike: list[Target]
    difficult: bool

    def area(self, target: Target) -> Array:
        """Pixels of a target on every slice."""
        return self.counts[:, list(target)].sum(1)


def make_pool(folder: Path, count: int, processes: int = 2) -> None:
    """Write phantoms that are not there yet; a phantom counts once its .json is there, which is written last."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [i for i in range(count) if not (folder / f"{i:05d}.json").exists()]
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(_write_phantom, [folder] * len(missing), missing, chunksize=8))


def _write_phantom(folder: Path, index: int) -> None:
    torch.set_num_threads(1)
    drawn = draw_difficult if _difficult(index) else draw_thin_slices if index % THIN_EVERY == THIN else draw
    phantom = drawn(TRAINING_SEED + index)
    counts = np.stack([np.bincount(s.ravel(), minlength=256) for s in phantom.labels]).astype(np.int32)
    targets = [t for t in phantom.targets if counts[:, list(t)].sum(1).max() >= MIN_AREA]
    np.save(folder / f"{index:05d}.npy", phantom.labels)
    arrays = {"counts": counts, "densities": phantom.densities, "image": phantom.image}
    np.savez(folder / f"{index:05d}.npz", **{k: v for k, v in arrays.items() if v is not None})
    entry = {"targets": targets, "family": phantom.family, "alike": phantom.alike}
    (folder / f"{index:05d}.json").write_text(json.dumps(entry))


def read_pool(folder: Path) -> list[Phantom]:
    """All phantoms of a folder that hold a target."""
    phantoms = []
    for path in sorted(folder.glob("*.json")):
        entry = json.loads(path.read_text())
        arrays = dict(np.load(path.with_suffix(".npz")))
        labels = np.load(path.with_suffix(".npy"), mmap_mode="r")
        targets = [tuple(t) for t in entry["targets"]]
        if targets:
            extras = (arrays.get("densities"), arrays.get("image"), [tuple(t) for t in entry["alike"]])
            difficult = _difficult(int(path.stem))
            phantoms.append(Phantom(labels, arrays["counts"], targets, entry["family"], *extras, difficult))
    return phantoms


def _difficult(index: int) -> bool:
    return index % EVERY == EVERY - 1

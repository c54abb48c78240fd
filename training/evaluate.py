"""Measure a checkpoint on phantoms it has never seen: python -m training.evaluate --help.

The prompt is the papers' (one box, a positive point a label, a negative point at the box's centre) on the slice in the
middle of the object; then the whole phantom is propagated, with the network and our propagation but without the worker.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from PromptOnceLib.core.metrics import dice
from PromptOnceLib.core.prompt_selection import prompt_from_mask
from PromptOnceLib.core.registry import ModelFiles
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.models import load_model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.tracking import Tracker
from training.anatomy import draw
from training.rendering import render
from training.train import CONFIG

EVALUATION_SEED = 0  # far from dataset.TRAINING_SEED
MIN_PIXELS = 100  # on the seed slice, at 256 x 256


@dataclass(frozen=True)
class Score:
    """One object of one phantom; absent_right: share of slices without object that got no mask."""

    phantom: int
    kind: str
    seed_dice: float
    volume_dice: float
    absent_right: float | None
    pixels: int


def evaluate(tracker: Tracker, phantom: int, held_out: bool) -> list[Score]:
    """Scores of up to two objects of one phantom."""
    rng = np.random.default_rng((EVALUATION_SEED, phantom))
    label_map = draw(EVALUATION_SEED + phantom, held_out=held_out)
    pairs = [t for t in label_map.targets if len(t) == 2]
    frames = render(torch.from_numpy(label_map.labels), rng, pairs).numpy().astype(np.uint8)
    targets = list(dict.fromkeys(label_map.targets))
    chosen = targets[-2:] if held_out else [targets[i] for i in rng.permutation(len(targets))[:2]]
    scores = [_score(tracker, frames, np.isin(label_map.labels, t), phantom, held_out) for t in chosen]
    return [score for score in scores if score is not None]


def _score(tracker: Tracker, frames: np.ndarray, mask: np.ndarray, phantom: int, held_out: bool) -> Score | None:
    slices = np.flatnonzero(mask.any((1, 2)))
    if len(slices) == 0:
        return None
    seed = int(slices[len(slices) // 2])
    if mask[seed].sum() < MIN_PIXELS:
        return None
    prompt = prompt_from_mask(mask[seed].astype(np.uint8)).prompt
    found = np.zeros_like(mask)
    for output in Propagation(tracker, frames, print).run(Task([prompt], seed, 0, len(frames) - 1)):
        found[output.slice] = output.masks[0] > 0
    absent = ~mask.any((1, 2))
    right = float((~found[absent].any((1, 2))).mean()) if absent.any() else None
    kind = "held-out kind" if held_out else "known kind"
    return Score(
        phantom, kind, dice(found[seed], mask[seed]) or 0.0, dice(found, mask) or 0.0, right, int(mask[seed].sum())
    )


def summary(scores: list[Score]) -> dict[str, float]:
    """Means over objects, and the medians, which few lost objects do not move."""
    absent = [s.absent_right for s in scores if s.absent_right is not None]
    return {
        "objects": len(scores),
        "seed_dice_mean": round(float(np.mean([s.seed_dice for s in scores])), 4),
        "seed_dice_median": round(float(np.median([s.seed_dice for s in scores])), 4),
        "volume_dice_mean": round(float(np.mean([s.volume_dice for s in scores])), 4),
        "volume_dice_median": round(float(np.median([s.volume_dice for s in scores])), 4),
        "absent_slices_right": round(float(np.mean(absent)), 4) if absent else float("nan"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--phantoms", type=int, default=40, help="a quarter of them with shapes left out of training")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    files = ModelFiles(name="nano", checkpoint=arguments.checkpoint, config=CONFIG, sha256=None)
    tracker = Tracker(load_model(files), on_cpu())
    scores: list[Score] = []
    started = time.monotonic()
    for phantom in range(arguments.phantoms):
        scores += evaluate(tracker, phantom, held_out=phantom % 4 == 3)
    for kind in ("known kind", "held-out kind"):
        print(kind, json.dumps(summary([s for s in scores if s.kind == kind])))
    print("all", json.dumps(summary(scores)))
    large = [s for s in scores if s.pixels >= 600]
    print("600 pixels and more on the seed slice", json.dumps(summary(large)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.monotonic() - started:.0f} s, peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()

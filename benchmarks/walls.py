"""Do walls of other segments reduce leaks? python -m benchmarks.walls --phantoms 20.

Each object is prompted by a box on its middle slice; the walls are the other organs of the same phantom. Figures:
benchmarks/effort.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.effort import phantoms
from benchmarks.effort_person import Person
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.walls import Walls, with_points_on_walls
from training.evaluation.scores import Example, as_shipped, dice_of, propagated
from training.phantoms import draw

HELD_OUT_EVERY = 4  # as phantom_examples


@dataclass(frozen=True)
class Figures:
    """Of a volume: Dice, and voxels that belong to others, in parts of the object's."""

    dice: float
    leak: float


def other_organs(example: Example) -> Walls:
    """What belongs to the other objects of the phantom that an example was taken from."""
    number = int(example.image.split()[1])
    phantom = draw(number, held_out=number % HELD_OUT_EVERY == HELD_OUT_EVERY - 1)
    labels = {label for target in (*phantom.targets, *phantom.held_out) for label in target}
    others = np.isin(phantom.labels, sorted(labels)) & (example.reference == 0)
    return np.asarray(others)


def measured(tracker: Tracker, example: Example, walls: Walls) -> Iterator[Figures]:
    """Without walls, with them after the network, with points on them alone, and with both."""
    prompt = Prompt(slice=example.seed, objects=(Person(example).box(example.seed),))
    for marked in (prompt, with_points_on_walls(prompt, walls)):
        masks = propagated(tracker, example, *marked.objects).masks[0]
        yield _figures(masks, example, walls)
        yield _figures(np.where(walls, np.uint8(0), masks), example, walls)


def _figures(masks: NDArray[np.uint8], example: Example, walls: Walls) -> Figures:
    leak = np.count_nonzero(masks[walls]) / np.count_nonzero(example.reference)
    return Figures(dice_of(masks, example.reference), leak)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.walls", description=__doc__)
    parser.add_argument("--phantoms", type=int, default=20, help="objects of generated phantoms")
    parser.add_argument("--model", default="nano")
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.monotonic()
    tracker = as_shipped(resolve_model(options.model))
    rows = []
    for example in phantoms(options.phantoms):
        rows.append([(found.dice, found.leak) for found in measured(tracker, example, other_organs(example))])
        print(f"{example}: {np.round(rows[-1], 3).tolist()}", flush=True)
    print("\n| | Dice | median leak | mean leak |\n|---|---|---|---|")
    for place, name in enumerate(("no walls", "walls", "points on walls alone", "walls and points")):
        own = np.array([row[place] for row in rows])
        print(f"| {name} | {own[:, 0].mean():.3f} | {np.median(own[:, 1]):.3f} | {own[:, 1].mean():.3f} |")
    print(f"\n{len(rows)} objects, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

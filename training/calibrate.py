"""Set the bias of the presence head: python -m training.calibrate IN --output OUT.

Where training has left the threshold of the presence head is chance: shifts of its bias are tried on phantoms of seeds
that neither training nor evaluation uses, and the one with the best mean 3D Dice stays. Only the last bias of the head
changes, so a checkpoint calibrated before can be calibrated again. Without --output checkpoints are only compared.

All shifts are found in one pass, the most lenient one: what a stricter one calls absent ends the object there. On 38
objects of phantoms none came back after a slice without it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
import torch

from training.evaluation.lockstep import encode, read_network, track
from training.evaluation.phantoms import phantom_examples
from training.evaluation.scores import Example, by_distance, dice_of, shares_filled
from training.graft import PRESENCE_HEAD
from training.network import read_weights
from training.phantoms.canvas import Array

CALIBRATION_SEED = 500_000
PHANTOMS = 96  # on 24 of them the best shift was half a unit off that of 90 others
IMAGES_AT_ONCE = 24
SHIFTS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0)
BIAS = PRESENCE_HEAD + "layers.2.bias"


@dataclass(frozen=True)
class Figures:
    """Means over objects.

    seed, volume: Dice on the prompted slice and in 3D. left_empty, found: see scores.Score. fifths: Dice of slices by
    distance from the prompted one, in fifths of the way to the object's end.
    """

    seed: float
    volume: float
    left_empty: float
    found: float
    fifths: tuple[float, ...]

    def __str__(self) -> str:
        fifths = " ".join(f"{value:.2f}" for value in self.fifths)
        return (
            f"prompted slice {self.seed:.3f}, 3D {self.volume:.4f}, left empty {100 * self.left_empty:.0f} %, "
            f"given a mask {100 * self.found:.0f} %, by distance {fifths}"
        )


def calibration_examples(phantoms: int) -> list[Example]:
    """Objects of so many phantoms with more than one slice."""
    drawn = phantom_examples(phantoms, CALIBRATION_SEED, unknown=False)
    return [example for example in drawn if len(example.frames) > 1]


def measure(
    checkpoint: Path, examples: list[Example], device: torch.device, shifts: tuple[float, ...] = (0.0,)
) -> dict[float, Figures]:
    """Figures of a checkpoint by shift of its presence bias."""
    network, most = read_network(checkpoint).to(device), max(shifts)
    rows: dict[float, list[Row]] = {shift: [] for shift in shifts}
    for group in _by_images(examples):
        frames = {example.image: example.frames for example in group}
        encoded = {image: encode(network, slices) for image, slices in frames.items()}
        for example, mask, presence in zip(group, *track(network, group, encoded, most), strict=True):
            for shift in shifts:
                rows[shift].append(_row(example, until_absent(mask, presence > most - shift, example.seed)))
    found = {shift: _figures(rows[shift]) for shift in shifts}
    for shift, figures in found.items():
        print(f"{checkpoint.name}, shift {shift:+.1f}: {figures}", flush=True)
    return found


def until_absent(mask: Array, present: Array, seed: int) -> Array:
    """A mask (slices, rows, columns) from the prompted slice, both ways, to the last before the object is absent."""
    gone = np.flatnonzero(~present)
    before, after = gone[gone < seed], gone[gone > seed]
    kept = np.zeros_like(mask)
    within = slice(before[-1] + 1 if len(before) else 0, after[0] if len(after) else len(mask))
    kept[within] = mask[within]
    return kept


def _by_images(examples: list[Example]) -> Iterator[list[Example]]:
    """Examples of the same images together, few images at a time: their features are kept."""
    of_images = [list(group) for _, group in groupby(examples, attrgetter("image"))]
    for first in range(0, len(of_images), IMAGES_AT_ONCE):
        yield [example for group in of_images[first : first + IMAGES_AT_ONCE] for example in group]


def calibrate(checkpoint: Path, output: Path, examples: list[Example], device: torch.device) -> dict[float, Figures]:
    """Write the checkpoint with the best shift to `output`; figures by shift."""
    found = measure(checkpoint, examples, device, SHIFTS)
    best = max(found, key=lambda shift: found[shift].volume)
    weights = read_weights(checkpoint)
    weights[BIAS] += best
    torch.save({"model": weights}, output)
    print(f"wrote {output} with a shift of {best:+.1f}", flush=True)
    return found


Row = tuple[float, float, tuple[float | None, float], tuple[float | None, ...]]


def _row(example: Example, mask: Array) -> Row:
    """What Figures has the means of."""
    reference, seed = example.reference > 0, example.seed
    of_seed, of_volume = dice_of(mask[seed], reference[seed]), dice_of(mask, reference)
    return of_seed, of_volume, shares_filled(mask, reference), by_distance(mask, reference, seed)


def _figures(rows: list[Row]) -> Figures:
    seeds, volumes, shares, fifths = zip(*rows, strict=True)
    empty, found = _means(shares)
    return Figures(float(np.mean(seeds)), float(np.mean(volumes)), empty, found, _means(fifths))


def _means(rows: Sequence[tuple[float | None, ...]]) -> tuple[float, ...]:
    """Means of the columns over the rows where they are defined; NaN where they never are."""
    columns = np.ma.masked_invalid(np.array(rows, float))
    return tuple(float(value) for value in columns.mean(0).filled(np.nan))


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, nargs="+", help="one to calibrate, or several to compare")
    parser.add_argument("--output", type=Path, help="the calibrated checkpoint")
    parser.add_argument("--phantoms", type=int, default=PHANTOMS)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    arguments = parser.parse_args()
    examples = calibration_examples(arguments.phantoms)
    if arguments.output is not None:
        calibrate(arguments.checkpoint[0], arguments.output, examples, arguments.device)
        return
    for checkpoint in arguments.checkpoint:
        measure(checkpoint, examples, arguments.device)


if __name__ == "__main__":
    main()

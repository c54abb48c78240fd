"""Set the bias of the presence head: python -m training.calibrate IN --output OUT.

Where training has left the threshold of the presence head is chance: shifts of its bias are tried on phantoms of seeds
that neither training nor evaluation uses, and the one with the best mean 3D Dice stays. Only the last bias of the head
changes, so a checkpoint calibrated before can be calibrated again. Without --output checkpoints are only compared.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.evaluation.lockstep import encode, read_network, track
from training.evaluation.phantoms import phantom_examples
from training.evaluation.scores import Example, by_distance, dice_of, shares_filled
from training.graft import PRESENCE_HEAD
from training.phantoms.canvas import Array

CALIBRATION_SEED = 500_000
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
    network = read_network(checkpoint).to(device)
    encoded = {}
    for example in examples:
        if example.image not in encoded:
            encoded[example.image] = encode(network, example.frames)
    found = {}
    for shift in shifts:
        masks, _ = track(network, examples, encoded, shift)
        found[shift] = figures(examples, masks)
        print(f"{checkpoint.name}, shift {shift:+.1f}: {found[shift]}", flush=True)
    return found


def calibrate(checkpoint: Path, output: Path, examples: list[Example], device: torch.device) -> dict[float, Figures]:
    """Write the checkpoint with the best shift to `output`; figures by shift."""
    found = measure(checkpoint, examples, device, SHIFTS)
    best = max(found, key=lambda shift: found[shift].volume)
    weights = torch.load(checkpoint, weights_only=True, map_location="cpu")["model"]
    weights[BIAS] += best
    torch.save({"model": weights}, output)
    print(f"wrote {output} with a shift of {best:+.1f}", flush=True)
    return found


def figures(examples: list[Example], masks: list[Array]) -> Figures:
    """Means over the examples, whose masks are bool as their frames."""
    seeds, volumes, shares, fifths = [], [], [], []
    for example, mask in zip(examples, masks, strict=True):
        reference = example.reference > 0
        seeds.append(dice_of(mask[example.seed], reference[example.seed]))
        volumes.append(dice_of(mask, reference))
        shares.append(shares_filled(mask, reference))
        fifths.append(by_distance(mask, reference, example.seed))
    empty, found = _means(shares)
    return Figures(float(np.mean(seeds)), float(np.mean(volumes)), empty, found, _means(fifths))


def _means(rows: list[tuple[float | None, ...]]) -> tuple[float, ...]:
    """Means of the columns over the rows where they are defined; NaN where they never are."""
    columns = np.ma.masked_invalid(np.array(rows, float))
    return tuple(float(value) for value in columns.mean(0).filled(np.nan))


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, nargs="+", help="one to calibrate, or several to compare")
    parser.add_argument("--output", type=Path, help="the calibrated checkpoint")
    parser.add_argument("--phantoms", type=int, default=24)
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

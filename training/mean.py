"""Average checkpoints of one network: python -m training.mean CHECKPOINT CHECKPOINT... --output OUT.

What small batches leave in the weights of a run is noise to some part; where runs begin with the same checkpoint, their
mean, with each other or with that checkpoint, is often better than any of them (Wortsman et al., Model soups, 2022).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from training.network import read_weights


class Mean:
    """The mean of the weights added so far, in double precision; nothing before the first."""

    def __init__(self) -> None:
        self.weights: dict[str, torch.Tensor] = {}
        self._number = 0

    def add(self, weights: Mapping[str, torch.Tensor]) -> None:
        """One more; what is no floating point number stays the first's."""
        self._number += 1
        for name, value in weights.items():
            if not value.is_floating_point():
                self.weights.setdefault(name, value)
                continue
            kept = self.weights.setdefault(name, torch.zeros_like(value, dtype=torch.float64))
            kept.lerp_(value.double(), 1 / self._number)


def mean(checkpoints: Sequence[Path], output: Path) -> None:
    """Write the mean of the weights; dtypes are those of the first checkpoint."""
    found, every = Mean(), [read_weights(checkpoint) for checkpoint in checkpoints]
    for weights in every:
        found.add(weights)
    torch.save({"model": {name: value.to(every[0][name].dtype) for name, value in found.weights.items()}}, output)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    mean(arguments.checkpoint, arguments.output)


if __name__ == "__main__":
    main()

"""Average checkpoints of one network: python -m training.mean CHECKPOINT CHECKPOINT... --output OUT.

What small batches leave in the weights of a run is noise to some part; where runs begin with the same checkpoint, their
mean, with each other or with that checkpoint, is often better than any of them (Wortsman et al., Model soups, 2022).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from training.network import read_weights


def mean(checkpoints: Sequence[Path], output: Path) -> None:
    """Write the mean of the weights; dtypes are those of the first checkpoint."""
    first, *others = map(read_weights, checkpoints)
    for name, value in first.items():
        if value.is_floating_point():
            total = value.double() + sum(other[name].double() for other in others)
            first[name] = (total / len(checkpoints)).to(value.dtype)
    torch.save({"model": first}, output)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    mean(arguments.checkpoint, arguments.output)


if __name__ == "__main__":
    main()

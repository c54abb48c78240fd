"""Compare ways from marks to a volume on the same objects: python -m training.compare CHECKPOINT --output FOLDER.

Zoom, boxes between boxes, clean-up, each on and off: Dice of the prompted slice and of the volume, as means over data
sets, how many objects got better and worse, and the processor's seconds. Writes results.json with the figures of every
object and table.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from training.evaluation.images import image_examples
from training.evaluation.markdown import markdown_table
from training.evaluation.phantoms import phantom_examples
from training.evaluation.scores import CachingTracker, Example, as_shipped, dice_of, embedded
from training.evaluation.ways import WAYS, Mask, Way, cleaned, found

NOTICED = 0.02
"""A difference of Dice from which an object counts as better or worse."""


@dataclass(frozen=True)
class Figures:
    """One object by one way. volume_dice: None for a single slice. seconds: without the clean-up."""

    group: str
    name: str
    way: str
    seed_dice: float
    volume_dice: float | None
    seconds: float


def compared(tracker: CachingTracker, example: Example, ways: Sequence[str]) -> Iterator[Figures]:
    """An object by these ways; what differs in its clean-up only is computed once."""
    known: dict[Way, tuple[Mask, float]] = {}
    for name in ways:
        way = WAYS[name]
        before = way.before_clean_up()
        if before not in known:
            known[before] = found(tracker, example, before)
        mask, seconds = cleaned(known[before][0], example, way), known[before][1]
        reference, seed = example.reference, example.seed
        volume = dice_of(mask, reference) if len(reference) > 1 else None
        title = f"{example.image}: {example.name}"
        yield Figures(example.group, title, name, dice_of(mask[seed], reference[seed]), volume, seconds)


def table(figures: Sequence[Figures], ways: Sequence[str]) -> str:
    """Markdown: a row for each way, wins and losses against the first."""
    rows = []
    first = {one.name: one.volume_dice for one in figures if one.way == ways[0]}
    for way in ways:
        own = [one for one in figures if one.way == way]
        pairs = [(one.volume_dice, first[one.name]) for one in own]
        gains = [now - before for now, before in pairs if now is not None and before is not None]
        better, worse = sum(gain > NOTICED for gain in gains), sum(gain < -NOTICED for gain in gains)
        seed, volume = _over_groups(own, "seed_dice"), _over_groups(own, "volume_dice")
        seconds = sum(one.seconds for one in own)
        rows.append([way, f"{seed:.3f}", f"{volume:.3f}", f"{better}, {worse}", f"{seconds:.0f}"])
    return markdown_table(["way", "prompted slice", "3D", "better, worse", "CPU seconds"], rows)


def _over_groups(figures: Sequence[Figures], what: str) -> float:
    """Mean over data sets of the means over their objects."""
    groups: dict[str, list[float]] = {}
    for one in figures:
        value = getattr(one, what)
        if value is not None:
            groups.setdefault(one.group, []).append(value)
    return float(np.mean([np.mean(values) for values in groups.values()])) if groups else float("nan")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--output", type=Path, required=True, help="folder for results.json and table.md")
    parser.add_argument("--data", type=Path, help="folder of the real images; none without")
    parser.add_argument("--phantoms", type=int, default=0, help="so many generated phantoms")
    parser.add_argument("--first-phantom", type=int, default=0, help="its seed")
    parser.add_argument("--way", action="append", choices=WAYS, help="only these; the first is compared with")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    ways = arguments.way or list(WAYS)
    arguments.output.mkdir(parents=True, exist_ok=True)
    tracker = as_shipped(embedded(arguments.checkpoint))
    figures: list[Figures] = []
    phantoms = phantom_examples(arguments.phantoms, arguments.first_phantom)
    images = image_examples(arguments.data, print) if arguments.data else iter(())
    for example in chain(phantoms, images):
        own = list(compared(tracker, example, ways))
        figures += own
        text = " ".join(f"{one.seed_dice if one.volume_dice is None else one.volume_dice:.2f}" for one in own)
        print(f"{example}: {text}", file=sys.stderr, flush=True)
        rows = [asdict(one) for one in figures]
        (arguments.output / "results.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (arguments.output / "table.md").write_text(table(figures, ways) + "\n", encoding="utf-8")
    print(table(figures, ways))


if __name__ == "__main__":
    main()

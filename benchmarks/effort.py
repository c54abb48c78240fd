"""How many interactions an accepted volume takes: python -m benchmarks.effort --real FOLDER --output FOLDER.

A simulated person draws a box, looks for the worst slice, clicks there, and has the volume propagated again, until it
is good enough; beside that other ways to the same volume. What is simulated, and figures: benchmarks/effort.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.effort_person import Person
from benchmarks.effort_strategies import STRATEGIES, Desk
from benchmarks.effort_table import MOST_INTERACTIONS, TARGETS, Trajectory, sets_table, table
from benchmarks.machine import machine
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.zoom import zoom_from_text
from PromptOnceLib.segmentation.pieces.clean_up import CLEAN_UPS, CleanUp
from training.evaluation.images import image_examples
from training.evaluation.phantoms import PHANTOMS, phantom_examples
from training.evaluation.scores import Example, as_shipped

_TRAJECTORIES = "effort.json"
_MOST_PHANTOMS = 10_000  # drawn until there are enough objects
_BEYOND = 8  # slices of a real image kept beyond the object's ends: a range that somebody would choose


def trajectory(
    tracker: Tracker, example: Example, strategy: str, seed: int = 0, zoom: Zoom = "off", rule: CleanUp = "all"
) -> tuple[Trajectory, Desk]:
    """One strategy on one object until the highest target or 20 interactions, and how it looks in the end."""
    steps = []
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(tracker, Person(example, seed), Path(folder), zoom, rule)
        for step in itertools.islice(STRATEGIES[strategy](desk), MOST_INTERACTIONS):
            steps.append(step)
            if step.dice >= max(TARGETS):
                break
    return Trajectory(strategy, example.group, name_of(example), len(example.frames), tuple(steps)), desk


def name_of(example: Example) -> str:
    """The object, and the image that shows it."""
    return f"{example.image}: {example.name}"


def phantoms(count: int) -> Iterator[Example]:
    """So many objects of generated phantoms, of more than one slice, visible on the prompted slice."""
    volumes = (one for one in phantom_examples(_MOST_PHANTOMS) if len(one.frames) > 1 and one.visible)
    return itertools.islice(volumes, count)


def images(folder: Path, per_set: int) -> Iterator[Example]:
    """Objects of real volumes, of each data set the first so and so many, with some slices beyond its ends."""
    taken: Counter[str] = Counter()
    for example in image_examples(folder, print):
        if len(example.frames) > 1 and taken[example.group] < per_set:
            taken[example.group] += 1
            yield within_range(example)


def within_range(example: Example) -> Example:
    """The slices that hold the object, and a few beyond."""
    held = np.flatnonzero(example.reference.any((1, 2)))
    first = max(0, int(held[0]) - _BEYOND)
    chosen = slice(first, int(held[-1]) + 1 + _BEYOND)
    return replace(
        example,
        frames=example.frames[chosen],
        reference=example.reference[chosen],
        seed=example.seed - first,
    )


def run(
    tracker: Tracker,
    examples: Iterable[Example],
    strategies: Sequence[str],
    seed: int,
    output: Path | None,
    zoom: Zoom = "off",
    rule: CleanUp = "all",
) -> list[Trajectory]:
    """Every strategy on every object; what has been found so far is kept in `output`, and not computed again."""
    found = _kept(output)
    done = {(one.strategy, one.group, one.name) for one in found}
    for example in examples:
        for strategy in strategies:
            if (strategy, example.group, name_of(example)) in done:
                continue
            one, _ = trajectory(tracker, example, strategy, seed, zoom, rule)
            found.append(one)
            print(f"{one.group}, {one.name}, {strategy}: {' '.join(f'{s.dice:.2f}' for s in one.steps)}", flush=True)
            if output is not None:
                _keep(output, found)
    return found


def tables(found: Sequence[Trajectory]) -> str:
    """Markdown: phantoms and real images, then the real sets one by one."""
    parts = []
    for title, own in (
        ("Generated phantoms", [one for one in found if one.group == PHANTOMS]),
        ("Real images", [one for one in found if one.group != PHANTOMS]),
    ):
        if own:
            parts += [f"## {title}", table(own)]
    if own:
        parts += [f"Interactions to {target:.2f}:\n\n{sets_table(own, target)}" for target in TARGETS[:2]]
    return "\n\n".join(parts)


def _kept(output: Path | None) -> list[Trajectory]:
    if output is None or not (output / _TRAJECTORIES).is_file():
        return []
    rows = json.loads((output / _TRAJECTORIES).read_text())["trajectories"]
    return [Trajectory.from_json(row) for row in rows]


def _keep(output: Path, found: Sequence[Trajectory]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    rows = [one.as_json() for one in found]
    (output / _TRAJECTORIES).write_text(json.dumps({"machine": machine(), "trajectories": rows}, indent=1) + "\n")
    (output / "effort.md").write_text(tables(found) + "\n")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.effort", description=__doc__)
    parser.add_argument("--phantoms", type=int, default=24, help="objects of generated phantoms")
    parser.add_argument("--real", type=Path, help="folder with the real images")
    parser.add_argument("--per-set", type=int, default=4, help="objects of each set of real images, at most")
    parser.add_argument("--strategy", action="append", choices=STRATEGIES, help="only these")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--seed", type=int, default=0, help="of the simulated person")
    parser.add_argument("--zoom", type=zoom_from_text, default="auto", help="auto, off or a factor")
    parser.add_argument("--clean-up", choices=CLEAN_UPS, default="connected", help="which pieces of a mask stay")
    parser.add_argument("--quick", action="store_true", help="two objects")
    parser.add_argument("--output", type=Path, help="folder for tables and figures; goes on with what lies there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.monotonic()
    tracker = as_shipped(resolve_model(options.model))
    examples = phantoms(2 if options.quick else options.phantoms)
    if options.real:
        examples = itertools.chain(examples, images(options.real, options.per_set))
    strategies = options.strategy or list(STRATEGIES)
    found = run(tracker, examples, strategies, options.seed, options.output, options.zoom, options.clean_up)
    print(f"\n{tables(found)}\n\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

"""What marks on a wrong slice do: python -m benchmarks.wrong_slices --phantoms 40 [--real IMAGES --per-set 4].

After one run from a box, the worst slices of every object are corrected in several ways by the simulated person of
benchmarks.effort, who gives up to three marks and stops where a slice is good. Figures: benchmarks/effort.md.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.effort import images, phantoms
from benchmarks.effort_person import GOOD, MOST_CLICKS, NAME, Mask, Person
from benchmarks.effort_strategies import Desk, once
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.from_mask import tight_box
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.prompts.zoom import zoom_from_text
from training.evaluation.markdown import markdown_table
from training.evaluation.scores import Example, as_shipped

SLICES = 4  # of an object, at most

Dices = list[float]
"""Of a slice before any mark and after 1, 2 and 3; where fewer were needed the last is repeated."""
Way = Callable[[Desk, int], Iterator[Mask]]
"""What is seen on a slice after one mark after the other."""


def clicks(desk: Desk, index: int) -> Iterator[Mask]:
    """Clicks that correct what was found, with memory and its logits: how the panel corrects."""
    return desk.clicked(index, ObjectPrompt(name=NAME), desk.masks[index], True)


def clicks_in_found_box(desk: Desk, index: int) -> Iterator[Mask]:
    """Clicks beside the box of what was found, decoded anew; where nothing was found they correct."""
    found = desk.masks[index]
    if not found.any():
        return clicks(desk, index)
    return desk.clicked(index, ObjectPrompt(name=NAME, box=tight_box(found)), found, False)


def new_box(desk: Desk, index: int) -> Iterator[Mask]:
    """The reference's box, moved a little, then clicks, all decoded anew together: how the panel takes a box."""
    box = desk.person.box(index)
    seen = desk.predict(box, index, correcting=True)
    yield seen
    yield from desk.clicked(index, box, seen, correcting=True)


WAYS: dict[str, Way] = {
    "clicks that correct what was found (as in the panel)": clicks,
    "clicks beside the box of what was found": clicks_in_found_box,
    "a new box, then clicks (as in the panel)": new_box,
}


def worst_slices(desk: Desk) -> list[int]:
    """Those on which the object is there and the mask is not good, most wrong pixels first; not the prompted one."""
    order = np.argsort(-desk.person.wrong_pixels(desk.masks), kind="stable")
    there = set(np.flatnonzero(desk.person.example.reference.any((1, 2))))
    wrong = [int(i) for i in order if i in there and not desk.person.content_with(desk.masks[i], int(i))]
    return [index for index in wrong if index not in desk.fixed][:SLICES]


def measured(tracker: Tracker, example: Example, zoom: Zoom = "off") -> Iterator[dict[str, Dices]]:
    """Dices by way, of each of the worst slices."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(tracker, Person(example), Path(folder), zoom)
        next(once(desk))
        for index in worst_slices(desk):
            yield {name: _dices(desk, index, way) for name, way in WAYS.items()}


def _dices(desk: Desk, index: int, way: Way) -> Dices:
    found = [desk.person.slice_dice(desk.masks[index], index)]
    for seen in itertools.islice(way(desk, index), MOST_CLICKS):
        found.append(desk.person.slice_dice(seen, index))
        if found[-1] >= GOOD:
            break
    return found + found[-1:] * (1 + MOST_CLICKS - len(found))


def table(slices: list[dict[str, Dices]]) -> str:
    """Markdown: means over slices."""
    head = ["corrected by", "before", "1", "2", "3", "best of these", "good at last", "worse at last"]
    rows = []
    for name in WAYS:
        dices = np.array([one[name] for one in slices])
        good, worse = np.mean(dices[:, -1] >= GOOD), np.mean(dices[:, -1] < dices[:, 0] - 0.01)
        means = [f"{value:.3f}" for value in (*dices.mean(0), dices.max(1).mean())]
        rows.append([name, *means, f"{100 * good:.0f} %", f"{100 * worse:.0f} %"])
    return f"{markdown_table(head, rows)}\n\n{len(slices)} slices"


def compare(tracker: Tracker, examples: Iterable[Example], zoom: Zoom) -> list[dict[str, Dices]]:
    """All slices of all objects."""
    found = []
    for example in examples:
        found += list(measured(tracker, example, zoom))
        print(f"{example}: {len(found)} slices so far", flush=True)
    return found


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wrong_slices", description=__doc__)
    parser.add_argument("--phantoms", type=int, default=40, help="objects of generated phantoms")
    parser.add_argument("--real", type=Path, help="the folder with the real images")
    parser.add_argument("--per-set", type=int, default=4, help="objects of each real set")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--zoom", type=zoom_from_text, default="auto", help="auto, off or a factor")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tracker = as_shipped(resolve_model(options.model))
    kinds = {"Phantoms": phantoms(options.phantoms)}
    if options.real is not None:
        kinds["Real images"] = images(options.real, options.per_set)
    for kind, examples in kinds.items():
        slices = compare(tracker, examples, options.zoom)
        if slices:
            print(f"\n## {kind}\n\n{table(slices)}")


if __name__ == "__main__":
    main()

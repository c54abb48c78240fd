"""Measure a checkpoint: python -m training.evaluate CHECKPOINT --output FOLDER.

Phantoms that training has not seen, real images, prompts shifted as by a shaky hand, and speed. Everywhere the prompt
is the papers' (a box, a positive point a label, a negative point at the box's centre) on the middle one of the slices
that hold the object; the whole image is then propagated, on the CPU, by the engine that the worker uses. Only speed is
measured through the worker itself.

Writes results.json with the figures of every object, table.md with their means, and contact sheets: one for each object
of a real image, and the worst phantoms.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import load_model
from PromptOnceLib.engine.rules.memory_rules import rules_of
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.prompts.zoom import zoom_from_text
from PromptOnceLib.segmentation.pieces.clean_up import CLEAN_UPS, CleanUp
from training.evaluation import tables
from training.evaluation.images import DATA_SETS, image_examples
from training.evaluation.jitter import Jitter, jitter
from training.evaluation.phantoms import PHANTOMS, RINGS, phantom_examples, ring_examples
from training.evaluation.scores import CachingTracker, Example, Score, embedded, score
from training.evaluation.sheets import Sheets
from training.evaluation.speed import Speed, measure
from training.memory import RULES, SECOND_PASS

SHIPPED = "shipped"
"""The rules for memory that the embedded model has where users meet it."""
PARTS = ("phantoms", "rings", "real", "jitter", "speed")


@dataclass
class Evaluation:
    """What is to be done, and the figures so far. zoom, clean_up: as a user chooses them."""

    parts: frozenset[str]
    sheets: Sheets
    zoom: Zoom = "auto"
    clean_up: CleanUp = "connected"
    scores: list[Score] = field(default_factory=list)
    jitters: list[Jitter] = field(default_factory=list)
    speed: Speed | None = None

    def take(self, tracker: Tracker, example: Example) -> None:
        """Everything that is wanted of one example."""
        begin, said = time.monotonic(), [str(example)]
        if (example.group if example.group in (PHANTOMS, RINGS) else "real") in self.parts:
            said.append(self._score(tracker, example))
        if "jitter" in self.parts and example.group != RINGS:
            self.jitters.append(jitter(tracker, example, self.zoom))
            said.append("shifted " + " ".join(f"{min(dice):.2f}" for dice in self.jitters[-1].shifted.values()))
        say(", ".join([*said, f"{time.monotonic() - begin:.1f} s"]))

    def _score(self, tracker: Tracker, example: Example) -> str:
        figures, result = score(tracker, example, self.zoom, self.clean_up)
        self.scores.append(figures)
        if example.group not in (PHANTOMS, RINGS):
            self.sheets.write(figures, example, result)
        elif example.visible:
            self.sheets.offer(figures, example, result)
        volume = "" if figures.volume_dice is None else f", 3D {figures.volume_dice:.3f}"
        return f"seed {figures.seed_dice:.3f}{volume}"

    def results(self) -> dict[str, Any]:
        """Everything, for results.json."""
        phantoms = [one for one in self.scores if one.group == PHANTOMS]
        rings = [one for one in self.scores if one.group == RINGS]
        images = [one for one in self.scores if one.group not in (PHANTOMS, RINGS)]
        found: dict[str, Any] = {}
        if phantoms:
            found["phantoms"] = {
                "rows": tables.phantom_rows(phantoms),
                "fifths": tables.fifths(phantoms),
                "objects": [asdict(one) for one in phantoms],
            }
        if rings:
            found["rings"] = {"rows": tables.ring_rows(rings), "objects": [asdict(one) for one in rings]}
        if images:
            found["real"] = {
                "rows": tables.image_rows(images),
                "sources": {data_set.name: data_set.source for data_set in DATA_SETS},
                "objects": [asdict(one) for one in images],
            }
        if self.jitters:
            rows = tables.jitter_rows(self.jitters)
            found["jitter"] = {"rows": rows, "objects": [asdict(one) for one in self.jitters]}
        if self.speed is not None:
            found["speed"] = asdict(self.speed)
        return found

    def table(self) -> str:
        """The means as Markdown."""
        found, parts = self.results(), []
        if "phantoms" in found:
            parts += ["Phantoms not seen in training:", tables.phantom_table(found["phantoms"]["rows"])]
            parts += ["By distance, in fifths of the way to the object's end:"]
            parts += [tables.fifths_table(found["phantoms"]["fifths"])]
        if "rings" in found:
            parts += ["Rings, the negative point in the hole:", tables.ring_table(found["rings"]["rows"])]
        if "real" in found:
            parts += ["Real images, Dice:", tables.image_table(found["real"]["rows"])]
        if "jitter" in found:
            parts += ["Seed-slice Dice with shifted box and points:", tables.jitter_table(found["jitter"]["rows"])]
        if self.speed is not None:
            parts += ["Speed and memory:", tables.speed_table(self.speed)]
        return "\n\n".join(parts) + "\n"


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def run(arguments: argparse.Namespace) -> Evaluation:
    """Do what the command line asks for."""
    sheets = Sheets(arguments.output / "sheets")
    sheets.folder.mkdir(parents=True, exist_ok=True)
    evaluation = Evaluation(arguments.only, sheets, arguments.zoom, arguments.clean_up)
    files = embedded(arguments.checkpoint)
    if "speed" in evaluation.parts:
        evaluation.speed = measure(files, arguments.threads, say)
    if evaluation.parts - {"speed"}:
        rules = rules_of(files.memory) if arguments.memory == SHIPPED else RULES[arguments.memory]
        tracker = CachingTracker(load_model(files), on_cpu(), rules)
        for example in _examples(arguments):
            evaluation.take(tracker, example)
        sheets.write_worst()
    return evaluation


def _examples(arguments: argparse.Namespace) -> Iterator[Example]:
    if arguments.only & {"phantoms", "jitter"}:
        yield from phantom_examples(arguments.phantoms)
    if "rings" in arguments.only:
        yield from ring_examples(arguments.rings)
    if arguments.only & {"real", "jitter"}:
        yield from image_examples(arguments.data, say)


def _parts(text: str) -> frozenset[str]:
    parts = frozenset(text.split(","))
    if not parts <= set(PARTS):
        raise argparse.ArgumentTypeError(f"choose from {','.join(PARTS)}")
    return parts


def _about(checkpoint: Path) -> dict[str, Any]:
    data = checkpoint.read_bytes()
    return {"file": checkpoint.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--output", type=Path, required=True, help="folder for results.json, table.md and sheets/")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the real images")
    parser.add_argument("--only", type=_parts, default=frozenset(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--phantoms", type=int, default=40, help="a quarter of them with shapes left out of training")
    rules = [name for name in RULES if name != SECOND_PASS]
    parser.add_argument("--memory", default=SHIPPED, choices=[SHIPPED, *rules], help="a rule for what is remembered")
    parser.add_argument("--zoom", type=zoom_from_text, default="auto", help="auto, off or a factor")
    parser.add_argument("--clean-up", choices=CLEAN_UPS, default="connected", help="which pieces of a mask stay")
    parser.add_argument("--rings", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    begin = time.monotonic()
    evaluation = run(arguments)
    results = {
        "checkpoint": _about(arguments.checkpoint),
        "choices": {"zoom": arguments.zoom, "clean_up": arguments.clean_up},
        "versions": {package: metadata.version(package) for package in ("promptonce", "torch", "sam2")},
        "seconds": round(time.monotonic() - begin, 1),
        **evaluation.results(),
    }
    (arguments.output / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (arguments.output / "table.md").write_text(evaluation.table(), encoding="utf-8")
    print(evaluation.table(), end="")


if __name__ == "__main__":
    main()

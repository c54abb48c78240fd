"""What rules for memory are worth: python -m training.memory CHECKPOINT [--phantoms 16] [--data FOLDER].

The same objects and prompts with each rule on and off; slices are encoded once for all of them. Phantoms are those of
the calibration, which neither training nor evaluation uses: a default is chosen by them. With --data, the real images.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import load_model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.rules.memory_rules import MemoryRules, RuledTracker
from PromptOnceLib.engine.rules.second_pass import second_pass
from PromptOnceLib.engine.tracker import Features, Tracker
from PromptOnceLib.models.registry import ModelFiles
from training.calibrate import calibration_examples
from training.evaluation.images import image_examples
from training.evaluation.markdown import markdown_table
from training.evaluation.scores import CachingTracker, Example, dice_of, embedded

SECOND_PASS = "second pass"
RULES: dict[str, MemoryRules] = {
    "upstream": MemoryRules(),
    "gated 0.01": MemoryRules(gate=0.01),
    "gated 0.1": MemoryRules(gate=0.1),
    "gated 0.3": MemoryRules(gate=0.3),
    "gated 0.5": MemoryRules(gate=0.5),
    "anchors": MemoryRules(anchors=True),
    "presence": MemoryRules(presence=True),
    "agreed": MemoryRules(agreed_mask=True),
    "token 0": MemoryRules(first_mask=True),
    "token 0 gated 0.3": MemoryRules(gate=0.3, first_mask=True),
    SECOND_PASS: MemoryRules(),
}
"""By the name on the command line; the second pass is a run of its own and no rule of the tracker."""

Dices = dict[str, float]


class EncodedElsewhere(RuledTracker):
    """A tracker with rules, which takes the features of slices from another one. It has a model of its own, as rules
    change the network.
    """

    def __init__(self, files: ModelFiles, name: str, encoder: Tracker) -> None:
        super().__init__(load_model(files), on_cpu(), RULES[name])
        self._encoder = encoder

    def encode(self, frame: NDArray[np.uint8]) -> Features:
        """See Tracker."""
        return self._encoder.encode(frame)


class Comparison:
    """Trackers for all rules, which share a tracker that encodes."""

    def __init__(self, checkpoint: Path, names: Iterable[str]) -> None:
        files = embedded(checkpoint)
        self._encoder = CachingTracker(load_model(files), on_cpu())
        self._trackers = {name: EncodedElsewhere(files, name, self._encoder) for name in names}
        self.seconds: dict[str, float] = defaultdict(float)

    def dices(self, example: Example) -> Dices:
        """3D Dice by rule."""
        for frame in example.frames:
            self._encoder.encode(frame)
        found = {}
        for name, tracker in self._trackers.items():
            begun = time.process_time()
            found[name] = self._dice(name, tracker, example)
            self.seconds[name] += time.process_time() - begun
        return found

    def _dice(self, name: str, tracker: Tracker, example: Example) -> float:
        work = Propagation(tracker, example.frames, print)
        task = Task([example.prompt], example.seed, 0, len(example.frames) - 1)
        masks = np.zeros_like(example.reference)
        for output in second_pass(work, task) if name == SECOND_PASS else work.run(task):
            masks[output.slice] = output.masks[0]
        return dice_of(masks, example.reference)


def table(found: list[tuple[Example, Dices]], seconds: dict[str, float]) -> str:
    """Means over objects and over sets, wins and losses of more than 0.01, and CPU seconds without encoding."""
    sets = sorted({example.group for example, _ in found})
    head = ["rule", "objects", "mean 3D Dice", "mean over sets", "better, worse", "worst loss", "CPU s"]
    rows = []
    for name in found[0][1]:
        values = [dices[name] for _, dices in found]
        by_set = [np.mean([dices[name] for example, dices in found if example.group == one]) for one in sets]
        changes = [dices[name] - dices["upstream"] for _, dices in found]
        better, worse = sum(change > 0.01 for change in changes), sum(change < -0.01 for change in changes)
        means = [f"{mean:.3f}" for mean in (np.mean(values), np.mean(by_set))]
        worst = f"{min(0.0, *changes):.3f}"
        rows.append([name, str(len(values)), *means, f"{better}, {worse}", worst, f"{seconds[name]:.0f}"])
    return markdown_table(head, rows)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--phantoms", type=int, default=16)
    parser.add_argument("--data", type=Path, help="measure on the real images of this folder instead")
    parser.add_argument("--rules", default=",".join(RULES), help=f"some of {', '.join(RULES)}")
    parser.add_argument("--slices", type=int, default=48, help="as many slices around the prompted one, at most")
    parser.add_argument("--output", type=Path, help="a JSON file for the figures of every object")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    chosen = ["upstream", *(name for name in arguments.rules.split(",") if name != "upstream")]
    comparison, found = Comparison(arguments.checkpoint, chosen), []
    examples: Iterable[Example] = calibration_examples(arguments.phantoms)
    if arguments.data is not None:
        examples = image_examples(arguments.data, lambda text: print(text, file=sys.stderr))
    for example in examples:
        if len(example.frames) > 1:
            found.append((example, comparison.dices(_short(example, arguments.slices))))
            print(f"{example}: " + ", ".join(f"{d:.3f}" for d in found[-1][1].values()), file=sys.stderr, flush=True)
            if arguments.output is not None:
                rows = [{"group": one.group, "object": str(one), **dices} for one, dices in found]
                arguments.output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(table(found, comparison.seconds))


def _short(example: Example, slices: int) -> Example:
    """The example without the slices far from the prompted one."""
    first = max(0, min(example.seed - slices // 2, len(example.frames) - slices))
    kept = slice(first, first + slices)
    return replace(example, frames=example.frames[kept], reference=example.reference[kept], seed=example.seed - first)


if __name__ == "__main__":
    main()

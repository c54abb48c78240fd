"""What fine-tuning gains and forgets: python -m benchmarks.finetuning --data ../shared/data --output FOLDER.

A model is trained further on several kinds of images, each time from the beginning, as `promptonce finetune` does it.
Two tables: Dice on cases that were kept aside, before and after, and Dice of boxes on all other kinds of images. Then
whole volumes from one prompt. Figures: docs/models.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch

import PromptOnceLib as po
from benchmarks.finetuning_sets import HIPPOCAMPI, Material, Pair, looked_at, trained_on
from benchmarks.machine import machine
from PromptOnceLib.batch.training_cases import training_case
from PromptOnceLib.engine.tracker import Features, Tracker
from PromptOnceLib.errors import NotImprovedError
from PromptOnceLib.models.model_card import ModelCard
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.from_mask import tight_box
from PromptOnceLib.prompts.prompt import ObjectPrompt
from training.evaluation.images import image_examples
from training.evaluation.markdown import markdown_table
from training.evaluation.scores import Example, as_shipped, dice_of, propagated

MASKS = 60  # of a kind of image, at most


@dataclass(frozen=True)
class SeenMask:
    """A mask on a slice that has been encoded: every fine-tuned model keeps the encoder."""

    features: Features
    mask: np.ndarray

    def dice(self, tracker: Tracker) -> float:
        """Of what the model makes of the smallest box around the mask."""
        shape = self.mask.shape
        output = tracker.segment(self.features, ObjectPrompt(box=tight_box(self.mask)), shape)
        return dice_of(tracker.full_size_mask(output.logits, shape).cpu().numpy(), self.mask)


@dataclass
class Trained:
    """card: None where no epoch was better than the model as it was."""

    material: Material
    card: ModelCard | None
    seconds: float

    def row(self) -> list[str]:
        """Cases, masks kept aside, Dice before and after, gain."""
        name = self.material.name
        if self.card is None:
            return [name, "", "", "", "no epoch was better"]
        roles = [case.role for case in self.card.cases]
        split = ", ".join(str(roles.count(role)) for role in ("training", "validation", "test"))
        found = next(item for item in self.card.figures if item.role == "test")
        gain = f"{found.gain.mean:+.3f} ({found.gain.low:+.3f} to {found.gain.high:+.3f})"
        return [f"{name}: {split}", str(found.masks), f"{found.before.mean:.3f}", f"{found.after.mean:.3f}", gain]


def train(material: Material, model: str, output: Path) -> Trained:
    """The weights are written to `output`, if they are better."""
    began = time.monotonic()
    card = None
    try:
        card = po.finetune(material.pairs, output, model=model, device="cpu", overwrite=True, **material.options)
    except NotImprovedError as error:
        print(f"{material.name}: {error.message}", file=sys.stderr)
    return Trained(material, card, time.monotonic() - began)


def seen_masks(tracker: Tracker, pairs: list[Pair], window: str) -> list[SeenMask]:
    """Masks of images, so many of each as make MASKS, evenly spread over its slices."""
    found = []
    for volume, labels in pairs:
        case = training_case(volume, labels, window=window)
        places = np.linspace(0, len(case.slices) - 1, min(len(case.slices), MASKS // len(pairs))).round().astype(int)
        encoded = {index: tracker.encode(case.frames[index]) for index in {case.slices[place] for place in places}}
        found += [SeenMask(encoded[case.slices[place]], case.masks[place]) for place in places]
    return found


def measured_elsewhere(data: Path, models: Mapping[str, Tracker]) -> dict[str, dict[str, float]]:
    """Mean Dice by kind of image and name of the model; the first one encodes the slices for all."""
    encoder, found = next(iter(models.values())), {}
    for kind, (pairs, window) in looked_at(data).items():
        masks = seen_masks(encoder, pairs, window)
        means = {name: float(np.mean([mask.dice(tracker) for mask in masks])) for name, tracker in models.items()}
        found[f"{kind}, {len(masks)} masks"] = means
    return found


def volume_dices(examples: Iterable[Example], tracker: Tracker) -> list[list[float]]:
    """3D Dice from one prompt each: by image, as they come, and object."""
    found: dict[str, list[float]] = {}
    for one in examples:
        masks = propagated(tracker, one, one.prompt).masks[0]
        found.setdefault(one.image, []).append(dice_of(masks, one.reference))
    return list(found.values())


def in_volumes(data: Path, card: ModelCard, before: Tracker, after: Tracker) -> str:
    """What a model of the hippocampus gains in 3D, on all images, as they were trained on, and on those kept aside."""
    examples = [one for one in image_examples(data, lambda notice: None) if one.group == "hippocampus MR"]
    own = [volume_dices(examples, tracker) for tracker in (before, after)]
    aside = [case.role == "test" for case in card.cases]
    parts = []
    for name, chosen in (("all", [True] * len(aside)), ("kept aside", aside)):
        taken = ([dices for dices, take in zip(images, chosen, strict=True) if take] for images in own)
        means = [np.mean(list(chain.from_iterable(dices))) for dices in taken]
        parts.append(f"{name} {means[0]:.3f} before, {means[1]:.3f} after")
    return f"Hippocampi in 3D from one prompt: {'; '.join(parts)}"


def forgotten(found: dict[str, dict[str, float]]) -> str:
    """Dice of the model as it was, and how much more or less those made of it have."""
    base, *others = next(iter(found.values()))
    rows = []
    for kind, means in found.items():
        changes = [f"{means[name] - means[base]:+.3f}" for name in others]
        rows.append([kind, f"{means[base]:.3f}", *changes])
    return markdown_table(["looked at", base, *(f"of {name}" for name in others)], rows)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finetuning", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the real images")
    parser.add_argument("--output", type=Path, required=True, help="a folder for the models, their cards and figures")
    parser.add_argument("--model", default="nano")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.output.mkdir(parents=True, exist_ok=True)
    models, cards = {options.model: as_shipped(resolve_model(options.model))}, dict[str, ModelCard]()
    rows: list[list[str]] = []
    for number, material in enumerate(trained_on(options.data)):
        file = options.output / f"{number}.pt"
        trained = train(material, options.model, file)
        rows.append(trained.row())
        print(f"{', '.join(rows[-1])}: {trained.seconds:.0f} s", file=sys.stderr, flush=True)
        if trained.card is not None:
            cards[material.name] = trained.card
            models[material.name] = as_shipped(resolve_model(str(file)))
    print(markdown_table(["trained on, kept aside", "masks kept aside", "before", "after", "gain"], rows), flush=True)
    elsewhere = measured_elsewhere(options.data, models)
    print(f"\n{forgotten(elsewhere)}", flush=True)
    volumes = ""
    if HIPPOCAMPI in cards:
        volumes = in_volumes(options.data, cards[HIPPOCAMPI], models[options.model], models[HIPPOCAMPI])
        print(f"\n{volumes}")
    figures = {"machine": machine(), "gains": rows, "elsewhere": elsewhere, "volumes": volumes}
    (options.output / "finetuning.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

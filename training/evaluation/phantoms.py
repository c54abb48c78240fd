"""Phantoms that training has not seen, as examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.prompts.from_mask import prompt_from_mask
from PromptOnceLib.prompts.prompt import ObjectPrompt
from training.evaluation.scores import Example
from training.phantoms import draw, draw_difficult
from training.phantoms.canvas import LabelMap, Target
from training.pool import Phantom
from training.prompting import hole_of
from training.rendering import Scene, render

PHANTOMS = "phantoms"
RINGS = "rings"
LARGE = 600  # pixels on the prompted slice, at 256 x 256
_SEED = 0  # far from pool.TRAINING_SEED
_MIN_PIXELS = 100  # on the prompted slice
_OBJECTS = 2  # of each phantom
_RING_SEED = 700_000


def phantom_examples(count: int, first_seed: int = _SEED, unknown: bool = True) -> Iterator[Example]:
    """Objects of `count` phantoms: any two of each, of every fourth, if `unknown`, those of kinds left out of training.

    What makes one object (a pair of organs, say) has one positive point, wherever the papers' selection puts it.
    """
    for number in range(count):
        held_out = unknown and number % 4 == 3
        rng = np.random.default_rng((first_seed, number))
        phantom = draw(first_seed + number, held_out=held_out)
        frames = _frames(phantom, rng)
        for target in _targets(phantom, held_out, rng):
            yield from _examples(phantom, target, frames, number, held_out)


def examples_of(phantom: Phantom, number: int, objects: int) -> Iterator[Example]:
    """Up to so many objects of a phantom of the training's pool."""
    rng = np.random.default_rng((_SEED, number))
    frames, targets = _frames(phantom, rng), list(dict.fromkeys(phantom.targets))
    for i in rng.permutation(len(targets))[:objects]:
        yield from _examples(phantom, targets[i], frames, number, held_out=False)


def _examples(
    phantom: LabelMap | Phantom, target: Target, frames: NDArray[np.uint8], number: int, held_out: bool
) -> Iterator[Example]:
    """An object prompted on the middle one of its slices, where it is large enough there."""
    mask = np.isin(phantom.labels, target).astype(np.uint8)
    slices = np.flatnonzero(mask.any((1, 2)))
    seed = int(slices[len(slices) // 2]) if len(slices) else 0
    if mask[seed].sum() >= _MIN_PIXELS:
        prompt = prompt_from_mask(mask[seed]).prompt
        image = f"number {number} ({phantom.family or 'shapes'})"
        yield Example(PHANTOMS, image, _name(target), frames, mask, prompt, seed, held_out)


def _name(target: Target) -> str:
    return "labels " + ", ".join(str(int(label)) for label in target)


def ring_examples(count: int) -> Iterator[Example]:
    """One ring or pipe on its fullest slice from each of `count` phantoms; the negative point lies in its hole."""
    found, number = 0, _RING_SEED
    while found < count:
        phantom, rng = draw_difficult(number), np.random.default_rng((_RING_SEED, number))
        number += 1
        for target in dict.fromkeys(phantom.targets):
            whole = np.isin(phantom.labels, target)
            mask = whole[[whole.sum((1, 2)).argmax()]].astype(np.uint8)
            prompt = prompt_from_mask(mask[0]).prompt if mask.sum() >= _MIN_PIXELS else None
            if prompt is None or not _in_hole(mask[0], prompt):
                continue
            frames = _frames(phantom, rng)[[whole.sum((1, 2)).argmax()]]
            example = Example(RINGS, f"number {number - 1}", _name(target), frames, mask, prompt, 0)
            if example.visible:
                found += 1
                yield example
                break


def _in_hole(mask: NDArray[np.uint8], prompt: ObjectPrompt) -> bool:
    """Whether the mask encloses a hole of some size and the negative point lies in it."""
    hole = hole_of(mask > 0)
    point = next(p for p in prompt.points if not p.positive)
    return hole is not None and bool(hole[int(point.y), int(point.x)])


def _frames(phantom: LabelMap | Phantom, rng: np.random.Generator) -> NDArray[np.uint8]:
    image = None if phantom.image is None else torch.from_numpy(phantom.image)
    scene = Scene(torch.from_numpy(np.array(phantom.labels)), phantom.alike, phantom.densities, image)
    return render(scene, rng).numpy().astype(np.uint8)


def _targets(phantom: LabelMap, held_out: bool, rng: np.random.Generator) -> list[tuple[int, ...]]:
    targets = list(dict.fromkeys(phantom.targets))
    if held_out:
        return phantom.held_out
    return [targets[i] for i in rng.permutation(len(targets))[:_OBJECTS]]

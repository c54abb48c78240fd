"""One object in one image, what the model makes of it, and how good that is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.engine.devices import Placement, on_cpu
from PromptOnceLib.engine.network import Model, load_model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.rules.memory_rules import MemoryRules, RuledTracker, rules_of
from PromptOnceLib.engine.tracker import Features, Tracker
from PromptOnceLib.engine.zoom.views import Views
from PromptOnceLib.imaging.orientation import DisplayView
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.models.registry import ModelFiles, resolve_model
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.prompts.zoom import Sight
from PromptOnceLib.segmentation.metrics import dice
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp, clean_up
from PromptOnceLib.segmentation.result import SegmentationResult
from training.visibility import can_be_seen, hole_can_be_seen

AS_STORED = DisplayView(exchange=False, mirror_rows=False, mirror_columns=False)
FIFTHS = 5
_MOST_FRAMES = 400  # about half a megabyte each


@dataclass(frozen=True, eq=False)
class Example:
    """One object in one image, with the prompt of the papers on the object's middle slice.

    group: the data set, or PHANTOMS. frames: uint8 (n, rows, columns). reference: uint8 0 or 1, same shape. seed: the
    slice of the prompt. held_out: whether training leaves out objects of this kind. spacing: mm between rows and
    between columns; view: how people expect to see the slices.
    """

    group: str
    image: str
    name: str
    frames: NDArray[np.uint8]
    reference: NDArray[np.uint8]
    prompt: ObjectPrompt
    seed: int
    held_out: bool = False
    spacing: tuple[float, float] = (1.0, 1.0)
    view: DisplayView = AS_STORED

    @property
    def visible(self) -> bool:
        """Whether the object can be told from its surroundings on the prompted slice, as training asks."""
        return can_be_seen(self.frames[self.seed], self.reference[self.seed] > 0)

    @property
    def hole_visible(self) -> bool:
        """Whether the object can be told there from what it encloses, if that is anything."""
        return hole_can_be_seen(self.frames[self.seed], self.reference[self.seed] > 0)

    def __str__(self) -> str:
        """Data set, image and object in a line."""
        return f"{self.group}, {self.image}: {self.name}"


@dataclass(frozen=True)
class Score:
    """Figures of one example.

    pixels: of the object on the prompted slice. visible, hole_visible, held_out: see Example. seed_dice, volume_dice:
    with box and points; box_...: with the box alone; those of the volume are None for a single slice. left_empty: share
    of the slices without object that got no mask, None where there are none; found: share of the slices with object
    that got one; both with box and points. fifths: see by_distance, with box and points; empty for a single slice.
    """

    group: str
    image: str
    name: str
    slices: int
    seed: int
    pixels: int
    visible: bool
    hole_visible: bool
    held_out: bool
    seed_dice: float
    volume_dice: float | None
    box_seed_dice: float
    box_volume_dice: float | None
    left_empty: float | None
    found: float
    fifths: tuple[float | None, ...] = ()


class CachingTracker(RuledTracker):
    """A tracker that encodes a frame once, however many objects and prompts are tried on it."""

    def __init__(self, model: Model, placement: Placement, rules: MemoryRules | None = None) -> None:
        super().__init__(model, placement, rules or MemoryRules())
        self._features: dict[bytes, Features] = {}
        self._positions: list[torch.Tensor] = []

    def encode(self, frame: NDArray[np.uint8]) -> Features:
        """See Tracker."""
        key = hashlib.blake2b(frame.tobytes()).digest() + str(frame.shape).encode()
        if key not in self._features:
            if len(self._features) >= _MOST_FRAMES:
                self._features.clear()
            features = super().encode(frame)
            # Positions depend on the network's size alone, and are the larger part of what there is to keep.
            self._positions = self._positions or features.positions
            self._features[key] = Features(features.maps, self._positions, features.sizes)
        return self._features[key]


def embedded(checkpoint: Path) -> ModelFiles:
    """A checkpoint in the place of the embedded model's, whose settings hold for it too."""
    return replace(resolve_model("nano"), name=checkpoint.stem, checkpoint=checkpoint, sha256=None)


def as_shipped(files: ModelFiles) -> CachingTracker:
    """A model as its users meet it on the CPU, with the settings of its own for memory."""
    return CachingTracker(load_model(files), on_cpu(), rules_of(files.memory))


def box_alone(prompt: ObjectPrompt) -> ObjectPrompt:
    """The prompt without its points."""
    return prompt.model_copy(update={"points": ()})


def propagated(
    tracker: Tracker, example: Example, prompt: ObjectPrompt, zoom: Zoom = "off", rule: CleanUp = "all"
) -> SegmentationResult:
    """The whole stack from one prompt, as the worker does it; whole slices and all pieces where nothing else is said.

    zoom, rule of the clean-up: as a user chooses them.
    """
    frames = example.frames
    result = SegmentationResult.empty(("found",), frames.shape, axis=0)
    views = Views(Propagation(tracker, frames, print))
    crop = views.crops({prompt.name: [prompt]}, Sight(zoom=zoom))[prompt.name]
    for found in views.at(crop).run(Task([views.seen(prompt, crop)], example.seed, 0, len(frames) - 1)):
        output = views.on_whole_slice(found, crop)
        result.set_slice(output.slice, output.masks, output.presence, output.predicted_iou)
    clean_up(result.masks[0], rule, [example.seed])
    return result


def seed_dice(tracker: Tracker, example: Example, prompt: ObjectPrompt, zoom: Zoom = "off") -> float:
    """Dice on the prompted slice alone."""
    views = Views(Propagation(tracker, example.frames, print))
    output = views.predict([prompt], views.crops({prompt.name: [prompt]}, Sight(zoom=zoom)), example.seed)
    return dice_of(output.masks[0], example.reference[example.seed])


def score(
    tracker: Tracker, example: Example, zoom: Zoom = "off", rule: CleanUp = "all"
) -> tuple[Score, SegmentationResult]:
    """Figures of one example, and the result with box and points; zoom, rule: as `propagated` takes them."""
    reference, seed = example.reference, example.seed
    result = propagated(tracker, example, example.prompt, zoom, rule)
    mask = result.in_stack_order()
    by_box = propagated(tracker, example, box_alone(example.prompt), zoom, rule).in_stack_order()
    left_empty, found = shares_filled(mask, reference)
    volume = len(reference) > 1
    figures = Score(
        group=example.group,
        image=example.image,
        name=example.name,
        slices=len(reference),
        seed=seed,
        pixels=int(np.count_nonzero(reference[seed])),
        visible=example.visible,
        hole_visible=example.hole_visible,
        held_out=example.held_out,
        seed_dice=dice_of(mask[seed], reference[seed]),
        volume_dice=dice_of(mask, reference) if volume else None,
        box_seed_dice=dice_of(by_box[seed], reference[seed]),
        box_volume_dice=dice_of(by_box, reference) if volume else None,
        left_empty=left_empty,
        found=found,
        fifths=by_distance(mask, reference, seed) if volume else (),
    )
    return figures, result


def shares_filled(mask: NDArray[Any], reference: NDArray[Any]) -> tuple[float | None, float]:
    """Shares of the slices without the object that got no mask (None where there are none), with it that got one."""
    held, filled = reference.any((1, 2)), mask.any((1, 2))
    return None if held.all() else float((~filled[~held]).mean()), float(filled[held].mean())


def by_distance(mask: NDArray[Any], reference: NDArray[Any], seed: int) -> tuple[float | None, ...]:
    """Mean Dice of the slices that hold the object, in fifths of the way from the prompted slice to the object's end.

    The prompted slice itself does not count; None for a fifth without a slice.
    """
    held = np.flatnonzero(reference.any((1, 2)))
    found: list[list[float]] = [[] for _ in range(FIFTHS)]
    for k in held[held != seed]:
        way = abs((held[-1] if k > seed else held[0]) - seed)
        # The way's slices are 1..way steps off; the middle of each step says which fifth it lies in.
        found[int(FIFTHS * (abs(k - seed) - 0.5) / way)].append(dice_of(mask[k], reference[k]))
    return tuple(float(np.mean(values)) if values else None for values in found)


def dice_of(mask: NDArray[Any], reference: NDArray[Any]) -> float:
    """Dice of a mask with a reference that is not empty."""
    value = dice(mask, reference)
    assert value is not None, "examples hold their object"
    return value

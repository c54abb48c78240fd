"""Ways from marks to a volume, to be compared on the same objects: zoom, boxes between boxes, clean-up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.sweeps import Sweeps, SweepTask
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.engine.transfer import SliceOutput
from PromptOnceLib.engine.zoom.single_slices import between_boxes
from PromptOnceLib.engine.zoom.views import Views
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.prompts.from_mask import tight_box
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject
from PromptOnceLib.prompts.zoom import Sight
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp, clean_up
from PromptOnceLib.segmentation.ways import Between
from training.evaluation.scores import Example

Mask = NDArray[np.uint8]


@dataclass(frozen=True)
class Way:
    """zoom, between, clean_up: as a user chooses them. boxes: on so many slices, evenly from the object's first to its
    last, the prompted slice being one of them; 1 for the prompt of the example alone.
    """

    boxes: int = 1
    zoom: Zoom = "auto"
    between: Between = "track"
    clean_up: CleanUp = "connected"

    def before_clean_up(self) -> Way:
        """The way as far as the network has a part in it."""
        return replace(self, clean_up="all")


WAYS = {
    "one prompt, whole slices": Way(zoom="off", clean_up="all"),
    "one prompt, zoom": Way(clean_up="all"),
    "one prompt, clean-up": Way(zoom="off"),
    "one prompt, zoom, clean-up": Way(),
    "one prompt, zoom, largest piece": Way(clean_up="largest"),
    "three boxes, tracked": Way(3, zoom="off", clean_up="all"),
    "three boxes, tracked, zoom, clean-up": Way(3),
    "three boxes, interpolated": Way(3, "off", "interpolate", "all"),
    "three boxes, interpolated, zoom": Way(3, between="interpolate", clean_up="all"),
    "three boxes, interpolated, zoom, clean-up": Way(3, between="interpolate"),
    "three boxes, both, zoom, clean-up": Way(3, between="both"),
    "five boxes, interpolated": Way(5, "off", "interpolate", "all"),
    "five boxes, interpolated, zoom, clean-up": Way(5, between="interpolate"),
    "five boxes, both, zoom, clean-up": Way(5, between="both"),
}


def marks(example: Example, boxes: int) -> PromptedObject:
    """The example's prompt, with boxes on further slices; slices in between that do not show the object get none."""
    held = np.flatnonzero(example.reference.any((1, 2)))
    chosen = {int(index) for index in np.linspace(held[0], held[-1], boxes).round()} if boxes > 1 else set()
    if boxes % 2:  # the middle one is prompted anyway
        chosen.discard(int(np.linspace(held[0], held[-1], boxes).round()[boxes // 2]))
    fixed = [
        FixedSlice(slice=index, box=tight_box(example.reference[index] > 0))
        for index in chosen - {example.seed}
        if example.reference[index].any()
    ]
    own = FixedSlice(slice=example.seed, box=example.prompt.box, points=example.prompt.points)
    return PromptedObject(name=example.prompt.name, slices=(own, *fixed))


def found(tracker: Tracker, example: Example, way: Way) -> tuple[Mask, float]:
    """The volume before any clean-up, and the processor's seconds for it."""
    mask = np.zeros_like(example.reference)
    views, item = Views(Propagation(tracker, example.frames, print)), marks(example, way.boxes)
    began = time.process_time()
    for output in _outputs(views, item, way):
        mask[output.slice] = output.masks[0]
    return mask, time.process_time() - began


def cleaned(mask: Mask, example: Example, way: Way) -> Mask:
    """The volume as this way leaves it."""
    mask = mask.copy()
    clean_up(mask, way.clean_up, marks(example, way.boxes).indices)
    return mask


def _outputs(views: Views, item: PromptedObject, way: Way) -> Iterator[SliceOutput]:
    slices = range(len(views.whole.frames))
    sight = Sight(zoom=way.zoom)
    if way.between != "track" and len(item.slices) > 1:
        yield from between_boxes(item, way.between, views, sight, slices).run(views)
        return
    crop, seen = views.fixed_slices(item, sight)
    work = views.at(crop)
    if len(seen) == 1:
        ((seed, objects),) = seen.items()
        outputs = work.run(Task(objects, seed, slices[0], slices[-1]))
    else:
        outputs = Sweeps(work).run(SweepTask(seen, slices[0], slices[-1]))
    for output in outputs:
        yield views.on_whole_slice(output, crop)

"""Every slice from its own prompt: boxes between boxes, each slice in the crop that suits its box; and what was tracked
between the same boxes beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from PromptOnceLib.engine.sweeps import Sweeps, SweepTask
from PromptOnceLib.engine.transfer import SliceOutput
from PromptOnceLib.engine.zoom.views import Views
from PromptOnceLib.imaging.views.crop import Crop, Zoom
from PromptOnceLib.prompts.interpolation import affected, interpolated
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.prompts.prompt_set import PromptedObject
from PromptOnceLib.prompts.zoom import Sight
from PromptOnceLib.segmentation.ways import Between


@dataclass(frozen=True)
class SlicesTask:
    """One object on these slices: segmented where there is a prompt, absent where there is none.

    Nothing is remembered from one slice to the next: on phantoms and on real images memory beside the boxes, in one
    look at a slice, made masks worse (training/README.md).
    """

    prompts: Mapping[int, ObjectPrompt]
    slices: tuple[int, ...]
    zoom: Zoom = "auto"
    fill_hole_area: int = 0

    @property
    def steps(self) -> int:
        """How many results come out."""
        return len(self.slices)

    def run(self, views: Views) -> Iterator[SliceOutput]:
        """The slices in their order, masks on the whole slices."""
        views.begin([next(iter(self.prompts.values())).name], None)
        for index in self.slices:
            prompt = self.prompts.get(index)
            if prompt is None or prompt.is_absent:
                yield SliceOutput(index, np.zeros((1, *views.shape), np.uint8), (0.0,), (0.0,))
                continue
            crops = views.crops({prompt.name: [prompt]}, Sight(zoom=self.zoom))
            output = views.predict([prompt], crops, index, self.fill_hole_area)
            if prompt.mask is not None:  # as it was drawn, not at the network's resolution
                output = replace(output, masks=prompt.mask_array().astype(np.uint8)[None])
            yield output


@dataclass(frozen=True)
class UnitedTask:
    """One object where either way finds it: tracked from its prompts, and each slice from its own box.

    A box holds the whole object but cannot say which part of it is one, memory can, and loses it instead. On phantoms
    and on real images nearly every object gained over both ways (training/README.md). tracked, crop: within `alone`'s
    slices, and what is seen of all of them.
    """

    alone: SlicesTask
    tracked: SweepTask
    crop: Crop

    @classmethod
    def of(
        cls, alone: SlicesTask, item: PromptedObject, views: Views, sight: Sight, within: range, everything: bool = True
    ) -> UnitedTask:
        """An object over the slices `within`, or, unless `everything`, only beside the fixed slices among `alone`'s.

        It is tracked from its first prompt to its last and no further, because boxes end it.
        """
        crop, fixed = views.fixed_slices(item, sight)
        changed = None if everything else frozenset(fixed).intersection(alone.slices)
        first, last = max(within[0], min(alone.prompts)), min(within[-1], max(alone.prompts))
        return cls(alone, SweepTask(fixed, first, last, changed, fill_hole_area=alone.fill_hole_area), crop)

    @property
    def steps(self) -> int:
        """How many results come out."""
        return self.tracked.steps + len(self.alone.slices)

    def run(self, views: Views) -> Iterator[SliceOutput]:
        """What is tracked, then each slice as it stays; slices that are prompted as their prompts alone have them."""
        fixed = self.tracked.fixed
        name = next(iter(fixed.values()))[0].name
        views.begin([name], self.crop)
        tracked = {}
        for output in Sweeps(views.at(self.crop)).run(self.tracked):
            output = views.on_whole_slice(output, self.crop)
            if output.slice not in fixed:
                tracked[output.slice] = output
            yield output
        for output in self.alone.run(views):
            beside = tracked.pop(output.slice, None)
            yield output if beside is None else united(output, beside)


def between_boxes(
    item: PromptedObject,
    between: Between,
    views: Views,
    sight: Sight,
    within: range,
    changed: Collection[int] | None = None,
    fill_hole_area: int = 0,
) -> SlicesTask | UnitedTask:
    """What segments an object with boxes on several slices; between: "interpolate" or "both".

    within: the slices to segment. changed: prompted slices, to compute anew what depends on them; None for everything.
    Raises PromptError as check_boxes does.
    """
    slices = within if changed is None else sorted(affected(item, changed, within))
    alone = SlicesTask(interpolated(item), tuple(slices), sight.zoom, fill_hole_area)
    return UnitedTask.of(alone, item, views, sight, within, changed is None) if between == "both" else alone


def united(one: SliceOutput, other: SliceOutput) -> SliceOutput:
    """What either found, with the scores of the one that is surer that there is something."""
    surer = max(one, other, key=lambda output: output.presence[0])
    return replace(surer, masks=one.masks | other.masks)

"""Applying seeds: put before the volume's slices and propagated, like a prompt of its own, into its segments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case
from PromptOnceLib.errors import SeedError
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.seeds.workflows import StartSearch
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes
from PromptOnceLib.mrml.runs import VolumeRun
from PromptOnceLib.mrml.seeds import placed
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.from_mask import prompt_from_mask
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.seeds.apply import Searched, SeedSource, accepted_masks, seed_window
from PromptOnceLib.seeds.fit import By
from PromptOnceLib.seeds.reliability import applied_sentence
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.workflows.round_trip import RoundTripFigures, steps_of_shared_seed

if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import Workbench

Start = Literal["central", "shown"] | Searched


@dataclass
class ApplyOptions:
    """How seeds are applied. start: slice that comes after the seeds, or how it is searched for. selected: into the
    selected object only.
    """

    start: Start = "central"
    by: By = "prompt"
    selected: bool = False


class SeedApplying:
    """way: as chosen in the panel. search: for the slice to start on."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.way = ApplyOptions()
        self.search = StartSearch(bench)

    def leave(self) -> None:
        """Another volume is chosen, or the scene goes."""
        self.search.leave()

    def apply(self) -> None:
        """Propagate from the chosen seeds; what stands in the way is said in the panel."""
        self._bench.attempt("seeds", self._apply)

    def _apply(self) -> None:
        bench = self._bench
        source = SeedSource(bench.seeding.chosen_seeds, self._start(), self.way.by, names=self._names())
        if self.way.start == "similar" or self.way.start == "confident":
            self._look_for_start(source, self.way.start)
        else:
            self._propagate(source)

    def _start(self) -> int | Literal["central"]:
        if self.way.start != "shown":
            return "central"
        index = slice_views.shown_slice(self._bench.image.grid)
        if index is None:
            raise SeedError(_("The view shows no single slice of the volume: press Go to prompted slice first."))
        return index

    def _names(self) -> tuple[str, ...] | None:
        """Which of the seed's objects to segment. A single one is right for any object that was selected."""
        seeds = self._bench.seeding.chosen_seeds
        if not self.way.selected or not seeds or len(seeds[0].record.objects) == 1:
            return None
        return (self._bench.objects.selected.name,)

    def _case(self, source: SeedSource) -> Case:
        bench = self._bench
        image = bench.fresh_image()
        shared = placed(source, image.volume.geometry, image.axis.axis)
        automatic = bench.parameters.window == "auto"
        window = seed_window(source.seeds[0], image.volume) if automatic else bench.window(None)
        return Case(image.volume, image.axis, image.stack(window), shared, None, ())

    def _look_for_start(self, source: SeedSource, way: Searched) -> None:
        case = self._case(source)
        within = self._bench.propagating.settings().within(len(case.stack.frames))
        self.search.start(way, case, within, lambda index: self._propagate(replace(source, start=index)))

    def _propagate(self, source: SeedSource) -> None:
        bench = self._bench
        case = self._case(source)
        if self.way.selected:
            objects = [bench.objects.selected]
        else:
            keys = bench.objects.take_named(case.prompt.objects)
            by_key = {nodes.key: nodes for nodes in bench.objects.objects}
            objects = [by_key[key] for key in keys]
        case = replace(case, prompt=_described_as(case.prompt, objects))

        def after(run: VolumeRun, keys: list[str]) -> None:
            self._draw(run, keys)
            if run.went_to_its_end:
                self._judge(run, source)

        bench.propagating.begin(case, [nodes.key for nodes in objects], after)

    def _draw(self, run: VolumeRun, keys: list[str]) -> None:
        """Box and points from the mask of the start slice, as the papers select them, for the user to correct."""
        bench, result = self._bench, run.job.result
        if bench.previewing.late:
            return  # the user has marked something else meanwhile
        index = _slice_to_prompt(result, run.case.prompt.slice)
        prompts = {}
        for number, key in enumerate(keys):
            if result.masks[number, index].any():
                prompts[key] = _selection(result.masks[number, index])
        if prompts and not bench.objects.draw(prompts, index):
            bench.say("seeds", _("Box and points were not drawn: other objects are marked on another slice."))
        bench.editing.watch()

    def _judge(self, run: VolumeRun, source: SeedSource) -> None:
        bench, case = self._bench, run.case
        stored = accepted_masks(source, case.volume.geometry, case.axis.axis)

        def take(figures: RoundTripFigures) -> None:
            worst = min((value for value in figures.dice if value is not None), default=None)
            bench.say("seeds", applied_sentence(worst))

        bench.seeding.trips.start(steps_of_shared_seed(case.stack, case.prompt, stored, run.job.result), take)


def _slice_to_prompt(result: SegmentationResult, start: int) -> int:
    """The start slice or, where no object is on it, the slice with most of them."""
    if result.masks[:, start].any():
        return start
    return int(result.masks.any(axis=0).sum(axis=(1, 2)).argmax())


def _selection(mask: NDArray[np.uint8]) -> ObjectPrompt:
    """The papers' box and points, but for a negative point on the object itself, which misleads who propagates it."""
    found = prompt_from_mask(mask).prompt
    points = tuple(p for p in found.points if p.positive or not mask[int(p.y), int(p.x)])
    return found.model_copy(update={"points": points})


def _described_as(shared: SharedSeed, objects: list[PromptNodes]) -> SharedSeed:
    """The seed with the names and colours of the objects that its masks are for."""
    own = [{"name": nodes.name, "color": nodes.color, "terminology": nodes.terminology} for nodes in objects]
    frames = tuple(
        replace(frame, objects=tuple(o.model_copy(update=words) for o, words in zip(frame.objects, own, strict=True)))
        for frame in shared.frames
    )
    return replace(shared, frames=frames)

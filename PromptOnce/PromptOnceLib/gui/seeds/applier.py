"""Applying seeds: put before the volume's slices and propagated, like a prompt of its own, into its segments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case, case_of
from PromptOnceLib.errors import CancelledError, PromptOnceError, SeedError
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.run.propagation import RunController
from PromptOnceLib.gui.seeds.library import LibraryController
from PromptOnceLib.gui.seeds.workflow import SeedWorkflow
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.gui.volume.prompted_slice import no_single_slice
from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes
from PromptOnceLib.mrml.runs import VolumeRun
from PromptOnceLib.mrml.seeds import placed
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.from_mask import prompt_from_mask
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.seeds.apply import Searched, SeedSource, Start, accepted_masks, seed_window
from PromptOnceLib.seeds.fit import By
from PromptOnceLib.seeds.reliability import applied_sentence
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.workflows.round_trip import RoundTripFigures, steps_of_shared_seed
from PromptOnceLib.workflows.start_slice import steps_of_start


@dataclass(frozen=True)
class ApplyOptions:
    """How seeds are applied. start: slice that comes after the seeds, or how it is searched for. selected: into the
    selected object only.
    """

    start: Literal["central", "shown"] | Searched = "central"
    by: By = "prompt"
    selected: bool = False


class SeedApplier:
    """options: as chosen in the panel. changed: called when another one was chosen."""

    def __init__(
        self,
        current: CurrentCase,
        notices: Notices,
        preview: PromptPreview,
        runs: RunController,
        library: LibraryController,
        workflow: SeedWorkflow,
    ) -> None:
        self._current, self._notices, self._preview, self._runs = current, notices, preview, runs
        self._library, self._workflow = library, workflow
        self.changed: Signal[[]] = Signal()
        self.options = ApplyOptions()

    def choose(self, options: ApplyOptions) -> None:
        """Apply seeds like this from now on."""
        self.options = options
        self.changed()

    def apply(self) -> None:
        """Propagate from the chosen seeds; what stands in the way is said in the panel."""
        self._runs.attempt("seeds", self._apply)

    def _apply(self, case: OpenCase) -> None:
        options, start = self.options, self._start(case)
        source = SeedSource(self._library.chosen_seeds, start, options.by, names=self._names(case))
        seeded = self._seeded(case, source)
        if start == "similar" or start == "confident":
            self._search_start(case, source, seeded)
        else:
            self._propagate(case, source, seeded)

    def _start(self, case: OpenCase) -> Start:
        if self.options.start != "shown":
            return self.options.start
        index = slice_views.shown_slice(case.image.grid)
        if index is None:
            raise SeedError(no_single_slice())
        return index

    def _names(self, case: OpenCase) -> tuple[str, ...] | None:
        """Which of the seed's objects to segment. A single one is right for any object that was selected."""
        seeds = self._library.chosen_seeds
        if not self.options.selected or not seeds or len(seeds[0].record.objects) == 1:
            return None
        return (case.selected.name,)

    def _seeded(self, case: OpenCase, source: SeedSource) -> Case:
        """The open volume with the seeds in place of a prompt."""
        image = case.fresh_image()
        shared = placed(source, image.volume.geometry, image.axis.axis)
        automatic = case.choices.window == "auto"
        window = seed_window(source.seeds[0], image.volume) if automatic else case.window(None)
        return case_of(image.framed(window), shared)

    def _search_start(self, case: OpenCase, source: SeedSource, seeded: Case) -> None:
        before = len(seeded.notices)

        def found(started: Case) -> None:
            self._notices.say("seeds", " ".join(started.notices[before:]))
            self._propagate(case, source, started)

        def failed(error: PromptOnceError) -> None:
            cancelled = _("Cancelled: nothing was segmented.")
            self._notices.say("seeds", cancelled if isinstance(error, CancelledError) else error.message)

        within = self._runs.settings().within(len(seeded.stack.frames))
        self._workflow.start(steps_of_start(seeded, source.start, within), found, failed)

    def _propagate(self, case: OpenCase, source: SeedSource, seeded: Case) -> None:
        objects = case.objects
        if self.options.selected:
            chosen = [objects.selected]
        else:
            keys = objects.take_named(seeded.prompt.objects)
            by_key = {nodes.key: nodes for nodes in objects.objects}
            chosen = [by_key[key] for key in keys]
        assert isinstance(seeded.prompt, SharedSeed)
        seeded = replace(seeded, prompt=_described_as(seeded.prompt, chosen))

        def after(run: VolumeRun, keys: list[str]) -> None:
            self._draw(case, run, keys)
            if run.went_to_its_end:
                self._judge(run, source)

        self._runs.begin(seeded, [nodes.key for nodes in chosen], after)

    def _draw(self, case: OpenCase, run: VolumeRun, keys: list[str]) -> None:
        """Box and points from the mask of the start slice, as the papers select them, for the user to correct."""
        if self._preview.late or run.job is None:
            return  # the user has marked something else meanwhile
        result = run.job.result
        index = _slice_to_prompt(result, run.case.prompt.slice)
        prompts = {}
        for number, key in enumerate(keys):
            if result.masks[number, index].any():
                prompts[key] = _selection(result.masks[number, index])
        if prompts and not case.objects.draw(prompts, index):
            self._notices.say("seeds", _("Box and points were not drawn: other objects are marked on another slice."))
        self._current.drawn()

    def _judge(self, run: VolumeRun, source: SeedSource) -> None:
        """How far the seed can be trusted here: its round trip through the volume."""
        case, prompt = run.case, run.case.prompt
        assert isinstance(prompt, SharedSeed)
        stored = accepted_masks(source, case.volume.geometry, case.axis.axis)

        def take(figures: RoundTripFigures) -> None:
            worst = min((value for value in figures.dice if value is not None), default=None)
            self._notices.say("seeds", applied_sentence(worst))

        def failed(error: PromptOnceError) -> None:
            cancelled = _("The round trip was cancelled: how far the seed can be trusted is not known.")
            self._notices.say("seeds", cancelled if isinstance(error, CancelledError) else error.message)

        result = None if run.job is None else run.job.result
        self._workflow.start(steps_of_shared_seed(case.stack, prompt, stored, result), take, failed)


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

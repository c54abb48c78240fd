"""Saving the current prompt and its mask as a seed, with its round trip."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case, case_of
from PromptOnceLib.errors import CancelledError, PromptOnceError, SeedError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.run.propagation import RunController
from PromptOnceLib.gui.seeds.library import LibraryController
from PromptOnceLib.gui.seeds.workflow import SeedWorkflow
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.mrml.seeds import masks_of_segments
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.seeds.reliability import trust_sentence
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.workflows.save_seed import steps_of_saving
from PromptOnceLib.workflows.steps import Steps, resumed


class SeedSaver:
    """Makes a seed of the prompt as it is marked now and of the mask that is shown for it.

    saved: called when the seed is in the library.
    """

    def __init__(
        self,
        current: CurrentCase,
        engine: EngineAccess,
        notices: Notices,
        preview: PromptPreview,
        runs: RunController,
        library: LibraryController,
        workflow: SeedWorkflow,
    ) -> None:
        self._current, self._engine, self._notices = current, engine, notices
        self._preview, self._runs, self._library, self._workflow = preview, runs, library, workflow
        self.saved: Signal[[]] = Signal()

    def frame(self) -> tuple[int, Window] | None:
        """Slice and window of the frame that would be stored; None without a prompt."""
        case = self._current.case
        prompt = None if case is None else case.prompt
        if case is None or prompt is None:
            return None
        try:
            case.fresh_image()
            return prompt.slice, case.window(prompt)
        except PromptOnceError:
            return None

    def save(self, name: str, frame_confirmed: bool, **words: Any) -> None:
        """Find out how far the seed can be trusted, then save it; what stands in the way is said in the panel.

        words: target, author, licence, note.
        """
        case = self._current.case
        if case is None or self._engine.working:
            return
        try:
            self._save(case, name, frame_confirmed, words)
        except PromptOnceError as error:
            self._notices.say("seeds", error.message)

    def _save(self, case: OpenCase, name: str, frame_confirmed: bool, words: dict[str, Any]) -> None:
        prompt = case.prompt
        if prompt is None:
            raise SeedError(_("There is no prompt to save: draw a box, or put a point on the object."))
        masks = self._accepted(case, prompt)
        prompted = case_of(case.framed(prompt), prompt)
        library, files, result = self._library.library, self._engine.files(), self._result_of(prompted)
        words = {"scanner_name": self._library.scanner_name, "frame_confirmed": frame_confirmed, **words}

        def saving(round_trip: bool) -> Steps[Seed]:
            return steps_of_saving(
                library, prompted, name, files, accepted=masks, round_trip=round_trip, result=result, **words
            )

        def without_trip(error: PromptOnceError) -> None:
            """The figure alone is missing then."""
            try:
                self._take(_at_once(saving(round_trip=False)))
            except PromptOnceError as refused:
                error = refused
            cancelled = _("The round trip was cancelled: how far the seed can be trusted is not known.")
            self._notices.say("seeds", cancelled if isinstance(error, CancelledError) else error.message)

        steps = saving(round_trip=True)
        try:
            first = next(steps)  # raises what is wrong with the seed itself
        except StopIteration as end:
            self._take(end.value)
            return
        self._notices.say("seeds", _('"{name}" is saved at the end of its round trip.').format(name=name))
        self._workflow.start(resumed(first, steps), self._take, without_trip)

    def _accepted(self, case: OpenCase, prompt: Prompt) -> list[NDArray[np.bool_]]:
        """The masks as the user sees them: of the last run, corrected by hand or not, or of the preview."""
        run = self._runs.run
        if run is not None and run.job is not None and self._runs.accepted == prompt and not run.writer.undone:
            writer = run.writer
            of_run = dict(zip(run.job.result.names, writer.segment_ids, strict=True))
            ids = [of_run[item.name] for item in prompt.objects if item.name in of_run]
            if len(ids) == len(prompt.objects):
                return masks_of_segments(case.node, case.axis, prompt.slice, writer.node, ids)
        shown = self._preview.masks
        if shown is None or shown[0] != prompt:
            raise SeedError(_("The mask of the prompt is not there yet. Wait for it, look at it, then save."))
        return [mask > 0 for mask in shown[1].masks]

    def _result_of(self, prompted: Case) -> SegmentationResult | None:
        """The way out of the round trip, where the last run has gone it already."""
        run = self._runs.run
        if run is None or run.job is None or run.case.stack is not prompted.stack or run.case.prompt != prompted.prompt:
            return None
        result = run.job.result
        return result if result.computed.all() else None

    def _take(self, seed: Seed) -> None:
        """Show the seed in the library, with what its round trip gave."""
        self._library.open_library()
        record = seed.record
        if record.round_trip is not None:
            sentence = f'"{seed.name}": {trust_sentence(record.round_trip)}'
        elif record.is_picture:
            sentence = _('"{name}" is saved. A single picture has no round trip.').format(name=seed.name)
        else:
            text = _('"{name}": The object is on the prompted slice alone: there is no round trip.')
            sentence = text.format(name=seed.name)
        self._notices.say("seeds", sentence)
        self.saved()


def _at_once(steps: Steps[Seed]) -> Seed:
    """What a workflow that asks nothing of the worker returns."""
    try:
        next(steps)
    except StopIteration as end:
        seed: Seed = end.value
        return seed
    raise RuntimeError("the workflow needs a worker")

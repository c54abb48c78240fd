"""Saving the current prompt and its mask as a seed, with its round trip."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import PromptOnceError, SeedError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.run.propagation import RunController
from PromptOnceLib.gui.seeds.library import LibraryController
from PromptOnceLib.gui.seeds.workflows import RoundTrips
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.mrml.seeds import masks_of_segments
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.reliability import trust_sentence
from PromptOnceLib.seeds.seed import ModelUsed, Seed
from PromptOnceLib.workflows.round_trip import RoundTripFigures, steps_of_prompt


class SeedSaver:
    """Makes a seed of the prompt as it is marked now and of the mask that is shown for it."""

    def __init__(
        self,
        current: CurrentCase,
        engine: EngineAccess,
        notices: Notices,
        preview: PromptPreview,
        runs: RunController,
        library: LibraryController,
        trips: RoundTrips,
    ) -> None:
        self._current, self._engine, self._notices = current, engine, notices
        self._preview, self._runs, self._library, self._trips = preview, runs, library, trips

    def frame(self) -> tuple[int, Window] | None:
        """Slice and window of the frame that would be stored; None without a prompt."""
        case = self._current.case
        prompt = None if case is None else case.prompt
        if case is None or prompt is None:
            return None
        try:
            return prompt.slice, case.window(prompt)
        except PromptOnceError:
            return None

    def save(self, name: str, frame_confirmed: bool, **words: Any) -> Seed | None:
        """Save the seed at once and start its round trip; the seed as it was saved, None where that was refused.

        words: target, author, licence, note. What stands in the way is said in the panel.
        """
        case = self._current.case
        if case is None or self._engine.working:
            return None
        try:
            return self._save(case, name, frame_confirmed, words)
        except PromptOnceError as error:
            self._notices.say("seeds", error.message)
            return None

    def _save(self, case: OpenCase, name: str, frame_confirmed: bool, words: dict[str, Any]) -> Seed:
        prompt = case.prompt
        if prompt is None:
            raise SeedError(_("There is no prompt to save: draw a box, or put a point on the object."))
        library = self._library.library
        library.check_free(name)
        masks = self._accepted(case, prompt)
        framed = case.framed(prompt)
        files = self._engine.files()
        seed = library.save(
            make_seed(
                framed.volume,
                framed.stack,
                prompt,
                masks,
                name=name,
                model=ModelUsed(name=files.name, sha256=files.sha256),
                frame_confirmed=frame_confirmed,
                scanner_name=self._library.scanner_name,
                **words,
            )
        )
        self._library.open_library()
        stack = framed.stack
        if len(stack.frames) == 1:
            self._notices.say(
                "seeds", _('"{name}" is saved. A single picture has no round trip.').format(name=seed.name)
            )
            return seed
        self._notices.say("seeds", _('"{name}" is saved; its round trip goes on.').format(name=seed.name))

        def take(figures: RoundTripFigures) -> None:
            self._note_trip(seed, figures, files.name)

        steps = steps_of_prompt(stack, prompt, np.stack(masks).astype(np.uint8))
        run = self._runs.run
        result = None
        if run is not None and run.job is not None and run.case.stack is stack and run.case.prompt == prompt:
            result = run.job.result if run.job.result.computed.all() else None
        self._trips.start(steps, take, result)
        return seed

    def _accepted(self, case: OpenCase, prompt: Prompt) -> list[NDArray[np.bool_]]:
        """The masks as the user sees them: of the last run, corrected by hand or not, or of the preview."""
        run = self._runs.run
        if run is not None and run.job is not None and self._runs.accepted == prompt and not run.writer.undone:
            writer = run.writer
            of_run = dict(zip(run.job.result.names, writer.segment_ids, strict=True))
            ids = [of_run[item.name] for item in prompt.objects if item.name in of_run]
            if len(ids) == len(prompt.objects):
                image = case.image
                return masks_of_segments(image.node, image.axis.axis, prompt.slice, writer.node, ids)
        shown = self._preview.masks
        if shown is None or shown[0] != prompt:
            raise SeedError(_("The mask of the prompt is not there yet. Wait for it, look at it, then save."))
        return [mask > 0 for mask in shown[1].masks]

    def _note_trip(self, seed: Seed, figures: RoundTripFigures, model: str) -> None:
        record = figures.record(model)
        if record is not None:
            try:
                self._library.library.edit(seed.id, round_trip=record)
            except SeedError as error:
                self._notices.say("seeds", error.message)
                return
            self._library.open_library()
        sentence = _("The object is on the prompted slice alone: there is no round trip.")
        self._notices.say("seeds", f'"{seed.name}": {sentence if record is None else trust_sentence(record)}')

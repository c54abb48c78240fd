"""Saving the current prompt and its mask as a seed, with its round trip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import PromptOnceError, SeedError
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.mrml.seeds import masks_of_segments
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.reliability import trust_sentence
from PromptOnceLib.seeds.seed import ModelUsed, Seed
from PromptOnceLib.workflows.round_trip import RoundTripFigures, steps_of_prompt

if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import Workbench


class SeedSaving:
    """Makes a seed of the prompt as it is marked now and of the mask that is shown for it."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    def frame(self) -> tuple[int, Window] | None:
        """Slice and window of the frame that would be stored; None without a prompt."""
        bench, prompt = self._bench, self._bench.read_prompt()
        if bench.image is None or prompt is None:
            return None
        try:
            return prompt.slice, bench.window(prompt)
        except PromptOnceError:
            return None

    def save(self, name: str, frame_confirmed: bool, **words: Any) -> Seed | None:
        """Save the seed at once and start its round trip; the seed as it was saved, None where that was refused.

        words: target, author, licence, note. What stands in the way is said in the panel.
        """
        bench = self._bench
        if bench.image is None or bench.working:
            return None
        try:
            return self._save(name, frame_confirmed, words)
        except PromptOnceError as error:
            bench.say("seeds", error.message)
            return None

    def _save(self, name: str, frame_confirmed: bool, words: dict[str, Any]) -> Seed:
        bench = self._bench
        prompt = bench.read_prompt()
        if prompt is None:
            raise SeedError(_("There is no prompt to save: draw a box, or put a point on the object."))
        library = bench.seeding.library
        library.check_free(name)
        masks = self._accepted(prompt)
        image = bench.fresh_image()
        stack = image.stack(bench.window(prompt))
        files = bench.engine.files()
        seed = library.save(
            make_seed(
                image.volume,
                stack,
                prompt,
                masks,
                name=name,
                model=ModelUsed(name=files.name, sha256=files.sha256),
                frame_confirmed=frame_confirmed,
                scanner_name=bench.seeding.scanner_name,
                **words,
            )
        )
        bench.seeding.open_library()
        if len(stack.frames) == 1:
            bench.say("seeds", _('"{name}" is saved. A single picture has no round trip.').format(name=seed.name))
            return seed
        bench.say("seeds", _('"{name}" is saved; its round trip goes on.').format(name=seed.name))

        def take(figures: RoundTripFigures) -> None:
            self._note_trip(seed, figures, files.name)

        run = bench.propagating.run
        gone = run is not None and run.case.stack is stack and run.case.prompt == prompt
        result = run.job.result if gone and run.job.result.computed.all() else None
        bench.seeding.trips.start(steps_of_prompt(stack, prompt, np.stack(masks).astype(np.uint8), result), take)
        return seed

    def _accepted(self, prompt: Prompt) -> list[NDArray[np.bool_]]:
        """The masks as the user sees them: of the last run, corrected by hand or not, or of the preview."""
        bench = self._bench
        running = bench.propagating
        if running.run is not None and running.accepted == prompt and not running.writer.undone:
            of_run = dict(zip(running.run.job.result.names, running.writer.segment_ids, strict=True))
            ids = [of_run[item.name] for item in prompt.objects if item.name in of_run]
            if len(ids) == len(prompt.objects):
                axis = bench.image.axis.axis
                return masks_of_segments(bench.image.node, axis, prompt.slice, running.writer.node, ids)
        shown = bench.previewing.masks
        if shown is None or shown[0] != prompt:
            raise SeedError(_("The mask of the prompt is not there yet. Wait for it, look at it, then save."))
        return [mask > 0 for mask in shown[1].masks]

    def _note_trip(self, seed: Seed, figures: RoundTripFigures, model: str) -> None:
        bench = self._bench
        record = figures.record(model)
        if record is not None:
            try:
                bench.seeding.library.edit(seed.id, round_trip=record)
            except SeedError as error:
                bench.say("seeds", error.message)
                return
            bench.seeding.open_library()
        sentence = _("The object is on the prompted slice alone: there is no round trip.")
        bench.say("seeds", f'"{seed.name}": {sentence if record is None else trust_sentence(record)}')

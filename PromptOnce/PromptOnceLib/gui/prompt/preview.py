"""The mask of the prompted slice, asked for after every change and shown over the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.gui.engine.choice import Missing
from PromptOnceLib.mrml.segmentations.preview import MaskPreview
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.segmentation.segment import segments_of
from PromptOnceLib.worker.requests import PromptedMasks

if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import Workbench


class Previewing:
    """Asks for previews and shows them; the newest prompt wins.

    visible: whether masks of the prompt are shown. scores: presence and predicted IoU of each object by its key, of the
    masks that are shown. masks: the prompt they are of and the masks, None where none are shown. missing: what stands
    in the way of a preview, None where nothing does. late: whether the prompt was changed during a run.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._overlay: MaskPreview | None = None
        self.visible = self.late = False
        self.scores: dict[str, tuple[float, float]] = {}
        self.masks: tuple[Prompt, PromptedMasks] | None = None
        self.missing: Missing | None = None

    def ask(self) -> None:
        """Ask for the masks of the prompt as it is now; during a run only note that it has changed."""
        bench, prompt = self._bench, self._bench.read_prompt()
        self.late = bench.working  # another stack than the run's would end it
        if self.late:
            return
        self.missing = None
        if prompt is None or bench.image is None:
            self._show_nothing()
            return
        self.missing = bench.missing()
        if self.missing is not None:
            self._show_nothing()
            bench.say("prompt", self.missing.sentence)
            return
        keys = bench.objects.keys()
        try:
            bench.prepare(prompt)
        except PromptOnceError as error:
            self._failed(error)
            return
        bench.session.preview(prompt, lambda masks: self._show(prompt, keys, masks), self._failed)
        bench.begin_work()

    def hide(self) -> None:
        """Make room for a result."""
        if self._overlay is not None:
            self._overlay.clear()
        self.visible, self.masks = False, None

    def remove(self) -> None:
        """Take the masks out of the scene."""
        if self._overlay is not None:
            self._overlay.remove()
        self._overlay, self.visible, self.masks = None, False, None
        self.scores, self.missing = {}, None

    def _show(self, prompt: Prompt, keys: list[str], masks: PromptedMasks) -> None:
        bench = self._bench
        if bench.image is None or bench.image.grid.axis != prompt.axis:
            return
        if self._overlay is None or self._overlay.grid is not bench.image.grid:
            self.remove()
            self._overlay = MaskPreview(bench.image.grid)
        self._overlay.show(prompt.slice, masks.masks, segments_of(prompt.objects))
        self.visible, self.masks = True, (prompt, masks)
        scores = zip(masks.presence, masks.predicted_iou, strict=True)
        self.scores = dict(zip(keys, scores, strict=True))
        bench.changed()

    def _failed(self, error: PromptOnceError) -> None:
        self._show_nothing()
        if not isinstance(error, CancelledError):
            self._bench.say("prompt", error.message)

    def _show_nothing(self) -> None:
        self.hide()
        self.scores = {}

"""The mask of the prompted slice, asked for after every change and shown over the image."""

from __future__ import annotations

from functools import partial

import numpy as np

from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.engine.choice import Missing
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.imaging.views.crop import Crop
from PromptOnceLib.mrml.segmentations.preview import MaskPreview
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.zoom import Sight, zoom_from_text
from PromptOnceLib.segmentation.segment import Color, Segment, segments_of
from PromptOnceLib.worker.requests_slices import PromptedMasks

_ZOOM_COLOR: Color = (0.6, 0.6, 0.6)


class PromptPreview:
    """Asks for masks of the prompt and shows them; the newest prompt wins.

    visible: whether masks of the prompt are shown. scores: presence and predicted IoU of each object by its key, of the
    masks that are shown. masks: the prompt they are of and the masks, None where none are shown. missing: what stands
    in the way of a preview, None where nothing does. late: whether the prompt was changed during a run. changed: called
    when any of these has changed.
    """

    def __init__(self, current: CurrentCase, engine: EngineAccess, notices: Notices) -> None:
        self._current, self._engine, self._notices = current, engine, notices
        self.changed: Signal[[]] = Signal()
        self._overlay: MaskPreview | None = None
        self.visible = self.late = False
        self.scores: dict[str, tuple[float, float]] = {}
        self.masks: tuple[Prompt, PromptedMasks] | None = None
        self.missing: Missing | None = None
        self._said = ""
        self._awaited: object = None  # stands for the question that was asked last; None while no answer is wanted
        for signal in (current.edited, current.redrawn):
            signal.connect(self.ask)
        engine.changed.connect(self._engine_changed)
        current.closing.connect(self._leave)

    def ask(self) -> None:
        """Ask for the masks of the prompt as it is now; during a run only note that it has changed."""
        self._awaited = None
        self.late = self._engine.working  # another stack than the run's would end it
        if self.late:
            return
        case = self._current.case
        self.missing = None
        if case is None or case.prompt is None:
            self._show_nothing()
        else:
            self._ask(case, case.prompt)
        self.changed()

    def ask_if_late(self) -> None:
        """Ask now for what was changed during a run or a round trip that is over."""
        if self.late:
            self.ask()

    def hide(self) -> None:
        """Make room for a result."""
        self._awaited = None
        if self._overlay is not None:
            self._overlay.clear()
        self.visible, self.masks = False, None

    def _engine_changed(self) -> None:
        """Work that goes on keeps its worker; the change is told again at its end."""
        if not self._engine.working:
            self.ask()

    def _ask(self, case: OpenCase, prompt: Prompt) -> None:
        engine = self._engine
        self.missing = engine.missing()
        if self.missing is not None:
            self._show_nothing()
            self._say(self.missing.sentence)
            return
        keys = case.objects.keys
        try:
            framed = case.framed(prompt)
            engine.prepare(framed.stack, prompt.slice)
        except PromptOnceError as error:
            self._failed(error)
            return
        self._notices.say("volume", " ".join((*framed.volume.notices, *framed.notices)))
        correction = case.correction
        asked = prompt if correction is None else correction.asked(prompt)
        self._awaited = question = object()
        show, failed = partial(self._show, question, prompt, keys), partial(self._not_answered, question)
        sight = Sight(zoom=zoom_from_text(case.choices.zoom)) if correction is None else correction.sight
        engine.session.preview(asked, show, failed, correcting=correction is not None, sight=sight)
        engine.begin_work()

    def _leave(self, _case: OpenCase) -> None:
        """Take the masks out of the scene; those that are still to come are of no use any more."""
        self._awaited = None
        self._remove_overlay()
        self.scores, self.missing = {}, None
        self.changed()

    def _remove_overlay(self) -> None:
        if self._overlay is not None:
            self._overlay.remove()
        self._overlay, self.visible, self.masks = None, False, None

    def _show(self, question: object, prompt: Prompt, keys: list[str], masks: PromptedMasks) -> None:
        case = self._current.case
        if case is None or question is not self._awaited:
            return
        grid = case.image.grid
        if self._overlay is None or self._overlay.grid is not grid:
            self._remove_overlay()
            self._overlay = MaskPreview(grid)
        shown = [*masks.masks, *(crop.outline(masks.masks.shape[1:]) for crop in self._crops(masks))]
        segments = segments_of(prompt.objects)
        segments += [Segment(_("Zoom"), _ZOOM_COLOR) for _crop in shown[len(segments) :]]
        self._overlay.show(prompt.slice, np.stack(shown), segments)
        self.visible, self.masks = True, (prompt, masks)
        if self._notices.of("prompt") == self._said:
            self._say("")  # what stood in the way is over
        scores = zip(masks.presence, masks.predicted_iou, strict=True)
        self.scores = dict(zip(keys, scores, strict=True))
        self.changed()

    def _crops(self, masks: PromptedMasks) -> list[Crop]:
        """What the network saw of the slice, where that is not all of it."""
        return [crop for crop in dict.fromkeys(masks.crops.values()) if crop.shape != masks.masks.shape[1:]]

    def _not_answered(self, question: object, error: PromptOnceError) -> None:
        if question is self._awaited:
            self._failed(error)

    def _failed(self, error: PromptOnceError) -> None:
        self._show_nothing()
        if not isinstance(error, CancelledError):
            self._say(error.message)
        self.changed()

    def _say(self, sentence: str) -> None:
        self._said = sentence
        self._notices.say("prompt", sentence)

    def _show_nothing(self) -> None:
        self.hide()
        self.scores = {}

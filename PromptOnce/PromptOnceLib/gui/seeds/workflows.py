"""Round trips and searches of the start slice for the seeds panel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case
from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.seeds.apply import Searched
from PromptOnceLib.seeds.similarity import most_similar
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.workflows.drive import StepDriver
from PromptOnceLib.workflows.round_trip import RoundTripFigures, Steps
from PromptOnceLib.workflows.start_slice import ConfidentStart, steps_of_confident_start

OnFigures = Callable[[RoundTripFigures], object]


class RoundTrips:
    """At most one round trip at a time, on the open volume. changed: called when one was begun or is over."""

    def __init__(self, current: CurrentCase, engine: EngineAccess, notices: Notices, preview: PromptPreview) -> None:
        self._engine, self._notices, self._preview = engine, notices, preview
        self.changed: Signal[[]] = Signal()
        self._trip: StepDriver[RoundTripFigures] | None = None
        engine.occupied_by("seeds", lambda: self.running)
        current.closing.connect(self._leave)

    @property
    def running(self) -> bool:
        """Whether a round trip goes on."""
        return self._trip is not None

    @property
    def progress(self) -> tuple[str, int, int]:
        """As text, and slices of the way under way, done and all of them."""
        if self._trip is None or self._trip.step is None or self._trip.job is None:
            return "", 0, 0
        step, progress = self._trip.step, self._trip.job.progress
        text = _("Round trip, way {number} of at most {count}").format(number=step.number, count=step.count)
        return text, progress.done, progress.total

    def start(self, steps: Steps, on_figures: OnFigures, first: SegmentationResult | None = None) -> None:
        """Begin a round trip; first: as StepDriver.start. Raises PromptError where a mask is empty."""
        engine = self._engine
        trip: StepDriver[RoundTripFigures]

        def ended(figures: RoundTripFigures | None, error: PromptOnceError | None) -> None:
            if trip is not self._trip:
                return
            self._trip = None
            if figures is not None:
                on_figures(figures)
            elif isinstance(error, CancelledError):
                self._notices.say(
                    "seeds", _("The round trip was cancelled: how far the seed can be trusted is not known.")
                )
            elif error is not None:
                self._notices.say("seeds", error.message)
            self._preview.ask_if_late()
            self.changed()

        trip = StepDriver(engine.session, engine.files(), engine.device, steps, ended)
        self._trip = trip
        try:
            trip.start(first)
        except PromptOnceError:
            self._trip = None
            raise
        engine.begin_work()
        self.changed()

    def _leave(self, _case: OpenCase) -> None:
        if self._trip is not None:
            self._trip.cancel()
            self._trip = None


OnFound = Callable[[int], object]
"""Is given the slice."""


class StartSearch:
    """At most one search at a time, on the open volume. What comes of one that was left is not heard any more.

    changed: called when one was begun or is over.
    """

    def __init__(self, current: CurrentCase, engine: EngineAccess, notices: Notices, preview: PromptPreview) -> None:
        self._engine, self._notices, self._preview = engine, notices, preview
        self.changed: Signal[[]] = Signal()
        self._on_found: OnFound | None = None
        self._trip: StepDriver[ConfidentStart] | None = None
        self._seen = self._slices = 0
        engine.occupied_by("seeds", lambda: self.running)
        current.closing.connect(self._leave)

    @property
    def running(self) -> bool:
        """Whether a search goes on."""
        return self._on_found is not None

    @property
    def progress(self) -> tuple[str, int, int]:
        """As text, and slices, done and all of them."""
        if self._trip is None:
            return _("Looking for the slice most like the seed's"), self._seen, self._slices
        step, job = self._trip.step, self._trip.job
        if step is None or job is None:
            return "", 0, 0
        text = _("Looking for the most confident slice, {number} of at most {count}")
        return text.format(number=step.number, count=step.count), job.progress.done, job.progress.total

    def start(self, way: Searched, case: Case, within: range, on_found: OnFound) -> None:
        """Begin: "similar", each slice costs one run of the image encoder, or "confident", see workflows.start_slice.

        case: with a shared seed. within: slices that can be chosen. on_found: what it raises is said in the panel.
        Raises PromptOnceError for what cannot be begun.
        """
        assert isinstance(case.prompt, SharedSeed)
        self._seen, self._slices, self._trip = 0, len(within), None
        self._on_found = on_found
        try:
            if way == "similar":
                self._look_for_the_most_similar(case, case.prompt, within, on_found)
            else:
                self._look_for_the_most_confident(case, case.prompt, within, on_found)
        except PromptOnceError:
            self._on_found = None
            raise
        self._engine.begin_work()
        self.changed()

    def _leave(self, _case: OpenCase) -> None:
        if self.running:
            self._on_found = self._trip = None
            self._engine.session.cancel()

    def _look_for_the_most_similar(self, case: Case, seed: SharedSeed, within: range, on_found: OnFound) -> None:
        engine, session = self._engine, self._engine.session

        def take(descriptors: NDArray[np.float32]) -> None:
            place, similarity = most_similar(descriptors[-1], descriptors[:-1])
            index = within[place]
            text = _("Slice {index} is most similar to the seed's ({similarity:.2f}).").format(
                index=index, similarity=similarity
            )
            self._ended(on_found, index, text)

        def seen(_event: object) -> None:
            self._seen += 1

        engine.prepare(case.stack, seed.slice)
        frames = (seed.frames[0].frame,)
        session.describe(within, frames, take, lambda error: self._failed(on_found, error), seen)

    def _look_for_the_most_confident(self, case: Case, seed: SharedSeed, within: range, on_found: OnFound) -> None:
        engine = self._engine

        def ended(found: ConfidentStart | None, error: PromptOnceError | None) -> None:
            if found is not None:
                self._ended(on_found, found.slice, found.sentence)
            elif error is not None:
                self._failed(on_found, error)

        steps = steps_of_confident_start(case.stack, seed, within)
        self._trip = StepDriver(engine.session, engine.files(), engine.device, steps, ended)
        self._trip.start()

    def _ended(self, on_found: OnFound, index: int, sentence: str) -> None:
        if on_found is not self._on_found:
            return
        self._on_found = self._trip = None
        self._notices.say("seeds", sentence)
        try:
            on_found(index)
        except PromptOnceError as error:
            self._refused(error.message)

    def _failed(self, on_found: OnFound, error: PromptOnceError) -> None:
        if on_found is not self._on_found:
            return
        self._on_found = self._trip = None
        cancelled = isinstance(error, CancelledError)
        self._refused(_("Cancelled: nothing was segmented.") if cancelled else error.message)

    def _refused(self, sentence: str) -> None:
        self._notices.say("seeds", sentence)
        self._preview.ask_if_late()
        self.changed()

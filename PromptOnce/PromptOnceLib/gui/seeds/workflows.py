"""Round trips and searches of the start slice for the seeds panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PromptOnceLib.cases.case import Case
from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.seeds.apply import Searched
from PromptOnceLib.workflows.drive import StepDriver
from PromptOnceLib.workflows.round_trip import RoundTripFigures
from PromptOnceLib.workflows.start_slice import steps_of_start
from PromptOnceLib.workflows.steps import EmbeddingStep, Steps

if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import Workbench

OnFigures = Callable[[RoundTripFigures], object]


class SeedTrips:
    """At most one round trip at a time, on the chosen volume."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._trip: StepDriver | None = None

    @property
    def running(self) -> bool:
        """Whether a round trip goes on."""
        return self._trip is not None

    @property
    def progress(self) -> tuple[str, int, int]:
        """In words, and slices of the way under way, done and all of them."""
        if self._trip is None or self._trip.step is None:
            return "", 0, 0
        step = self._trip.step
        text = _("Round trip, way {number} of at most {count}").format(number=step.number, count=step.count)
        return text, self._trip.done, self._trip.total

    def start(self, steps: Steps[RoundTripFigures], on_figures: OnFigures) -> None:
        """Begin a round trip; what stands in its way is said in the panel."""
        bench = self._bench
        trip: StepDriver

        def done(figures: RoundTripFigures) -> None:
            if trip is self._trip:
                self._trip = None
                on_figures(figures)
                over()

        def failed(error: PromptOnceError) -> None:
            if trip is not self._trip:
                return
            self._trip = None
            cancelled = _("The round trip was cancelled: how far the seed can be trusted is not known.")
            bench.say("seeds", cancelled if isinstance(error, CancelledError) else error.message)
            over()

        def over() -> None:
            if bench.previewing.late:
                bench.previewing.ask()
            bench.changed()

        bench.session.use_model(bench.engine.files(), bench.engine.machine.device)
        self._trip = trip = StepDriver(bench.session, steps, done, failed)
        trip.start()
        bench.begin_work()

    def leave(self) -> None:
        """Another volume is chosen, or the scene goes."""
        if self._trip is not None:
            self._trip.cancel()
            self._trip = None


if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import Workbench

OnFound = Callable[[int], object]
"""Is given the slice."""


class StartSearch:
    """At most one search at a time, on the chosen volume. What comes of one that was left is not heard any more."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._on_found: OnFound | None = None
        self._trip: StepDriver[Case] | None = None

    @property
    def running(self) -> bool:
        """Whether a search goes on."""
        return self._on_found is not None

    @property
    def progress(self) -> tuple[str, int, int]:
        """In words, and slices, done and all of them."""
        if self._trip is None or self._trip.step is None:
            return "", 0, 0
        step = self._trip.step
        if isinstance(step, EmbeddingStep):
            text = _("Looking for the slice most similar to the seed's")
        else:
            text = _("Looking for the most confident slice, {number} of at most {count}")
        return text.format(number=step.number, count=step.count), self._trip.done, self._trip.total

    def start(self, way: Searched, case: Case, within: range, on_found: OnFound) -> None:
        """Begin: "similar", each slice costs one run of the image encoder, or "confident", see workflows.start_slice.

        case: with a shared seed. within: slices that can be chosen. on_found: what it raises is said in the panel.
        Raises PromptOnceError for what cannot be begun.
        """
        bench, before = self._bench, len(case.notices)

        def done(found: Case) -> None:
            self._ended(on_found, found.prompt.slice, " ".join(found.notices[before:]))

        bench.session.use_model(bench.engine.files(), bench.engine.machine.device)
        self._on_found = on_found
        steps = steps_of_start(case, way, within)
        self._trip = StepDriver(bench.session, steps, done, lambda error: self._failed(on_found, error))
        self._trip.start()
        bench.begin_work()

    def leave(self) -> None:
        """Another volume is chosen, or the scene goes."""
        if self.running:
            self._on_found = self._trip = None
            self._bench.session.cancel()

    def _ended(self, on_found: OnFound, index: int, sentence: str) -> None:
        if on_found is not self._on_found:
            return
        self._on_found = self._trip = None
        self._bench.say("seeds", sentence)
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
        bench = self._bench
        bench.say("seeds", sentence)
        if bench.previewing.late:
            bench.previewing.ask()
        bench.changed()

"""Round trips of seeds: how far a seed can be trusted, found in the worker while Slicer stays usable."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PromptOnceLib.core.errors import CancelledError, PromptOnceError
from PromptOnceLib.core.results import SegmentationResult
from PromptOnceLib.gui.translation import tr as _
from PromptOnceLib.worker.round_trip import Legs, RoundTripFigures
from PromptOnceLib.worker.session_trip import SessionTrip

if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import Workbench

OnFigures = Callable[[RoundTripFigures], object]


class SeedTrips:
    """At most one round trip at a time, on the chosen volume."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._trip: SessionTrip | None = None

    @property
    def running(self) -> bool:
        """Whether a round trip goes on."""
        return self._trip is not None

    @property
    def progress(self) -> tuple[str, int, int]:
        """In words, and slices of the way under way, done and all of them."""
        if self._trip is None or self._trip.leg is None or self._trip.job is None:
            return "", 0, 0
        leg, progress = self._trip.leg, self._trip.job.progress
        text = _("Round trip, way {number} of at most {count}").format(number=leg.number, count=leg.count)
        return text, progress.done, progress.total

    def start(self, legs: Legs, on_figures: OnFigures, first: SegmentationResult | None = None) -> None:
        """Begin a round trip; first: as SessionTrip.start. Raises PromptError where a mask is empty."""
        bench = self._bench
        trip: SessionTrip

        def ended(figures: RoundTripFigures | None, error: PromptOnceError | None) -> None:
            if trip is not self._trip:
                return
            self._trip = None
            if figures is not None:
                on_figures(figures)
            elif isinstance(error, CancelledError):
                bench.say("seeds", _("The round trip was cancelled: how far the seed can be trusted is not known."))
            elif error is not None:
                bench.say("seeds", error.message)
            if bench.previewing.late:
                bench.previewing.ask()
            bench.changed()

        trip = SessionTrip(bench.session, bench.engine.files(), bench.engine.machine.device, legs, ended)
        self._trip = trip
        try:
            trip.start(first)
        except PromptOnceError:
            self._trip = None
            raise
        bench.begin_work()

    def leave(self) -> None:
        """Another volume is chosen, or the scene goes."""
        if self._trip is not None:
            self._trip.cancel()
            self._trip = None

"""The cases of a run that are still to do, taken one by one, from those that other runners may take as well."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from PromptOnceLib.batch.events import CaseEnded, CaseOutcome, Event
from PromptOnceLib.batch.planning.plan import PlannedCase
from PromptOnceLib.batch.run_folder.leases import Claim, Leases
from PromptOnceLib.batch.running.control import RunControl

_LOOK_SECONDS = 1.0  # between two looks at what others do


class CaseQueue:
    """Hands out cases that nobody else has; can be used from several threads.

    patient: whether to stay until the cases of others have ended, to take over those of a runner that is gone. emit: is
    told of cases that ended elsewhere.
    """

    def __init__(
        self,
        cases: Sequence[PlannedCase],
        leases: Leases,
        control: RunControl,
        emit: Callable[[Event], None],
        patient: bool = True,
    ) -> None:
        self._waiting, self._elsewhere = deque(cases), deque[PlannedCase]()
        self._leases, self._control, self._emit, self._patient = leases, control, emit, patient
        self._lock = threading.Lock()

    def next_case(self, wait: bool = False) -> tuple[PlannedCase, Claim] | None:
        """The next case, "taken" or to be "set aside"; None when there is none or the run is to end.

        wait: until others have ended the cases that they have, where the queue is patient.
        """
        while not self._control.ending:
            with self._lock:
                found = self._first_of(self._waiting) or (self._first_of(self._elsewhere) if wait else None)
                left = bool(self._elsewhere)
            if found is not None or not (wait and left and self._patient):
                return found
            self._control.cancelled.wait(_LOOK_SECONDS)
        return None

    def _first_of(self, cases: deque[PlannedCase]) -> tuple[PlannedCase, Claim] | None:
        """The first that can be taken; those that others have go to the end of the line."""
        for _ in range(len(cases)):
            planned = cases.popleft()
            claim = self._leases.take(planned.name)
            if claim == "elsewhere":
                self._elsewhere.append(planned)
            elif claim == "ended":
                self._tell(planned)
            else:
                return planned, claim
        return None

    def _tell(self, planned: PlannedCase) -> None:
        outcome = self._leases.outcome(planned.name)
        if outcome is not None:
            self._emit(elsewhere(outcome))


def elsewhere(outcome: CaseOutcome) -> CaseEnded:
    """What another runner has done of a case, as this one tells it."""
    status = "reused" if outcome.status == "finished" else outcome.status
    return CaseEnded(case=outcome.case, status=status, code=outcome.code, message=outcome.message)

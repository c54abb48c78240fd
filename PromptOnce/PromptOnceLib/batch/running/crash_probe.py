"""Read a case's files in a process that may die of it: python -m PromptOnceLib.batch.running.crash_probe.

Of most files the header tells that they are safe (imaging/screening). Where a run ended while it read a case, its files
are nevertheless read once like this, whatever their headers tell, before they are read again.
"""

from __future__ import annotations

from contextlib import suppress

from PromptOnceLib.batch.planning.plan import PlannedCase
from PromptOnceLib.batch.planning.planned_image import read_planned
from PromptOnceLib.errors import PromptOnceError, ReaderCrashError
from PromptOnceLib.processes.trial import Outcome, run_child, try_in_child
from PromptOnceLib.segmentation.reference import parse_reference, read_reference

SECONDS = 600.0
"""For all files of a case, which may be a thousand on a slow network drive."""


def try_reading(case: PlannedCase, seconds: float = SECONDS) -> None:
    """Read a case's files in a process of its own. Raises ReaderCrashError where that process dies or hangs.

    Errors that the reader reports are no reason to raise: they come again, with their sentence, when the case is read.
    """
    outcome, _ = try_in_child("PromptOnceLib.batch.running.crash_probe", case.model_dump_json().encode(), seconds)
    if outcome in (Outcome.DIED, Outcome.TOO_SLOW):
        how = "ended" if outcome is Outcome.DIED else "hung"
        raise ReaderCrashError(
            f"{case.name} {how} the program that read it, twice: the case is set aside. Export or copy the image again."
        )


def _read(message: bytes) -> None:
    case = PlannedCase.model_validate_json(message)
    if case.image is None:
        return
    with suppress(PromptOnceError):
        volume = read_planned(case)
        if case.reference is not None:
            path, labels = parse_reference(case.reference)
            read_reference(path, volume.geometry, labels, lambda notice: None)


if __name__ == "__main__":
    run_child(_read)

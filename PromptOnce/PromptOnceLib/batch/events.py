"""What a running batch tells, for a terminal and, as JSON lines, for another process."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from PromptOnceLib.schema import StrictModel

Status = Literal["finished", "reused", "failed", "set_aside", "cancelled", "not_started"]
"""How a case stands at the end of a run. reused: finished by an earlier run. cancelled: begun, to be begun again."""


class Said(StrictModel):
    """A sentence for the user. case: which it is about, "" for the whole run."""

    event: Literal["said"] = "said"
    text: str
    case: str = ""


class CaseStarted(StrictModel):
    """A case goes to the worker. index: from 0, in the order of the plan."""

    event: Literal["case_started"] = "case_started"
    case: str
    index: int


class SliceProgress(StrictModel):
    """Slices of a case so far, of how many."""

    event: Literal["slice"] = "slice"
    case: str
    done: int
    total: int


class CaseEnded(StrictModel):
    """A case is over. seconds: of its propagation. dice: of the volume, where there is a reference."""

    event: Literal["case_ended"] = "case_ended"
    case: str
    status: Status
    slices: int = 0
    seconds: float = 0.0
    dice: float | None = None
    code: str = ""
    message: str = ""


def cancelled_case(case: str) -> CaseEnded:
    """The end of a case that was begun, or would have been, when the run was cancelled."""
    return CaseEnded(case=case, status="cancelled", code="cancelled", message="Cancelled.")


class CaseOutcome(StrictModel):
    """How a case ended, and why where it has no result."""

    case: str
    status: Status
    code: str = ""
    message: str = ""


class BatchSummary(StrictModel):
    """The end of a run. stopped: why it could not go on, such as a full disk; "" otherwise. seconds: of this run."""

    version: Literal[1] = 1
    total: int
    finished: int
    reused: int
    failed: int
    not_done: int
    cancelled: bool
    stopped_code: str = ""
    stopped: str = ""
    seconds: float
    not_succeeded: tuple[CaseOutcome, ...]

    @property
    def succeeded(self) -> bool:
        """Whether every case has a result, and the tables and the report of the run could be written."""
        return not self.not_succeeded and not self.stopped


class RunEnded(StrictModel):
    """The last event of a run."""

    event: Literal["run_ended"] = "run_ended"
    summary: BatchSummary


class RunRefused(StrictModel):
    """The only event of a run that could not begin, or the last of one that ended in an error nobody thought of."""

    event: Literal["run_refused"] = "run_refused"
    code: str
    message: str


Event = Annotated[Said | CaseStarted | SliceProgress | CaseEnded | RunEnded | RunRefused, Field(discriminator="event")]
_EVENTS: TypeAdapter[Event] = TypeAdapter(Event)


def parse_event(line: str | bytes) -> Event:
    """The event of a JSON line. Raises ValueError for anything else."""
    return _EVENTS.validate_json(line)


def summarise_run(
    ended: dict[str, CaseEnded], names: list[str], cancelled: bool, stopped: tuple[str, str], seconds: float
) -> BatchSummary:
    """The summary of a run. ended: what is known of the cases; stopped: code and sentence."""
    outcomes = [_outcome(name, ended.get(name)) for name in names]
    count = {status: sum(item.status == status for item in outcomes) for status in ("finished", "reused", "failed")}
    set_aside = sum(item.status == "set_aside" for item in outcomes)
    bad = tuple(item for item in outcomes if item.status not in ("finished", "reused"))
    return BatchSummary(
        total=len(names),
        finished=count["finished"],
        reused=count["reused"],
        failed=count["failed"] + set_aside,
        not_done=len(bad) - count["failed"] - set_aside,
        cancelled=cancelled,
        stopped_code=stopped[0],
        stopped=stopped[1],
        seconds=round(seconds, 3),
        not_succeeded=bad,
    )


def _outcome(name: str, ended: CaseEnded | None) -> CaseOutcome:
    if ended is None:
        return CaseOutcome(case=name, status="not_started", message="The run ended before this case.")
    return CaseOutcome(case=name, status=ended.status, code=ended.code, message=ended.message)

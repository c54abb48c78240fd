"""The test of an engine's Python: a process that imports what the worker needs, computes a little and reports."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ValidationError

from PromptOnceLib.environment.diagnosis import running_reason
from PromptOnceLib.environment.install_plan import check_command
from PromptOnceLib.environment.installation import Layout, record_test
from PromptOnceLib.errors import CancelledError, EngineError
from PromptOnceLib.processes.runner import ProcessRunner, start_lines
from PromptOnceLib.processes.variables import with_package

_REPORT = '{"promptonce_check": 1,'
OLDEST_PYTHON = (3, 10)
_KEPT_LINES = 200

REPAIR = "Repair the engine; if that was tried, from scratch."
_ADVICE = "Choose another Python, or install into this one what the file Resources/engine-requirements.txt says."


class DeviceCheck(BaseModel):
    """A small computation on one device. error: "" where it gave the right result."""

    name: str
    description: str = ""
    seconds: float = 0.0
    error: str = ""


class CheckReport(BaseModel):
    """What engine/check.py found.

    versions: of the packages that are there. missing: names of packages that are not installed; broken: error of those
    that are but cannot be imported. seconds: to import them. size_bytes: of the folder that was asked for, else 0.
    """

    python: str
    machine: str
    executable: str
    versions: dict[str, str] = {}
    missing: list[str] = []
    broken: dict[str, str] = {}
    devices: list[DeviceCheck] = []
    seconds: float = 0.0
    size_bytes: int = 0

    @property
    def problem(self) -> str:
        """What is wrong, as a sentence; "" where the worker can run with this Python."""
        if tuple(int(part) for part in self.python.split(".")[:2]) < OLDEST_PYTHON:
            return f"This Python is {self.python}, and 3.10 or newer is needed."
        if self.missing:
            return f"This Python has no {', '.join(self.missing)}."
        if self.broken:
            package, error = next(iter(self.broken.items()))
            return f"{package} cannot be loaded: {running_reason([error], 0) or error}."
        if not any(device.error == "" for device in self.devices):
            return "PyTorch does not compute as it should on this computer."
        return ""

    @property
    def notices(self) -> list[str]:
        """Sentences about devices that are there but cannot be used."""
        return [f"{device.name} cannot be used: {device.error}" for device in self.devices if device.error]


def parse_report(lines: Iterable[str]) -> CheckReport | None:
    """The report among the lines a test wrote; libraries may have written others."""
    for line in lines:
        if line.startswith(_REPORT):
            try:
                return CheckReport.model_validate_json(line)
            except ValidationError:
                return None
    return None


def check_problem(lines: Iterable[str], status: int | None) -> str:
    """What is wrong with a Python, from the lines and the exit status of its test; "" where nothing is."""
    lines = list(lines)
    report = parse_report(lines)
    if report is not None and status == 0:
        return report.problem
    reason = running_reason(lines, status) or "its output says more"
    return f"The test of the engine's Python did not succeed: {reason}."


class EngineTest:
    """The test of one Python, through a runner. on_end: called once with the report and what is wrong, or None."""

    def __init__(
        self,
        python: str | Path,
        environment: Mapping[str, str],
        runner: ProcessRunner,
        on_end: Callable[[CheckReport | None, EngineError | CancelledError | None], None],
        place: Layout | None = None,
    ) -> None:
        """environment: variables of this Python. place: the private environment that the result is recorded in."""
        folder = None if place is None else place.folder
        self._command, self._environment = check_command(python, folder), with_package(environment)
        self._runner, self._on_end, self._place = runner, on_end, place
        self._output = deque[str](maxlen=_KEPT_LINES)
        self.over = False

    def start(self) -> None:
        """Start the process; returns at once."""
        start_lines(self._runner, self._command, self._environment, self._output.append, self._ended)

    def cancel(self) -> None:
        """End the process; nothing is recorded."""
        if not self.over:
            self._runner.kill()
            self._finish(None, CancelledError("The test was cancelled."))

    def _ended(self, status: int | None) -> None:
        problem = check_problem(self._output, status)
        if problem:
            problem += f" {_ADVICE if self._place is None else REPAIR}"
        if self._place is not None:
            record_test(self._place, problem)
        error = EngineError(problem, "\n".join(self._output)) if problem else None
        self._finish(parse_report(self._output), error)

    def _finish(self, report: CheckReport | None, error: EngineError | CancelledError | None) -> None:
        self.over = True
        self._on_end(report, error)

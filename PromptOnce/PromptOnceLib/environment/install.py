"""An installation of the private environment: the steps one after the other, their log, cancelling, and how it ends."""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TextIO

from PromptOnceLib.environment.diagnosis import installation_reason
from PromptOnceLib.environment.install_plan import Plan, Step
from PromptOnceLib.environment.installation import Layout, Note, has_package, read_note, requirements, write_note
from PromptOnceLib.environment.platform import free_bytes, size
from PromptOnceLib.environment.verify import REPAIR, CheckReport, check_problem, parse_report
from PromptOnceLib.errors import CancelledError, EngineError, InputError, PromptOnceError
from PromptOnceLib.files.lock import LockedError, exclusive_lock
from PromptOnceLib.processes.lines import Lines
from PromptOnceLib.processes.runner import ProcessRunner

OnProgress = Callable[[str, float, str], None]
"""Called with the title of the step, the share of the whole that is done (0 to 1), and a new line of the log or ""."""

_KEPT_LINES = 400
_NEARLY = 0.95  # a step is not taken for done before it has ended


class Installation:
    """Runs the steps of a plan. Use from one thread; the callbacks come from within the runner's.

    An installation that was cancelled, failed, or died with its program leaves the environment marked as unfinished;
    the same plan run again does what is missing. on_end is called once: with None, or with what went wrong.
    """

    def __init__(
        self,
        plan: Plan,
        runner: ProcessRunner,
        on_progress: OnProgress,
        on_end: Callable[[PromptOnceError | None], None],
    ) -> None:
        self._plan, self._runner = plan, runner
        self._on_progress, self._on_end = on_progress, on_end
        self._place: Layout = plan.layout
        self._held = ExitStack()
        self._log: TextIO | None = None
        self._index, self._share = 0, 0.0
        self._used_before = 0
        self._lines, self._said = Lines(), deque[str](maxlen=_KEPT_LINES)
        self.over = False
        self.report: CheckReport | None = None

    def start(self) -> None:
        """Check the folder and the disk, mark the environment as unfinished, and start the first step.

        Raises InputError for a folder that cannot be used or an environment of another kind in it, EngineError where
        the disk is too small or another program installs there.
        """
        self._check_folder()
        self._take_hold()
        try:
            self._open()
        except BaseException:
            self._held.close()
            raise
        self._start_step()

    def cancel(self) -> None:
        """End the running command and all it started; what has arrived is kept for the next time."""
        if not self.over:
            self._runner.kill()
            self._finish(
                CancelledError("The installation was cancelled. Install again to go on from here, or remove the rest.")
            )

    def poll(self) -> None:
        """Move the progress within a long step by what has arrived on the disk; call about once a second."""
        step = self._step
        if self.over or not step.disk_bytes:
            return
        arrived = (self._used() - self._used_before) / step.disk_bytes
        self._report("", within=min(max(arrived, 0.0), _NEARLY))

    @property
    def _step(self) -> Step:
        return self._plan.steps[self._index]

    def _check_folder(self) -> None:
        """Nothing is written before this is passed."""
        place, note = self._place, read_note(self._place)
        if note is None and place.folder.exists() and not place.folder.is_dir():
            raise InputError(f"{place.folder} is a file: choose another folder for the engine.")
        if note is None and place.strangers():
            raise InputError(f"The folder {place.folder} holds other files: choose an empty or a new one.")
        wanted = (self._plan.method, self._plan.backend)
        if note is not None and (note.method, note.backend) != wanted and has_package(place, "torch"):
            raise InputError(
                f"The engine in {place.folder} was made with {note.method} and the build {note.backend} of PyTorch: "
                "remove it first to make another one."
            )
        free = free_bytes(place.folder)
        if note is None and free < self._plan.sizes.disk_bytes:
            raise EngineError(
                f"The engine needs {size(self._plan.sizes.disk_bytes)} on the disk of {place.folder}, and "
                f"{size(free)} are free: free some space, or choose a folder on another disk."
            )

    def _take_hold(self) -> None:
        place = self._place
        try:
            place.folder.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(exclusive_lock(place.lock))
        except LockedError as error:
            raise EngineError(
                "The engine is being installed or removed by another window or program: wait until that has ended."
            ) from error
        except OSError as error:
            raise InputError(
                f"The folder {place.folder} cannot be made or written to: choose another one.", str(error)
            ) from error

    def _open(self) -> None:
        place = self._place
        old = read_note(place)
        write_note(
            place,
            Note(
                method=self._plan.method,
                backend=self._plan.backend,
                requirements=requirements(),
                problem="It was interrupted.",
                size_bytes=0 if old is None else old.size_bytes,
            ),
        )
        try:
            for folder in (place.cache, place.tmp):
                folder.mkdir(exist_ok=True)
            self._log = self._held.enter_context(place.log.open("a", encoding="utf-8", errors="replace"))
        except OSError as error:
            raise InputError(
                f"The folder {place.folder} cannot be written to: choose another one.", str(error)
            ) from error
        self._write_log(f"===== {time.strftime('%Y-%m-%d %H:%M:%S')}")

    def _start_step(self) -> None:
        step = self._step
        self._lines = Lines()
        self._said.clear()
        self._used_before = self._used()
        self._write_log(f"== {step.title}: {' '.join(step.command)}")
        self._report("")
        if self.over:  # whoever was told of the progress has cancelled
            return
        self._runner.start(step.command, step.environment, self._take, self._ended)

    def _take(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            self._hear(line)

    def _hear(self, line: str) -> None:
        if self.over:
            return
        self._said.append(line)
        self._write_log(line)
        self._report(line)

    def _ended(self, status: int | None) -> None:
        for line in self._lines.rest():
            self._hear(line)
        if self.over:
            return
        last = self._index == len(self._plan.steps) - 1
        if last:
            self._judge(status)
        elif status == 0 or self._step.optional:
            self._index += 1
            self._start_step()
        else:
            reason = installation_reason(self._said, status)
            self._finish(EngineError(f"{self._step.title} failed: {reason}.", self._detail(status)))

    def _judge(self, status: int | None) -> None:
        """The end of the test: only an environment that passes it becomes complete."""
        problem = check_problem(self._said, status)
        self.report = parse_report(self._said)
        if problem or self.report is None:
            sentence = f"The engine was installed, but it does not work. {problem} {REPAIR}"
            self._finish(EngineError(sentence, self._detail(status)))
            return
        for folder in (self._place.cache, self._place.tmp):
            shutil.rmtree(folder, ignore_errors=True)  # nearly empty by now
        self._finish(None)

    def _finish(self, error: PromptOnceError | None) -> None:
        self.over = True
        try:
            self._keep(error)
        except InputError as reason:
            error = error or reason
        self._write_log("== done" if error is None else f"== {error.message}")
        self._held.close()
        if error is None:
            self._share = 1.0
            self._on_progress(self._step.title, 1.0, "")
        self._on_end(error)

    def _keep(self, error: PromptOnceError | None) -> None:
        """Write into the note how it ended."""
        note = read_note(self._place) or Note(method=self._plan.method, backend=self._plan.backend)
        if error is not None or self.report is None:
            problem = "It was cancelled." if isinstance(error, CancelledError) else str(error)
            note = note.model_copy(update={"problem": problem})
        else:
            found = {
                "state": "complete",
                "problem": "",
                "versions": {"python": self.report.python, **self.report.versions},
                "devices": [device.name for device in self.report.devices if not device.error],
                "size_bytes": self.report.size_bytes,
            }
            note = note.model_copy(update=found)
        write_note(self._place, note)

    def _report(self, line: str, within: float = 0.0) -> None:
        """The share never goes back."""
        seconds = [step.seconds for step in self._plan.steps]
        done = sum(seconds[: self._index]) + within * self._step.seconds
        self._share = max(self._share, done / sum(seconds))
        self._on_progress(self._step.title, self._share, line)

    def _used(self) -> int:
        try:
            return shutil.disk_usage(self._place.folder).used
        except OSError:
            return 0

    def _write_log(self, line: str) -> None:
        if self._log is not None:
            with suppress(OSError, ValueError):  # a full disk is told by the step that fails on it
                self._log.write(line + "\n")
                self._log.flush()

    def _detail(self, status: int | None) -> str:
        return "\n".join([f"exit status {status}", *list(self._said)[-20:], f"The whole log: {self._place.log}"])

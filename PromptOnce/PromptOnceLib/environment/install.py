"""An installation of the private environment: the steps one after the other, their log, cancelling, and how it ends."""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TextIO

from PromptOnceLib.environment.diagnosis import installation_reason
from PromptOnceLib.environment.install_plan import InstallPlan, InstallStep
from PromptOnceLib.environment.installation import (
    InstallManifest,
    changing,
    has_package,
    read_manifest,
    requirements,
    write_manifest,
)
from PromptOnceLib.environment.platform import free_bytes, size
from PromptOnceLib.environment.verify import REPAIR, CheckReport, check_problem, parse_report
from PromptOnceLib.errors import CancelledError, EngineError, InputError, PromptOnceError
from PromptOnceLib.processes.runner import ProcessRunner, start_lines

OnProgress = Callable[[str, float, str], None]
"""Called with the title of the step, the share of the whole that is done (0 to 1), and a new line of the log or ""."""

_KEPT_LINES = 400
_NEARLY = 0.95  # what arrives on the disk cannot show that it works


class Installation:
    """Runs the steps of a plan. Use from one thread; the callbacks come from within the runner's.

    An installation that was cancelled, failed, or died with its program leaves the environment marked as unfinished;
    the same plan run again does what is missing. on_end is called once: with None, or with what went wrong.
    """

    def __init__(
        self,
        plan: InstallPlan,
        runner: ProcessRunner,
        on_progress: OnProgress,
        on_end: Callable[[PromptOnceError | None], None],
    ) -> None:
        self._plan, self._place, self._runner = plan, plan.layout, runner
        self._on_progress, self._on_end = on_progress, on_end
        self._held = ExitStack()
        self._log: TextIO | None = None
        self._index, self._share, self._used_before = 0, 0.0, 0
        self._output = deque[str](maxlen=_KEPT_LINES)
        self.over = False
        self.report: CheckReport | None = None

    def start(self) -> None:
        """Check the folder and the disk, mark the environment as unfinished, and start the first step.

        Raises InputError for a folder that cannot be used or an environment of another build in it, EngineError where
        the disk is too small or another program installs there.
        """
        self._check_folder()
        with ExitStack() as held:
            held.enter_context(changing(self._place))
            self._open(held)
            self._held = held.pop_all()
        self._used_before = self._used()
        self._start_step()

    def cancel(self) -> None:
        """End the running command and all it started; what has arrived is kept for the next time."""
        if not self.over:
            self._runner.kill()
            self._finish(
                CancelledError("The installation was cancelled. Install again to go on from here, or remove the rest.")
            )

    def poll(self) -> None:
        """Move the progress by what has arrived on the disk; call about once a second."""
        if not self.over:
            self._report("")

    @property
    def _step(self) -> InstallStep:
        return self._plan.steps[self._index]

    def _check_folder(self) -> None:
        """Nothing is written before this is passed."""
        place, manifest = self._place, read_manifest(self._place)
        if manifest is not None:
            if manifest.backend != self._plan.backend and has_package(place, "torch"):
                raise InputError(
                    f"The engine in {place.folder} was made with the build {manifest.backend} of PyTorch: remove it "
                    "first to make another one."
                )
            return
        if place.folder.exists() and not place.folder.is_dir():
            raise InputError(f"{place.folder} is a file: choose another folder for the engine.")
        if place.foreign_files():
            raise InputError(f"The folder {place.folder} holds other files: choose an empty or a new one.")
        free = free_bytes(place.folder)
        if free < self._plan.sizes.disk_bytes:
            raise EngineError(
                f"The engine needs {size(self._plan.sizes.disk_bytes)} on the disk of {place.folder}, and "
                f"{size(free)} are free: free some space, or choose a folder on another disk."
            )

    def _open(self, held: ExitStack) -> None:
        place, old = self._place, read_manifest(self._place) or InstallManifest()
        started = InstallManifest(
            backend=self._plan.backend,
            requirements=requirements(),
            problem="It was interrupted.",
            size_bytes=old.size_bytes,
        )
        write_manifest(place, started)
        try:
            for folder in (place.cache, place.tmp):
                folder.mkdir(exist_ok=True)
            self._log = held.enter_context(place.log.open("a", encoding="utf-8", errors="replace"))
        except OSError as error:
            raise InputError(
                f"The folder {place.folder} cannot be written to: choose another one.", str(error)
            ) from error
        self._write_log(f"===== {time.strftime('%Y-%m-%d %H:%M:%S')}")

    def _start_step(self) -> None:
        step = self._step
        self._output.clear()
        self._write_log(f"== {step.title}: {' '.join(step.command)}")
        self._report("")
        if not self.over:  # the callback may have cancelled
            start_lines(self._runner, step.command, step.environment, self._take, self._ended)

    def _take(self, line: str) -> None:
        if self.over:
            return
        self._output.append(line)
        self._write_log(line)
        self._report(line)

    def _ended(self, status: int | None) -> None:
        if self.over:
            return
        if self._index == len(self._plan.steps) - 1:
            self._finish_test(status)
        elif status == 0 or self._step.optional:
            self._index += 1
            self._start_step()
        else:
            reason = installation_reason(self._output, status)
            sentence = f"{self._step.title} failed: {reason}. {self._step.remedy}".rstrip()
            self._finish(EngineError(sentence, self._detail(status)))

    def _finish_test(self, status: int | None) -> None:
        """The end of the last step: only an environment that passes its test becomes complete."""
        problem = check_problem(self._output, status)
        self.report = parse_report(self._output)
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
            self._record_end(error)
        except InputError as reason:
            error = error or reason
        self._write_log("== done" if error is None else f"== {error.message}")
        self._held.close()
        if error is None:
            self._on_progress(self._step.title, 1.0, "")
        self._on_end(error)

    def _record_end(self, error: PromptOnceError | None) -> None:
        manifest = read_manifest(self._place) or InstallManifest(backend=self._plan.backend)
        changes: dict[str, object]
        if error is not None or self.report is None:
            changes = {"problem": "It was cancelled." if isinstance(error, CancelledError) else str(error)}
        else:
            changes = {
                "state": "complete",
                "problem": "",
                "versions": {"python": self.report.python, **self.report.versions},
                "devices": [device.name for device in self.report.devices if not device.error],
                "size_bytes": self.report.size_bytes,
            }
        write_manifest(self._place, manifest.model_copy(update=changes))

    def _report(self, line: str) -> None:
        """The share is what has arrived on the disk of what is expected there; it never goes back."""
        arrived = (self._used() - self._used_before) / self._plan.sizes.disk_bytes
        self._share = max(self._share, min(arrived, _NEARLY))
        self._on_progress(self._step.title, self._share, line)

    def _used(self) -> int:
        try:
            return shutil.disk_usage(self._place.folder).used
        except OSError:
            return 0

    def _write_log(self, line: str) -> None:
        if self._log is not None:
            with suppress(OSError, ValueError):  # a full disk is reported by the step that fails on it
                self._log.write(line + "\n")
                self._log.flush()

    def _detail(self, status: int | None) -> str:
        return "\n".join([f"exit status {status}", *list(self._output)[-20:], f"The whole log: {self._place.log}"])

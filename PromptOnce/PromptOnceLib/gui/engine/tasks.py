"""What takes long around the engine, one thing at a time: install, repair, remove, test, download a model."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from PromptOnceLib.environment import installation
from PromptOnceLib.environment.engine_python import Kind
from PromptOnceLib.environment.install import Installation
from PromptOnceLib.environment.install_plan import plan_installation
from PromptOnceLib.environment.installation import EnvironmentState
from PromptOnceLib.environment.platform import free_bytes, size
from PromptOnceLib.environment.remove import Removal
from PromptOnceLib.environment.verify import CheckReport, EngineTest
from PromptOnceLib.errors import CancelledError, EngineError, PromptOnceError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.engine.choice import EngineChoice
from PromptOnceLib.gui.engine.model_download import ModelDownload
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.timer import QtTimer
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.models import checkpoints
from PromptOnceLib.models.model_entry import ModelEntry
from PromptOnceLib.processes.runner import ProcessRunner
from PromptOnceLib.processes.variables import clean_environment

_LOG_LINES = 300
_POLL_MILLISECONDS = 1000
_REMOVAL_MILLISECONDS = 20


class EngineTasks:
    """At most one task at a time. title, share (0 to 1), log: of what goes on, or went on last.

    changed: called when any of these has changed. When a task is over, the engine is another one: see EngineAccess.
    """

    def __init__(self, choice: EngineChoice, engine: EngineAccess, notices: Notices, runner: ProcessRunner) -> None:
        self._choice, self._engine, self._notices, self._runner = choice, engine, notices, runner
        self.changed: Signal[[]] = Signal()
        self._task: Any = None
        self._removal_timer = QtTimer(_REMOVAL_MILLISECONDS, False, self._follow_removal)
        self._poll_timer = QtTimer(_POLL_MILLISECONDS, False, self._poll)
        self.title, self.share = "", 0.0
        self._estimate: tuple[str, str] | None = None
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        engine.no_greeting.connect(self.test_named)
        engine.rebuilt_while(lambda: self.busy and not isinstance(self._task, ModelDownload))

    @property
    def busy(self) -> bool:
        """Whether something goes on."""
        return self._task is not None

    def estimate(self) -> str:
        """What an installation will take, for the person who decides; worked out once for a folder."""
        folder = self._choice.preferences.engine_folder
        if self._estimate is None or self._estimate[0] != folder:
            self._estimate = (folder, self._find_estimate())
        return self._estimate[1]

    def _find_estimate(self) -> str:
        try:
            plan = self._plan()
        except PromptOnceError as error:
            return error.message
        free = _("{size} are free in {folder}.").format(
            size=size(free_bytes(plan.layout.folder)), folder=plan.layout.folder
        )
        return f"{plan.sentence} {free}"

    def install(self) -> None:
        """Install the private environment, or what is missing of it."""

        def make() -> Installation:
            return Installation(self._plan(), self._runner, self._progress, self._installed)

        if self._begin(make):
            self._poll_timer.start()

    def remove(self) -> None:
        """Remove the private environment, worker and all."""

        def make() -> Removal:
            self._engine.end_worker()
            return Removal(self._choice.place)

        if self._begin(make):
            self.title = _("Removing the engine")
            self._removal_timer.start()

    def test(self) -> None:
        """Start the chosen Python, import what the worker needs, and compute a little on every device."""
        if self._begin(self._make_test):
            self.title = _("Testing the engine")

    def test_named(self) -> None:
        """Test the Python that the user has named, as nobody else has put into it what it needs."""
        if self._choice.preferences.kind == Kind.EXISTING.value:
            self._choice.judge_python("")
            if self._engine.missing() is None:
                self.test()

    def download(self) -> None:
        """Download the checkpoint of the chosen model; work with another one may go on meanwhile."""
        entry = self._choice.entry
        if entry is not None:
            folder = self._choice.models_folder
            self._begin(lambda: ModelDownload(entry.name, folder, self._runner, self._progress, self._downloaded), True)

    def get(self, entry: ModelEntry) -> None:
        """Work with this model from now on; it is downloaded before where it is not on this computer."""
        if self._choice.present(entry):
            self._engine.choose(model=entry.name)
            return
        folder = self._choice.models_folder

        def arrived(error: PromptOnceError | None) -> None:
            if error is None:
                self._engine.choose(model=entry.name)
            self._downloaded(error)

        self._begin(lambda: ModelDownload(entry.name, folder, self._runner, self._progress, arrived), True)

    def delete(self) -> None:
        """Delete the checkpoint of the chosen model from this computer."""
        entry = self._choice.entry
        if entry is None or self.busy or self._has_to_wait():
            return
        try:
            freed = checkpoints.delete(entry, self._choice.models_folder)
        except PromptOnceError as error:
            self._notices.say("engine", error.message)
            return
        self._engine.switch()
        self._notices.say("engine", _("{size} freed.").format(size=size(freed)))

    def cancel(self) -> None:
        """Stop what goes on; what has been done is kept for the next time."""
        task = self._task
        if isinstance(task, Removal):
            self._notices.say("engine", _("Removing cannot be cancelled; it takes a moment."))
        elif task is not None:
            task.cancel()

    def _plan(self) -> Any:
        folder = self._choice.preferences.engine_folder or None
        manifest = installation.status(folder).manifest
        return plan_installation(folder) if manifest is None else plan_installation(folder, backend=manifest.backend)

    def _make_test(self) -> EngineTest:
        if self._choice.preferences.kind != Kind.PRIVATE.value:
            chosen = self._choice.interpreter()
            return EngineTest(chosen.python, chosen.environment, self._runner, self._tested)
        found = installation.status(self._choice.preferences.engine_folder or None)
        if found.state in (EnvironmentState.ABSENT, EnvironmentState.UNFINISHED):
            raise EngineError(found.sentence)
        return EngineTest(found.layout.python, clean_environment(), self._runner, self._tested, found.layout)

    def _has_to_wait(self) -> bool:
        """Whether something needs the engine as it is, which is said then."""
        if self._engine.in_use:
            self._notices.say("engine", _("The engine is at work: wait for the end, or cancel it; then go on here."))
        return self._engine.in_use

    def _begin(self, make: Callable[[], Any], beside_work: bool = False) -> bool:
        """Begin a task, unless another one, or work that it would disturb, goes on; whether it goes on now."""
        if self.busy or (not beside_work and self._has_to_wait()):
            return False
        self.log.clear()
        self.share = 0.0
        self._notices.say("engine", "")
        try:
            self._task = make()
            self._task.start()
        except PromptOnceError as error:
            self._end(error.message)
        self.changed()
        return self.busy

    def _progress(self, title: str, share: float, line: str) -> None:
        self.title, self.share = title, share
        if line:
            self.log.append(line)
        self.changed()

    def _poll(self) -> None:
        if isinstance(self._task, Installation):
            self._task.poll()

    def _follow_removal(self) -> None:
        """Give the removal's thread time, which it does not get while Slicer's window waits for events."""
        removal: Removal = self._task
        try:
            if not removal.wait(_REMOVAL_MILLISECONDS / 1000):
                return
        except PromptOnceError as error:
            self._end(error.message)
            return
        freed = _(" {size} freed.").format(size=size(removal.size_bytes)) if removal.size_bytes else ""
        self._end(_("The engine was removed.") + freed)

    def _installed(self, error: PromptOnceError | None) -> None:
        self._end(_("The engine is ready.") if error is None else error.message)

    def _downloaded(self, error: PromptOnceError | None) -> None:
        self._end(_("The model is on this computer now.") if error is None else error.message)

    def _tested(self, report: CheckReport | None, error: PromptOnceError | None) -> None:
        if self._choice.preferences.kind == Kind.EXISTING.value and not isinstance(error, CancelledError):
            self._choice.judge_python("" if error is None else error.message)
        if error is not None or report is None:
            self._end("" if error is None else error.message)
            return
        versions = {"Python": report.python} | {name: report.versions.get(name, "") for name in ("torch", "sam2")}
        devices = ", ".join(device.name for device in report.devices if not device.error)
        told = ", ".join(
            f"{name} {version}" for name, version in versions.items() if name in ("Python", "torch", "sam2")
        )
        sentence = _("The engine works: {versions}. Devices: {devices}.").format(versions=told, devices=devices)
        self._end(" ".join([sentence, *report.notices]))

    def _end(self, sentence: str) -> None:
        self._task, self.title = None, ""
        self._poll_timer.stop()
        self._removal_timer.stop()
        self._engine.switch()
        self._notices.say("engine", sentence)

"""The worker as all features use it: one process, with the model, the device and the Python that are chosen."""

from __future__ import annotations

from collections.abc import Callable

from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.gui.engine.choice import EngineChoice, Missing, OpenTransport
from PromptOnceLib.gui.notices import Notices, Part
from PromptOnceLib.gui.preferences import Preferences, save_preferences
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.timer import QtTimer
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.worker.session import Session
from PromptOnceLib.worker.session_job import SessionState

PUMP_MILLISECONDS = 200


class EngineAccess:
    """Starts the worker when something is asked of its session, and listens to it as long as it has something to do.

    session: takes requests; whoever made one calls `begin_work`. pumped: called after the worker was listened to, which
    is when callbacks have been called and progress was made. changed: called when another model, device or Python is
    chosen, and when files of the model or the engine have come or gone. no_greeting: called when a worker has ended
    before it said what it is: its Python may lack packages.
    """

    def __init__(self, choice: EngineChoice, open_transport: OpenTransport, notices: Notices) -> None:
        self._choice, self._notices = choice, notices
        self.changed: Signal[[]] = Signal()
        self.pumped: Signal[[]] = Signal()
        self.no_greeting: Signal[[]] = Signal()
        self._occupants: list[tuple[Part, Callable[[], bool]]] = []
        self._other_users: list[Callable[[], bool]] = []
        self._is_rebuilt: Callable[[], bool] = lambda: False
        self._worker_outdated = False
        self._pump_timer = QtTimer(PUMP_MILLISECONDS, False, self.pump)
        self._wake_timer = QtTimer(0, True, self.pump)
        self._pumping = False
        self._told: PromptOnceError | None = None
        # A callback of a process must not be the one that takes its last reader away: hence the timer.
        client = choice.client(open_transport, self._wake_timer.start)
        self.session = Session(client, on_notice=lambda text: notices.say("engine", text))

    @property
    def preferences(self) -> Preferences:
        """What is chosen for this computer."""
        return self._choice.preferences

    @property
    def device(self) -> str:
        """The device that is chosen, "auto" for the best there is."""
        return self._choice.preferences.device

    @property
    def state(self) -> SessionState:
        """What the session is doing."""
        return self.session.state

    def files(self) -> ModelFiles:
        """The files of the chosen model. Raises ModelError."""
        return self._choice.files()

    def choose(self, **preferences: str) -> None:
        """Choose another model, device or Python, by the names of Preferences; kept for the next session."""
        chosen = self._choice.preferences
        if any(getattr(chosen, name) != value for name, value in preferences.items()):
            for name, value in preferences.items():
                setattr(chosen, name, value)
            save_preferences(chosen)
            self.switch()

    def missing(self) -> Missing | None:
        """What has to be installed or downloaded first, or waited for; None when work can begin."""
        if self._is_rebuilt():
            return Missing(_("Wait until the installation, removal or test of the engine is over."))
        return self._choice.missing()

    # Who has the worker for itself

    def occupied_by(self, part: Part, is_working: Callable[[], bool]) -> None:
        """Ask this function from now on whether a part of the panel has the worker for itself."""
        self._occupants.append((part, is_working))

    @property
    def occupant(self) -> Part | None:
        """The part of the panel whose work has the worker for itself: a run, or what seeds need."""
        return next((part for part, is_working in self._occupants if is_working()), None)

    @property
    def working(self) -> bool:
        """Whether something goes on that another stack, or another prompt, would end."""
        return self.occupant is not None

    # Who needs the engine as it is, and who changes it

    def used_by(self, is_using: Callable[[], bool]) -> None:
        """Ask this function from now on whether something with workers of its own needs the engine as it is."""
        self._other_users.append(is_using)

    @property
    def in_use(self) -> bool:
        """Whether something goes on for which the engine has to stay as it is."""
        return self.working or any(is_using() for is_using in self._other_users)

    def rebuilt_while(self, is_rebuilt: Callable[[], bool]) -> None:
        """Begin nothing while this function says that the engine is being installed, removed or tested."""
        self._is_rebuilt = is_rebuilt

    # The worker

    def prepare(self, stack: Stack, index: int) -> None:
        """Have the worker hold the chosen model and this stack, and encode one slice ahead. Raises ModelError."""
        self.session.prepare(self.files(), self.device, "auto", stack, index)

    def begin_work(self) -> None:
        """Look after the session until it has nothing to do."""
        self._pump_timer.start()
        self._wake_timer.start()

    def cancel(self) -> None:
        """Stop at the next slice whatever goes on; what is done is kept."""
        self.session.cancel()
        self.begin_work()

    def pump(self) -> None:
        """Take in what the worker said."""
        if self._pumping:  # a callback that lets the event loop run
            return
        self._pumping = True
        try:
            self.session.pump()
        finally:
            self._pumping = False
        if not self.session.busy:
            self._pump_timer.stop()
        error = self.session.error
        if self.state is SessionState.FAILED and error is not None and error is not self._told:
            self._told = error
            self._choice.forget()
            self._notices.say("engine", error.message)
            if self.session.client.welcome is None:
                self.no_greeting()
        elif self._told is not None and self.state is not SessionState.FAILED:
            self._take_back(self._told)
        if self._worker_outdated and not self.working:
            self._worker_outdated = False
            self.end_worker()
            self.changed()
        self.pumped()

    def _take_back(self, error: PromptOnceError) -> None:
        """What was wrong is over: a request was answered, or is being worked on."""
        self._told = None
        if self._notices.of("engine") == error.message:
            self._notices.say("engine", "")

    def end_worker(self) -> None:
        """End the process; the next request starts another."""
        self.session.close(grace=1.0)

    def switch(self) -> None:
        """Another model, device or Python is chosen, or files have come or gone: nothing that was known counts.

        Work that goes on comes to its end with the worker that it began with.
        """
        self._choice.forget()
        self._worker_outdated = self.working
        if not self._worker_outdated:
            self.end_worker()
            for part in ("engine", "prompt", "run"):
                self._notices.say(part, "")
            self._told = None
        self.changed()

    def close(self) -> None:
        """End the worker for good."""
        self.session.close(grace=2.0)
        for timer in (self._pump_timer, self._wake_timer):
            timer.stop()

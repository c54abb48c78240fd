"""Model, device and Python as chosen, and what is missing of them, as text for the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from PromptOnceLib.environment import installation
from PromptOnceLib.environment.engine_python import Interpreter, Kind, interpreter
from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.gui.preferences import FILE_MODEL, Preferences
from PromptOnceLib.models import checkpoints
from PromptOnceLib.models.default_model import AUTO, better_model, default_model
from PromptOnceLib.models.model_entry import ModelEntry
from PromptOnceLib.models.registry import ModelFiles, load_registry, resolve_model
from PromptOnceLib.processes.transport import Transport, worker_command, worker_environment
from PromptOnceLib.worker.client import WorkerClient

OpenTransport = Callable[[Sequence[str], Mapping[str, str], Callable[[], object]], Transport]
"""Starts a process: command, all its variables, and what to call when it said something or ended."""


@dataclass(frozen=True)
class Missing:
    """What has to be done before anything can be segmented. remedy: "install", "download", or "" for the user's own."""

    sentence: str
    remedy: str = ""


class EngineChoice:
    """The choices in `preferences`, which may change at any time.

    What was found on the disk is kept until another choice is made or `forget` is called. That something is missing is
    not kept: it may be put right elsewhere.
    """

    def __init__(self, preferences: Preferences) -> None:
        self.preferences = preferences
        self._files: tuple[Preferences, ModelFiles] | None = None
        self._complete: Preferences | None = None
        self._unfit: dict[str, str] = {}

    @property
    def entry(self) -> ModelEntry | None:
        """The chosen model in the registry, or the one that is taken where none was chosen; None for a file."""
        registry = load_registry()
        model = self.preferences.model
        if model == AUTO:
            return default_model(registry.models, self.models_folder)
        return registry.get(model) if model in registry else None

    @property
    def better(self) -> ModelEntry | None:
        """What to take in place of the demonstration model: the best one on this computer, else one to download; or
        None.
        """
        return better_model(load_registry().models, self.entry, self.models_folder)

    def missing(self) -> Missing | None:
        """The first thing that is missing, found without starting anything; None when work can begin."""
        if self._complete == self.preferences:
            return None
        missing = self._find_missing()
        if missing is None:
            self._complete = replace(self.preferences)
        return missing

    def _find_missing(self) -> Missing | None:
        try:
            self.interpreter()
        except PromptOnceError as error:
            private = self.preferences.kind == Kind.PRIVATE.value
            return Missing(error.message, "install" if private else "")
        if self.preferences.kind == Kind.EXISTING.value and self.preferences.python in self._unfit:
            return Missing(self._unfit[self.preferences.python])
        entry = self.entry
        if entry is not None and not entry.embedded and not self.present(entry):
            return Missing(f"The model {entry.name} is not on this computer.", "download")
        try:
            self.files()
        except PromptOnceError as error:
            return Missing(error.message)
        return None

    def present(self, entry: ModelEntry) -> bool:
        """Whether the checkpoint of a model is on this computer."""
        return checkpoints.status(entry, self.models_folder).complete

    @property
    def models_folder(self) -> str | None:
        """Folder of the checkpoints, None for the usual one."""
        return self.preferences.models_folder or None

    @property
    def place(self) -> installation.Layout:
        """Where the private environment lies, or will lie."""
        return installation.layout(self.preferences.engine_folder or None)

    def interpreter(self) -> Interpreter:
        """The Python of the worker. Raises EngineError and InputError as engine_python.interpreter."""
        chosen = self.preferences
        return interpreter(Kind(chosen.kind), folder=chosen.engine_folder or None, python=chosen.python)

    def files(self) -> ModelFiles:
        """The files of the model, checked; looked at again when the choice changed. Raises ModelError."""
        if self._files is None or self._files[0] != self.preferences:
            self._files = (replace(self.preferences), self._resolve())
        return self._files[1]

    def forget(self) -> None:
        """Look at the disk again next time: something was installed, removed, downloaded or deleted."""
        self._files = self._complete = None

    def judge_python(self, problem: str) -> None:
        """Keep what a test has found wrong with the Python that is named; "" where nothing is."""
        self._unfit.pop(self.preferences.python, None)
        if problem:
            self._unfit[self.preferences.python] = problem
        self._complete = None

    def client(self, open_transport: OpenTransport, on_activity: Callable[[], object]) -> WorkerClient:
        """A client whose workers run with the Python that is chosen when they are started."""

        def start() -> Transport:
            chosen = self.interpreter()
            return open_transport(worker_command(chosen.python), worker_environment(chosen.environment), on_activity)

        return WorkerClient(start)

    def _resolve(self) -> ModelFiles:
        chosen = self.preferences
        if chosen.model == FILE_MODEL:
            return resolve_model(chosen.checkpoint or "checkpoint.pt", chosen.config or None)
        return resolve_model(chosen.model, folder=self.models_folder)

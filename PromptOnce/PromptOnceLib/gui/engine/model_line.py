"""The line that says with which model the panel works, whether that is possible now, and how to get a better one."""

from __future__ import annotations

import qt

from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.engine.choice import EngineChoice
from PromptOnceLib.gui.engine.panel import EnginePanel, device_name
from PromptOnceLib.gui.engine.tasks import EngineTasks
from PromptOnceLib.gui.panel import PanelTools
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, line_label, show_text
from PromptOnceLib.worker.session_job import SessionState

READY, BUSY, MISSING = "#2e9e4f", "#d98a00", "#c8322b"
"""Colours of the lamp: work can begin; something is being installed or downloaded; something is missing."""

_LAMP = 12  # pixels
_LINES, _WIDTH = 2, 160


class ModelLine:
    """Always seen, as every result depends on it: lamp, model and device, and one button.

    The button gets what is missing or, in place of the demonstration model, a better one; else it opens the settings.
    """

    def __init__(
        self, tools: PanelTools, choice: EngineChoice, engine: EngineAccess, tasks: EngineTasks, settings: EnginePanel
    ) -> None:
        self._choice, self._engine, self._tasks, self._settings = choice, engine, tasks, settings
        self.widget = qt.QWidget()
        self.lamp, self.text, self.button = qt.QLabel(), line_label(), qt.QPushButton()
        self.lamp.setFixedSize(_LAMP, _LAMP)
        layout = qt.QHBoxLayout()
        layout.setContentsMargins(9, 0, 9, 0)  # as what lies in the panels above and below
        layout.addWidget(self.lamp)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.button)
        self.widget.setLayout(layout)
        self._state: tuple[str, str, str] | None = None
        connect(self.button, "clicked(bool)", lambda _checked: self._pressed())
        self._refresher = tools.refresher
        self._heard: tuple[object, ...] = ()
        for signal in (engine.changed, tasks.changed):
            signal.connect(self._outdated)
        engine.pumped.connect(self._listened)

    def refresh(self) -> None:
        """Show the state of now; touches nothing while it stays the same."""
        state = self._find_state()
        if state == self._state:
            return
        self._state = state
        color, text, button = state
        self.lamp.setStyleSheet(f"background: {color}; border-radius: {_LAMP // 2}px")
        show_text(self.text, text, _LINES, _WIDTH)
        self.button.text = button

    def _listened(self) -> None:
        """The worker was listened to, as several times a second during a run: seldom it says what is shown here."""
        session = self._engine.session
        heard = (self._engine.state is SessionState.FAILED, session.error, session.model)
        if heard != self._heard:
            self._heard = heard
            self._outdated()

    def _outdated(self) -> None:
        self._refresher.ask(self.refresh)

    def _find_state(self) -> tuple[str, str, str]:
        """Colour, text, and what stands on the button."""
        if self._tasks.busy:
            return BUSY, self._tasks.title, _("Show")
        missing, entry = self._engine.missing(), self._choice.entry
        if missing is not None:
            words = {"install": _("Install the engine ..."), "download": _("Download the model ...")}
            return MISSING, missing.sentence, words.get(missing.remedy, _("Settings ..."))
        error = self._engine.session.error
        if self._engine.state is SessionState.FAILED and error is not None:
            return MISSING, error.message, _("Settings ...")
        name = _("a file") if entry is None else entry.title
        text = _("{model} on {device}").format(model=name, device=self._device())
        better = self._choice.better
        if better is None:
            return READY, text, _("Settings ...")
        text += _(": demonstration model, for research only")
        if self._choice.present(better):
            return READY, text, _("Use {model}").format(model=better.title)
        return READY, text, _("Get {model} ({size} MB)").format(model=better.name, size=better.megabytes)

    def _device(self) -> str:
        """The device that the worker has taken, else the one that is chosen."""
        loaded = self._engine.session.model
        chosen = self._engine.device
        return device_name(loaded.device if loaded is not None and chosen == "auto" else chosen)

    def _pressed(self) -> None:
        """What is installed or downloaded is shown by the settings, with its size, progress and Cancel."""
        missing, better = self._engine.missing(), self._choice.better
        if self._tasks.busy:
            self._settings.unfold()
        elif missing is not None and missing.remedy:
            self._settings.show_remedy(missing.remedy)
        elif missing is None and better is not None:
            if not self._choice.present(better):
                self._settings.unfold()
            self._tasks.get(better)
        else:
            self._settings.unfold()

"""The whole panel of the module: its parts in the order of work, the workbench behind them, shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ctk
import qt

from PromptOnceLib.gui.batch.panel import BatchPanel
from PromptOnceLib.gui.engine.choice import EngineChoice, OpenTransport
from PromptOnceLib.gui.engine.panel import EnginePanel
from PromptOnceLib.gui.engine.tasks import EngineTasks
from PromptOnceLib.gui.preferences import load_preferences
from PromptOnceLib.gui.prompt.panel import PromptPanel
from PromptOnceLib.gui.qt.process_runner import QtRunner
from PromptOnceLib.gui.qt.process_transport import ProcessTransport
from PromptOnceLib.gui.qt.shortcuts import Shortcuts, listing
from PromptOnceLib.gui.qt.timer import QtTimer
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect
from PromptOnceLib.gui.run.compare_panel import ComparePanel
from PromptOnceLib.gui.run.panel import RunPanel
from PromptOnceLib.gui.seeds.panel import SeedsPanel
from PromptOnceLib.gui.volume.panel import VolumePanel
from PromptOnceLib.gui.workbench import Workbench


class ModulePanel:
    """Fills a layout with the panels. open_transport, runner: replaced in tests that want no processes."""

    def __init__(self, layout: Any, open_transport: OpenTransport = ProcessTransport, runner: Any = None) -> None:
        self.bench = Workbench(EngineChoice(load_preferences()), open_transport, QtTimer)
        self.tasks = EngineTasks(self.bench, QtRunner() if runner is None else runner, QtTimer)
        self.volume = VolumePanel(_("Volume"), self.bench)
        self.prompt = PromptPanel(_("Prompt"), self.bench)
        self.seeds = SeedsPanel(_("Seeds"), self.bench)
        self.run = RunPanel(_("Run"), self.bench)
        self.compare = ComparePanel(_("Compare"), self.bench)
        self.batch = BatchPanel(_("Batch"), self.bench, QtTimer)
        self.engine = EnginePanel(_("Engine"), self.bench, self.tasks)
        self.panels = (self.volume, self.prompt, self.seeds, self.run, self.compare, self.batch, self.engine)
        for panel in self.panels:
            layout.addWidget(panel.widget)
        self.keys = qt.QLabel(listing())
        self.keys_button = ctk.ctkCollapsibleButton()
        self.keys_button.text = _("Shortcuts")
        keys_layout = qt.QVBoxLayout()
        keys_layout.addWidget(self.keys)
        self.keys_button.setLayout(keys_layout)
        layout.addWidget(self.keys_button)
        layout.addStretch(1)
        for part in (self.seeds.widget, self.compare.widget, self.batch.widget, self.engine.widget, self.keys_button):
            part.collapsed = True
        connect(self.prompt.engine, "clicked(bool)", lambda _checked: self._remedy())
        self._shortcuts = Shortcuts(self._actions())
        self._refresh_timer = QtTimer(0, True, self._refresh)
        self.bench.changed.connect(self._refresh_timer.start)
        self._refresh()

    def enter(self, parameters: Any) -> None:
        """The module is opened."""
        self._shortcuts.switch_on()
        if self.bench.parameters is None:
            self.bench.use_parameters(parameters)

    def leave(self) -> None:
        """Another module is opened; a run goes on."""
        self._shortcuts.switch_off()
        self.bench.editing.use_tool(None)

    def close(self) -> None:
        """The module goes."""
        self._shortcuts.switch_off()
        self.bench.changed.disconnect(self._refresh_timer.start)
        self._refresh_timer.stop()
        for panel in self.panels:
            panel.cleanup()
        self.bench.close()

    @property
    def up_to_date(self) -> bool:
        """Whether the panels show the workbench as it is; they follow at the next turn of the event loop."""
        return not self._refresh_timer.active

    def _refresh(self) -> None:
        for panel in self.panels:
            panel.refresh()
        missing = self.bench.previewing.missing
        remedies = {"install": _("Install the engine ..."), "download": _("Download the model ...")}
        self.prompt.engine.setVisible(missing is not None and missing.remedy in remedies)
        if missing is not None:
            self.prompt.engine.text = remedies.get(missing.remedy, "")

    def _remedy(self) -> None:
        """Show where it is done: sizes and folders are there, and the decision is the user's."""
        self.engine.widget.collapsed = False
        target = self.engine.download if self.bench.previewing.missing.remedy == "download" else self.engine.install
        target.setFocus()

    def _actions(self) -> dict[str, Callable[[], object]]:
        bench = self.bench
        return {
            "box": lambda: bench.editing.use_tool("box"),
            "positive": lambda: bench.editing.use_tool("positive"),
            "negative": lambda: bench.editing.use_tool("negative"),
            "undo": self.prompt.take_back,
            "redo": self.prompt.do_again,
            "seed": bench.prompted_slice.show,
            "propagate": bench.propagating.start,
            "cancel": bench.propagating.cancel,
        }

"""The whole panel of the module: its parts in the order of work, the workbench behind them, shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ctk
import qt

from PromptOnceLib.gui.batch.panel import BatchPanel
from PromptOnceLib.gui.correct.panel import CorrectPanel
from PromptOnceLib.gui.engine.model_line import ModelLine
from PromptOnceLib.gui.engine.panel import EnginePanel
from PromptOnceLib.gui.panel import Panel, PanelTools
from PromptOnceLib.gui.parameter_node import PromptOnceParameterNode
from PromptOnceLib.gui.preferences import load_preferences
from PromptOnceLib.gui.prompt.panel import PromptPanel
from PromptOnceLib.gui.qt.process_runner import QtRunner
from PromptOnceLib.gui.qt.process_transport import ProcessTransport
from PromptOnceLib.gui.qt.refresher import Refresher
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import line_label, show_text
from PromptOnceLib.gui.run.compare_panel import ComparePanel
from PromptOnceLib.gui.run.panel import RunPanel
from PromptOnceLib.gui.seeds.panel import SeedsPanel
from PromptOnceLib.gui.shortcuts import WITH_A_RESULT, WITH_A_TOOL, Shortcuts, listing
from PromptOnceLib.gui.volume.panel import VolumePanel
from PromptOnceLib.gui.workbench import Workbench

_WIDTH = 342  # pixels, with its margins 360


class ModulePanel:
    """Fills a layout with the panels."""

    def __init__(self, layout: Any) -> None:
        bench = Workbench(load_preferences(), ProcessTransport, QtRunner())
        self.bench, self._refresher = bench, Refresher()
        tools = PanelTools(self._refresher, bench.notices)
        current, choices, engine = bench.current, bench.choices, bench.engine
        self.volume = VolumePanel(_("Volume"), tools, current, choices, bench.selection, bench.prompted_slice)
        self.prompt = PromptPanel(_("Prompt"), tools, current, bench.editor, bench.preview)
        self.run = RunPanel(_("Propagate"), tools, current, choices, engine, bench.runs, bench.target)
        self.correct = CorrectPanel(_("Correct"), tools, current, engine, bench.corrections)
        self.compare = ComparePanel(_("Review"), tools, current, choices, bench.comparison)
        self.seeds = SeedsPanel(_("Seeds"), tools, current, engine, bench.runs, bench.seeds)
        self.batch = BatchPanel(_("Batch"), tools, bench.seeds.library, bench.batches, bench.reviews)
        self.engine = EnginePanel(_("Engine settings"), tools, bench.engine_choice, engine, bench.tasks)
        self.model = ModelLine(tools, bench.engine_choice, engine, bench.tasks, self.engine)
        by_hand = (self.volume, self.prompt, self.run, self.correct, self.compare)
        rarely = (self.seeds, self.batch, self.engine)
        self.panels: tuple[Panel, ...] = (*by_hand, *rarely)
        for shown in (self.volume, self.model, *self.panels[1:]):
            layout.addWidget(shown.widget)
        # One width, whatever is folded: the dock would change its own with the panel.
        self.volume.widget.setMinimumWidth(_WIDTH)
        self._add_keys(layout)
        layout.addStretch(1)
        for part in (*(panel.widget for panel in rarely), self.keys_button):
            part.collapsed = True
        self._shortcuts = Shortcuts(self._actions())
        bench.editor.changed.connect(lambda: self._shortcuts.use(WITH_A_TOOL, bench.editor.tool is not None))
        segment = bench.corrections.segment
        segment.changed.connect(lambda: self._shortcuts.use(WITH_A_RESULT, segment.place is not None))
        for shown in (*self.panels, self.model):
            shown.refresh()

    def enter(self, parameters: PromptOnceParameterNode) -> None:
        """The module is opened."""
        self._shortcuts.switch_on()
        if self.bench.choices.node is None:
            self.bench.selection.use_choices(parameters)
        self.bench.selection.choose_obvious_volume()
        self.bench.editor.enter()
        self.correct.look_again()
        self.compare.look_again()
        for panel in self.panels:  # segments, references and the like may be others now
            panel.outdated()

    def leave(self) -> None:
        """Another module is opened; a run goes on."""
        self._shortcuts.switch_off()
        self.bench.editor.leave()
        self.correct.leave()
        self.compare.leave()

    def close(self) -> None:
        """The module goes."""
        self._shortcuts.switch_off()
        for panel in self.panels:
            panel.cleanup()
        self.bench.close()
        self._refresher.stop()

    @property
    def up_to_date(self) -> bool:
        """Whether the panels show everything as it is; they follow at the next turn of the event loop."""
        return not self._refresher.pending

    def _add_keys(self, layout: Any) -> None:
        self.keys = line_label()
        show_text(self.keys, listing())
        self.keys_button = ctk.ctkCollapsibleButton()
        self.keys_button.text = _("Shortcuts")
        keys_layout = qt.QVBoxLayout()
        keys_layout.addWidget(self.keys)
        self.keys_button.setLayout(keys_layout)
        layout.addWidget(self.keys_button)

    def _actions(self) -> dict[str, Callable[[], object]]:
        editor, runs = self.bench.editor, self.bench.runs
        return {
            "box": lambda: editor.use_tool("box"),
            "positive": lambda: editor.use_tool("positive"),
            "negative": lambda: editor.use_tool("negative"),
            "undo": self.prompt.take_back,
            "redo": self.prompt.do_again,
            "seed": self.bench.prompted_slice.show,
            "propagate": runs.start,
            "cancel": runs.cancel,
            "swap": editor.swap_points,
            "put_away": lambda: editor.use_tool(None),
            "next": self.bench.corrections.next,
            "accept": self.bench.corrections.accept,
        }

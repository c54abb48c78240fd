"""The clean-up in the panel Run: which pieces stay, and going back on what it took out."""

from __future__ import annotations

import qt

from PromptOnceLib.errors import InputError
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.panel import fill, narrow
from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect
from PromptOnceLib.gui.run.propagation import RunController


class CleanUpChoice:
    """A list of rules, and a button that undoes what the last run's clean-up did. To be put into a layout."""

    def __init__(self, runs: RunController, choices: SceneChoices, notices: Notices) -> None:
        self._runs, self._choices, self._notices = runs, choices, notices
        self.rule = narrow(qt.QComboBox())
        self.rule.setToolTip(_("Which pieces of the masks are kept once all slices are done"))
        self.undo = qt.QToolButton()
        connect(self.rule, "activated(int)", lambda index: choices.set(cleanUp=self.rule.itemData(index)))
        connect(self.undo, "clicked(bool)", lambda _checked: self.swap())

    def refresh(self, enabled: bool) -> None:
        """Show what is chosen, and whether there is something to go back on."""
        self.rule.enabled = enabled
        if self._choices.node is not None:
            fill(self.rule, _rules(), self._choices.node.cleanUp)
        run = self._runs.ended_run
        self.undo.enabled = run is not None and run.removed > 0 and not run.writer.undone
        undone = run is not None and run.clean_up_undone
        self.undo.text = _("Redo clean-up") if undone else _("Undo clean-up")

    def swap(self) -> None:
        """Put back what the clean-up of the last run took out, or take it out again."""
        run = self._runs.ended_run
        if run is None:
            return
        try:
            run.swap_clean_up()
        except InputError as error:
            self._notices.say("run", error.message)
            return
        self._notices.say(
            "run", _("The clean-up was undone.") if run.clean_up_undone else _("The clean-up was redone.")
        )
        self._runs.tell_result()


def _rules() -> list[tuple[str, str]]:
    return [
        (_("touching the prompt"), "connected"),
        (_("largest piece"), "largest"),
        (_("all pieces"), "all"),
    ]

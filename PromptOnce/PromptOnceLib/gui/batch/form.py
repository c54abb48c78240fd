"""The part of the panel Batch that begins a run."""

from __future__ import annotations

from typing import Any

import ctk
import qt

from PromptOnceLib.gui.batch.controller import BatchController, choices_of_prompt, prompt_choice
from PromptOnceLib.gui.panel import fill, narrow
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, icon, row
from PromptOnceLib.gui.run.panel import early_stop_box
from PromptOnceLib.gui.seeds.library import LibraryController


class BatchForm:
    """Images (a folder, or a manifest), what prompts them, references, and the folder for the results."""

    def __init__(self, library: LibraryController, batches: BatchController) -> None:
        self._library, self._batches = library, batches
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.text = _("Begin a run")
        self.source, self.output, self.references = qt.QLineEdit(), qt.QLineEdit(), qt.QLineEdit()
        for edit in (self.source, self.output, self.references):
            edit.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self.source.setPlaceholderText(_("a folder, or a table (CSV, TSV)"))
        self.references.setPlaceholderText("{case}_lung.nii.gz")
        self.references.setToolTip(_("Where each case's reference is, to compare with; leave empty for none"))
        self.choose_folder, self.choose_table = _dots(_("A folder of images")), _dots(_("A table of images"))
        self.choose_table.text = _("Table")
        self.choose_output = _dots(_("A new or empty folder, or that of a run to go on with"))
        self.prompt = narrow(qt.QComboBox())
        self.early_stop = early_stop_box()
        self.resume = qt.QCheckBox(_("Go on with the run in this folder"))
        self.begin = qt.QPushButton(icon("propagate"), _("Start"))
        form = qt.QFormLayout()
        form.setFieldGrowthPolicy(qt.QFormLayout.AllNonFixedFieldsGrow)
        form.addRow(_("Images:"), row(self.source, self.choose_folder, self.choose_table))
        form.addRow(_("Prompt:"), self.prompt)
        form.addRow(_("References:"), self.references)
        form.addRow(_("Results in:"), row(self.output, self.choose_output))
        form.addRow(self.early_stop)
        form.addRow(self.resume)
        form.addRow(self.begin)
        self.widget.setLayout(form)
        self.widget.collapsed = True
        self._prompt = "auto"
        connect(self.widget, "contentsCollapsed(bool)", self._folded)
        connect(self.choose_folder, "clicked(bool)", lambda _checked: self._ask_folder(self.source))
        connect(self.choose_output, "clicked(bool)", lambda _checked: self._ask_folder(self.output))
        connect(self.choose_table, "clicked(bool)", lambda _checked: self._ask_table())
        connect(self.prompt, "activated(int)", self._prompt_chosen)
        connect(self.begin, "clicked(bool)", lambda _checked: self._start())

    def refresh(self) -> None:
        """Show what can be chosen now."""
        if self.widget.collapsed:
            return
        seeds = [match.seed for match in self._library.matches]
        seeds.sort(key=lambda seed: seed.name.casefold())
        fill(self.prompt, choices_of_prompt(seeds), self._prompt)
        self.begin.enabled = not self._batches.running

    def _folded(self, collapsed: bool) -> None:
        if not collapsed:
            self._library.open_library()
            self.refresh()

    def _ask_folder(self, edit: Any) -> None:
        folder = qt.QFileDialog.getExistingDirectory(self.widget, _("Choose a folder"), edit.text)
        if folder:
            edit.setText(folder)

    def _ask_table(self) -> None:
        path = qt.QFileDialog.getOpenFileName(self.widget, _("Choose a table"), "", "CSV, TSV (*.csv *.tsv *.txt)")
        if path:
            self.source.setText(path)

    def _prompt_chosen(self, index: int) -> None:
        self._prompt = self.prompt.itemData(index)

    def _start(self) -> None:
        source, output, references = self.source.text, self.output.text, self.references.text
        resume, early_stop = bool(self.resume.checked), bool(self.early_stop.checked)
        self._batches.start(source, output, prompt_choice(self._prompt), references, resume, early_stop)


def _dots(tip: str) -> Any:
    button = qt.QToolButton()
    button.text = "..."
    button.setToolTip(tip)
    return button

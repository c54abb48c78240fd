"""The panel Batch: a run's cases, the one to look at first at the top; reviewing them; beginning a run."""

from __future__ import annotations

from pathlib import Path

import qt

from PromptOnceLib.batch.report.run_results import CaseResult
from PromptOnceLib.gui.batch.controller import BatchController
from PromptOnceLib.gui.batch.form import BatchForm
from PromptOnceLib.gui.batch.review import ReviewController
from PromptOnceLib.gui.panel import Panel, PanelTools
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, icon, line_label, row, show_text
from PromptOnceLib.gui.seeds.library import LibraryController

_TABLE_HEIGHT, _ROW_HEIGHT = 200, 24  # pixels
_NAME_WIDTH, _STATE_WIDTH = 150, 76


class BatchPanel(Panel):
    """Nothing is read before a run is opened or begun."""

    part = "batch"

    def __init__(
        self,
        title: str,
        tools: PanelTools,
        library: LibraryController,
        batches: BatchController,
        reviews: ReviewController,
    ) -> None:
        self._library, self._batches, self._reviews = library, batches, reviews
        super().__init__(title, tools)
        self.follow(library.changed, batches.changed, reviews.changed)
        batches.case_over.connect(self._case_is_over)

    def build(self) -> None:
        """See Panel."""
        self.start = BatchForm(self._library, self._batches)
        self.open = qt.QPushButton(_("Open run ..."))
        self.open.setToolTip(_("The folder that a batch has written"))
        self.folder, self.count = line_label(), line_label()
        self.table = qt.QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels([_("Case"), _("Review"), _("Why to look")])
        self.table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        self.table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        self.table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        self.table.setFixedHeight(_TABLE_HEIGHT)
        self.table.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self.table.setTextElideMode(qt.Qt.ElideMiddle)  # names of cases differ at their ends
        self.table.setColumnWidth(0, _NAME_WIDTH)
        self.table.setColumnWidth(1, _STATE_WIDTH)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        self.doubts = line_label()
        self.next = qt.QPushButton(icon("forward"), _("Next case"))
        self.next.setToolTip(_("Load the image and the result that need a look most"))
        self.accept, self.correct = qt.QPushButton(_("Accept")), qt.QPushButton(_("Save correction"))
        self.accept.setToolTip(_("The result shown is right"))
        self.correct.setToolTip(_("Keep the segments as they are now beside the original result"))
        self.go_on = qt.QCheckBox(_("Then show the next case"))
        self.go_on.checked = True
        self.cancel = qt.QPushButton(icon("cancel"), _("Cancel"))
        self.cancel.setToolTip(_("Stop the current case; finished cases are kept"))
        self.bar, self.progress = qt.QProgressBar(), line_label()
        self.form.addRow(self.start.widget)
        self.form.addRow(self.notice)
        self.form.addRow(self.progress)
        self.form.addRow(row(self.bar, self.cancel))
        self.form.addRow(row(self.open, None))
        self.form.addRow(self.folder)
        self.form.addRow(self.count)
        self.form.addRow(self.table)
        self.form.addRow(self.doubts)
        self.form.addRow(row(self.next, self.accept, self.correct))
        self.form.addRow(self.go_on)
        self._shown: list[tuple[str, str, str]] = []
        connect(self.open, "clicked(bool)", lambda _checked: self._open())
        connect(self.table, "cellActivated(int,int)", lambda number, _column: self._show(number))
        connect(self.table, "cellDoubleClicked(int,int)", lambda number, _column: self._show(number))
        connect(self.next, "clicked(bool)", lambda _checked: self._reviews.next_case())
        connect(self.accept, "clicked(bool)", lambda _checked: self._reviews.accept())
        connect(self.correct, "clicked(bool)", lambda _checked: self._reviews.save_correction())
        connect(self.go_on, "toggled(bool)", self._go_on_chosen)
        connect(self.cancel, "clicked(bool)", lambda _checked: self._batches.cancel())

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        if self.widget.collapsed:
            return
        reviews, batches = self._reviews, self._batches
        self.start.refresh()
        text, done, total = batches.progress
        show_text(self.progress, text)
        self.bar.setVisible(batches.running)
        self.cancel.setVisible(batches.running)
        self.bar.setMaximum(total)
        self.bar.setValue(done)
        there = bool(reviews.cases)
        reviewed, results = reviews.reviewed
        folder = reviews.folder
        show_text(self.folder, "" if folder is None else _("Run: {name}").format(name=folder.name))
        self.folder.setToolTip("" if folder is None else str(folder))
        words = _("{reviewed} of {results} reviewed").format(reviewed=reviewed, results=results)
        missing = len(reviews.cases) - results
        if missing:
            words += _(", {count} without a result").format(count=missing)
        show_text(self.count, words if there else "")
        for widget in (self.table, self.next, self.accept, self.correct, self.go_on):
            widget.setVisible(there)
        self.accept.enabled = self.correct.enabled = bool(reviews.current)
        self.next.enabled = results > 0
        self._show_table()
        current = reviews.case(reviews.current) if reviews.current else None
        show_text(self.doubts, "" if current is None else _doubts(current))

    def _show_table(self) -> None:
        reviews = self._reviews
        rows = [(case.name, _state(case), _reason(case)) for case in reviews.cases]
        if rows != self._shown:
            self._shown = rows
            self.table.setRowCount(len(rows))
            for number, texts in enumerate(rows):
                for column, text in enumerate(texts):
                    item = qt.QTableWidgetItem(text)
                    item.setToolTip(text)
                    self.table.setItem(number, column, item)
        names = [case.name for case in reviews.cases]
        if reviews.current in names and self.table.currentRow() != names.index(reviews.current):
            self.table.setCurrentCell(names.index(reviews.current), 0)

    def _open(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(self.widget, _("Open the run of a batch"))
        if folder:
            self._reviews.open(folder)

    def _show(self, number: int) -> None:
        if 0 <= number < len(self._reviews.cases) and self._reviews.cases[number].name != self._reviews.current:
            self._reviews.show(self._reviews.cases[number].name)

    def _go_on_chosen(self, checked: bool) -> None:
        self._reviews.go_on = checked

    def _case_is_over(self, folder: Path) -> None:
        if self._batches.running:
            self._reviews.follow(folder)
        else:
            self._reviews.follow_to_the_end(folder)


def _state(case: CaseResult) -> str:
    if case.record is None:
        return _("failed") if case.failure is not None else _("not done")
    words = {"accepted": _("accepted"), "corrected": _("corrected")}
    return words.get(case.record.review.state, _("look") if case.to_look_at else _("open"))


def _reason(case: CaseResult) -> str:
    if case.record is None:
        return "" if case.failure is None else case.failure.message
    look = case.record.look_first
    return _("{reason}, slice {index}").format(reason=look.reason, index=look.slice) if look.doubts else look.reason


def _doubts(case: CaseResult) -> str:
    """What the figures of the case that is shown say."""
    assert case.record is not None
    doubts = [
        doubt.reason
        if doubt.slice is None
        else _("{reason} (slice {index})").format(reason=doubt.reason, index=doubt.slice)
        for doubt in case.record.look_first.doubts
    ]
    return f"{case.name}: {'; '.join(doubts) or case.record.look_first.reason}."

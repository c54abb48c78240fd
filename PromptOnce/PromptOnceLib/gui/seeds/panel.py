"""The panel Seeds: suggested seeds for the volume, applying them, and the care of the library."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ctk
import qt

from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.panel import Panel, PanelTools, fill, narrow
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, elided, icon, line_label, pixmap, row, show_text
from PromptOnceLib.gui.run.propagation import RunController
from PromptOnceLib.gui.seeds.feature import SeedFeature
from PromptOnceLib.gui.seeds.form import SeedForm
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.mrml.seeds import scanner_in_words
from PromptOnceLib.seeds.matching import Match
from PromptOnceLib.seeds.picture import seed_picture
from PromptOnceLib.seeds.reliability import trust_of

_THUMBNAIL, _LIST_HEIGHT, _NAME_WIDTH = 72, 190, 60  # pixels
_ZIP = "ZIP (*.zip)"


class SeedsPanel(Panel):
    """Nothing is read or computed before it is unfolded."""

    part = "seeds"

    def __init__(
        self,
        title: str,
        tools: PanelTools,
        current: CurrentCase,
        engine: EngineAccess,
        runs: RunController,
        feature: SeedFeature,
    ) -> None:
        self._current, self._engine, self._runs = current, engine, runs
        self._library, self._similarity = feature.library, feature.similarity
        self._workflow, self._applier, self._saver = feature.workflow, feature.applier, feature.saver
        super().__init__(title, tools)
        self.follow(current.changed, engine.changed, engine.pumped, runs.changed, self._library.changed)
        self.follow(self._workflow.changed, self._applier.changed)

    def build(self) -> None:
        """See Panel."""
        self.form_button = SeedForm(self._current, self._engine, self._saver)
        self.scanner, self.target = qt.QLineEdit(), qt.QLineEdit()
        self.scanner.setToolTip(_("Your name for the scanner of this series; seeds of the same scanner come first"))
        self.target.setPlaceholderText(_("anything"))
        self.target.setToolTip(_("Suggest only seeds of this target"))
        self.list = qt.QListWidget()
        self.list.setSelectionMode(qt.QAbstractItemView.ExtendedSelection)
        self.list.setIconSize(qt.QSize(_THUMBNAIL, _THUMBNAIL))
        self.list.setWordWrap(True)
        self.list.setFixedHeight(_LIST_HEIGHT)
        self.list.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self.list.setVerticalScrollMode(qt.QAbstractItemView.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        self.empty = line_label()
        self.start, self.by = narrow(qt.QComboBox()), narrow(qt.QComboBox())
        self.selected_only = qt.QCheckBox()
        self.apply = qt.QPushButton(icon("propagate"), _("Apply"))
        self.apply.setToolTip(_("Put the chosen seeds before the volume's slices and propagate"))
        self.cancel = qt.QPushButton(icon("cancel"), _("Cancel"))
        self.bar, self.progress = qt.QProgressBar(), line_label()
        self.form.addRow(self.form_button.widget)
        self.form.addRow(_("Scanner:"), self.scanner)
        self.form.addRow(_("Target:"), self.target)
        self.form.addRow(self.list)
        self.form.addRow(self.empty)
        self.form.addRow(_("Start at:"), self.start)
        self.form.addRow(_("Prompt by:"), self.by)
        self.form.addRow(self.selected_only)
        buttons = row(self.apply, self.cancel)
        buttons.setStretch(0, 1)
        self.form.addRow(buttons)
        self.form.addRow(self.bar)
        self.form.addRow(self.progress)
        self._build_care()
        self.bar.hide()
        self._shown: list[tuple[str, str]] = []
        self._connect()

    def _build_care(self) -> None:
        """Below the rest: what is seldom needed."""
        self.care = ctk.ctkCollapsibleButton()
        self.care.text = _("Library")
        self.name, self.note = qt.QLineEdit(), qt.QLineEdit()
        self.details = line_label()
        self.delete, self.undo = qt.QPushButton(_("Delete")), qt.QPushButton(_("Undo delete"))
        self.delete.setToolTip(_("Move the chosen seeds to the library's trash"))
        self.export, self.import_ = qt.QPushButton(_("Export ...")), qt.QPushButton(_("Import ..."))
        self.folder = ctk.ctkDirectoryButton()
        self.folder.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        form = qt.QFormLayout()
        form.setFieldGrowthPolicy(qt.QFormLayout.AllNonFixedFieldsGrow)
        form.addRow(_("Name:"), self.name)
        form.addRow(_("Note:"), self.note)
        form.addRow(self.details)
        form.addRow(row(self.delete, self.undo, None))
        form.addRow(row(self.export, self.import_, None))
        form.addRow(_("Folder:"), self.folder)
        self.care.setLayout(form)
        self.care.collapsed = True
        self.form.addRow(self.care)

    def _connect(self) -> None:
        library, applier = self._library, self._applier
        connect(self.list, "itemSelectionChanged()", self._selection_changed)
        connect(self.scanner, "editingFinished()", lambda: library.name_scanner(self.scanner.text))
        connect(self.target, "editingFinished()", lambda: library.look_for(self.target.text))
        connect(self.start, "activated(int)", lambda i: self._set_option(start=self.start.itemData(i)))
        connect(self.by, "activated(int)", lambda i: self._set_option(by=self.by.itemData(i)))
        connect(self.selected_only, "toggled(bool)", lambda checked: self._set_option(selected=checked))
        connect(self.apply, "clicked(bool)", lambda _checked: applier.apply())
        connect(self.cancel, "clicked(bool)", lambda _checked: self._engine.cancel())
        connect(self.name, "editingFinished()", self._renamed)
        connect(self.note, "editingFinished()", self._noted)
        connect(self.delete, "clicked(bool)", lambda _checked: library.delete_chosen())
        connect(self.undo, "clicked(bool)", lambda _checked: library.undo_delete())
        connect(self.export, "clicked(bool)", lambda _checked: self._export())
        connect(self.import_, "clicked(bool)", lambda _checked: self._import())
        connect(self.folder, "directorySelected(QString)", library.use_folder)

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        if self.widget.collapsed:
            return
        case, library = self._current.case, self._library
        library.update()
        self.form_button.refresh()
        self.scanner.enabled = self.target.enabled = case is not None
        tags = "" if case is None else scanner_in_words(case.image.volume.scanner)
        self.scanner.setPlaceholderText(tags or _("name it once for this series"))
        if not self.scanner.hasFocus() and self.scanner.text != library.scanner_name:
            self.scanner.setText(library.scanner_name)
        if not self.target.hasFocus() and self.target.text != library.target:
            self.target.setText(library.target)
        self._show_list(case is not None)
        self._show_options(case)
        self._show_progress()
        self._show_care()

    def cleanup(self) -> None:
        """See Panel."""
        self.form_button.close()

    def unfolded(self) -> None:
        """See Panel."""
        self._library.open_library()
        self.refresh()

    def _show_list(self, of_volume: bool) -> None:
        library = self._library
        entries = [(match.seed.id, _as_text(match, of_volume)) for match in library.matches]
        empty = _("The library holds no seed yet. Segment an object, then save its prompt as a seed.")
        show_text(self.empty, "" if entries else empty)
        self.list.setVisible(bool(entries))
        blocked = self.list.blockSignals(True)
        if entries != self._shown:
            self._shown = entries
            self.list.clear()
            for match, (seed_id, text) in zip(library.matches, entries, strict=True):
                self.list.addItem(text)
                item = self.list.item(self.list.count - 1)
                item.setData(qt.Qt.UserRole, seed_id)
                item.setIcon(qt.QIcon(pixmap(seed_picture(match.seed, (_THUMBNAIL, _THUMBNAIL)))))
                item.setToolTip(text)
        for number, (seed_id, _text) in enumerate(entries):
            item = self.list.item(number)
            if item.isSelected() != (seed_id in library.chosen):
                item.setSelected(seed_id in library.chosen)
        self.list.blockSignals(blocked)

    def _show_options(self, case: OpenCase | None) -> None:
        library, options, working = self._library, self._applier.options, self._engine.working
        fill(self.start, _starts(), options.start)
        fill(self.by, _ways(), options.by)
        selected = "" if case is None else case.selected.name
        name = elided(self.selected_only, selected, _NAME_WIDTH)
        self.selected_only.text = _("Into the selected object only ({name})").format(name=name)
        blocked = self.selected_only.blockSignals(True)
        self.selected_only.checked = options.selected
        self.selected_only.blockSignals(blocked)
        free = case is not None and not working
        usable = [match.usable for match in library.matches if match.seed.id in library.chosen]
        self.apply.enabled = free and bool(usable) and all(usable)
        self.cancel.enabled = working
        for widget in (self.start, self.by, self.selected_only):
            widget.enabled = free

    def _show_progress(self) -> None:
        text, done, total = self._progress()
        self.bar.setVisible(self._engine.working)
        self.bar.setMaximum(total)  # 0, before the first slice, shows that something goes on
        self.bar.setValue(done)
        show_text(self.progress, text)

    def _progress(self) -> tuple[str, int, int]:
        if self._workflow.running:
            return self._workflow.progress
        job = self._runs.job
        if self._runs.running and job is not None:
            return _("Segmenting"), job.progress.done, job.progress.total
        return (_("Comparing the seeds with the volume ...") if self._similarity.comparing else ""), 0, 0

    def _show_care(self) -> None:
        library = self._library
        chosen = library.chosen_seeds
        one = chosen[0].record if len(chosen) == 1 else None
        for edit, text in ((self.name, one.name if one else ""), (self.note, one.note if one else "")):
            edit.enabled = one is not None
            if edit.text != text and not edit.hasFocus():
                edit.setText(text)
        facts = [] if one is None else [str(one.date), one.model.name, one.window.name, one.author, one.licence]
        show_text(self.details, ", ".join(fact for fact in facts if fact))
        self.delete.enabled = self.export.enabled = bool(chosen)
        self.undo.enabled = library.can_undo_delete
        blocked = self.folder.blockSignals(True)
        self.folder.directory = str(library.library.folder)
        self.folder.blockSignals(blocked)

    def _selection_changed(self) -> None:
        items = [self.list.item(number) for number in range(self.list.count)]
        self._library.choose([item.data(qt.Qt.UserRole) for item in items if item.isSelected()])

    def _set_option(self, **options: Any) -> None:
        self._applier.choose(replace(self._applier.options, **options))

    def _renamed(self) -> None:
        chosen = self._library.chosen_seeds
        if len(chosen) == 1 and self.name.text != chosen[0].name:
            self._library.rename(chosen[0].id, self.name.text)

    def _noted(self) -> None:
        chosen = self._library.chosen_seeds
        if len(chosen) == 1 and self.note.text != chosen[0].record.note:
            self._library.edit_note(chosen[0].id, self.note.text)

    def _export(self) -> None:
        path = qt.QFileDialog.getSaveFileName(self.widget, _("Export seeds"), "seeds.zip", _ZIP)
        if path:
            self._library.export_chosen(path)

    def _import(self) -> None:
        path = qt.QFileDialog.getOpenFileName(self.widget, _("Import seeds"), "", _ZIP)
        if path:
            self._library.import_file(path)


def _as_text(match: Match, of_volume: bool) -> str:
    """Name; scanner and round trip; why it stands where it stands."""
    record = match.seed.record
    scanner = record.scanner_name or scanner_in_words(record.scanner) or _("scanner not known")
    trip = _("no round trip")
    if any("round trip" in reason for reason in match.reasons):
        trip = ""  # said once, as a reason
    elif record.round_trip is not None:
        worst = record.round_trip.worst
        trip = _("round trip {dice:.2f}, {trust}").format(dice=worst, trust=trust_of(worst))
    lines = [record.name if not record.target else f"{record.name} ({record.target})"]
    lines.append("; ".join(part for part in (scanner, trip) if part))
    if match.reasons:
        lines.append("; ".join(match.reasons) if match.usable else _("Does not fit: ") + "; ".join(match.reasons))
    elif of_volume and not match.usable:
        lines.append(_("Does not fit"))
    return "\n".join(lines)


def _starts() -> list[tuple[str, str]]:
    return [
        (_("the central slice"), "central"),
        (_("the most confident slice"), "confident"),
        (_("the slice most similar to the seed's (slow)"), "similar"),
        (_("the slice shown"), "shown"),
    ]


def _ways() -> list[tuple[str, str]]:
    return [(_("box and points"), "prompt"), (_("the accepted mask"), "mask")]

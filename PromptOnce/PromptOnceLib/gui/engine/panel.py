"""The panel Engine: model, device, the Python of the worker, and what takes long around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ctk
import qt
import slicer

from PromptOnceLib.environment import installation
from PromptOnceLib.environment.engine_python import Kind
from PromptOnceLib.environment.installation import EnvironmentState
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.engine.choice import EngineChoice
from PromptOnceLib.gui.engine.tasks import EngineTasks
from PromptOnceLib.gui.panel import Panel, PanelTools, fill, narrow
from PromptOnceLib.gui.preferences import DEVICES, FILE_MODEL
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, line_label, row, show_text
from PromptOnceLib.models import checkpoints
from PromptOnceLib.models.registry import load_registry

_STATUS_WIDTH = 200  # pixels: names of folders, which cannot be wrapped, leave room at the ends of lines


class EnginePanel(Panel):
    """Choices are kept in Slicer's settings; nothing is installed or downloaded without a click."""

    part = "engine"

    def __init__(
        self, title: str, tools: PanelTools, choice: EngineChoice, engine: EngineAccess, tasks: EngineTasks
    ) -> None:
        self._choice, self._engine, self._tasks = choice, engine, tasks
        super().__init__(title, tools)
        self.follow(engine.changed, tasks.changed)
        engine.pumped.connect(self._listened)

    def build(self) -> None:
        """See Panel."""
        self.model, self.device, self.kind = narrow(qt.QComboBox()), narrow(qt.QComboBox()), narrow(qt.QComboBox())
        self.checkpoint = _path(["*.pt *.pth"])
        self.config = _path(["*.yaml"])
        self.python, self.model_text, self.status = _path([]), line_label(), line_label()
        self.download, self.delete = qt.QPushButton(), qt.QPushButton(_("Delete"))
        self.install, self.remove = qt.QPushButton(_("Install")), qt.QPushButton(_("Remove"))
        self.repair, self.test = qt.QPushButton(_("Repair")), qt.QPushButton(_("Test"))
        self.models_folder, self.engine_folder = _folder(), _folder()
        self.cancel, self.bar, self.task = qt.QPushButton(_("Cancel")), qt.QProgressBar(), line_label()
        self.log = qt.QPlainTextEdit()
        self.log.readOnly = True
        self.log.setMaximumHeight(110)
        self.log.setLineWrapMode(qt.QPlainTextEdit.NoWrap)
        self.bar.setRange(0, 1000)
        self._in_use = False
        self.form.addRow(_("Model:"), self.model)
        self.form.addRow(self.model_text)
        self._file_rows = [_row_of(self.form, text, widget) for text, widget in self._of_file()]
        self.form.addRow(row(self.download, self.delete, None))
        self.form.addRow(_("Models in:"), self.models_folder)
        self.form.addRow(_("Device:"), self.device)
        self.form.addRow(_("Python:"), self.kind)
        self.python_label = _row_of(self.form, _("Program:"), self.python)
        self.form.addRow(self.status)
        self.form.addRow(row(self.install, self.repair, self.test, self.remove, None))
        self.folder_label = _row_of(self.form, _("Engine in:"), self.engine_folder)
        self.form.addRow(self.task)
        self.form.addRow(row(self.bar, self.cancel))
        self.form.addRow(self.log)
        chosen = self._choice.preferences
        for widget, path in (
            (self.checkpoint, chosen.checkpoint),
            (self.config, chosen.config),
            (self.python, chosen.python),
        ):
            widget.currentPath = path
        self._connect()

    def refresh(self) -> None:
        """See Panel. Looks at files, so not while nobody sees it."""
        super().refresh()
        if self.widget.collapsed:
            return
        chosen, tasks = self._choice.preferences, self._tasks
        entry, self._in_use = self._choice.entry, self._engine.in_use
        fill(self.model, self._models(), FILE_MODEL if entry is None else entry.name)
        fill(self.device, _devices(), chosen.device)
        fill(self.kind, _kinds(), chosen.kind)
        self._show_model()
        self._show_environment()
        for widget in (self.model, self.kind, self.device, self.models_folder, self.engine_folder):
            widget.enabled = not tasks.busy
        self.bar.setVisible(tasks.busy)
        self.cancel.setVisible(tasks.busy)
        show_text(self.task, tasks.title)
        self.bar.setValue(round(1000 * tasks.share))
        text = "\n".join(tasks.log)
        if self.log.toPlainText() != text:
            self.log.setPlainText(text)
            self.log.verticalScrollBar().setValue(self.log.verticalScrollBar().maximum)
        self.log.setVisible(bool(text))

    def show_remedy(self, remedy: str) -> None:
        """Show where something missing is put right: sizes and folders are there, and the decision is the user's.

        remedy: see Missing.
        """
        self.unfold()
        (self.download if remedy == "download" else self.install).setFocus()

    def _of_file(self) -> list[tuple[str, Any]]:
        return [(_("Checkpoint:"), self.checkpoint), (_("Configuration:"), self.config)]

    def _connect(self) -> None:
        tasks, choose = self._tasks, self._engine.choose
        connect(self.model, "activated(int)", lambda i: choose(model=self.model.itemData(i)))
        connect(self.device, "activated(int)", lambda i: choose(device=self.device.itemData(i)))
        connect(self.kind, "activated(int)", lambda i: self._name_python(kind=self.kind.itemData(i)))
        self._lines = [
            _take_whole(self.checkpoint, lambda path: choose(checkpoint=path)),
            _take_whole(self.config, lambda path: choose(config=path)),
            _take_whole(self.python, self._python_named),
        ]
        connect(self.models_folder, "directorySelected(QString)", lambda path: choose(models_folder=path))
        connect(self.engine_folder, "directorySelected(QString)", lambda path: choose(engine_folder=path))
        for button, action in (
            (self.download, tasks.download),
            (self.delete, tasks.delete),
            (self.install, tasks.install),
            (self.repair, tasks.install),
            (self.test, tasks.test),
            (self.remove, tasks.remove),
            (self.cancel, tasks.cancel),
        ):
            connect(button, "clicked(bool)", lambda _checked, action=action: action())

    def _listened(self) -> None:
        """Whether something is computed is asked several times a second then, but looked for on the disk once."""
        if self._engine.in_use != self._in_use:
            self._in_use = self._engine.in_use
            self.outdated()

    def _python_named(self, path: str) -> None:
        if path != self._choice.preferences.python:
            self._name_python(python=path)

    def _name_python(self, **choice: str) -> None:
        """Another Python is tried at once: what it lacks is said before anything is asked of it."""
        self._engine.choose(**choice)
        self._tasks.test_named()

    def _models(self) -> list[tuple[str, str]]:
        entries = []
        for entry in load_registry().entries():
            if entry.segments_single_slices:
                continue  # for studies; here everything is propagated
            here = _("built in") if entry.embedded else _("here") if self._choice.present(entry) else ""
            size = f"{entry.megabytes} MB"
            entries.append((f"{entry.title} ({here or size})", entry.name))
        return [*entries, (_("a file"), FILE_MODEL)]

    def _show_model(self) -> None:
        choice, entry = self._choice, self._choice.entry
        for label, widget in zip(self._file_rows, (self.checkpoint, self.config), strict=True):
            label.setVisible(entry is None)
            widget.setVisible(entry is None)
        absent = entry if entry is not None and not choice.present(entry) else None
        self.download.setVisible(absent is not None)
        self.download.enabled = not self._tasks.busy
        self.delete.setVisible(entry is not None and not entry.embedded and absent is None)
        self.delete.enabled = not (self._tasks.busy or self._in_use)
        if absent is not None:
            self.download.text = _("Download {size} MB").format(size=absent.megabytes)
            text = _("{description} Not on this computer. Licence of the weights: {licence}.")
            show_text(self.model_text, text.format(description=absent.description, licence=absent.licence))
        else:
            show_text(self.model_text, "" if entry is None else entry.description)
        _show_folder(self.models_folder, str(checkpoints.checkpoints_folder(choice.models_folder)))

    def _show_environment(self) -> None:
        chosen, busy = self._choice.preferences, self._tasks.busy or self._in_use
        private = chosen.kind == Kind.PRIVATE.value
        found = installation.status(chosen.engine_folder or None)
        self.python.setVisible(chosen.kind == Kind.EXISTING.value)
        self.python_label.setVisible(chosen.kind == Kind.EXISTING.value)
        self.engine_folder.setVisible(private)
        self.folder_label.setVisible(private)
        _show_folder(self.engine_folder, str(found.layout.folder))
        self.install.setVisible(private and found.state is EnvironmentState.ABSENT)
        self.repair.setVisible(
            private and found.state in (EnvironmentState.UNFINISHED, EnvironmentState.BROKEN, EnvironmentState.OUTDATED)
        )
        self.remove.setVisible(private and found.state is not EnvironmentState.ABSENT)
        for button in (self.install, self.repair, self.remove, self.test):
            button.enabled = not busy
        self.test.setVisible(not private or found.state not in (EnvironmentState.ABSENT, EnvironmentState.UNFINISHED))
        if not private:
            missing = self._engine.missing()
            show_text(self.status, "" if missing is None else missing.sentence)
        elif found.ready and found.manifest is not None:
            versions = found.manifest.versions
            told = ", ".join(f"{name} {versions[name]}" for name in ("python", "torch", "sam2") if name in versions)
            show_text(self.status, _("The engine is installed: {versions}.").format(versions=told))
        else:
            extra = f" {self._tasks.estimate()}" if found.state is EnvironmentState.ABSENT and not busy else ""
            show_text(self.status, found.sentence + extra, width=_STATUS_WIDTH)


def device_name(device: str) -> str:
    """What a device is called in the panel."""
    names = {"auto": _("the best device"), "cuda": "NVIDIA (CUDA)", "mps": "Apple (MPS)", "cpu": _("the processor")}
    return names.get(device.partition(":")[0], device)


def _devices() -> list[tuple[str, str]]:
    return [(device_name(device), device) for device in DEVICES]


def _kinds() -> list[tuple[str, str]]:
    return [
        (_("PromptOnce's own environment"), Kind.PRIVATE.value),
        (_("an existing Python"), Kind.EXISTING.value),
        (_("Slicer's Python"), Kind.OWN.value),
    ]


def _path(name_filters: list[str]) -> Any:
    path = ctk.ctkPathLineEdit()
    path.filters = ctk.ctkPathLineEdit.Files | ctk.ctkPathLineEdit.Readable
    if name_filters:
        path.nameFilters = name_filters
    path.sizeAdjustPolicy = ctk.ctkPathLineEdit.AdjustToMinimumContentsLength
    return path


def _take_whole(edit: Any, take: Callable[[str], object]) -> Any:
    """Call a function with every path that was chosen, or typed to its end: each letter gives another path. The line
    that is typed into, to be kept.
    """
    line = slicer.util.findChildren(edit, className="QLineEdit")[0]
    connect(edit, "currentPathChanged(QString)", lambda path: None if line.modified else take(path))
    connect(line, "editingFinished()", lambda: take(edit.currentPath))
    return line


def _folder() -> Any:
    button = ctk.ctkDirectoryButton()
    button.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
    return button


def _show_folder(button: Any, path: str) -> None:
    """Without telling anybody: the button calls every folder that is set one that was selected."""
    blocked = button.blockSignals(True)
    button.directory = path
    button.blockSignals(blocked)


def _row_of(form: Any, text: str, widget: Any) -> Any:
    """Add a row whose label can be hidden with its widget; the label."""
    label = qt.QLabel(text)
    form.addRow(label, widget)
    return label

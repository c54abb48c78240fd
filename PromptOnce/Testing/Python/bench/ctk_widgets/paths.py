"""Widgets to choose a file or a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from PySide6.QtCore import Property, QRegularExpression, QSettings, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QPushButton, QToolButton, QWidget

from bench.pythonqt.stand_ins import stand_in, stored_property


def _pattern(name_filters: list[str]) -> str:
    """Regular expression of ["Images (*.png *.jpg)", "*.nrrd"]; empty filters let everything pass."""
    wildcards = [w for f in name_filters for w in f.rpartition("(")[2].rstrip(")").split()]
    return "|".join(re.escape(w).replace(r"\*", ".*").replace(r"\?", ".") for w in wildcards)


@stand_in("ctk")
class ctkPathLineEdit(QWidget):
    """A line for a path with a history and a button that opens a file dialog."""

    Dirs, Files, Drives, NoSymLinks = 0x001, 0x002, 0x004, 0x008
    AllEntries = Dirs | Files | Drives
    Readable, Writable, Executable, Modified, Hidden, System = 0x010, 0x020, 0x040, 0x080, 0x100, 0x200
    AllDirs, CaseSensitive, NoDot, NoDotDot, NoDotAndDotDot = 0x400, 0x800, 0x2000, 0x4000, 0x1000
    ShowDirsOnly, DontResolveSymlinks, DontConfirmOverwrite = 0x1, 0x2, 0x4
    AdjustToContents, AdjustToContentsOnFirstShow, AdjustToMinimumContentsLength = 0, 1, 2

    validInputChanged = Signal(bool)
    currentPathChanged = Signal(str)
    label = stored_property(str, "label", "")
    filters = stored_property(int, "filters", AllEntries | NoDotAndDotDot | Readable)
    options = stored_property(int, "options", 0)
    settingKey = stored_property(str, "settingKey", "")
    nameFilters = stored_property("QStringList", "nameFilters", [])
    sizeAdjustPolicy = stored_property(int, "sizeAdjustPolicy", AdjustToContentsOnFirstShow)
    minimumContentsLength = stored_property(int, "minimumContentsLength", 0)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._combo, self._button, self._valid = QComboBox(), QToolButton(), True
        self._combo.setEditable(True)
        self._combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._button.setText("...")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._combo, 1)
        row.addWidget(self._button)
        self._button.clicked.connect(self.browse)
        self._combo.lineEdit().textChanged.connect(self._edited)

    def _edited(self, path: str) -> None:
        valid = self._combo.lineEdit().acceptableInput
        if valid:
            self.currentPathChanged.emit(path)
        if valid != self._valid:
            self._valid = valid
            self.validInputChanged.emit(valid)

    def _on_nameFilters(self, filters: list[str]) -> None:
        self._combo.lineEdit().setValidator(QRegularExpressionValidator(QRegularExpression(_pattern(filters)), self))

    def _on_settingKey(self, _key: str) -> None:
        self.retrieveHistory()

    def setCurrentPath(self, path: str) -> None:
        self._combo.lineEdit().setText(path)

    currentPath = Property(str, lambda self: self._combo.lineEdit().text, setCurrentPath)

    def _set_button(self, visible: bool) -> None:
        self._button.setVisible(visible)

    showBrowseButton = Property(bool, lambda self: not self._button.isHidden(), _set_button)
    showHistoryButton = stored_property(bool, "showHistoryButton", True)

    def comboBox(self) -> QComboBox:
        return self._combo

    def browse(self) -> None:
        """Ask with a file dialog that fits the filters; nothing happens when it is cancelled."""
        if not self.filters & self.Files:
            path = QFileDialog.getExistingDirectory(self, "Select a directory...", self.currentPath)
        elif self.filters & self.Writable:
            path = QFileDialog.getSaveFileName(self, "Select a file to save", self.currentPath)
        else:
            path = QFileDialog.getOpenFileName(self, "Open a file", self.currentPath)
        if path:
            self.setCurrentPath(str(path))

    def retrieveHistory(self) -> None:
        history = QSettings().value(self.settingKey) or []
        path = self.currentPath
        self._combo.clear()
        self._combo.addItems([history] if isinstance(history, str) else history)
        if not path and self._combo.count:
            path = self._combo.itemText(0)
        self._combo.lineEdit().setText(path)

    def addCurrentPathToHistory(self) -> None:
        if self.settingKey and self.currentPath:
            texts = [self._combo.itemText(i) for i in range(self._combo.count) if i < 10]
            history = [self.currentPath] + [text for text in texts if text != self.currentPath]
            QSettings().setValue(self.settingKey, history)
            self.retrieveHistory()


@stand_in("ctk")
class ctkDirectoryButton(QWidget):
    """A button that shows a folder and asks for another when it is clicked."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)
    caption = stored_property(str, "caption", "")
    text = stored_property(str, "text", "")

    def __init__(self, *arguments: Any) -> None:
        """Arguments: (parent=None) or (directory, parent=None)."""
        super().__init__(next((a for a in arguments if isinstance(a, QWidget)), None))
        self._directory = next((a for a in arguments if isinstance(a, str)), str(Path.cwd()))
        self._button = QPushButton(self._directory)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._button)
        self._button.clicked.connect(self.browse)

    def _set_directory(self, directory: str) -> None:
        """As in CTK directorySelected is told of every folder that is set, also by the program, also the same again."""
        changed = directory != self._directory
        self._directory = directory
        self._button.setText(self.text or directory)
        self.directorySelected.emit(directory)
        if changed:
            self.directoryChanged.emit(directory)

    directory = Property(str, lambda self: self._directory, _set_directory)

    def browse(self) -> str:
        chosen = str(QFileDialog.getExistingDirectory(self, self.caption, self._directory))
        if chosen:
            self._set_directory(chosen)
        return chosen

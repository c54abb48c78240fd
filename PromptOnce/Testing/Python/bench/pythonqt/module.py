"""The module `qt`: all of Qt in one namespace, as PythonQt has it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from bench.pythonqt import attributes, connections, dialogs
from bench.pythonqt.ui_loader import QUiLoader

# Names of PySide6, not of Qt; PythonQt in Slicer has nothing like them that can be relied on.
_PYSIDE_ONLY = {
    "Signal", "SignalInstance", "Slot", "Property", "ClassInfo", "SIGNAL", "SLOT", "QEnum", "QFlag", "Qt_init",
}  # fmt: skip


def install() -> None:
    """Give PySide6 the manners of PythonQt, for all of this process; once."""
    if not issubclass(QtCore.Qt.MouseButton, int):
        raise RuntimeError("PySide6 was imported before the bench could ask it for integer enums")
    attributes.install()
    connections.install()
    dialogs.install()


def qt_module() -> ModuleType:
    module = ModuleType("qt", "Qt's classes in one namespace, as PythonQt has them.")
    contents: dict[str, Any] = vars(module)
    for source in (QtCore, QtGui, QtWidgets):
        for name in dir(source):
            if not name.startswith("_") and name not in _PYSIDE_ONLY:
                contents[name] = getattr(source, name)
    contents["QUiLoader"] = QUiLoader
    return module

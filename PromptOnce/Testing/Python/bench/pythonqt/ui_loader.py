"""Loading .ui files in which there are CTK and qMRML widgets."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from PySide6.QtCore import QBuffer, QIODevice, QObject
from PySide6.QtUiTools import QUiLoader as PlainUiLoader
from PySide6.QtWidgets import QWidget

from bench.pythonqt.attributes import dropping_new_attributes
from bench.pythonqt.connections import connect
from bench.pythonqt.stand_ins import REGISTERED


class QUiLoader(PlainUiLoader):
    """Knows the stand-ins, and makes the file's own connections in Python: Qt would look for C++ slots."""

    def createWidget(self, class_name: str, parent: QWidget | None = None, name: str = "") -> QWidget:
        for classes in REGISTERED.values():
            if class_name in classes:
                widget = classes[class_name](parent)
                widget.setObjectName(name)
                return widget
        if class_name not in self.availableWidgets():
            raise RuntimeError(f"the .ui file has a {class_name} ({name}), which the bench does not have")
        return PlainUiLoader.createWidget(self, class_name, parent, name)

    def load(self, device: QIODevice, parent: QWidget | None = None) -> QWidget:
        root = ET.fromstring(device.readAll().data())
        connections = root.find("connections")
        if connections is not None:
            root.remove(connections)
        buffer = QBuffer()
        buffer.setData(ET.tostring(root))
        buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        with dropping_new_attributes():
            widget = PlainUiLoader.load(self, buffer, parent)
        if widget is None:
            raise RuntimeError(f"the .ui file could not be loaded: {self.errorString()}")
        for connection in connections if connections is not None else ():
            _connect(widget, *(str(connection.findtext(tag)) for tag in ("sender", "signal", "receiver", "slot")))
        return widget


def _connect(widget: QWidget, sender: str, signal: str, receiver: str, slot: str) -> None:
    connect(_named(widget, sender), signal, _named(widget, receiver), slot)


def _named(widget: QWidget, name: str) -> Any:
    found = widget if widget.property("objectName") == name else QObject.findChild(widget, QObject, name)
    if found is None:
        raise RuntimeError(f"a connection of the .ui file names {name}, which is not in it")
    return found

"""Widgets that know the scene."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from bench.pythonqt.stand_ins import stand_in

SCENE_SIGNALS = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}


@stand_in("slicer")
class qMRMLWidget(QWidget):
    """Base of widgets that show something of the scene."""

    mrmlSceneChanged = Signal(object)
    cpp_signals = SCENE_SIGNALS

    def __init__(self, parent: QWidget | None = None, *_: Any) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


@stand_in("slicer")
class qSlicerWidget(qMRMLWidget):
    """The same for modules."""

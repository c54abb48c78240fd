"""The main window: the module panel on the left, views beside it, a status bar."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QScrollArea, QVBoxLayout, QWidget

from bench.pythonqt.stand_ins import stand_in

PANEL_WIDTH = 420


@stand_in("slicer")
class qSlicerModuleSelectorToolBar(QWidget):
    """Which module is open. Opening another one leaves the current one."""

    def __init__(self, panel: QVBoxLayout) -> None:
        super().__init__()
        self._panel = panel
        self._module: Any = None

    def selectModule(self, name: str) -> None:
        module = slicer.app.moduleManager().module(name) if name else None
        if name and module is None:
            raise RuntimeError(f"there is no module {name}")
        if module is self._module:
            return
        if self._module is not None:
            self._module.widgetRepresentation().exit()
            self._module.widgetRepresentation().hide()
        self._module = module
        if module is not None:
            widget = module.widgetRepresentation()
            if self._panel.indexOf(widget) < 0:
                self._panel.addWidget(widget)
            widget.show()
            widget.enter()

    def _name(self) -> str:
        return self._module.name if self._module is not None else ""

    selectedModule = Property(str, _name)


@stand_in("slicer")
class qSlicerMainWindow(QMainWindow):
    """As wide as a module panel and one view need."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._viewport = QWidget()
        self._viewport.setObjectName("CentralWidget")
        self.setCentralWidget(self._viewport)
        contents = QWidget()
        column = QVBoxLayout(contents)
        column.setContentsMargins(0, 0, 0, 0)
        column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("ModulePanel")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(contents)
        self._dock = QDockWidget("Module panel")
        self._dock.setObjectName("PanelDockWidget")
        self._dock.setWidget(self._scroll)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self._dock)
        self.resizeDocks([self._dock], [PANEL_WIDTH], Qt.Orientation.Horizontal)
        self._selector = qSlicerModuleSelectorToolBar(column)
        self._selector.setParent(self)
        self._selector.hide()
        self.statusBar()
        self.resize(PANEL_WIDTH + 520, 640)

    def moduleSelector(self) -> qSlicerModuleSelectorToolBar:
        return self._selector

"""The main window: the module panel on the left, views beside it, a status bar."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, QEvent, QObject, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QScrollArea, QVBoxLayout, QWidget

from bench.pythonqt.stand_ins import stand_in

PANEL_WIDTH, PANEL_HEIGHT = 430, 700
"""Pixels that a module's panel gets in Slicer's dock on a window of usual size."""

_VIEW_WIDTH = 520


class _ModulePanel(QScrollArea):
    """As in Slicer: the panel fills the scroll area, which is never narrower than the panel can be."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("ModulePanel")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        contents = QWidget()
        self.column = QVBoxLayout(contents)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.setWidget(contents)
        contents.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.widget() and event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self.setMinimumWidth(self.column.minimumSize().width() + self.verticalScrollBar().width)
        return super().eventFilter(watched, event)


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
        self._scroll = _ModulePanel()
        self._dock = QDockWidget("Module panel")
        self._dock.setObjectName("PanelDockWidget")
        self._dock.setWidget(self._scroll)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self._dock)
        self._selector = qSlicerModuleSelectorToolBar(self._scroll.column)
        self._selector.setParent(self)
        self._selector.hide()
        self.statusBar()
        self.resize_panel(PANEL_WIDTH, PANEL_HEIGHT)

    def resize_panel(self, width: int, height: int) -> None:
        """Give the module panel this many pixels, scroll bar included, and the views what they had."""
        outside = self._dock.height - self._scroll.height if self.visible else 0
        self.resize(width + _VIEW_WIDTH, height + outside + self.statusBar().height)
        self.resizeDocks([self._dock], [width], Qt.Orientation.Horizontal)

    def moduleSelector(self) -> qSlicerModuleSelectorToolBar:
        return self._selector

"""slicer.app.layoutManager(): the views that the scene's layout node asks for."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from bench.pythonqt.stand_ins import stand_in
from bench.qmrml.observing import Observing
from bench.qmrml.plot_view import qMRMLPlotView
from bench.qmrml.scene_widget import qMRMLWidget
from bench.qmrml.table_view import qMRMLTableView
from bench.views.slice_widget import qMRMLSliceWidget


class _ViewWidget(qMRMLWidget):
    """A widget around a table or plot view, as the layout has it."""

    def __init__(self, view: QWidget, node: Any) -> None:
        super().__init__()
        self._view, self._view_node = view, node
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(view)
        self.mrmlSceneChanged.connect(view.setMRMLScene)


@stand_in("slicer")
class qMRMLTableWidget(_ViewWidget):
    def __init__(self, node: Any) -> None:
        super().__init__(qMRMLTableView(), node)
        self._view.setMRMLTableViewNode(node)

    def tableView(self) -> qMRMLTableView:
        return self._view

    def mrmlTableViewNode(self) -> Any:
        return self._view_node


@stand_in("slicer")
class qMRMLPlotWidget(_ViewWidget):
    def __init__(self, node: Any) -> None:
        super().__init__(qMRMLPlotView(), node)
        self._view.setMRMLPlotViewNode(node)

    def plotView(self) -> qMRMLPlotView:
        return self._view

    def mrmlPlotViewNode(self) -> Any:
        return self._view_node


@stand_in("slicer")
class qMRMLLayoutManager(QObject):
    """Shows slice, table and plot views side by side; 3D views are not in the bench."""

    layoutChanged = Signal(int)

    def __init__(self, viewport: QWidget, application_logic: Any) -> None:
        super().__init__(viewport)
        self._viewport = viewport
        self._grid = QGridLayout(viewport)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._application_logic = application_logic
        self._slice_logics = vtk.vtkCollection()
        application_logic.SetSliceLogics(self._slice_logics)
        self._widgets: dict[str, Any] = {}
        self._layout_logic = slicer.vtkMRMLLayoutLogic()
        self._layout_logic.SetMRMLApplicationLogic(application_logic)
        self._layout_logic.SetMRMLScene(slicer.mrmlScene)
        self._events = Observing(self)
        node = self._layout_logic.GetLayoutNode()
        self._events.add(node, [vtk.vtkCommand.ModifiedEvent], qMRMLLayoutManager._arrange)
        self._shown: list[str] = []
        # Slice views exist in Slicer whatever the layout is.
        self.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)

    def _arrange(self) -> None:
        nodes = self._layout_logic.GetViewNodes()
        wanted = [nodes.GetItemAsObject(i) for i in range(nodes.GetNumberOfItems())]
        wanted = [node for node in wanted if not node.IsA("vtkMRMLViewNode")]
        if [node.GetID() for node in wanted] == self._shown:
            return
        for node in map(slicer.mrmlScene.GetNodeByID, self._shown):
            if node is not None:
                node.SetMappedInLayout(False)
        self._shown = [node.GetID() for node in wanted]
        for widget in self._widgets.values():
            self._grid.removeWidget(widget)
            widget.hide()
        for index, node in enumerate(wanted):
            widget = self._widget_of(node)
            self._grid.addWidget(widget, index // 2, index % 2)
            node.SetMappedInLayout(True)
            widget.show()
        self.layoutChanged.emit(self._get_layout())

    def _widget_of(self, node: Any) -> Any:
        if node.GetID() not in self._widgets:
            if node.IsA("vtkMRMLSliceNode"):
                widget: Any = qMRMLSliceWidget(self._new_slice_logic(node))
            elif node.IsA("vtkMRMLTableViewNode"):
                widget = qMRMLTableWidget(node)
            else:
                widget = qMRMLPlotWidget(node)
            widget.setMRMLScene(slicer.mrmlScene)
            self._widgets[node.GetID()] = widget
        return self._widgets[node.GetID()]

    def _new_slice_logic(self, node: Any) -> Any:
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self._application_logic)
        logic.SetMRMLScene(slicer.mrmlScene)
        logic.SetSliceNode(node)
        self._slice_logics.AddItem(logic)
        return logic

    def _get_layout(self) -> int:
        return int(self._layout_logic.GetLayoutNode().GetViewArrangement())

    def setLayout(self, layout: int) -> None:
        self._layout_logic.GetLayoutNode().SetViewArrangement(layout)

    layout = Property(int, _get_layout, setLayout)

    def _connect(self, connected: bool) -> None:
        """Let slice views show the scene, or let go of it: views that follow every node are slow."""
        for widget in self._of_kind(qMRMLSliceWidget):
            widget.sliceView().setMRMLSliceNode(widget.mrmlSliceNode() if connected else None)
            widget.sliceView()._forget_watchers()
            if connected:
                widget.mrmlSliceNode().SetOrientationToDefault()

    def _of_kind(self, kind: type) -> list[Any]:
        return [widget for widget in self._widgets.values() if isinstance(widget, kind)]

    threeDViewCount = Property(int, lambda _self: 0)
    tableViewCount = Property(int, lambda self: len(self._of_kind(qMRMLTableWidget)))
    plotViewCount = Property(int, lambda self: len(self._of_kind(qMRMLPlotWidget)))

    def sliceViewNames(self) -> list[str]:
        return [widget.mrmlSliceNode().GetLayoutName() for widget in self._of_kind(qMRMLSliceWidget)]

    def sliceWidget(self, name: str) -> qMRMLSliceWidget | None:
        widgets = self._of_kind(qMRMLSliceWidget)
        return next((w for w in widgets if w.mrmlSliceNode().GetLayoutName() == name), None)

    def tableWidget(self, index: int) -> qMRMLTableWidget:
        return self._of_kind(qMRMLTableWidget)[index]

    def plotWidget(self, index: int) -> qMRMLPlotWidget:
        return self._of_kind(qMRMLPlotWidget)[index]

    def mrmlSliceLogics(self) -> Any:
        return self._slice_logics

    def layoutLogic(self) -> Any:
        return self._layout_logic

    def mrmlScene(self) -> Any:
        return slicer.mrmlScene

    def viewport(self) -> QWidget:
        return self._viewport

    def resetSliceViews(self) -> None:
        for widget in self._of_kind(qMRMLSliceWidget):
            widget.fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        """There are none."""

    def pauseRender(self) -> None:
        slicer.app.pauseRender()

    def resumeRender(self) -> None:
        slicer.app.resumeRender()

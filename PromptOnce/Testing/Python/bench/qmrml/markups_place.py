"""qSlicerMarkupsPlaceWidget: switching the place mode of the mouse on and off for one markups node."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import Property, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from bench.pythonqt.stand_ins import stand_in, stored_property
from bench.qmrml.observing import Observing
from bench.qmrml.scene_widget import qSlicerWidget

_SINGLE, _MULTIPLE = 2, 3


@stand_in("slicer")
class qSlicerMarkupsPlaceWidget(qSlicerWidget):
    """A button to place points and one to delete the last of them."""

    ShowPlaceMultipleMarkupsOption, HidePlaceMultipleMarkupsOption = 0, 1
    ForcePlaceSingleMarkup, ForcePlaceMultipleMarkups = _SINGLE, _MULTIPLE

    activeMarkupsPlaceModeChanged = Signal(bool)
    activeMarkupsFiducialPlaceModeChanged = Signal(bool)
    placeMultipleMarkups = stored_property(int, "placeMultipleMarkups", 0)
    buttonsVisible = stored_property(bool, "buttonsVisible", True)
    deleteAllControlPointsOptionVisible = stored_property(bool, "deleteAllControlPointsOptionVisible", True)
    unsetLastControlPointOptionVisible = stored_property(bool, "unsetLastControlPointOptionVisible", False)
    unsetAllControlPointsOptionVisible = stored_property(bool, "unsetAllControlPointsOptionVisible", False)
    defaultNodeColor = stored_property(QColor, "defaultNodeColor", QColor(0, 255, 0))

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._interaction: Any = None
        self._selection: Any = None
        self._announced = False
        self._node_events, self._mode_events = Observing(self), Observing(self)
        self._place, self._delete = QToolButton(self), QToolButton(self)
        self._place.setText("+")
        self._place.setCheckable(True)
        self._delete.setText("x")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._place)
        row.addWidget(self._delete)
        self._place.toggled.connect(self.setPlaceModeEnabled)
        self._delete.clicked.connect(lambda _checked=False: self.deleteLastPoint())
        self._update()

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self._mode_events.clear()
        self._interaction = self._selection = None
        if scene is not None:
            self._interaction = scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
            self._selection = scene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
            for node in (self._interaction, self._selection):
                self._mode_events.add(node, [vtk.vtkCommand.ModifiedEvent], qSlicerMarkupsPlaceWidget._update)
        self._update()

    def currentNode(self) -> Any:
        return self._node

    currentMarkupsNode = currentNode

    def setCurrentNode(self, node: Any) -> None:
        if node is self._node:
            return
        self._node = node
        self._node_events.clear()
        if node is not None:
            events = [vtk.vtkCommand.ModifiedEvent, node.PointAddedEvent, node.PointRemovedEvent]
            events += [node.PointPositionDefinedEvent, node.PointPositionUndefinedEvent]
            self._node_events.add(node, events, qSlicerMarkupsPlaceWidget._update)
        self._update()

    def interactionNode(self) -> Any:
        return self._interaction

    def selectionNode(self) -> Any:
        return self._selection

    def placeButton(self) -> QToolButton:
        return self._place

    def deleteButton(self) -> QToolButton:
        return self._delete

    def _active(self) -> bool:
        if self._node is None or self._selection is None:
            return False
        same_class = self._selection.GetActivePlaceNodeClassName() == self._node.GetClassName()
        return bool(same_class and self._logic().GetActiveListID() == self._node.GetID())

    def _set_active(self, active: bool) -> None:
        if active != self._active():
            self._logic().SetActiveList(self._node if active else None)
            if not active:
                self._interaction.SetCurrentInteractionMode(self._interaction.ViewTransform)

    currentNodeActive = Property(bool, _active, _set_active)

    @staticmethod
    def _logic() -> Any:
        return slicer.modules.markups.logic()

    def _place_mode(self) -> bool:
        return self._active() and self._interaction.GetCurrentInteractionMode() == self._interaction.Place

    def setPlaceModeEnabled(self, enabled: bool) -> None:
        if self._node is None or self._interaction is None:
            return
        if not enabled:
            self._interaction.SetCurrentInteractionMode(self._interaction.ViewTransform)
            return
        self._set_active(True)
        if self.placeMultipleMarkups in (_SINGLE, _MULTIPLE):
            self._interaction.SetPlaceModePersistence(int(self.placeMultipleMarkups == _MULTIPLE))
        self._interaction.SetCurrentInteractionMode(self._interaction.Place)

    placeModeEnabled = Property(bool, _place_mode, setPlaceModeEnabled)

    def setPlaceModePersistency(self, persistent: bool) -> None:
        self._interaction.SetPlaceModePersistence(int(persistent))

    def _persistency(self) -> bool:
        return bool(self._interaction is not None and self._interaction.GetPlaceModePersistence())

    placeModePersistency = Property(bool, _persistency, setPlaceModePersistency)

    def setPlaceMultipleMarkups(self, option: int) -> None:
        self.placeMultipleMarkups = option

    def deleteLastPoint(self) -> None:
        if self._node is not None and self._node.GetNumberOfControlPoints():
            self._node.RemoveNthControlPoint(self._node.GetNumberOfControlPoints() - 1)

    def deleteAllPoints(self) -> None:
        if self._node is not None:
            self._node.RemoveAllControlPoints()

    def _on_buttonsVisible(self, visible: bool) -> None:
        self._place.setVisible(visible)
        self._delete.setVisible(visible)

    def _update(self) -> None:
        node, mode = self._node, self._place_mode()
        self._place.setEnabled(node is not None and not node.GetControlPointPlacementComplete())
        self._delete.setEnabled(node is not None and node.GetNumberOfControlPoints() > 0)
        self._place.blockSignals(True)
        self._place.setChecked(mode)
        self._place.blockSignals(False)
        if mode != self._announced:
            self._announced = mode
            self.activeMarkupsFiducialPlaceModeChanged.emit(mode)
            self.activeMarkupsPlaceModeChanged.emit(mode)

"""qMRMLSliceView: what VTK renders of a slice, in a Qt widget that hands its mouse and key events to VTK."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCursor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from bench.pythonqt.stand_ins import stand_in
from bench.qmrml.observing import Observing
from bench.views.render_window import offscreen_window, pixels

# What Slicer puts into every slice view, and what the modules add that the bench has.
DISPLAYABLE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLTransformsDisplayableManager2D",
)
_BUTTONS = {
    Qt.MouseButton.LeftButton: "Left",
    Qt.MouseButton.RightButton: "Right",
    Qt.MouseButton.MiddleButton: "Middle",
}


def displayable_manager_factory() -> Any:
    """The factory of slice views with everything registered."""
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
    factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
    for name in DISPLAYABLE_MANAGERS:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    return factory


@stand_in("slicer")
class qMRMLSliceView(QWidget):
    """Renders on request, once per turn of the event loop as in Slicer, but only if somebody may see it.

    A picture takes ten milliseconds without a graphics card: it waits for the mouse, a screenshot or, where the render
    window was asked for, for the event loop.
    """

    resized = Signal(QSize)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._picture: QImage | None = None
        self._watched = self._outdated = False
        self._window, self._renderer = offscreen_window(), vtk.vtkRenderer()
        self._renderer.GetActiveCamera().ParallelProjectionOn()  # otherwise handles are not where they are drawn
        self._window.AddRenderer(self._renderer)
        self._interactor = vtk.vtkRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        self._interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self._interactor.EnableRenderOff()
        self._window.SetSize(self.width, self.height)
        self._window.Render()  # picking needs a graphics context
        self._mapper = self._slice_mapper()
        self._group = displayable_manager_factory().InstantiateDisplayableManagers(self._renderer)
        self._style = slicer.vtkMRMLSliceViewInteractorStyle()
        self._style.SetDisplayableManagers(self._group)
        self._style.SetInteractor(self._interactor)
        self._events = Observing(self)
        self._events.add(self._group, [vtk.vtkCommand.UpdateEvent], qMRMLSliceView.scheduleRender)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.forceRender)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def _slice_mapper(self) -> Any:
        mapper, actor = vtk.vtkImageMapper(), vtk.vtkActor2D()
        mapper.SetColorWindow(255.0)
        mapper.SetColorLevel(127.5)
        actor.SetMapper(mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        actor.VisibilityOff()
        self._renderer.AddViewProp(actor)
        self._actor = actor
        return mapper

    def _set_image_connection(self, connection: Any) -> None:
        self._mapper.SetInputConnection(connection)
        self._actor.SetVisibility(connection is not None)
        self.scheduleRender()

    # What the code under test may call

    def mrmlSliceNode(self) -> Any:
        return self._group.GetMRMLDisplayableNode()

    def setMRMLSliceNode(self, node: Any) -> None:
        self._group.SetMRMLDisplayableNode(node)

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene

    def interactor(self) -> Any:
        return self._interactor

    def interactorStyle(self) -> Any:
        return self._interactor.GetInteractorStyle()

    def interactorObserver(self) -> Any:
        return self._style

    def renderWindow(self) -> Any:
        self._watched = True
        return self._window

    def getDisplayableManagers(self, collection: Any) -> None:
        for index in range(self._group.GetDisplayableManagerCount()):
            collection.AddItem(self._group.GetNthDisplayableManager(index))

    def displayableManagerByClassName(self, name: str) -> Any:
        return self._group.GetDisplayableManagerByClassName(name)

    def convertRASToXYZ(self, ras: Any) -> list[float]:
        matrix = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.mrmlSliceNode().GetXYToRAS(), matrix)
        return list(matrix.MultiplyPoint((*ras, 1.0))[:3])

    def convertXYZToRAS(self, xyz: Any) -> list[float]:
        return list(self.mrmlSliceNode().GetXYToRAS().MultiplyPoint((*xyz, 1.0))[:3])

    def convertDeviceToXYZ(self, xy: Any) -> list[float]:
        return [float(xy[0]), float(xy[1]), 0.0]

    def scheduleRender(self) -> None:
        self._outdated = True
        if self._watched and not self._timer.active:
            self._timer.start(0)

    def forceRender(self) -> None:
        if self._can_render():
            rows = pixels(self._window)
            self._outdated = False
            height, width = rows.shape[:2]
            self._picture = QImage(rows.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
            self.update()

    def _can_render(self) -> bool:
        paused = slicer.app._render_paused or self._scene is None or self._scene.IsBatchProcessing()
        return bool(self.visible) and not paused

    def _render_what_is_new(self) -> None:
        """Have VTK know what is where before the mouse acts; no picture is made of it."""
        if self._outdated and self._can_render():
            self._window.Render()
            self._outdated = False

    def _forget_watchers(self) -> None:
        self._watched = False

    def setViewCursor(self, cursor: QCursor) -> None:
        self.setCursor(cursor)

    def unsetViewCursor(self) -> None:
        self.unsetCursor()

    def setDefaultViewCursor(self, cursor: QCursor) -> None:
        self.setCursor(cursor)

    # From Qt to VTK

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect, Qt.GlobalColor.black)
        if self._picture is not None:
            painter.drawImage(0, 0, self._picture)

    def showEvent(self, _event: QShowEvent) -> None:
        self.scheduleRender()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._window.SetSize(self.width, self.height)
        self._interactor.UpdateSize(self.width, self.height)
        self.resized.emit(event.size())
        self.scheduleRender()

    def _send(self, name: str, position: QPoint, modifiers: Any, repeat: int = 0) -> None:
        control = int(bool(modifiers & Qt.KeyboardModifier.ControlModifier))
        shift = int(bool(modifiers & Qt.KeyboardModifier.ShiftModifier))
        # VTK counts rows from the bottom.
        y = self.height - 1 - position.y()
        self._interactor.SetEventInformation(position.x(), y, control, shift, chr(0), repeat, None)
        self._interactor.InvokeEvent(name)

    def _mouse(self, name: str, event: QMouseEvent) -> None:
        self._send(name, event.position().toPoint(), event.modifiers())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mouse("MouseMoveEvent", event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._mouse(f"{_BUTTONS[event.button()]}ButtonPressEvent", event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._mouse(f"{_BUTTONS[event.button()]}ButtonPressEvent", event)
        self._mouse(f"{_BUTTONS[event.button()]}ButtonDoubleClickEvent", event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._mouse(f"{_BUTTONS[event.button()]}ButtonReleaseEvent", event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        name = "MouseWheelForwardEvent" if event.angleDelta().y() > 0 else "MouseWheelBackwardEvent"
        self._send(name, event.position().toPoint(), event.modifiers())

    def enterEvent(self, event: Any) -> None:
        self._send("EnterEvent", event.position().toPoint(), Qt.KeyboardModifier.NoModifier)

    def leaveEvent(self, _event: QEvent) -> None:
        self._send("LeaveEvent", QPoint(-1, -1), Qt.KeyboardModifier.NoModifier)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        symbols = {Qt.Key.Key_Escape: "Escape", Qt.Key.Key_Delete: "Delete", Qt.Key.Key_Backspace: "BackSpace"}
        symbol = symbols.get(event.key(), event.text())
        self._interactor.SetKeyEventInformation(0, 0, event.text() or chr(0), 0, symbol)
        self._interactor.InvokeEvent("KeyPressEvent")
        self._interactor.InvokeEvent("CharEvent")

"""Real mouse events on a slice view: at pixels, or where a point in patient coordinates is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent

Ras = Sequence[float]


class Mouse:
    """The mouse over one slice view."""

    def __init__(self, slice_widget: Any) -> None:
        self.view = slice_widget.sliceView()
        self._held: Any = Qt.MouseButton.NoButton
        self._keys: Any = Qt.KeyboardModifier.NoModifier

    @contextmanager
    def holding(self, key: Any) -> Iterator[None]:
        """Hold Shift, Ctrl or Alt down meanwhile."""
        self._keys = key
        yield
        self._keys = Qt.KeyboardModifier.NoModifier

    def pixel(self, ras: Ras) -> QPoint:
        """The pixel that shows this point (mm, RAS), from the upper left corner.

        Raises:
            ValueError: the point is outside the view, or not in its slice.
        """
        x, y, depth = self.view.convertRASToXYZ(ras)
        point = QPoint(round(x), self.view.height - 1 - round(y))
        if not self.view.rect.contains(point):
            raise ValueError(f"{tuple(ras)} is outside the view: pixel {point.x()}, {point.y()}")
        spacing = self.view.mrmlSliceNode().GetFieldOfView()[2] / self.view.mrmlSliceNode().GetDimensions()[2]
        if abs(depth) * spacing > 0.6 * max(spacing, 1e-6):
            raise ValueError(f"{tuple(ras)} is not in the slice that the view shows: {depth * spacing:.2f} mm away")
        return point

    def shown_at(self, point: QPoint) -> list[float]:
        """The patient coordinates (mm, RAS) that a pixel shows."""
        return list(self.view.convertXYZToRAS((point.x(), self.view.height - 1 - point.y(), 0.0)))

    def _send(self, kind: QEvent.Type, point: QPoint, button: Any, held: Any) -> None:
        place = QPointF(point), QPointF(self.view.mapToGlobal(point))
        event = QMouseEvent(kind, *place, button, held, self._keys)
        QCoreApplication.sendEvent(self.view, event)
        QCoreApplication.processEvents()

    def move(self, point: QPoint) -> None:
        self._send(QEvent.Type.MouseMove, point, Qt.MouseButton.NoButton, self._held)

    def press(self, point: QPoint, button: Any = Qt.MouseButton.LeftButton) -> None:
        self._held = button
        self._send(QEvent.Type.MouseButtonPress, point, button, button)

    def release(self, point: QPoint, button: Any = Qt.MouseButton.LeftButton) -> None:
        self._held = Qt.MouseButton.NoButton
        self._send(QEvent.Type.MouseButtonRelease, point, button, self._held)

    def click(self, point: QPoint, button: Any = Qt.MouseButton.LeftButton) -> None:
        """Move there, press and release."""
        self.move(point)
        self.press(point, button)
        self.release(point, button)

    def double_click(self, point: QPoint) -> None:
        """As Qt tells it: the second press is another event than the first."""
        self.click(point)
        self._held = Qt.MouseButton.LeftButton
        self._send(QEvent.Type.MouseButtonDblClick, point, self._held, self._held)
        self.release(point)

    def drag(self, start: QPoint, end: QPoint, steps: int = 5) -> None:
        """Hover over the start, press, move to the end in a few steps, release.

        A handle on an outline is grabbed two or three pixels beside the line; on the line itself, VTK takes the line.
        """
        self.move(start)
        self.press(start)
        for step in range(1, steps + 1):
            self.move(start + (end - start) * (step / steps))
        self.release(end)

    def click_ras(self, ras: Ras, button: Any = Qt.MouseButton.LeftButton) -> list[float]:
        """Click where the point is shown; what the clicked pixel shows exactly (mm, RAS)."""
        point = self.pixel(ras)
        self.click(point, button)
        return self.shown_at(point)

    def drag_ras(self, start: Ras, end: Ras) -> list[float]:
        """Drag from one point to another (mm, RAS); what the last pixel shows exactly."""
        last = self.pixel(end)
        self.drag(self.pixel(start), last)
        return self.shown_at(last)

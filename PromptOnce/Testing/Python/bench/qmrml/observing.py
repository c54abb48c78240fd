"""Observing VTK objects from widgets without keeping either alive, as QVTK does in Slicer."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
import vtk
from PySide6.QtCore import QObject


class Observing:
    """The observations of one widget; they end with it."""

    def __init__(self, widget: QObject) -> None:
        self._widget = weakref.ref(widget)
        self._tags: list[tuple[Any, int]] = []

    def add(self, observed: Any, events: list[Any], method: Callable[[Any], None]) -> None:
        """Call `method(widget)` at each of the events."""
        reference = self._widget  # the observed object shall not keep this object, which ends with the widget

        def call(*_: Any) -> None:
            widget = reference()
            if widget is not None and shiboken6.isValid(widget):
                method(widget)

        self._tags += [(observed, observed.AddObserver(event, call)) for event in events]

    def add_for_nodes(self, scene: Any, events: list[int], method: Callable[[Any, Any], None]) -> None:
        """Call `method(widget, node)` at events of the scene that come with a node."""
        reference = self._widget

        def call(_scene: Any, _event: str, node: Any) -> None:
            widget = reference()
            if widget is not None and shiboken6.isValid(widget):
                method(widget, node)

        call.CallDataType = vtk.VTK_OBJECT  # type: ignore[attr-defined]  # how VTK learns to hand over the node
        self._tags += [(scene, scene.AddObserver(event, call)) for event in events]

    def clear(self) -> None:
        for observed, tag in self._tags:
            observed.RemoveObserver(tag)
        self._tags.clear()

    def __del__(self) -> None:
        self.clear()

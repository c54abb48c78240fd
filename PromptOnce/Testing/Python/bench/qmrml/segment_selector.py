"""qMRMLSegmentSelectorWidget: choosing a segmentation and a segment in it."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from bench.pythonqt.stand_ins import forwarded_property, stand_in, stored_property
from bench.qmrml.node_combo_box import qMRMLNodeComboBox
from bench.qmrml.observing import Observing
from bench.qmrml.scene_widget import SCENE_SIGNALS, qMRMLWidget


@stand_in("slicer")
class qMRMLSegmentSelectorWidget(qMRMLWidget):
    """A selector for the node and, below it, one for the segment; several segments at once are not in the bench."""

    currentNodeChanged = Signal(object)
    currentSegmentChanged = Signal(str)
    cpp_signals = {**SCENE_SIGNALS, "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged"}  # noqa: RUF012
    editEnabled = forwarded_property(bool, "_node", "editEnabled")
    selectNodeUponCreation = forwarded_property(bool, "_node", "selectNodeUponCreation")
    horizontalLayout = stored_property(bool, "horizontalLayout", False)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node, self._segment, self._message = qMRMLNodeComboBox(), QComboBox(), QLabel("No node is selected")
        self._node.nodeTypes = ["vtkMRMLSegmentationNode"]
        self._node.addEnabled = self._node.removeEnabled = False
        self._current = ""
        self._events = Observing(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for row, widget in enumerate((self._node, self._segment, self._message)):
            grid.addWidget(widget, row, 0)
        self.mrmlSceneChanged.connect(self._node.setMRMLScene)
        self._node.currentNodeChanged.connect(self._follow)
        self._segment.currentIndexChanged.connect(self._segment_chosen)
        self._populate()

    def _follow(self, node: Any) -> None:
        self._events.clear()
        if node is not None:
            changes = slicer.vtkSegmentation
            events = [changes.SegmentAdded, changes.SegmentRemoved, changes.SegmentModified]
            self._events.add(node.GetSegmentation(), events, qMRMLSegmentSelectorWidget._populate)
        self._populate()
        self.currentNodeChanged.emit(node)

    def _populate(self) -> None:
        """List the segments; keep the current one, else take the first."""
        node = self._node.currentNode()
        segmentation = node.GetSegmentation() if node is not None else None
        ids = list(segmentation.GetSegmentIDs()) if segmentation is not None else []
        self._segment.blockSignals(True)
        self._segment.clear()
        if ids and self.noneEnabled:
            self._segment.addItem("None", "")
        for segment_id in ids:
            self._segment.addItem(segmentation.GetSegment(segment_id).GetName(), segment_id)
        kept = self._segment.findData(self._current) if self._current or self.noneEnabled else -1
        self._segment.setCurrentIndex(kept)
        self._segment.blockSignals(False)
        self._segment.setVisible(bool(ids))
        self._message.setVisible(not ids)
        self._message.setText("No segments in segmentation" if node is not None else "No node is selected")
        if ids and kept < 0:
            self._segment.setCurrentIndex(int(self.noneEnabled))

    def _segment_chosen(self, index: int) -> None:
        self._current = self._segment.itemData(index) or ""
        self.currentSegmentChanged.emit(self._current)

    def currentNode(self) -> Any:
        return self._node.currentNode()

    def currentNodeID(self) -> str:
        return str(self._node.currentNodeID)

    def currentSegmentID(self) -> str:
        return self._current

    def segmentIDs(self) -> list[str]:
        return [self._segment.itemData(i) for i in range(self._segment.count)]

    def setCurrentNode(self, node: Any) -> None:
        self._node.setCurrentNode(node)

    def setCurrentNodeID(self, node_id: str) -> None:
        self._node.setCurrentNodeID(node_id)

    def setCurrentSegmentID(self, segment_id: str) -> None:
        index = self._segment.findData(segment_id)
        if index >= 0:
            self._segment.setCurrentIndex(index)

    def _set_none(self, enabled: bool) -> None:
        self._node.noneEnabled = enabled
        self._populate()

    noneEnabled = Property(bool, lambda self: self._node.noneEnabled, _set_none)

    def _set_node_visible(self, visible: bool) -> None:
        self._node.setVisible(visible)

    segmentationNodeSelectorVisible = Property(bool, lambda self: not self._node.isHidden(), _set_node_visible)

"""qMRMLNodeComboBox: choosing a node of the scene."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from bench.ctk_widgets.combo import ctkComboBox
from bench.pythonqt.stand_ins import stand_in, stored_property
from bench.qmrml.observing import Observing


@stand_in("slicer")
class qMRMLNodeComboBox(QWidget):
    """Follows the scene: nodes that are added, removed, renamed or hidden.

    As in Slicer, a selector without "None" and without actions (add, remove, edit, rename) takes the first node there
    is, others start with nothing; when the current node is removed, its neighbor becomes current. The actions are not
    in the list: tests call addNode() or removeCurrentNode().
    """

    currentNodeChanged = Signal(object)
    _valid_node_changed = Signal(bool)
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAboutToBeRemoved = Signal(object)
    cpp_signals = {  # noqa: RUF012
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
        "currentNodeChanged(bool)": "_valid_node_changed",
        "nodeActivated(vtkMRMLNode*)": "nodeActivated",
        "nodeAdded(vtkMRMLNode*)": "nodeAdded",
        "nodeAddedByUser(vtkMRMLNode*)": "nodeAddedByUser",
        "nodeAboutToBeRemoved(vtkMRMLNode*)": "nodeAboutToBeRemoved",
    }

    nodeTypes = stored_property("QStringList", "nodeTypes", [])
    hideChildNodeTypes = stored_property("QStringList", "hideChildNodeTypes", [])
    showHidden = stored_property(bool, "showHidden", False)
    showChildNodeTypes = stored_property(bool, "showChildNodeTypes", True)
    baseName = stored_property(str, "baseName", "")
    noneEnabled = stored_property(bool, "noneEnabled", False)
    noneDisplay = stored_property(str, "noneDisplay", "None")
    addEnabled = stored_property(bool, "addEnabled", True)
    removeEnabled = stored_property(bool, "removeEnabled", True)
    editEnabled = stored_property(bool, "editEnabled", False)
    renameEnabled = stored_property(bool, "renameEnabled", False)
    selectNodeUponCreation = stored_property(bool, "selectNodeUponCreation", True)
    interactionNodeSingletonTag = stored_property(str, "interactionNodeSingletonTag", "Singleton")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._nodes: list[Any] = []
        self._requested = ""
        self._attributes: dict[str, tuple[str, str | None]] = {}
        self._labels: dict[str, str] = {}
        self._scene_events, self._node_events = Observing(self), Observing(self)
        self._combo = ctkComboBox(self)
        self._combo.elideMode = 2  # in the middle
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._combo)
        self._combo.currentIndexChanged.connect(lambda _index: self._announce())
        self._combo.activated.connect(lambda _index: self.nodeActivated.emit(self.currentNode()))
        self.setEnabled(False)

    def _announce(self) -> None:
        node = self.currentNode()
        self.currentNodeChanged.emit(node)
        self._valid_node_changed.emit(node is not None)
        self.currentNodeIDChanged.emit(node.GetID() if node else "")

    # The scene

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._scene = scene
        self._scene_events.clear()
        if scene is not None:
            changes = [scene.NodeAddedEvent, scene.NodeRemovedEvent]
            self._scene_events.add_for_nodes(scene, changes, qMRMLNodeComboBox._node_came_or_went)
            self._scene_events.add(scene, [scene.EndBatchProcessEvent], qMRMLNodeComboBox._update)
        self._update()
        if self._requested:
            self.setCurrentNodeID(self._requested)
            self._requested = ""
        self.setEnabled(scene is not None)

    def _shown(self, node: Any) -> bool:
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        if self.showChildNodeTypes and any(node.IsA(hidden) for hidden in self.hideChildNodeTypes):
            return False
        for kind in self.nodeTypes:
            if node.GetClassName() == kind or (self.showChildNodeTypes and node.IsA(kind)):
                name, value = self._attributes.get(kind, ("", None))
                has = node.GetAttribute(name) if name else ""
                return has is not None and value in (None, has)
        return not self.nodeTypes

    def _node_came_or_went(self, node: Any) -> None:
        if node in self._nodes or any(node.IsA(kind) for kind in self.nodeTypes or ["vtkMRMLNode"]):
            self._update()

    def _update(self) -> None:
        """Bring the list in line with the scene and the properties; announce the current node if it changed."""
        nodes = [] if self._scene is None else list(slicer.util.getNodesByClass("vtkMRMLNode", self._scene))
        wanted = [node for node in nodes if self._shown(node)]
        before, index = self.currentNode(), self._combo.currentIndex
        added = [node for node in wanted if node not in self._nodes]
        gone = before is not None and before not in wanted
        self._nodes = wanted
        self._fill()
        if gone:
            self._combo.setCurrentIndex(min(index, self._combo.count - 1))
        elif before is not None:
            self._combo.setCurrentIndex(self._index(before))
        elif self.noneEnabled or (wanted and not self._has_actions()):
            self._combo.setCurrentIndex(0)
        self._combo.blockSignals(False)
        self._watch()
        if self.currentNode() is not before:
            self._announce()
        for node in added:
            self.nodeAdded.emit(node)

    def _fill(self) -> None:
        self._combo.blockSignals(True)
        self._combo.clear()
        if self.noneEnabled:
            self._combo.addItem(self.noneDisplay)
        self._combo.addItems([node.GetName() or "" for node in self._nodes])
        self._combo.setCurrentIndex(-1)
        label = self.nodeTypeLabel(self.nodeTypes[0]) if self.nodeTypes else "node"
        self._combo.defaultText = f"Select a {label}"

    def _watch(self) -> None:
        self._node_events.clear()
        for node in self._nodes:
            self._node_events.add(node, [vtk.vtkCommand.ModifiedEvent], qMRMLNodeComboBox._node_modified)

    def _node_modified(self) -> None:
        first = int(self.noneEnabled)
        if not all(self._shown(node) for node in self._nodes):
            self._update()
        for index, node in enumerate(self._nodes):
            if self._combo.itemText(first + index) != node.GetName():
                self._combo.setItemText(first + index, node.GetName() or "")

    def _has_actions(self) -> bool:
        return bool(self.addEnabled or self.removeEnabled or self.editEnabled or self.renameEnabled)

    def _on_nodeTypes(self, _value: Any) -> None:
        self._update()

    _on_hideChildNodeTypes = _on_showHidden = _on_showChildNodeTypes = _on_noneEnabled = _on_noneDisplay = _on_nodeTypes

    # The current node

    def _index(self, node: Any) -> int:
        return int(self.noneEnabled) + self._nodes.index(node)

    def nodeCount(self) -> int:
        return len(self._nodes)

    def nodeFromIndex(self, index: int) -> Any:
        return self._nodes[index] if 0 <= index < len(self._nodes) else None

    def currentNode(self) -> Any:
        return self.nodeFromIndex(self._combo.currentIndex - int(self.noneEnabled))

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(node.GetID() if node is not None else "")

    def setCurrentNodeID(self, node_id: str) -> None:
        """A node that is not in the list selects nothing ("None", where there is one)."""
        if self._scene is None:
            self._requested = node_id
        node = next((n for n in self._nodes if n.GetID() == node_id), None)
        self._combo.setCurrentIndex(self._index(node) if node is not None else 0 if self.noneEnabled else -1)

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNode(self.nodeFromIndex(index))

    def _get_id(self) -> str:
        return self.currentNode().GetID() if self.currentNode() else ""

    currentNodeID = Property(str, _get_id, setCurrentNodeID)

    def addNode(self, kind: str = "") -> Any:
        kind = kind or self.nodeTypes[0]
        name = self.baseName or self._scene.CreateNodeByClass(kind).GetDefaultNodeNamePrefix()
        node = self._scene.AddNewNodeByClass(kind, self._scene.GetUniqueNameByString(name))
        if kind in self._attributes:
            node.SetAttribute(*self._attributes[kind])
            self._update()
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        node = self.currentNode()
        self.nodeAboutToBeRemoved.emit(node)
        self._scene.RemoveNode(node)

    # Filters and labels

    def addAttribute(self, kind: str, name: str, value: Any = None) -> None:
        self._attributes[kind] = (name, None if value is None else str(value))
        self._update()

    def removeAttribute(self, kind: str, _name: str) -> None:
        self._attributes.pop(kind, None)
        self._update()

    def setNodeTypeLabel(self, label: str, kind: str) -> None:
        self._labels[kind] = label

    def nodeTypeLabel(self, kind: str) -> str:
        return self._labels.get(kind) or (self._scene and self._scene.GetTypeDisplayNameByClassName(kind)) or "node"

    def _set_size_policy(self, policy: int) -> None:
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy(policy))

    sizeAdjustPolicy = Property(int, lambda self: int(self._combo.sizeAdjustPolicy), _set_size_policy)

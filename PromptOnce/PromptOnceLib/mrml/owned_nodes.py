"""Nodes that PromptOnce makes: marked, so that they are found again after a scene was saved and loaded."""

from __future__ import annotations

from typing import Any

import slicer

_ROLE = "PromptOnce.Role"
_VOLUME = "PromptOnceVolume"  # a node reference, which stays right when loading gives nodes other IDs


def name_for_node(text: str) -> str:
    """A name for a node that has a file. Slicer's .mrb writes "&" of the file's name into the scene as it is, and then
    cannot read the whole scene any more.
    """
    return text.replace("&", "+")


def mark(node: Any, role: str, volume_node: Any) -> None:
    """Mark a node as made here, for something on this volume."""
    node.SetAttribute(_ROLE, role)
    node.SetNodeReferenceID(_VOLUME, volume_node.GetID())


def role_of(node: Any) -> str:
    """What a marked node is for; "" for any other node."""
    return node.GetAttribute(_ROLE) or ""


def nodes_on(volume_node: Any, class_name: str) -> list[Any]:
    """The marked nodes of a class on a volume, in the order in which they were made."""
    nodes = slicer.util.getNodesByClass(class_name)
    return [n for n in nodes if role_of(n) and n.GetNodeReferenceID(_VOLUME) == volume_node.GetID()]


def node_on(volume_node: Any, class_name: str, role: str) -> Any | None:
    """The marked node with this role on a volume, or None."""
    return next((node for node in nodes_on(volume_node, class_name) if role_of(node) == role), None)


def remove(node: Any) -> None:
    """Remove a node, its display and storage nodes, which Slicer would leave in the scene, and its item."""
    scene = node.GetScene()
    displays = [] if not node.IsA("vtkMRMLDisplayableNode") else _all(node, "DisplayNode")
    helpers = [*displays, *(_all(node, "StorageNode") if node.IsA("vtkMRMLStorableNode") else [])]
    scene.RemoveNode(node)
    for helper in helpers:
        if helper is not None and helper.GetScene() is scene:
            scene.RemoveNode(helper)
    # The application does this by itself; without it nobody does.
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.RemoveItem(item, False, False)


def _all(node: Any, kind: str) -> list[Any]:
    count = getattr(node, f"GetNumberOf{kind}s")()
    return [getattr(node, f"GetNth{kind}")(index) for index in range(count)]

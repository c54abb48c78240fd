"""The folder of the subject hierarchy in which all prompt nodes lie."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

NAME = "PromptOnce prompts"
_MARK = "PromptOnce.Folder"


def put_in_folder(node: Any) -> None:
    """Put a node into the folder, which is made when it is not there."""
    hierarchy = _hierarchy(node.GetScene())
    folder = _find(hierarchy) or _make(hierarchy)
    # Outside the application nobody has given the node an item yet.
    item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(folder, node)
    hierarchy.SetItemParent(item, folder)


def remove_empty_folder(scene: Any) -> None:
    """Remove the folder when nothing is in it."""
    hierarchy = _hierarchy(scene)
    folder = _find(hierarchy)
    if folder and hierarchy.GetNumberOfItemChildren(folder) == 0:
        hierarchy.RemoveItem(folder)


def _hierarchy(scene: Any) -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def _find(hierarchy: Any) -> int:
    """Item of the folder, known by a mark that is saved with the scene; 0 where there is none."""
    children = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), children, True)
    for index in range(children.GetNumberOfIds()):
        if hierarchy.GetItemAttribute(children.GetId(index), _MARK):
            return int(children.GetId(index))
    return 0


def _make(hierarchy: Any) -> int:
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), NAME)
    hierarchy.SetItemAttribute(folder, _MARK, "prompts")
    return int(folder)

"""The tools of the mouse for prompts: Slicer's place mode with the node of an object and a role."""

from __future__ import annotations

from typing import Any

import slicer

from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes


def start(item: PromptNodes, role: str) -> None:
    """Let the mouse place a box (once) or points (until the tool is put away) for an object."""
    if role == "box":
        item.clear("box")
    node = item.make(role)
    interaction = interaction_node()
    slicer.modules.markups.logic().SetActiveList(node)
    interaction.SetPlaceModePersistence(0 if role == "box" else 1)
    interaction.SetCurrentInteractionMode(interaction.Place)


def stop() -> None:
    """Put the tool away; another mode of the mouse, such as window and level, is left alone."""
    interaction = interaction_node()
    if interaction.GetCurrentInteractionMode() == interaction.Place:
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)


def active_role(item: PromptNodes) -> str | None:
    """The role for which the mouse places something for this object; None where it does not."""
    interaction = interaction_node()
    if interaction.GetCurrentInteractionMode() != interaction.Place:
        return None
    active = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton").GetActivePlaceNodeID()
    for role in ("box", "positive", "negative"):
        node = item.node(role)
        if node is not None and node.GetID() == active:
            return role
    return None


def interaction_node() -> Any:
    """Slicer's node that knows what the mouse does."""
    return slicer.mrmlScene.GetNodeByID("vtkMRMLInteractionNodeSingleton")

"""How prompts look in slice views: the box in the object's colour, plus signs on the object, discs beside it."""

from __future__ import annotations

from typing import Any

import slicer

from PromptOnceLib.segmentation.segment import Color

POSITIVE_COLOR: Color = (0.25, 0.95, 0.35)
NEGATIVE_COLOR: Color = (1.0, 0.3, 0.3)

_SCALES = {"positive": 4.5, "negative": 3.0}  # percent of the view


def style(node: Any, role: str, object_color: Color) -> None:
    """Give a prompt node a display node and the look of its role: "box", "positive" or "negative".

    Polarities differ in shape as well as in colour, for readers who tell red from green badly.
    """
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    color = {"positive": POSITIVE_COLOR, "negative": NEGATIVE_COLOR}.get(role, object_color)
    with slicer.util.NodeModify(display):
        display.SetColor(*color)
        display.SetSelectedColor(*color)
        display.SetVisibility3D(False)
        display.SetPointLabelsVisibility(False)
        display.SetPropertiesLabelVisibility(False)
        if role == "box":
            _style_box(display)
        else:
            plus, disc = slicer.vtkMRMLMarkupsDisplayNode.ThickCross2D, slicer.vtkMRMLMarkupsDisplayNode.Circle2D
            display.SetGlyphType(plus if role == "positive" else disc)
            display.SetGlyphScale(_SCALES[role])


def _style_box(display: Any) -> None:
    display.SetFillVisibility(False)
    display.SetOutlineVisibility(True)
    display.SetHandlesInteractive(True)
    display.SetScaleHandleVisibility(True)
    display.SetTranslationHandleVisibility(True)
    display.SetRotationHandleVisibility(False)

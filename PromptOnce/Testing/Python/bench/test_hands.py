"""What a user's hands do to Slicer, and a naive test does not: drags in place mode, focus that wanders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.fixture
def view(bench: Any) -> Any:
    """The mouse over a view of an empty volume."""
    import slicer

    node = slicer.util.addVolumeFromArray(np.zeros((12, 40, 50), np.int16), np.diag([1.5, 2.0, 4.0, 1.0]), "blocks")
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return bench.mouse("Red")


def start_placing(class_name: str) -> Any:
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass(class_name)
    node.CreateDefaultDisplayNodes()
    slicer.modules.markups.logic().SetActiveList(node)
    slicer.modules.markups.logic().StartPlaceMode(False)
    return node


def test_place_mode_puts_the_point_where_the_button_is_released(bench: Any, view: Any) -> None:
    node = start_placing("vtkMRMLMarkupsFiducialNode")
    start, end = view.view.rect.center(), view.view.rect.center() + type(view.view.rect.center())(60, 40)
    view.drag(start, end)
    assert node.GetNumberOfDefinedControlPoints() == 1
    assert node.GetNthControlPointPositionWorld(0) == pytest.approx(view.shown_at(end), abs=0.01)


def test_two_drags_make_a_box_between_their_ends(bench: Any, view: Any) -> None:
    node = start_placing("vtkMRMLMarkupsROINode")
    middle = view.view.rect.center()
    step = type(middle)(60, 40)
    view.drag(middle - step, middle)
    assert list(node.GetSize()) == [0.0, 0.0, 0.0]
    view.drag(middle - step, middle)
    assert max(node.GetSize()) == pytest.approx(0.0, abs=1e-6)
    interaction = bench.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform


def test_a_double_click_ends_place_mode(bench: Any, view: Any) -> None:
    start_placing("vtkMRMLMarkupsROINode")
    view.double_click(view.view.rect.center())
    interaction = bench.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform


def test_a_disabled_button_hands_its_focus_on_and_the_scroll_area_follows(bench: Any) -> None:
    import qt

    area, contents = qt.QScrollArea(), qt.QWidget()
    first, between, last = qt.QPushButton("first"), qt.QLabel("between"), qt.QPushButton("last")
    between.setFixedHeight(900)
    column = qt.QVBoxLayout(contents)
    for widget in (first, between, last):
        column.addWidget(widget)
    area.setWidget(contents)
    area.resize(200, 300)
    area.show()
    first.connect("clicked(bool)", lambda _checked: first.setEnabled(False))
    bench.click(first)
    assert last.hasFocus()
    assert area.verticalScrollBar().value > 0


def test_a_tool_button_takes_no_focus_from_a_text_field(bench: Any) -> None:
    import qt

    window = qt.QWidget()
    field, button = qt.QLineEdit(), qt.QToolButton()
    column = qt.QVBoxLayout(window)
    column.addWidget(field)
    column.addWidget(button)
    window.show()
    bench.type_text(field, "lung")
    bench.click(button)
    assert field.hasFocus()

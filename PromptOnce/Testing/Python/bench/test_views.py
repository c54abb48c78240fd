"""Slice views show what Slicer shows, and the layout follows its node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHAPE = (12, 40, 50)  # slices, rows, columns
SPACING = (1.5, 2.0, 4.0)  # mm, columns, rows, slices


@pytest.fixture
def volume(bench: Any) -> Any:
    """A volume whose slice k has a bright block that grows with k, shown in the red view at slice 6."""
    import slicer

    array = np.zeros(SHAPE, np.int16)
    for k in range(SHAPE[0]):
        array[k, 10:30, 5 : 10 + 3 * k] = 1000
    node = slicer.util.addVolumeFromArray(array, np.diag([*SPACING, 1.0]), "blocks")
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True, rotateToVolumePlane=True)
    bench.app.layoutManager().sliceWidget("Red").sliceLogic().SetSliceOffset(6 * SPACING[2])
    return node


def grey(bench: Any, view: str = "Red") -> np.ndarray:
    """The rendered view as a color image (rows, columns, 3), first row at the top."""
    from bench.views.render_window import pixels

    return pixels(bench.app.layoutManager().sliceWidget(view).sliceView().renderWindow()).astype(int)


def color_at(bench: Any, ijk: tuple[float, float, float]) -> list[int]:
    """The color at a voxel of the volume."""
    image = grey(bench)
    point = bench.mouse().pixel(np.multiply(ijk, SPACING))
    return list(image[point.y(), point.x()])


def test_a_view_shows_the_slice_at_its_offset(bench: Any, volume: Any) -> None:
    assert color_at(bench, (20, 20, 6)) == [255, 255, 255]
    assert color_at(bench, (35, 20, 6)) == [0, 0, 0]
    bench.app.layoutManager().sliceWidget("Red").sliceLogic().SetSliceOffset(10 * SPACING[2])
    assert color_at(bench, (35, 20, 10)) == [255, 255, 255]


def test_a_segment_lies_over_the_volume(bench: Any, volume: Any) -> None:
    import slicer

    node = bench.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment = node.GetSegmentation().AddEmptySegment("", "organ", [1.0, 0.0, 0.0])
    mask = np.zeros(SHAPE, np.uint8)
    mask[6, 15:25, 30:40] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment, volume)
    red, green, blue = color_at(bench, (35, 20, 6))
    assert red > 60
    assert green == blue == 0
    assert color_at(bench, (45, 20, 6)) == [0, 0, 0]


def test_pixels_and_patient_coordinates_agree(bench: Any, volume: Any) -> None:
    mouse = bench.mouse("Red")
    point = mouse.pixel((30.0, 40.0, 24.0))
    assert mouse.shown_at(point) == pytest.approx([30.0, 40.0, 24.0], abs=0.2)
    assert mouse.view.convertXYZToRAS(mouse.view.convertRASToXYZ((30.0, 40.0, 24.0))) == pytest.approx([30, 40, 24])
    with pytest.raises(ValueError, match="outside the view"):
        mouse.pixel((900.0, 40.0, 24.0))
    with pytest.raises(ValueError, match="not in the slice"):
        mouse.pixel((30.0, 40.0, 28.0))


def test_the_wheel_browses_slices(bench: Any, volume: Any) -> None:
    from PySide6.QtCore import QCoreApplication, QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent

    widget = bench.app.layoutManager().sliceWidget("Red")
    view = widget.sliceView()
    place = QPointF(view.rect.center())
    bench.mouse("Red").move(view.rect.center())
    none, phase = Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    turn = QWheelEvent(place, place, QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, none, phase, False)
    QCoreApplication.sendEvent(view, turn)
    assert widget.sliceLogic().GetSliceOffset() == pytest.approx(7 * SPACING[2])


def test_a_right_click_ends_place_mode(bench: Any, volume: Any) -> None:
    import slicer
    from PySide6.QtCore import Qt

    node = bench.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    slicer.modules.markups.logic().StartPlaceMode(False)
    mouse = bench.mouse("Red")
    mouse.click_ras((30.0, 40.0, 24.0), Qt.MouseButton.RightButton)
    mode = bench.app.applicationLogic().GetInteractionNode().GetCurrentInteractionMode()
    assert mode == slicer.vtkMRMLInteractionNode.ViewTransform
    assert node.GetNumberOfDefinedControlPoints() == 0


def test_a_point_is_drawn_where_it_is_and_can_be_dragged(bench: Any, volume: Any) -> None:
    node = bench.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    node.CreateDefaultDisplayNodes()
    node.AddControlPointWorld(60.0, 70.0, 24.0)
    mouse = bench.mouse("Red")
    start = mouse.pixel((60.0, 70.0, 24.0))
    assert list(grey(bench)[start.y(), start.x()]) != [0, 0, 0]
    target = mouse.drag_ras((60.0, 70.0, 24.0), (45.0, 65.0, 24.0))
    assert node.GetNthControlPointPositionWorld(0) == pytest.approx(target, abs=0.3)


def test_the_layout_shows_the_views_of_its_node(bench: Any) -> None:
    import slicer

    manager = bench.app.layoutManager()
    assert manager.sliceViewNames() == ["Red", "Green", "Yellow"]
    assert manager.sliceWidget("Red").visible
    assert not manager.sliceWidget("Yellow").visible
    told: list[int] = []
    manager.connect("layoutChanged(int)", told.append)
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView)
    bench.process_events()
    assert told == [manager.layout] == [slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView]
    assert manager.sliceWidget("Yellow").visible
    assert manager.tableWidget(0).visible
    assert manager.plotWidget(0).visible
    assert manager.sliceWidget("Purple") is None


def test_the_selected_table_is_shown_in_the_layout(bench: Any) -> None:
    import slicer

    node = bench.scene.AddNewNodeByClass("vtkMRMLTableNode")
    bench.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView)
    bench.app.applicationLogic().GetSelectionNode().SetActiveTableID(node.GetID())
    bench.app.applicationLogic().PropagateTableSelection()
    assert bench.app.layoutManager().tableWidget(0).tableView().mrmlTableNode() is node


def test_a_view_knows_its_size_after_the_scene_is_closed(bench: Any, volume: Any) -> None:
    widget = bench.app.layoutManager().sliceWidget("Red")
    before = list(widget.mrmlSliceNode().GetDimensions())
    bench.scene.Clear(0)
    assert list(widget.mrmlSliceNode().GetDimensions()) == before
    assert widget.sliceLogic().GetBackgroundLayer().GetVolumeNode() is None
    assert not grey(bench).any()


def test_nothing_is_rendered_while_rendering_is_paused(bench: Any, volume: Any) -> None:
    import slicer

    view = bench.app.layoutManager().sliceWidget("Red").sliceView()
    bench.process_events()
    ends: list[int] = []
    view.renderWindow().AddObserver("EndEvent", lambda *_: ends.append(1))
    with slicer.util.RenderBlocker():
        volume.GetDisplayNode().SetWindowLevel(500, 900)
        bench.process_events()
        assert ends == []
    bench.wait_until(lambda: ends, "the picture after the pause")


def test_a_view_is_rendered_once_before_the_mouse_acts_and_not_before(bench: Any, volume: Any) -> None:
    bench.mouse()
    ends: list[int] = []
    view = bench.app.layoutManager().sliceWidget("Red").sliceView()
    view._window.AddObserver("EndEvent", lambda *_: ends.append(1))
    volume.GetDisplayNode().SetWindowLevel(500, 900)
    bench.process_events()
    assert ends == []
    bench.mouse()
    bench.mouse()
    assert ends == [1]


def test_volumes_and_segmentations_are_saved_and_loaded(bench: Any, volume: Any, tmp_path: Path) -> None:
    import slicer

    path = str(tmp_path / "blocks.nrrd")
    assert slicer.util.saveNode(volume, path)
    again = slicer.util.loadVolume(path)
    assert (slicer.util.arrayFromVolume(again) == slicer.util.arrayFromVolume(volume)).all()
    assert again.GetSpacing() == pytest.approx(SPACING)
    with pytest.raises(RuntimeError, match="Failed to load"):
        slicer.util.loadVolume(str(tmp_path / "missing.nrrd"))

"""A module written for Slicer, from loading to closing, as a user goes through it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

DEMO = Path(__file__).parent / "demo" / "EchoDemo.py"
SPACING = (2.0, 2.0, 3.0)
SLICE = 27.0  # mm, the tenth slice


@pytest.fixture
def volume(bench: Any) -> Any:
    """A volume of 64 x 64 x 20 voxels, a brighter block in it, shown in the red view."""
    import slicer

    array = np.zeros((20, 64, 64), np.int16)
    array[:, 20:50, 10:40] = 300
    node = slicer.util.addVolumeFromArray(array, np.diag([*SPACING, 1.0]), "block")
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True, rotateToVolumePlane=True)
    bench.app.layoutManager().sliceWidget("Red").sliceLogic().SetSliceOffset(SLICE)
    return node


def test_a_module_opens_with_its_panel_and_is_found_where_slicer_has_it(bench: Any) -> None:
    import slicer

    widget = bench.open_module(DEMO)
    assert widget.history == ["enter"]
    assert widget.parent.isEntered
    assert slicer.modules.echodemo.title == "Echo demo"
    assert slicer.util.modulePath("EchoDemo") == str(DEMO)
    assert slicer.util.getModuleLogic("EchoDemo") is widget.logic
    assert slicer.util.getModuleWidget("EchoDemo") is slicer.modules.EchoDemoWidget is widget
    assert slicer.util.selectedModule() == "EchoDemo"
    assert widget.ui.noteEdit.text == "nothing"
    assert not widget.ui.sendButton.enabled


def test_choosing_a_volume_enables_the_button(bench: Any, volume: Any) -> None:
    widget = bench.open_module(DEMO)
    widget.ui.volumeSelector.setCurrentNode(volume)
    assert widget._parameters.volume is volume
    assert widget.ui.sendButton.enabled
    bench.scene.RemoveNode(volume)
    assert widget._parameters.volume is None
    assert not widget.ui.sendButton.enabled


def test_a_click_in_the_view_puts_a_point_where_it_was_clicked(bench: Any, volume: Any) -> None:
    widget = bench.open_module(DEMO)
    bench.click(widget.ui.pointButton)
    assert widget.ui.placeWidget.placeModeEnabled
    clicked = bench.mouse("Red").click_ras((40.0, 60.0, SLICE))
    assert widget.node.GetNumberOfControlPoints() == 1
    assert widget.node.GetNthControlPointPositionWorld(0) == pytest.approx(clicked)
    assert clicked == pytest.approx([40.0, 60.0, SLICE], abs=0.2)
    assert not widget.ui.placeWidget.placeModeEnabled


def test_two_clicks_make_a_box_between_them(bench: Any, volume: Any) -> None:
    widget = bench.open_module(DEMO)
    bench.click(widget.ui.boxButton)
    mouse = bench.mouse("Red")
    first, second = mouse.click_ras((30.0, 50.0, SLICE)), mouse.click_ras((80.0, 90.0, SLICE))
    assert widget.node.GetControlPointPlacementComplete()
    assert widget.node.GetSize()[:2] == pytest.approx([second[0] - first[0], second[1] - first[1]], abs=1e-3)
    center = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    assert list(widget.node.GetCenterWorld()) == pytest.approx(center)


def test_a_corner_of_the_box_can_be_dragged(bench: Any, volume: Any) -> None:
    widget = bench.open_module(DEMO)
    bench.click(widget.ui.boxButton)
    mouse = bench.mouse("Red")
    mouse.click_ras((30.0, 50.0, SLICE))
    corner = mouse.click_ras((80.0, 90.0, SLICE))
    mouse.drag_ras((corner[0] - 0.5, corner[1] - 0.5, SLICE), (99.5, 109.5, SLICE))
    bounds = [0.0] * 6
    widget.node.GetRASBounds(bounds)
    assert bounds[:4] == pytest.approx([30.0, 100.0, 50.0, 110.0], abs=0.5)


def test_json_lines_go_to_a_process_and_come_back(bench: Any, volume: Any) -> None:
    widget = bench.open_module(DEMO)
    widget.ui.volumeSelector.setCurrentNode(volume)
    widget.ui.noteEdit.text = ""
    bench.type_text(widget.ui.noteEdit, "grüß dich")
    bench.click(widget.ui.sendButton)
    bench.wait_until(lambda: widget.replies, "the reply")
    assert widget.replies == [{"id": 0, "note": "grüß dich", "value": 100.0, "echo": True}]
    assert widget.ui.replyLabel.text == "1 replies"
    widget.cleanup()
    bench.wait_until(lambda: len(widget.history) > 2, "the end of the process")
    assert widget.history[-1] == ("finished", 0, True)


def test_widgets_and_parameter_node_follow_each_other(bench: Any, volume: Any) -> None:
    widget = bench.open_module(DEMO)
    ui, parameters = widget.ui, widget._parameters
    mode = type(parameters.mode)
    ui.thresholdSlider.value = 250.5
    ui.countBox.value = 7
    ui.invertBox.checked = True
    ui.modeBox.currentIndex = 0
    assert (parameters.threshold, parameters.count, parameters.invert, parameters.mode) == (250.5, 7, True, mode.FAST)
    parameters.mode, parameters.note, parameters.threshold = mode.EXACT, "changed", -20.0
    assert (ui.modeBox.currentText, ui.noteEdit.text, ui.thresholdSlider.value) == ("EXACT", "changed", -20.0)
    with pytest.raises(ValueError, match="3000"):
        parameters.threshold = 3001.0


def test_parameters_survive_saving_and_loading_the_scene(bench: Any, volume: Any, tmp_path: Path) -> None:
    import slicer

    widget = bench.open_module(DEMO)
    widget.ui.volumeSelector.setCurrentNode(volume)
    widget.ui.noteEdit.text = "kept"
    widget.ui.modeBox.currentIndex = 0
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    bench.scene.Clear(0)
    assert widget.ui.noteEdit.text == "nothing"
    assert widget.ui.volumeSelector.currentNode() is None
    slicer.util.loadScene(path)
    widget.observeParameters()
    assert widget.ui.noteEdit.text == "kept"
    assert widget._parameters.mode.name == "FAST"
    assert widget.ui.volumeSelector.currentNode().GetName() == "block"
    assert widget.logic.threshold(widget._parameters.volume) == 20 * 30 * 30


def test_leaving_and_closing_a_module_call_exit_and_cleanup(bench: Any) -> None:
    widget = bench.open_module(DEMO)
    bench.leave_module()
    assert not widget.parent.isEntered
    bench.open_module(DEMO)
    history = widget.history
    bench.close_modules()
    assert history == ["enter", "exit", "enter", "exit", "quit", "cleanup"]


def test_reloading_a_module_makes_a_new_panel(bench: Any) -> None:
    import slicer

    widget = bench.open_module(DEMO)
    slicer.util.reloadScriptedModule("EchoDemo")
    assert "cleanup" in widget.history
    assert slicer.modules.EchoDemoWidget is not widget
    assert slicer.modules.EchoDemoWidget.ui.noteEdit.text == "nothing"


def test_the_self_test_of_a_module_runs(bench: Any) -> None:
    import slicer

    bench.open_module(DEMO)
    slicer.selfTests["EchoDemo"]()


def test_a_shortcut_reaches_the_panel(bench: Any) -> None:
    widget = bench.open_module(DEMO)
    bench.press_keys("Ctrl+E")
    assert "shortcut" in widget.history


def test_the_screenshot_shows_panel_and_view(bench: Any, volume: Any, tmp_path: Path) -> None:
    from PIL import Image

    widget = bench.open_module(DEMO)
    bench.click(widget.ui.advancedButton)
    picture = np.asarray(Image.open(bench.screenshot(tmp_path / "all.png")).convert("L")).astype(float)
    panel, view = picture[:, :400], picture[:, 440:]
    assert len(np.unique(panel)) > 20  # texts, borders
    assert (view == 0).mean() > 0.3  # air
    assert ((view > 140) & (view < 170)).sum() > 1000 or (view > 240).sum() > 1000  # the block
    alone = bench.screenshot(tmp_path / "panel.png", widget.parent)
    assert Image.open(alone).size[0] == widget.parent.width

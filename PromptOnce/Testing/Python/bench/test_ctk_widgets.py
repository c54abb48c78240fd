"""The stand-ins for CTK's widgets do what panels rely on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def collapsible(bench: Any) -> Any:
    """A collapsible button with two labels, shown."""
    import ctk
    import qt

    button = ctk.ctkCollapsibleButton("Advanced")
    layout = qt.QVBoxLayout(button)
    for name in ("first", "second"):
        label = qt.QLabel(name)
        label.name = name
        layout.addWidget(label)
    button.show()
    bench.process_events()
    return button


def test_collapsing_hides_the_contents_and_tells(bench: Any, collapsible: Any) -> None:
    told: list[bool] = []
    collapsible.connect("contentsCollapsed(bool)", told.append)
    label = collapsible.findChild("QLabel", "first")
    open_height = collapsible.sizeHint.height()
    collapsible.collapsed = True
    assert not label.visible
    assert collapsible.maximumHeight < open_height / 2
    collapsible.collapsed = False
    assert label.visible
    assert collapsible.maximumHeight > open_height
    assert told == [True, False]


def test_a_click_on_the_header_collapses_and_one_below_does_not(bench: Any, collapsible: Any) -> None:
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    for position, collapsed in ((collapsible.height - 3, False), (5, True), (5, False)):
        QTest.mouseClick(collapsible, Qt.MouseButton.LeftButton, pos=QPoint(30, position))
        assert collapsible.collapsed is collapsed


def test_what_was_hidden_for_itself_stays_hidden(bench: Any, collapsible: Any) -> None:
    first, second = (collapsible.findChild("QLabel", name) for name in ("first", "second"))
    first.hide()
    collapsible.collapsed = True
    second.hide()
    first.show()
    assert not first.visible
    collapsible.collapsed = False
    assert first.visible
    assert not second.visible


def test_a_button_collapsed_before_it_is_shown_opens_with_its_contents(bench: Any) -> None:
    import ctk
    import qt

    button, layout = ctk.ctkCollapsibleButton("Advanced"), qt.QVBoxLayout()
    seen, hidden = qt.QLabel("seen"), qt.QLabel("hidden")
    hidden.hide()
    button.setLayout(layout)
    layout.addWidget(seen)
    layout.addWidget(hidden)
    button.collapsed = True
    button.show()
    bench.process_events()
    assert not seen.visible
    button.collapsed = False
    assert seen.visible
    assert not hidden.visible


def test_a_child_added_to_a_collapsed_button_appears_with_it(bench: Any, collapsible: Any) -> None:
    import qt

    collapsible.collapsed = True
    late = qt.QLabel("late")
    collapsible.layout().addWidget(late)
    bench.process_events()
    assert not late.visible
    collapsible.collapsed = False
    assert late.visible


def test_rows_of_a_button_in_a_button_keep_their_height_where_the_room_is_short(bench: Any) -> None:
    import ctk
    import qt

    area, contents = qt.QScrollArea(), qt.QWidget()
    column = qt.QVBoxLayout(contents)
    outer, inner = ctk.ctkCollapsibleButton("Outer"), ctk.ctkCollapsibleButton("Inner")
    rows = [qt.QLineEdit() for _ in range(12)]
    form = qt.QFormLayout(inner)
    for edit in rows:
        form.addRow("Row:", edit)
    qt.QVBoxLayout(outer).addWidget(inner)
    column.addWidget(outer)
    inner.collapsed = True
    area.setWidgetResizable(True)
    area.setWidget(contents)
    area.resize(400, 150)
    area.show()
    bench.process_events()
    inner.collapsed = False
    bench.wait_until(lambda: area.verticalScrollBar().maximum > 0, "the contents to grow")
    for _turn in range(5):  # of the event loop: each tells one more widget that the one in it has grown
        bench.process_events()
    assert [edit.height for edit in rows] == [edit.sizeHint.height() for edit in rows]
    assert outer.height > inner.height > len(rows) * rows[0].height


def test_a_collapsible_group_box_hides_its_contents(bench: Any) -> None:
    import ctk
    import qt

    box = ctk.ctkCollapsibleGroupBox("More")
    layout = qt.QVBoxLayout(box)
    label = qt.QLabel("inside")
    layout.addWidget(label)
    box.show()
    box.collapsed = True
    assert not label.visible
    assert not box.checked
    box.checked = True
    assert label.visible


def test_a_slider_widget_stays_in_its_limits_and_tells_once(bench: Any) -> None:
    import ctk

    slider, told = ctk.ctkSliderWidget(), []
    slider.minimum, slider.maximum, slider.decimals = -100.0, 100.0, 1
    slider.connect("valueChanged(double)", told.append)
    slider.value = 33.33
    assert slider.value == 33.3
    slider.setValue(500)
    slider.setValue(500)
    assert slider.value == 100.0
    assert told == [33.3, 100.0]


def test_a_slider_widget_without_tracking_tells_at_the_end_of_the_drag(bench: Any) -> None:
    import ctk
    import qt

    slider, told, while_dragging = ctk.ctkSliderWidget(), [], []
    slider.tracking = False
    slider.valueChanged.connect(told.append)
    slider.valueIsChanging.connect(while_dragging.append)
    handle = slider.findChild(qt.QSlider)
    handle.sliderDown = True
    handle.value = handle.maximum
    assert (told, while_dragging) == ([], [100.0])
    handle.sliderDown = False
    assert told == [100.0]


def test_a_range_keeps_its_ends_in_order(bench: Any) -> None:
    import ctk

    widget, told = ctk.ctkRangeWidget(), []
    widget.setRange(0, 50)
    widget.setValues(10, 20)
    widget.connect("valuesChanged(double,double)", lambda low, high: told.append((low, high)))
    widget.minimumValue = 30
    assert (widget.minimumValue, widget.maximumValue) == (30, 30)
    widget.maximumValue = 99
    assert told[-1] == (30, 50)


def test_a_path_line_tells_of_paths_that_fit_its_filters(bench: Any) -> None:
    import ctk

    line, paths, valid = ctk.ctkPathLineEdit(), [], []
    line.nameFilters = ["Models (*.pt *.pth)"]
    line.connect("currentPathChanged(QString)", paths.append)
    line.connect("validInputChanged(bool)", valid.append)
    line.currentPath = "/models/large.pt"
    line.currentPath = "/models/notes.txt"
    assert paths == ["/models/large.pt"]
    assert valid[-1] is False


def test_a_path_line_asks_with_the_dialog_that_fits(bench: Any, tmp_path: Path) -> None:
    import ctk
    import qt

    line = ctk.ctkPathLineEdit()
    line.filters = ctk.ctkPathLineEdit.Dirs
    line.show()
    bench.dialogs.answer(str(tmp_path), "")
    bench.click(line.findChild(qt.QToolButton))
    assert line.currentPath == str(tmp_path)
    line.filters = ctk.ctkPathLineEdit.Files
    line.browse()
    assert line.currentPath == str(tmp_path)  # the second dialog was cancelled
    kinds = [shown.kind for shown in bench.dialogs.shown]
    assert kinds == ["QFileDialog.getExistingDirectory", "QFileDialog.getOpenFileName"]


def test_a_path_line_remembers_paths_in_the_settings(bench: Any) -> None:
    import ctk

    line = ctk.ctkPathLineEdit()
    line.settingKey = "PromptOnce/folder"
    for path in ("/a", "/b", "/a"):
        line.currentPath = path
        line.addCurrentPathToHistory()
    again = ctk.ctkPathLineEdit()
    again.settingKey = "PromptOnce/folder"
    assert again.currentPath == "/a"
    assert [again.comboBox().itemText(i) for i in range(again.comboBox().count)] == ["/a", "/b"]


def test_a_color_button_tells_of_the_color_that_was_picked(bench: Any) -> None:
    import ctk
    import qt

    button, told = ctk.ctkColorPickerButton(), []
    button.connect("colorChanged(QColor)", lambda color: told.append(color.name()))
    button.color = qt.QColor("red")
    bench.dialogs.answer(qt.QColor("blue"))
    button.click()
    assert told == ["#ff0000", "#0000ff"]
    assert button.color == qt.QColor("blue")


@pytest.mark.parametrize("method", ["setMinimum", "setSuffix", "setTracking"])
def test_setters_that_python_cannot_reach_in_slicer_are_not_there(bench: Any, method: str) -> None:
    import ctk

    assert not hasattr(ctk.ctkSliderWidget(), method)


def test_a_ui_file_with_an_unknown_widget_is_refused(bench: Any, tmp_path: Path) -> None:
    import slicer

    path = tmp_path / "panel.ui"
    path.write_text('<ui version="4.0"><widget class="ctkFlightSimulator" name="simulator"/></ui>')
    with pytest.raises(RuntimeError, match="ctkFlightSimulator"):
        slicer.util.loadUI(str(path))

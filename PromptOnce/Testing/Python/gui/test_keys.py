"""Keys: what they do while a tool is in hand, where they are dead, and that none of them is Slicer's."""

from __future__ import annotations

from typing import Any

import pytest

from gui.user import User

pytestmark = pytest.mark.usefixtures("_fake_worker")

# Of Slicer 5.13: main window (qSlicerMainWindow.ui and .cxx, qSlicerAppMainWindow, qSlicerModuleSelectorToolBar),
# markups tool bar, sequence tool bar; then slice views, 3D views and markups under the mouse (their VTK widgets, such
# as vtkMRMLSliceIntersectionWidget). Shift alone moves the crosshair.
SLICERS_SHORTCUTS = {
    *("Ctrl+O", "Ctrl+S", "Ctrl+W", "Ctrl+Z", "Ctrl+Y", "Ctrl+X", "Ctrl+C", "Ctrl+V", "Ctrl+H", "Ctrl+F", "Ctrl+B"),
    *(f"Ctrl+{digit}" for digit in range(7)),
    *("Ctrl+`", "Ctrl+Left", "Ctrl+Right", "Ctrl+Shift+A", "Ctrl+Shift+T", "Ctrl+Shift+Space"),
    *("Ctrl+Shift+Left", "Ctrl+Shift+Right", "Ctrl+Shift+Down"),
}
SLICERS_VIEW_KEYS = {
    *("B", "F", "G", "I", "R", "S", "T", "V", "[", "]", "{", "}", "+", "-", "Left", "Right", "Up", "Down"),
    *("Del", "Backspace", "Home", "End", "Ins", "PgUp", "PgDown", "Shift", "Space"),
}


@pytest.fixture
def alone(user: User, tmp_path: Any) -> User:
    """A user without an engine, who has chosen a volume."""
    user.use_private_environment(tmp_path / "engine")
    user.choose(user.load_ball())
    return user


def polarities(user: User) -> list[bool]:
    prompt = user.prompt
    return [] if prompt is None else [point.positive for point in prompt.objects[0].points]


def test_no_key_is_slicers_own(user: User) -> None:
    from PromptOnceLib.gui.shortcuts import KEYS

    assert not set(KEYS.values()) & (SLICERS_SHORTCUTS | SLICERS_VIEW_KEYS)
    assert len(set(KEYS.values())) == len(KEYS)
    assert all(f"{key}: " in user.panel.keys.text for key in KEYS.values())


def test_one_key_swaps_include_and_exclude_while_one_of_them_is_in_hand(alone: User) -> None:
    alone.bench.click(alone.panel.prompt.tools["positive"])
    alone.click_at(40, 40)
    alone.bench.press_keys("X")
    alone.wait_for_panel()
    assert alone.panel.prompt.tools["negative"].checked
    alone.click_at(10, 10)
    alone.bench.press_keys("X")
    alone.click_at(50, 40)
    assert alone.work.editor.tool == "positive"
    assert polarities(alone) == [True, True, False]


def test_the_key_does_nothing_without_a_point_tool(alone: User) -> None:
    alone.bench.press_keys("X")
    assert alone.work.editor.tool is None
    alone.bench.click(alone.panel.prompt.tools["box"])
    alone.bench.press_keys("X")
    assert alone.work.editor.tool == "box"


@pytest.mark.parametrize("tool", ["box", "positive", "negative"])
def test_escape_puts_a_tool_away(alone: User, tool: str) -> None:
    alone.bench.click(alone.panel.prompt.tools[tool])
    alone.bench.press_keys("Esc")
    assert alone.work.editor.tool is None
    assert alone.prompt is None


@pytest.mark.parametrize("keys", ["Ctrl+Shift+B", "Ctrl+Shift+P", "Ctrl+Shift+Y", "Ctrl+Shift+G"])
def test_shortcuts_are_dead_while_the_name_is_typed(alone: User, keys: str) -> None:
    name = alone.panel.prompt.name
    name.clear()
    alone.bench.type_text(name, "lu")
    alone.bench.press_keys(keys)
    assert alone.work.editor.tool is None
    assert not alone.work.runs.running
    assert name.text == "lu"


def test_plain_keys_are_typed_into_the_name_until_a_tool_is_taken_up_again(alone: User) -> None:
    name = alone.panel.prompt.name
    alone.bench.click(alone.panel.prompt.tools["positive"])
    name.clear()
    alone.bench.type_text(name, "a")
    alone.bench.press_keys("X")
    assert name.text.lower() == "ax"
    assert alone.work.editor.tool == "positive"
    alone.bench.click(alone.panel.prompt.tools["negative"])
    assert not name.hasFocus()
    assert alone.case.selected.name.lower() == "ax"
    alone.bench.press_keys("X")
    assert alone.work.editor.tool == "positive"


def test_typing_in_a_number_field_is_typing(alone: User) -> None:
    run = alone.panel.run
    run.options.collapsed = False
    run.limit.setChecked(True)
    alone.wait_for_panel()
    run.first.setFocus()
    alone.bench.press_keys("Ctrl+Shift+B")
    assert alone.work.editor.tool is None


def test_plain_keys_are_left_to_slicer_when_the_module_is_left(alone: User) -> None:
    alone.bench.click(alone.panel.prompt.tools["positive"])
    alone.bench.leave_module()
    alone.bench.press_keys("X")
    assert alone.work.editor.tool is None

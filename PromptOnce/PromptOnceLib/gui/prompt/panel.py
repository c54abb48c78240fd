"""The panel Prompt: objects, and the tools that mark them on the prompted slice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ctk
import qt

from PromptOnceLib.gui.panel import Panel, PanelTools, fill, narrow
from PromptOnceLib.gui.prompt.editor import PromptEditor, Tool
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.prompt.terminology import TerminologyChooser
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, icon, line_label, row, show_text
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.mrml.prompts.objects import PromptObjects
from PromptOnceLib.segmentation.segment import Color


class PromptPanel(Panel):
    """Objects with name, colour and terminology; Box, + and - points, clear, undo, redo.

    remedy_wanted: called with the remedy, as in Missing, where the user wants what is missing for a preview.
    """

    part = "prompt"

    def __init__(
        self, title: str, tools: PanelTools, current: CurrentCase, editor: PromptEditor, preview: PromptPreview
    ) -> None:
        self._current, self._editor, self._preview = current, editor, preview
        self.remedy_wanted: Signal[[str]] = Signal()
        super().__init__(title, tools)
        self.follow(current.changed, editor.changed, preview.changed)

    def build(self) -> None:
        """See Panel."""
        editor = self._editor
        self.objects = narrow(qt.QComboBox())
        self.add, self.remove = _small("+", _("Add an object")), _small("-", _("Remove this object and its prompt"))
        self.name = qt.QLineEdit()
        self.color = ctk.ctkColorPickerButton()
        self.color.displayColorName = False
        self.color.setToolTip(_("Colour of the object and its segment"))
        self.terminology = TerminologyChooser(self._describe)
        self.form.addRow(_("Object:"), row(self.objects, self.add, self.remove))
        self.form.addRow(_("Name:"), row(self.name, self.color, self.terminology.button))
        self.tools: dict[Tool, Any] = {
            "box": _tool("box", _("Box"), _("Drag a box around the object, or click two corners (Ctrl+Shift+B)")),
            "positive": _tool("point-plus", _("Point"), _("Click on the object (Ctrl+Shift+P)")),
            "negative": _tool("point-minus", _("Point"), _("Click on what is not the object (Ctrl+Shift+N)")),
        }
        self.clear = _tool("clear", _("Clear"), _("Remove box and points of this object"), checkable=False)
        self.undo = _tool("undo", "", _("Take back the last change of the prompt (Ctrl+Shift+Z)"), checkable=False)
        self.redo = _tool("redo", "", _("Do it again (Ctrl+Shift+Y)"), checkable=False)
        self.form.addRow(row(*self.tools.values(), None, self.clear, self.undo, self.redo))
        self.hint, self.engine = line_label(), qt.QPushButton()
        self.form.addRow(self.hint)
        self.form.addRow(self.engine)
        self.engine.hide()
        for tool, button in self.tools.items():
            connect(button, "clicked(bool)", lambda checked, tool=tool: editor.use_tool(tool if checked else None))
        connect(self.objects, "activated(int)", self._select)
        connect(self.add, "clicked(bool)", lambda _checked: self._change(PromptObjects.add))
        connect(self.remove, "clicked(bool)", lambda _checked: self._change(PromptObjects.remove_selected))
        connect(self.clear, "clicked(bool)", lambda _checked: self._change(PromptObjects.clear_selected))
        connect(self.undo, "clicked(bool)", lambda _checked: self.take_back())
        connect(self.redo, "clicked(bool)", lambda _checked: self.do_again())
        connect(self.engine, "clicked(bool)", lambda _checked: self._want_remedy())
        connect(self.name, "editingFinished()", self._describe)
        connect(self.color, "colorChanged(QColor)", lambda _color: self._describe())

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        case = self._current.case
        for widget in (self.objects, self.add, self.remove, self.name, self.color, self.clear, *self.tools.values()):
            widget.enabled = case is not None
        self.terminology.button.enabled = case is not None
        self.undo.enabled = case is not None and case.objects.can_undo
        self.redo.enabled = case is not None and case.objects.can_redo
        active = self._editor.tool
        for tool, button in self.tools.items():
            button.setChecked(tool == active)
        self._show_remedy()
        if case is None:
            fill(self.objects, [], "")
            show_text(self.hint, _("Choose a volume first."))
            return
        self._show_objects(case.objects)
        show_text(self.hint, _hint(active, case))

    def cleanup(self) -> None:
        """See Panel."""
        self.terminology.close()

    def take_back(self) -> None:
        """Undo one edit of the prompt."""
        self._change(PromptObjects.undo)

    def do_again(self) -> None:
        """Redo one edit of the prompt."""
        self._change(PromptObjects.redo)

    def _show_objects(self, objects: PromptObjects) -> None:
        scores = self._preview.scores
        entries = []
        for item in objects.objects:
            score = scores.get(item.key)
            text = item.name if score is None else f"{item.name}  ({_('predicted IoU')} {score[1]:.2f})"
            entries.append((text, item.key))
        selected = objects.selected
        fill(self.objects, entries, selected.key)
        for index, item in enumerate(objects.objects):
            self.objects.setItemIcon(index, _swatch(item.color))
        if not self.name.hasFocus() and self.name.text != selected.name:
            self.name.text = selected.name
        blocked = self.color.blockSignals(True)
        self.color.color = _qt_color(selected.color)
        self.color.blockSignals(blocked)
        self.terminology.show(selected.terminology)

    def _show_remedy(self) -> None:
        """A button for what is missing, where it can be had by a click."""
        missing = self._preview.missing
        remedies = {"install": _("Install the engine ..."), "download": _("Download the model ...")}
        text = "" if missing is None else remedies.get(missing.remedy, "")
        self.engine.text = text
        self.engine.setVisible(bool(text))

    def _want_remedy(self) -> None:
        missing = self._preview.missing
        if missing is not None:
            self.remedy_wanted(missing.remedy)

    def _select(self, index: int) -> None:
        self._editor.use_tool(None)
        self._current.select_object(index)

    def _change(self, change: Callable[[PromptObjects], object]) -> None:
        case = self._current.case
        if case is None:
            return
        self._editor.use_tool(None)
        self.say("")
        change(case.objects)
        self._current.edited()

    def _describe(self) -> None:
        case = self._current.case
        if case is None:
            return
        shown = self.color.color
        color: Color = (shown.redF(), shown.greenF(), shown.blueF())
        item = case.selected
        if max(abs(a - b) for a, b in zip(color, item.color, strict=True)) < 0.01:
            color = item.color  # what Qt rounded is no change
        wanted = (self.name.text.strip(), color, self.terminology.entry)
        if wanted != (item.name, item.color, item.terminology):
            case.objects.describe_selected(*wanted)
            self._current.edited()


def _hint(tool: Tool | None, case: OpenCase) -> str:
    if tool == "box":
        return _("Drag from one corner of the box to the opposite one, or click both. Esc or right click: no box.")
    if tool is not None:
        return _("Click in the slice view. X swaps Include and Exclude; Esc or right click puts the tool away.")
    return _("Draw a box around the object, or put a point on it.") if case.prompt is None else ""


def _small(text: str, tip: str) -> Any:
    button = qt.QToolButton()
    button.text = text
    button.setToolTip(tip)
    return button


def _tool(icon_name: str, text: str, tip: str, checkable: bool = True) -> Any:
    button = qt.QToolButton()
    button.setIcon(icon(icon_name))
    button.text = text
    button.setToolButtonStyle(qt.Qt.ToolButtonTextBesideIcon if text else qt.Qt.ToolButtonIconOnly)
    button.setToolTip(tip)
    button.checkable = checkable
    return button


def _qt_color(color: Color) -> Any:
    return qt.QColor.fromRgbF(*color)


def _swatch(color: Color) -> Any:
    picture = qt.QPixmap(14, 14)
    picture.fill(_qt_color(color))
    return qt.QIcon(picture)

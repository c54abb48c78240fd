"""The panel Prompt: objects, and the tools that mark them on the prompted slice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ctk
import qt

from PromptOnceLib.gui.panel import Panel, PanelTools
from PromptOnceLib.gui.prompt.editor import PromptEditor, Tool
from PromptOnceLib.gui.prompt.object_table import ObjectTable
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.prompt.terminology import TerminologyChooser
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, elided, icon, line_label, row
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.mrml.prompts.objects import PromptObjects
from PromptOnceLib.mrml.segmentations.corrections import slices_in_words
from PromptOnceLib.segmentation.segment import Color

_FORGET_WIDTH = 110  # pixels


class PromptPanel(Panel):
    """Objects with name, colour and terminology; Box, Include, Exclude, clear, undo, redo."""

    part = "prompt"
    notice_lines = 2

    def __init__(
        self, title: str, tools: PanelTools, current: CurrentCase, editor: PromptEditor, preview: PromptPreview
    ) -> None:
        self._current, self._editor, self._preview = current, editor, preview
        super().__init__(title, tools)
        self.follow(current.changed, editor.changed, preview.changed)

    def build(self) -> None:
        """See Panel."""
        editor = self._editor
        self._table = ObjectTable(self._select, self._show_markups)
        self.objects = self._table.widget
        self.add, self.remove = _small("+", _("Add an object")), _small("-", _("Remove this object and its prompt"))
        self.name = qt.QLineEdit()
        self.color = ctk.ctkColorPickerButton()
        self.color.displayColorName = False
        self.color.setToolTip(_("Colour of the object and its segment"))
        self.terminology = TerminologyChooser(self._describe)
        # The texts are the tools' names, so that each is found by its own.
        self.tools: dict[Tool, Any] = {
            "box": _tool("box", _("Box"), _("Drag a box around the object, or click two corners (Ctrl+Shift+B)")),
            "positive": _tool("point-plus", _("Include"), _("Click on the object (Ctrl+Shift+P)")),
            "negative": _tool("point-minus", _("Exclude"), _("Click where the mask should not be (Ctrl+Shift+N)")),
        }
        self.clear = _tool("clear", "", _("Remove box and points of this object"), checkable=False)
        self.undo = _tool("undo", "", _("Undo the last change of the prompt (Ctrl+Shift+Z)"), checkable=False)
        self.redo = _tool("redo", "", _("Redo the change (Ctrl+Shift+Y)"), checkable=False)
        self.hint = line_label()
        tools = row(*self.tools.values(), None, self.clear, self.undo, self.redo)
        tools.setSpacing(2)
        self.form.addRow(tools)
        self.form.addRow(self.hint)
        self.form.addRow(self.notice)
        self.form.addRow(self.objects)
        self.keep, self.forget = qt.QPushButton(_("Keep marks of this slice")), qt.QToolButton()
        self.keep.setToolTip(_("Keep these marks and go on with another slice: both prompt the run"))
        self.form.addRow(row(self.keep, None, self.forget))
        self.form.addRow(row(self.name, self.color, self.terminology.button, self.add, self.remove))
        for tool, button in self.tools.items():
            connect(button, "clicked(bool)", lambda checked, tool=tool: editor.use_tool(tool if checked else None))
        connect(self.add, "clicked(bool)", lambda _checked: self._change(PromptObjects.add))
        connect(self.remove, "clicked(bool)", lambda _checked: self._change(PromptObjects.remove_selected))
        connect(self.clear, "clicked(bool)", lambda _checked: self._change(PromptObjects.clear_selected))
        connect(self.undo, "clicked(bool)", lambda _checked: self.take_back())
        connect(self.redo, "clicked(bool)", lambda _checked: self.do_again())
        connect(self.keep, "clicked(bool)", lambda _checked: self._keep())
        connect(self.forget, "clicked(bool)", lambda _checked: self._forget())
        connect(self.name, "editingFinished()", self._describe)
        connect(self.color, "colorChanged(QColor)", lambda _color: self._describe())

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        case = self._current.case
        for widget in (self.objects, self.clear, *self.tools.values()):
            widget.enabled = case is not None
        # While a slice is corrected there is the one object, as its segment describes it.
        for widget in (self.add, self.remove, self.name, self.color, self.terminology.button):
            widget.enabled = case is not None and case.correction is None
        self.undo.enabled = case is not None and case.objects.can_undo
        self.redo.enabled = case is not None and case.objects.can_redo
        active = self._editor.tool
        for tool, button in self.tools.items():
            button.setChecked(tool == active)
        self._show_kept(case)
        self._table.show(None if case is None else case.objects, self._preview.scores)
        if case is not None:
            self._describe_selected(case.objects)
        self.show_instead_of_notice(self.hint, _("Choose a volume first.") if case is None else _hint(active, case))

    def cleanup(self) -> None:
        """See Panel."""
        self.terminology.close()

    def take_back(self) -> None:
        """Undo one edit of the prompt."""
        self._change(PromptObjects.undo)

    def do_again(self) -> None:
        """Redo one edit of the prompt."""
        self._change(PromptObjects.redo)

    def _show_kept(self, case: OpenCase | None) -> None:
        slices = [] if case is None else case.kept.slices
        self.keep.enabled = case is not None and case.prompt is not None
        self.forget.enabled = bool(slices)
        kept = slices_in_words(slices) if slices else ""
        text = _("Forget {slices}").format(slices=kept).strip()
        self.forget.text = elided(self.forget, text, _FORGET_WIDTH)
        self.forget.setToolTip(_("Discard the marks that are kept on other slices") + (f": {kept}" if kept else ""))

    def _keep(self) -> None:
        case = self._current.case
        if case is not None and case.prompt is not None:
            case.kept.keep(case.prompt.slice, case.objects.marked)
            self.outdated()

    def _forget(self) -> None:
        case = self._current.case
        if case is not None:
            case.kept.forget()
            self.outdated()

    def _describe_selected(self, objects: PromptObjects) -> None:
        selected = objects.selected
        if not self.name.hasFocus() and self.name.text != selected.name:
            self.name.text = selected.name
        blocked = self.color.blockSignals(True)
        self.color.color = qt.QColor.fromRgbF(*selected.color)
        self.color.blockSignals(blocked)
        self.terminology.show(selected.terminology)

    def _select(self, index: int) -> None:
        self._editor.use_tool(None)
        self._current.select_object(index)

    def _show_markups(self, index: int, visible: bool) -> None:
        case = self._current.case
        if case is not None:
            case.objects.objects[index].set_visible(visible)
            self.outdated()

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
        return _("Drag from one corner of the box to the opposite one, or click both. Esc or right click cancels.")
    if tool is not None:
        return _("Click in the slice view. X swaps Include and Exclude; Esc or right click puts the tool away.")
    if case.correction is not None:
        return _("Mark what is wrong on slice {index}, then press Propagate changes.").format(index=case.objects.seed)
    if case.prompt is None:
        return _("Draw a box around the object, or put a point on it: Box, Include.")
    return _("Where the mask is wrong, correct it with Include and Exclude. Then press Propagate.")


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

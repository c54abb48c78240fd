"""The panel Prompt: objects, and the tools that mark them on the prompted slice."""

from __future__ import annotations

from typing import Any

import ctk
import qt

from PromptOnceLib.gui.panel import Panel, fill, narrow
from PromptOnceLib.gui.prompt.terminology import TerminologyChooser
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, icon, line_label, row, show_text
from PromptOnceLib.segmentation.segment import Color

TOOLS = ("box", "positive", "negative")


class PromptPanel(Panel):
    """Objects with name, colour and terminology; Box, + and - points, clear, undo, redo."""

    part = "prompt"

    def build(self) -> None:
        """See Panel."""
        self.objects = narrow(qt.QComboBox())
        self.add, self.remove = _small("+", _("Add an object")), _small("-", _("Remove this object and its prompt"))
        self.name = qt.QLineEdit()
        self.color = ctk.ctkColorPickerButton()
        self.color.displayColorName = False
        self.color.setToolTip(_("Colour of the object and its segment"))
        self.terminology = TerminologyChooser(self._describe)
        self.form.addRow(_("Object:"), row(self.objects, self.add, self.remove))
        self.form.addRow(_("Name:"), row(self.name, self.color, self.terminology.button))
        self.tools = {
            "box": _tool("box", _("Box"), _("Click two opposite corners of a box around the object (Ctrl+Shift+B)")),
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
        for role, button in self.tools.items():
            connect(
                button,
                "clicked(bool)",
                lambda checked, role=role: self.bench.editing.use_tool(role if checked else None),
            )
        connect(self.objects, "activated(int)", self._select)
        connect(self.add, "clicked(bool)", lambda _checked: self._change(self.bench.objects.add))
        connect(self.remove, "clicked(bool)", lambda _checked: self._change(self.bench.objects.remove_selected))
        connect(self.clear, "clicked(bool)", lambda _checked: self._change(self.bench.objects.clear_selected))
        connect(self.undo, "clicked(bool)", lambda _checked: self.take_back())
        connect(self.redo, "clicked(bool)", lambda _checked: self.do_again())
        connect(self.name, "editingFinished()", self._describe)
        connect(self.color, "colorChanged(QColor)", lambda _color: self._describe())

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        objects = self.bench.objects
        for widget in (self.objects, self.add, self.remove, self.name, self.color, self.clear, *self.tools.values()):
            widget.enabled = objects is not None
        self.terminology.button.enabled = objects is not None
        self.undo.enabled = objects is not None and objects.can_undo
        self.redo.enabled = objects is not None and objects.can_redo
        tool = self.bench.editing.tool
        for role, button in self.tools.items():
            button.setChecked(role == tool)
        if objects is None:
            fill(self.objects, [], "")
            show_text(self.hint, _("Choose a volume first."))
            return
        self._show_objects()
        show_text(self.hint, self._hint(tool))

    def cleanup(self) -> None:
        """See Panel."""
        self.terminology.close()

    def take_back(self) -> None:
        """Undo one edit of the prompt."""
        if self.bench.objects is not None:
            self._change(self.bench.objects.undo)

    def do_again(self) -> None:
        """Redo one edit of the prompt."""
        if self.bench.objects is not None:
            self._change(self.bench.objects.redo)

    def _show_objects(self) -> None:
        objects, scores = self.bench.objects, self.bench.previewing.scores
        entries = []
        for item in objects.objects:
            score = scores.get(item.key)
            text = item.name if score is None else f"{item.name}  ({_('predicted IoU')} {score[1]:.2f})"
            entries.append((text, item.key))
        fill(self.objects, entries, objects.selected.key)
        for index, item in enumerate(objects.objects):
            self.objects.setItemIcon(index, _swatch(item.color))
        if not self.name.hasFocus() and self.name.text != objects.selected.name:
            self.name.text = objects.selected.name
        blocked = self.color.blockSignals(True)
        self.color.color = _qt_color(objects.selected.color)
        self.color.blockSignals(blocked)
        self.terminology.show(objects.selected.terminology)

    def _hint(self, tool: str | None) -> str:
        if tool == "box":
            return _("Click one corner of the box in the slice view, then the opposite one: two clicks, no dragging.")
        if tool is not None:
            return _("Click in the slice view; right click or the button again puts the tool away.")
        if self.bench.read_prompt() is None:
            return _("Draw a box around the object, or put a point on it.")
        return ""

    def _use_tool(self, role: str | None) -> None:
        self.bench.editing.use_tool(role)

    def _select(self, index: int) -> None:
        self.bench.editing.use_tool(None)
        self.bench.objects.current = index
        self.bench.changed()

    def _change(self, change: Any) -> None:
        self.bench.editing.use_tool(None)
        self.bench.say("prompt", "")
        change()
        self.bench.edited()

    def _describe(self) -> None:
        objects = self.bench.objects
        if objects is None:
            return
        shown = self.color.color
        color: Color = (shown.redF(), shown.greenF(), shown.blueF())
        item = objects.selected
        if max(abs(a - b) for a, b in zip(color, item.color, strict=True)) < 0.01:
            color = item.color  # what Qt rounded is no change
        wanted = (self.name.text.strip(), color, self.terminology.entry)
        if wanted != (item.name, item.color, item.terminology):
            objects.describe_selected(*wanted)
            self.bench.edited()


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

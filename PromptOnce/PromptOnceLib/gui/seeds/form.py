"""The part of the panel Seeds that saves the current prompt as a seed."""

from __future__ import annotations

from typing import Any

import ctk
import numpy as np
import qt

from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, line_label, pixmap, row, show_text
from PromptOnceLib.gui.seeds.saver import SeedSaver
from PromptOnceLib.gui.volume.chosen_image import ChosenImage
from PromptOnceLib.gui.volume.open_case import CurrentCase
from PromptOnceLib.imaging.orientation import FrameOrientation
from PromptOnceLib.imaging.stack import pixel_spacing
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.seeds.picture import display_of
from PromptOnceLib.segmentation.slice_picture import picture_size, slice_picture

_PICTURE = 270  # pixels
_HINT_LINES = 2
_WINDOW = (900, 700)
_WORDS = ("target", "author", "licence", "note")


class SeedForm:
    """Name, target, author, licence, note; the frame as it will be stored; and the user's confirmation of what it
    shows.
    """

    def __init__(self, current: CurrentCase, engine: EngineAccess, saver: SeedSaver) -> None:
        self._current, self._engine, self._saver = current, engine, saver
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.text = _("Save as seed ...")
        self.name = qt.QLineEdit()
        self.edits = {word: qt.QLineEdit() for word in _WORDS}
        self.picture, self.hint = qt.QLabel(), line_label()
        self.confirmed = qt.QCheckBox(_("The picture shows no names\nor other burned-in text"))
        self.larger = qt.QPushButton(_("Full size ..."))
        self.larger.setToolTip(
            _("Show every pixel in a separate window: small text is not visible in the small picture")
        )
        self.save = qt.QPushButton(_("Save"))
        form = qt.QFormLayout()
        form.setFieldGrowthPolicy(qt.QFormLayout.AllNonFixedFieldsGrow)
        form.addRow(_("Name:"), self.name)
        labels = {"target": _("Target:"), "author": _("Author:"), "licence": _("Licence:"), "note": _("Note:")}
        for word, edit in self.edits.items():
            form.addRow(labels[word], edit)
        self.name.setPlaceholderText(_("for example: lungs, chest CT"))
        self.edits["target"].setPlaceholderText(_("what is marked, for example: lungs"))
        self.edits["note"].setToolTip(_("Do not write anything about the patient"))
        form.addRow(self.picture)
        form.addRow(row(self.larger, None))
        form.addRow(self.confirmed)
        form.addRow(self.hint)
        form.addRow(self.save)
        self.widget.setLayout(form)
        self.widget.collapsed = True
        self.window: Any = None
        self._drawn: tuple[Any, ...] = ()
        saver.saved.connect(self._saved)
        connect(self.larger, "clicked(bool)", lambda _checked: self._show_larger())
        connect(self.widget, "contentsCollapsed(bool)", lambda _collapsed: self.refresh())
        connect(self.confirmed, "toggled(bool)", lambda _checked: self.refresh())
        connect(self.name, "textChanged(QString)", lambda _text: self.refresh())
        connect(self.save, "clicked(bool)", lambda _checked: self._save())

    def refresh(self) -> None:
        """Show the frame of now, and whether it can be saved."""
        if self.widget.collapsed:
            return
        case, frame = self._current.case, self._saver.frame()
        if case is not None and frame is not None:
            self._draw(case.image, *frame)
        self.picture.setVisible(frame is not None)
        self.confirmed.setVisible(frame is not None)
        self.larger.setVisible(frame is not None)
        self.save.enabled = bool(
            frame is not None and self.confirmed.checked and self.name.text.strip() and not self._engine.working
        )
        show_text(self.hint, self._hint(frame is not None), _HINT_LINES)  # Save stays where it is

    def _hint(self, prompted: bool) -> str:
        if not prompted:
            return _("Mark an object first: a seed is a slice with its prompt and its mask.")
        if not self.confirmed.checked:
            return _("Look at the picture: it is stored as it is and may be shared.")
        return "" if self.name.text.strip() else _("Give the seed a name.")

    def _draw(self, image: ChosenImage, index: int, window: Window) -> None:
        """Another frame has to be looked at anew."""
        if self._drawn == (image, index, window):
            return
        self._drawn = (image, index, window)
        self.confirmed.checked = False
        self.picture.setPixmap(self._pixmap(_PICTURE))

    def _pixmap(self, room: int) -> Any:
        """The frame as radiologists expect it, in true proportions, with this many pixels at most or all of them."""
        image, index, window = self._drawn
        geometry, axis = image.volume.geometry, image.axis.axis
        view = display_of(FrameOrientation.of(geometry, axis))
        frame = np.ascontiguousarray(view.of_slices(image.frame(index, window)))
        side = max(frame.shape) if room == 0 else room
        size = picture_size(frame.shape, view.of_spacing(pixel_spacing(geometry, axis)[:2]), (side, side))
        return pixmap(slice_picture(frame, [], [], None, size))

    def _show_larger(self) -> None:
        """A window that nothing waits for."""
        label = qt.QLabel()
        label.setPixmap(self._pixmap(0))
        self.close()
        self.window = qt.QScrollArea()
        self.window.setWindowTitle(_("The frame of the seed"))
        self.window.setWidget(label)
        self.window.resize(*_WINDOW)
        self.window.show()

    def close(self) -> None:
        """Close the window with the frame."""
        if self.window is not None:
            self.window.close()
            self.window = None

    def _save(self) -> None:
        """What is stored is what was looked at: where the frame is another one by now, it is shown first."""
        self.refresh()
        if not self.save.enabled:
            return
        words = {word: edit.text for word, edit in self.edits.items()}
        self._saver.save(self.name.text, bool(self.confirmed.checked), **words)

    def _saved(self) -> None:
        """Ready for another seed."""
        self.name.clear()
        self.confirmed.checked = False
        self.widget.collapsed = True

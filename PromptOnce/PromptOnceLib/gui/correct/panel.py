"""The panel Correct: the ribbon, and what is done slice by slice."""

from __future__ import annotations

from typing import Any

import qt

from PromptOnceLib.gui.correct.correcting import CorrectionController
from PromptOnceLib.gui.correct.picture import COLORS, draw_sample
from PromptOnceLib.gui.correct.ribbon import Ribbon
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.panel import Panel, PanelTools, fill, narrow
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, icon, line_label, pixmap, row, show_text
from PromptOnceLib.gui.volume.open_case import CurrentCase
from PromptOnceLib.gui.volume.slice_views import WatchedViews
from PromptOnceLib.mrml.segmentations.corrections import slices_in_words

_BUTTON_HEIGHT = 32  # pixels
_LEGEND_COLUMNS = 4


class CorrectPanel(Panel):
    """Ribbon, what is known of the slice that is shown, Next to review, Accept, Correct here, Propagate changes."""

    part = "correct"
    notice_lines = 2

    def __init__(
        self,
        title: str,
        tools: PanelTools,
        current: CurrentCase,
        engine: EngineAccess,
        corrections: CorrectionController,
    ) -> None:
        self._engine, self._corrections = engine, corrections
        self._views = WatchedViews("vtkMRMLSliceNode", self.outdated)
        self._away = False
        super().__init__(title, tools)
        history, segment = corrections.history, corrections.segment
        self.follow(current.changed, engine.pumped, corrections.changed, history.changed, segment.changed)
        current.opened.connect(lambda _case: self._views.watch())

    def build(self) -> None:
        """See Panel."""
        corrections = self._corrections
        self.segment = narrow(qt.QComboBox())
        self.segment.setToolTip(_("The segment to review: that of the selected object, or another one"))
        self.segment_label = qt.QLabel(_("Segment:"))
        self.ribbon = Ribbon(corrections.walk.go_to, self.outdated, self._describe)
        self.slice, self.hint = line_label(), line_label()
        self.next = _button(_("Next to review"), _("Show the slice where most pixels are expected to be wrong (N)"))
        self.accept = _button(_("Accept"), _("Keep the slice that is shown as it is (A)"))
        self.correct = _button(
            _("Correct here"), _("Mark what is wrong on the slice that is shown, with Box, Include and Exclude")
        )
        self.propagate = qt.QPushButton(icon("propagate"), "")
        self.propagate.setToolTip(_("Compute the slices up to the next fixed ones again; all others stay as they are"))
        self.propagate.setMinimumHeight(_BUTTON_HEIGHT)
        self.bar = qt.QProgressBar()
        self.bar.setTextVisible(False)
        self.cancel = qt.QPushButton(icon("cancel"), _("Cancel"))
        self.cancel.setToolTip(_("Stop at the next slice; the result stays as it was"))
        self.undo, self.redo = qt.QToolButton(), qt.QToolButton()
        self.undo.text, self.redo.text = _("Undo"), _("Redo")
        self.undo.setToolTip(_("Undo the last step: a correction, or what was accepted"))
        self.legend = _legend()
        self.form.addRow(self.segment_label, self.segment)
        self.form.addRow(self.ribbon.widget)
        self.form.addRow(self.slice)
        self.form.addRow(row(self.next, self.accept, self.correct))
        self.form.addRow(self.propagate)
        self.form.addRow(row(self.bar, self.cancel, self.undo, self.redo))
        self.form.addRow(self.hint)
        self.form.addRow(self.notice)
        self.form.addRow(self.legend)
        connect(self.segment, "activated(int)", self._segment_chosen)
        connect(self.next, "clicked(bool)", lambda _checked: corrections.next())
        connect(self.accept, "clicked(bool)", lambda _checked: corrections.accept())
        connect(self.correct, "clicked(bool)", lambda _checked: self._begin_or_give_up())
        connect(self.propagate, "clicked(bool)", lambda _checked: self._propagate())
        connect(self.cancel, "clicked(bool)", lambda _checked: corrections.work.cancel())
        connect(self.undo, "clicked(bool)", lambda _checked: corrections.undo())
        connect(self.redo, "clicked(bool)", lambda _checked: corrections.redo())

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        # A stroke in the Segment Editor has the segment read again: not while nobody looks.
        if self.widget.collapsed or self._away:
            return
        corrections, idle = self._corrections, not self._engine.working
        cells, there = corrections.segment.cells, corrections.segment.now is not None
        self._show_segments(idle)
        shown = corrections.walk.shown
        self.ribbon.show(cells, shown)
        for widget in (self.ribbon.widget, self.slice, self.legend):
            widget.setVisible(there)
        show_text(self.slice, self._describe(shown) if there and shown is not None else "", 2 if there else 0)
        self.next.enabled = there and idle
        self.accept.enabled = there and idle and not corrections.correcting
        self.correct.enabled = (there and idle) or (corrections.correcting and not corrections.work.running)
        self.correct.text = _("Stop correcting") if corrections.correcting else _("Correct here")
        count = corrections.touched
        self.propagate.text = _("Propagate changes ({count} slices)").format(count=count)
        self.propagate.enabled = idle and bool(corrections.changes)
        self.cancel.enabled = corrections.work.running
        self.undo.enabled = idle and corrections.history.can_undo
        self.redo.enabled = idle and corrections.history.can_redo
        self._show_progress()
        self.show_instead_of_notice(self.hint, self._hint())

    def cleanup(self) -> None:
        """See Panel."""
        self._views.removeObservers()
        self.ribbon.close()

    def look_again(self) -> None:
        """The module is opened: slices may have been drawn on elsewhere."""
        self._away = False
        self._views.watch()
        self._corrections.segment.outdated()

    def leave(self) -> None:
        """Another module is opened: nobody looks."""
        self._away = True

    def _show_segments(self, idle: bool) -> None:
        """The segments of the segmentation that is chosen under Options."""
        segments = self._corrections.segment.all
        place = self._corrections.segment.place
        self.segment.setVisible(bool(segments))
        self.segment_label.setVisible(bool(segments))
        self.segment.enabled = idle and not self._corrections.correcting
        fill(self.segment, segments, "" if place is None else place[1])

    def _show_progress(self) -> None:
        done, total = self._corrections.work.progress
        self.bar.enabled = self._corrections.work.running
        self.bar.setRange(0, total if self._corrections.work.running else 1)
        self.bar.setValue(done)

    def _hint(self) -> str:
        corrections = self._corrections
        found = corrections.segment.now
        if corrections.work.running:
            return _("{done} of {total} steps").format(
                done=corrections.work.progress[0], total=corrections.work.progress[1]
            )
        if found is None:
            return _("Once an object has a result, its slices appear here: press Propagate, or choose a segment.")
        if corrections.correcting:
            return _(
                "Mark what is wrong with Box, Include and Exclude: the fill is the new mask, the line the old one."
            )
        if found.edited:
            words = slices_in_words(found.edited)
            return _("Drawn by hand: {slices}. Propagate changes starts from there.").format(slices=words)
        if found.changed:
            return _("Propagate changes starts from the accepted slices.")
        if not found.prompts.objects[0].slices:
            return _("This segment was not made here: accept a slice that is right, to propagate from it.")
        return _("Look at the slices that Next to review shows: accept them, or correct them.")

    def _describe(self, index: int) -> str:
        """What is known of a slice, in words."""
        cells, slices = self._corrections.segment.cells, self._corrections.segment.slices
        if not 0 <= index < len(slices):
            return ""
        text = _("Slice {index}: {state}").format(index=index, state=_in_words()[cells[index].state])
        one = slices[index]
        if one.confidence is not None and not one.settled:
            text += _(", confidence {confidence:.2f}").format(confidence=one.confidence)
        return "; ".join([text, *one.reasons])

    def _segment_chosen(self, number: int) -> None:
        self._corrections.segment.choose(self.segment.itemData(number))

    def _begin_or_give_up(self) -> None:
        if self._corrections.correcting:
            self._corrections.give_up()
        else:
            self._corrections.begin()

    def _propagate(self) -> None:
        """A button that is disabled hands its focus on, and Slicer's panel scrolls there: better to Cancel near by."""
        self._corrections.propagate()
        if self._corrections.work.running:
            self.cancel.enabled = True
            self.cancel.setFocus()


def _in_words() -> dict[str, str]:
    return {
        "prompted": _("prompted"),
        "corrected": _("corrected"),
        "accepted": _("accepted"),
        "edited": _("drawn by hand"),
        "confident": _("confident"),
        "doubtful": _("doubtful"),
        "not computed": _("not computed"),
    }


def _legend() -> Any:
    """A sample of every cell with its name."""
    widget, grid = qt.QWidget(), qt.QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    words = _in_words()
    for number, state in enumerate(COLORS):
        sample, name = qt.QLabel(), qt.QLabel(words[state])
        sample.setPixmap(pixmap(draw_sample(state)))
        pair = row(sample, name, None)
        grid.addLayout(pair, number // _LEGEND_COLUMNS, number % _LEGEND_COLUMNS)
    widget.setLayout(grid)
    return widget


def _button(text: str, tip: str) -> Any:
    button = qt.QPushButton(text)
    button.setToolTip(tip)
    return button

"""The panel Run: where the result goes, propagating, its progress, going back."""

from __future__ import annotations

from typing import Any

import qt
import slicer

from PromptOnceLib.gui.panel import Panel, fill, narrow
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, icon, line_label, row, show_text
from PromptOnceLib.worker.session import State


class RunPanel(Panel):
    """Target, Propagate in both directions or one, range, progress, Cancel, undo of the run."""

    part = "run"

    def build(self) -> None:
        """See Panel."""
        self.segmentation = slicer.qMRMLNodeComboBox()
        self.segmentation.nodeTypes = ["vtkMRMLSegmentationNode"]
        self.segmentation.addEnabled = self.segmentation.removeEnabled = False
        self.segmentation.noneEnabled = True
        self.segmentation.noneDisplay = _("new segmentation")
        self.segmentation.setMRMLScene(slicer.mrmlScene)
        self.segment = narrow(qt.QComboBox())
        self.overwrite = qt.QCheckBox(_("Take voxels from other segments"))
        self.overwrite.setToolTip(_("Otherwise segments may overlap, and other segments stay as they are"))
        self.early_stop = early_stop_box()
        self.limit = qt.QCheckBox(_("Only slices"))
        # Kept: under PythonQt a label that is in no widget yet would go with its last name.
        self.first, self.to, self.last = qt.QSpinBox(), qt.QLabel(_("to")), qt.QSpinBox()
        self.propagate = qt.QPushButton(icon("propagate"), _("Propagate"))
        self.propagate.setToolTip(_("Carry the mask of the prompted slice to all others (Ctrl+Shift+G)"))
        self.backward = _arrow("backward", _("Propagate backward only"))
        self.forward = _arrow("forward", _("Propagate forward only"))
        self.cancel = qt.QPushButton(icon("cancel"), _("Cancel"))
        self.cancel.setToolTip(_("Stop at the next slice and keep what is done (Ctrl+Shift+X)"))
        self.undo, self.redo = qt.QToolButton(), qt.QToolButton()
        self.undo.text, self.redo.text = _("Undo run"), _("Redo run")
        self.bar, self.speed = qt.QProgressBar(), line_label()
        self.form.addRow(_("Result:"), self.segmentation)
        self.form.addRow(_("Segment:"), self.segment)
        self.form.addRow(self.overwrite)
        self.form.addRow(row(self.limit, self.first, self.to, self.last, None))
        self.form.addRow(self.early_stop)
        buttons = row(self.backward, self.propagate, self.forward)
        buttons.setStretch(1, 1)
        self.form.addRow(buttons)
        self.form.addRow(row(self.cancel, None, self.undo, self.redo))
        self.form.addRow(self.bar)
        self.form.addRow(self.speed)
        self.bar.hide()
        running = self.bench.propagating
        connect(self.segmentation, "nodeActivated(vtkMRMLNode*)", self._segmentation_chosen)
        connect(self.segment, "activated(int)", self._segment_chosen)
        connect(self.overwrite, "toggled(bool)", lambda checked: self._set("overwrite", checked))
        connect(self.early_stop, "toggled(bool)", lambda checked: self._set("earlyStop", checked))
        connect(self.limit, "toggled(bool)", lambda checked: self._set("limitRange", checked))
        connect(self.first, "valueChanged(int)", lambda value: self._set("firstSlice", value))
        connect(self.last, "valueChanged(int)", lambda value: self._set("lastSlice", value))
        connect(self.propagate, "clicked(bool)", lambda _checked: running.start("both"))
        connect(self.forward, "clicked(bool)", lambda _checked: running.start("forward"))
        connect(self.backward, "clicked(bool)", lambda _checked: running.start("backward"))
        connect(self.cancel, "clicked(bool)", lambda _checked: running.cancel())
        connect(self.undo, "clicked(bool)", lambda _checked: running.undo())
        connect(self.redo, "clicked(bool)", lambda _checked: running.redo())

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        running = self.bench.propagating
        ready = self.bench.objects is not None and not running.running
        for widget in (self.segmentation, self.segment, self.overwrite, self.limit, self.early_stop):
            widget.enabled = ready
        for widget in (self.propagate, self.forward, self.backward):
            widget.enabled = ready and self.bench.read_prompt() is not None
        self.cancel.enabled = running.running
        self.undo.enabled, self.redo.enabled = running.can_undo, running.can_redo
        self._show_choices()
        self._show_progress()

    def _show_choices(self) -> None:
        parameters, objects = self.bench.parameters, self.bench.objects
        if parameters is None or objects is None:
            return
        if self.segmentation.currentNode() is not parameters.segmentation:
            blocked = self.segmentation.blockSignals(True)
            self.segmentation.setCurrentNode(parameters.segmentation)
            self.segmentation.blockSignals(blocked)
        entries = [(_("new segment"), "")]
        if parameters.segmentation is not None:
            segmentation = parameters.segmentation.GetSegmentation()
            entries += [(segmentation.GetSegment(i).GetName(), i) for i in segmentation.GetSegmentIDs()]
        fill(self.segment, entries, self.bench.propagating.segment_for(objects.selected.key) or "")
        self.overwrite.checked = parameters.overwrite
        self.early_stop.checked = parameters.earlyStop
        self.limit.checked = parameters.limitRange
        count = len(self.bench.image.slices)
        for box, value in ((self.first, parameters.firstSlice), (self.last, parameters.lastSlice)):
            box.enabled = parameters.limitRange and not self.bench.propagating.running
            blocked = box.blockSignals(True)
            box.setRange(0, count - 1)
            box.setValue(count - 1 if value < 0 else min(value, count - 1))
            box.blockSignals(blocked)

    def _show_progress(self) -> None:
        running, state = self.bench.propagating, self.bench.session.state
        self.bar.setVisible(running.running)
        if not running.running:
            show_text(self.speed, _in_words(state))
            return
        progress = running.job.progress
        self.bar.setMaximum(progress.total)  # 0, before the first slice, shows that something goes on
        self.bar.setValue(progress.done)
        if progress.done == 0:
            show_text(self.speed, _in_words(state) or _("Waiting for the first slice ..."))
            return
        text = _("{done} of {total} slices").format(done=progress.done, total=progress.total)
        if progress.slices_per_second is not None:
            text += _(", {speed:.1f} a second").format(speed=progress.slices_per_second)
        if progress.seconds_left is not None:
            text += _(", {seconds:.0f} s left").format(seconds=progress.seconds_left)
        show_text(self.speed, text)

    def _segmentation_chosen(self, node: Any) -> None:
        if self.bench.parameters is not None:
            self.bench.parameters.segmentation = node
            self.bench.changed()

    def _segment_chosen(self, index: int) -> None:
        key = self.bench.objects.selected.key
        self.bench.propagating.segment_choice[key] = self.segment.itemData(index)
        self.bench.changed()

    def _set(self, name: str, value: Any) -> None:
        """Keep a choice with the scene."""
        parameters = self.bench.parameters
        if parameters is None or getattr(parameters, name) == value:
            return
        setattr(parameters, name, value)
        if name == "limitRange" and value and parameters.lastSlice < 0 and self.bench.image is not None:
            parameters.lastSlice = len(self.bench.image.slices) - 1
        self.bench.changed()


def early_stop_box() -> Any:
    """The switch, also for the panel Batch."""
    box = qt.QCheckBox(_("Early stop where the object has ended"))
    box.setToolTip(
        _("Stop a pass where the object has ended, after several slices without it; not for objects in several pieces")
    )
    return box


def _in_words(state: State) -> str:
    """What the session is doing, where a user has to wait for it."""
    if state is State.STARTING:
        return _("Starting the engine ...")
    if state is State.LOADING_MODEL:
        return _("Loading the model ...")
    return _("Segmenting the prompted slice ...") if state is State.PREVIEWING else ""


def _arrow(icon_name: str, tip: str) -> Any:
    button = qt.QToolButton()
    button.setIcon(icon(icon_name))
    button.setToolTip(tip)
    return button

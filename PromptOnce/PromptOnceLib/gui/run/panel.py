"""The panel Run: where the result goes, propagating, its progress, going back."""

from __future__ import annotations

from typing import Any

import ctk
import qt
import slicer

from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.panel import Panel, PanelTools, fill, narrow, show_node
from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, icon, line_label, row
from PromptOnceLib.gui.run.clean_up import CleanUpChoice
from PromptOnceLib.gui.run.corrections_question import CorrectionsQuestion
from PromptOnceLib.gui.run.propagation import Direction, RunController
from PromptOnceLib.gui.run.target import ResultTarget
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.worker.session_job import SessionState

_BUTTON_HEIGHT, _BAR_WIDTH = 32, 40  # pixels


class RunPanel(Panel):
    """Propagate, progress, Cancel, undo of the run; folded: where the result goes, one direction, range, early stop."""

    part = "run"
    notice_lines = 2

    def __init__(
        self,
        title: str,
        tools: PanelTools,
        current: CurrentCase,
        choices: SceneChoices,
        engine: EngineAccess,
        runs: RunController,
        target: ResultTarget,
    ) -> None:
        self._current, self._choices, self._engine = current, choices, engine
        self._runs, self._target = runs, target
        super().__init__(title, tools)
        self.follow(current.changed, choices.changed, engine.changed, engine.pumped, runs.changed, target.changed)

    def build(self) -> None:
        """See Panel."""
        self.propagate = qt.QPushButton(icon("propagate"), _("Propagate"))
        self.propagate.setToolTip(_("Carry the mask of the prompted slice to all others (Ctrl+Shift+G)"))
        self.propagate.setMinimumHeight(_BUTTON_HEIGHT)
        self.bar, self.speed = qt.QProgressBar(), line_label()
        self.bar.setTextVisible(False)
        self.bar.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self.bar.setMinimumWidth(_BAR_WIDTH)
        self.cancel = qt.QPushButton(icon("cancel"), _("Cancel"))
        self.cancel.setToolTip(_("Stop at the next slice and keep what is done (Ctrl+Shift+X)"))
        self.undo, self.redo = qt.QToolButton(), qt.QToolButton()
        self.undo.text, self.redo.text = _("Undo run"), _("Redo run")
        self.question = CorrectionsQuestion(self._runs)
        self.form.addRow(self.propagate)
        self.form.addRow(self.question.widget)
        self.form.addRow(row(self.bar, self.cancel, self.undo, self.redo))
        self.form.addRow(self.speed)
        self.form.addRow(self.notice)
        self._build_options()
        self._connect()

    def _build_options(self) -> None:
        """What is right as it is for most."""
        self.options = ctk.ctkCollapsibleButton()
        self.options.text = _("Options")
        self.segmentation = slicer.qMRMLNodeComboBox()
        self.segmentation.nodeTypes = ["vtkMRMLSegmentationNode"]
        self.segmentation.addEnabled = self.segmentation.removeEnabled = False
        self.segmentation.noneEnabled = True
        self.segmentation.noneDisplay = _("new segmentation")
        self.segmentation.setMRMLScene(slicer.mrmlScene)
        self.segment = narrow(qt.QComboBox())
        self.overwrite = qt.QCheckBox(_("Overwrite other segments"))
        self.overwrite.setToolTip(_("Otherwise segments may overlap, and other segments stay as they are"))
        self.early_stop = early_stop_box()
        self.zoom, self.between = narrow(qt.QComboBox()), narrow(qt.QComboBox())
        self.between.setToolTip(_("How the slices between marked slices are segmented"))
        self.zoom.setToolTip(_("How much of a slice the network sees; the preview shows it as a frame"))
        self.clean_up = CleanUpChoice(self._runs, self._choices, self._tools.notices)
        self.limit = qt.QCheckBox(_("Only slices"))
        # Kept: under PythonQt a label that is in no widget yet would go with its last name.
        self.first, self.to, self.last = qt.QSpinBox(), qt.QLabel(_("to")), qt.QSpinBox()
        self.between_label = qt.QLabel(_("Between marked slices:"))
        self.backward = _one_way("backward", _("Backward only"), _("From the prompted slice to the first slice"))
        self.forward = _one_way("forward", _("Forward only"), _("From the prompted slice to the last slice"))
        form = qt.QFormLayout()
        form.setFieldGrowthPolicy(qt.QFormLayout.AllNonFixedFieldsGrow)
        form.addRow(_("Segmentation:"), self.segmentation)
        form.addRow(_("Segment:"), self.segment)
        form.addRow(self.overwrite)
        form.addRow(row(self.limit, self.first, self.to, self.last, None))
        form.addRow(self.early_stop)
        form.addRow(_("Zoom:"), self.zoom)
        form.addRow(self.between_label)  # above its list: it would set the width of all labels
        form.addRow(self.between)
        form.addRow(_("Clean-up:"), self.clean_up.rule)
        form.addRow(row(self.clean_up.undo, None))
        form.addRow(row(self.backward, self.forward, None))
        self.options.setLayout(form)
        self.options.collapsed = True
        self.form.addRow(self.options)

    def _connect(self) -> None:
        runs, choose = self._runs, self._choices.set
        connect(self.segmentation, "nodeActivated(vtkMRMLNode*)", lambda node: choose(segmentation=node))
        connect(self.segment, "activated(int)", self._segment_chosen)
        connect(self.overwrite, "toggled(bool)", lambda checked: choose(overwrite=checked))
        connect(self.early_stop, "toggled(bool)", lambda checked: choose(earlyStop=checked))
        connect(self.zoom, "activated(int)", lambda index: runs.choose_zoom(self.zoom.itemData(index)))
        connect(self.between, "activated(int)", lambda index: choose(between=self.between.itemData(index)))
        connect(self.limit, "toggled(bool)", self._limit_chosen)
        connect(self.first, "valueChanged(int)", lambda value: choose(firstSlice=value))
        connect(self.last, "valueChanged(int)", lambda value: choose(lastSlice=value))
        connect(self.propagate, "clicked(bool)", lambda _checked: self._start("both"))
        connect(self.forward, "clicked(bool)", lambda _checked: self._start("forward"))
        connect(self.backward, "clicked(bool)", lambda _checked: self._start("backward"))
        connect(self.cancel, "clicked(bool)", lambda _checked: runs.cancel())
        connect(self.undo, "clicked(bool)", lambda _checked: runs.undo())
        connect(self.redo, "clicked(bool)", lambda _checked: runs.redo())

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        case, runs = self._current.case, self._runs
        ready = case is not None and not runs.running
        options = (self.segmentation, self.segment, self.overwrite, self.limit, self.early_stop)
        for widget in (*options, self.zoom, self.between):
            widget.enabled = ready
        self.clean_up.refresh(ready)
        prompted = case is not None and case.prompt is not None and case.correction is None
        for widget in (self.propagate, self.forward, self.backward):
            widget.enabled = ready and prompted
        self.cancel.enabled = runs.running
        self.undo.enabled, self.redo.enabled = runs.can_undo, runs.can_redo
        self.question.refresh()
        if case is not None:
            self._show_choices(case)
        self._show_progress()

    def _show_choices(self, case: OpenCase) -> None:
        choices, node = case.choices, self._target.segmentation
        show_node(self.segmentation, node)
        entries = [(_("new segment"), "")]
        if node is not None:
            segmentation = node.GetSegmentation()
            entries += [(segmentation.GetSegment(i).GetName(), i) for i in segmentation.GetSegmentIDs()]
        fill(self.segment, entries, self._target.segment_for(case.selected.key) or "")
        self.overwrite.checked = choices.overwrite
        self.early_stop.checked = choices.earlyStop
        fill(self.zoom, _zooms(), choices.zoom)
        fill(self.between, _betweens(), choices.between)
        self.limit.checked = choices.limitRange
        count = len(case.image.slices)
        for box, value in ((self.first, choices.firstSlice), (self.last, choices.lastSlice)):
            box.enabled = choices.limitRange and not self._runs.running
            blocked = box.blockSignals(True)
            box.setRange(0, count - 1)
            box.setValue(count - 1 if value < 0 else min(value, count - 1))
            box.blockSignals(blocked)

    def _start(self, direction: Direction) -> None:
        """A button that is disabled hands its focus on, and Slicer's panel scrolls there: better to Cancel near by."""
        self._runs.start(direction)
        if self._runs.running:
            self.cancel.enabled = True
            self.cancel.setFocus()

    def _show_progress(self) -> None:
        job, waiting = self._runs.job, _as_text(self._engine.state)
        self.bar.enabled = self._runs.running
        if job is None or not self._runs.running:
            self.bar.setRange(0, 1)
            self.bar.setValue(0)
            self.show_instead_of_notice(self.speed, waiting)
            return
        progress = job.progress
        self.bar.setMaximum(progress.total)  # 0, before the first slice, shows that something goes on
        self.bar.setValue(progress.done)
        if progress.done == 0:
            self.show_instead_of_notice(self.speed, waiting or _("Waiting for the first slice ..."))
            return
        text = _("{done} of {total} slices").format(done=progress.done, total=progress.total)
        if progress.slices_per_second is not None:
            text += _(", {speed:.1f} a second").format(speed=progress.slices_per_second)
        if progress.seconds_left is not None:
            text += _(", {seconds:.0f} s left").format(seconds=progress.seconds_left)
        self.show_instead_of_notice(self.speed, text)

    def _segment_chosen(self, index: int) -> None:
        case = self._current.case
        if case is not None:
            self._target.choose_segment(case.selected.key, self.segment.itemData(index))

    def _limit_chosen(self, checked: bool) -> None:
        """The last slice is named from now on: another volume may have more."""
        choices, case = self._choices.node, self._current.case
        if choices is None or choices.limitRange == checked:
            return
        self._choices.set(limitRange=checked)
        if checked and case is not None and choices.lastSlice < 0:
            self._choices.set(lastSlice=len(case.image.slices) - 1)


def _zooms() -> list[tuple[str, str]]:
    """What can be chosen, and the words that are kept for it."""
    factors = [(_("{factor} times the object").format(factor=factor), factor) for factor in ("1.5", "2", "3", "4")]
    return [(_("as the model needs it"), "auto"), (_("off: whole slices"), "off"), *factors]


def _betweens() -> list[tuple[str, str]]:
    return [(_("track"), "track"), (_("interpolate boxes"), "interpolate"), (_("both: where either finds it"), "both")]


def early_stop_box() -> Any:
    """The switch, also for the panel Batch."""
    box = qt.QCheckBox(_("Early stop where the object has ended"))
    box.setToolTip(
        _(
            "Stop a pass (forward or backward) where the object has ended, after several slices without it; not for "
            "objects in several pieces"
        )
    )
    return box


def _as_text(state: SessionState) -> str:
    """What the session is doing, where a user has to wait for it."""
    if state is SessionState.STARTING:
        return _("Starting the engine ...")
    if state is SessionState.LOADING_MODEL:
        return _("Loading the model ...")
    return _("Segmenting the prompted slice ...") if state is SessionState.PREVIEWING else ""


def _one_way(icon_name: str, text: str, tip: str) -> Any:
    button = qt.QPushButton(icon(icon_name), text)
    button.setToolTip(tip)
    return button

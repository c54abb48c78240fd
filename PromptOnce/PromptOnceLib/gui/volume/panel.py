"""The panel Volume: which image, along which axis, through which window."""

from __future__ import annotations

from typing import Any

import numpy as np
import qt
import slicer
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError
from PromptOnceLib.gui.panel import Panel, PanelTools, fill, narrow, show_node
from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, icon, line_label, row, show_text
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.gui.volume.chosen_image import DISPLAY_WINDOW
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.gui.volume.prompted_slice import PromptedSlice
from PromptOnceLib.gui.volume.selection import VOLUMES, VolumeSelection
from PromptOnceLib.imaging.orientation import DisplayView
from PromptOnceLib.imaging.stack import AXIS_NAMES, pixel_spacing
from PromptOnceLib.imaging.window import window_presets
from PromptOnceLib.segmentation.slice_picture import picture_size

_PICTURE, _BESIDE = 84, 200  # pixels


class VolumePanel(Panel):
    """Volume, axis, window, and a small picture of the prompted slice as the model sees it."""

    part = "volume"

    def __init__(
        self,
        title: str,
        tools: PanelTools,
        current: CurrentCase,
        choices: SceneChoices,
        selection: VolumeSelection,
        prompted_slice: PromptedSlice,
    ) -> None:
        self._current, self._choices = current, choices
        self._selection, self._prompted_slice = selection, prompted_slice
        super().__init__(title, tools)
        self.follow(current.changed, choices.changed, prompted_slice.views_changed)

    def build(self) -> None:
        """See Panel."""
        self.volume = slicer.qMRMLNodeComboBox()
        self.volume.nodeTypes = list(VOLUMES)
        self.volume.showChildNodeTypes = False
        self.volume.addEnabled = self.volume.removeEnabled = False
        self.volume.noneEnabled = True
        self.volume.setMRMLScene(slicer.mrmlScene)
        self.volume.setToolTip(_("The image to segment"))
        self.shown = line_label()
        self.axis, self.window, self.axis_text = narrow(qt.QComboBox()), narrow(qt.QComboBox()), line_label()
        self.seed = qt.QToolButton()
        self.seed.setIcon(icon("prompted-slice"))
        self.seed.text = _("Go to slice")
        self.seed.setToolButtonStyle(qt.Qt.ToolButtonTextBesideIcon)
        self.seed.setToolTip(_("Show the prompted slice in the views (Ctrl+Shift+S)"))
        self.use_shown = qt.QToolButton()
        self.use_shown.text = _("Use the slice shown")
        self.use_shown.setToolTip(_("Mark on the slice that the view shows; existing marks move there"))
        self.seed_text, self.picture = line_label(), qt.QLabel()
        self.picture.setFixedSize(_PICTURE, _PICTURE)
        self.picture.setAlignment(qt.Qt.AlignCenter)
        self.picture.setToolTip(_("The prompted slice as the model sees it"))
        self.form.addRow(_("Volume:"), self.volume)
        self.form.addRow(self.shown)
        self.form.addRow(_("Window:"), self.window)
        self.form.addRow(_("Slices along:"), self.axis)
        beside = qt.QVBoxLayout()
        beside.addWidget(self.axis_text)
        beside.addWidget(self.seed_text)
        for button in (self.seed, self.use_shown):
            beside.addLayout(row(button, None))
        beside.addStretch(1)
        both = row(self.picture)
        both.addLayout(beside, 1)
        self.form.addRow(both)
        self._drawn: tuple[Any, ...] = ()
        selection, prompted_slice = self._selection, self._prompted_slice
        connect(self.volume, "nodeActivated(vtkMRMLNode*)", selection.choose_volume)
        connect(self.axis, "activated(int)", lambda i: selection.choose_axis(self.axis.itemData(i)))
        connect(self.window, "activated(int)", lambda i: selection.choose_window(self.window.itemData(i)))
        connect(self.seed, "clicked(bool)", lambda _checked: prompted_slice.show())
        connect(self.use_shown, "clicked(bool)", lambda _checked: prompted_slice.use_shown())

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        case, choices = self._current.case, self._choices.node
        show_node(self.volume, None if choices is None else choices.volume)
        hidden = case is not None and not slice_views.is_shown(case.node)
        show_text(self.shown, _("The views show another volume: press Go to slice to see this one.") * hidden)
        fill(self.axis, _axis_entries(), "auto" if choices is None else choices.axis)
        fill(self.window, _window_entries(), "auto" if choices is None else choices.window)
        for widget in (self.axis, self.window, self.seed, self.use_shown):
            widget.enabled = case is not None
        if case is None:
            show_text(self.axis_text, "", 1)
            show_text(self.seed_text, "", 1)
            self.picture.clear()
            self._drawn = ()
            return
        image, text = case.image, _("{count} slices along {axis}: {reason}.")
        values = {"count": len(image.slices), "axis": AXIS_NAMES[image.axis.axis], "reason": image.axis.reason}
        show_text(self.axis_text, text.format(**values), 1, _BESIDE)
        show_text(self.seed_text, _("Prompted slice: {index}").format(index=case.objects.seed))
        self._draw(case)

    def _draw(self, case: OpenCase) -> None:
        """The prompted slice in grey, turned as radiologists expect it; drawn again only when something changed."""
        image, index = case.image, case.objects.seed
        try:
            window = case.window(case.prompt)
        except InputError as error:
            show_text(self.notice, error.message)
            return
        if self._drawn == (image, index, window):
            return
        self._drawn = (image, index, window)
        geometry, axis = image.volume.geometry, image.axis.axis
        view = DisplayView.of(geometry, axis)
        frame = view.of_slices(image.frame(index, window))
        picture = qt.QPixmap()
        picture.loadFromData(qt.QByteArray(_as_file(frame)))
        spacing = view.of_spacing(pixel_spacing(geometry, axis)[:2])
        width, height = picture_size(frame.shape, spacing, (_PICTURE, _PICTURE))
        scaled = picture.scaled(width, height, qt.Qt.IgnoreAspectRatio, qt.Qt.SmoothTransformation)
        self.picture.setPixmap(scaled)


def _as_file(frame: NDArray[np.uint8]) -> bytes:
    """A grey picture (rows, columns) as a PGM file: the way of pixels into Qt that is the same in every binding."""
    rows, columns = frame.shape
    return f"P5 {columns} {rows} 255\n".encode() + frame.tobytes()


def _axis_entries() -> list[tuple[str, str]]:
    planes = [(_("axial"), "axial"), (_("coronal"), "coronal"), (_("sagittal"), "sagittal")]
    return [(_("automatic"), "auto"), *planes, *((f"{name}", name) for name in AXIS_NAMES)]


def _window_entries() -> list[tuple[str, str]]:
    first = [(_("automatic"), "auto"), (_("as in the views"), DISPLAY_WINDOW)]
    presets = [(f"CT {name} ({level:g}/{width:g})", name) for name, (level, width) in window_presets().items()]
    rest = [(_("percentiles (MR)"), "percentile"), (_("full range"), "full"), (_("as in the papers"), "paper")]
    return [*first, *presets, *rest]

"""The panel Volume: which image, along which axis, through which window."""

from __future__ import annotations

from typing import Any

import numpy as np
import qt
import slicer
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError
from PromptOnceLib.gui.panel import Panel, fill, narrow
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, icon, line_label, row, show_text
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.gui.volume.chosen_image import DISPLAY_WINDOW
from PromptOnceLib.imaging.orientation import DisplayView
from PromptOnceLib.imaging.stack import AXIS_NAMES, pixel_spacing
from PromptOnceLib.imaging.window import window_presets
from PromptOnceLib.segmentation.slice_picture import picture_size

_PICTURE = 112  # pixels


class VolumePanel(Panel):
    """Volume, axis, window, and a small picture of the prompted slice as the model sees it."""

    part = "volume"

    def build(self) -> None:
        """See Panel."""
        self.volume = slicer.qMRMLNodeComboBox()
        # Label maps are scalar volumes, too, hence no child types.
        self.volume.nodeTypes = ["vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode"]
        self.volume.showChildNodeTypes = False
        self.volume.addEnabled = self.volume.removeEnabled = False
        self.volume.noneEnabled = True
        self.volume.setMRMLScene(slicer.mrmlScene)
        self.volume.setToolTip(_("The image to segment"))
        self.shown = line_label()
        self.axis, self.window, self.axis_text = narrow(qt.QComboBox()), narrow(qt.QComboBox()), line_label()
        self.seed = qt.QPushButton(icon("prompted-slice"), _("Go to prompted slice"))
        self.use_shown = qt.QPushButton(_("Use the slice shown"))
        self.use_shown.setToolTip(_("Prompt on the slice that the view shows; what is marked already moves there"))
        self.seed_text, self.picture = line_label(), qt.QLabel()
        self.picture.setAlignment(qt.Qt.AlignTop)
        self.picture.setToolTip(_("The prompted slice as the model sees it"))
        self.form.addRow(_("Volume:"), self.volume)
        self.form.addRow(self.shown)
        self.form.addRow(_("Slices along:"), self.axis)
        self.form.addRow(self.axis_text)
        self.form.addRow(_("Window:"), self.window)
        beside = qt.QVBoxLayout()
        for widget in (self.seed, self.use_shown, self.seed_text):
            beside.addWidget(widget)
        beside.addStretch(1)
        both = row(self.picture)
        both.addLayout(beside, 1)
        self.form.addRow(both)
        self._drawn: tuple[Any, ...] = ()
        connect(self.volume, "nodeActivated(vtkMRMLNode*)", self._volume_chosen)
        connect(self.axis, "activated(int)", lambda i: self.bench.choose_axis(self.axis.itemData(i)))
        connect(self.window, "activated(int)", lambda i: self.bench.choose_window(self.window.itemData(i)))
        connect(self.seed, "clicked(bool)", lambda _checked: self.bench.prompted_slice.show())
        connect(self.use_shown, "clicked(bool)", lambda _checked: self.bench.prompted_slice.use_shown())

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        bench, parameters = self.bench, self.bench.parameters
        image = bench.image
        node = None if parameters is None else parameters.volume
        if self.volume.currentNode() is not node:
            blocked = self.volume.blockSignals(True)
            self.volume.setCurrentNode(node)
            self.volume.blockSignals(blocked)
        hidden = image is not None and not slice_views.is_shown(image.node)
        show_text(self.shown, _("The views show another volume: press Go to prompted slice to see this one.") * hidden)
        fill(self.axis, _axis_entries(), "auto" if parameters is None else parameters.axis)
        fill(self.window, _window_entries(), "auto" if parameters is None else parameters.window)
        for widget in (self.axis, self.window, self.seed, self.use_shown):
            widget.enabled = image is not None
        if image is None:
            show_text(self.axis_text, "")
            show_text(self.seed_text, "")
            self.picture.hide()
            return
        text = _("{count} slices along {axis}: {reason}.")
        values = {"count": len(image.slices), "axis": AXIS_NAMES[image.axis.axis], "reason": image.axis.reason}
        show_text(self.axis_text, text.format(**values))
        show_text(self.seed_text, _("Prompted slice: {index}").format(index=bench.objects.seed))
        self._draw()

    def _volume_chosen(self, node: Any) -> None:
        self.bench.choose_volume(node)

    def _draw(self) -> None:
        """The prompted slice in grey, turned as radiologists expect it; drawn again only when something changed."""
        image, index = self.bench.image, self.bench.objects.seed
        prompt = self.bench.read_prompt()
        try:
            window = image.window(self.bench.parameters.window, prompt)
        except InputError as error:
            self.bench.notices["volume"] = error.message
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
        self.picture.show()


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

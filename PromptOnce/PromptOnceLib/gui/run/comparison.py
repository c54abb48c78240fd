"""Figures of the last run: its table and plot, and how well it agrees with a reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.mrml import tables
from PromptOnceLib.mrml.owned_nodes import node_on
from PromptOnceLib.mrml.segmentations.reference import read_reference_node
from PromptOnceLib.segmentation.result import SegmentationResult, slice_results, totals


class RunComparison:
    """Compares the selected object of the last run with the reference.

    table, chart: nodes of the figures, None before the first run. lines: figures of the volume, name and value.
    changed: called when there are other figures, or another reference.
    """

    def __init__(self, current: CurrentCase, choices: SceneChoices, notices: Notices) -> None:
        self._current, self._choices, self._notices = current, choices, notices
        self.changed: Signal[[]] = Signal()
        self._result: SegmentationResult | None = None
        self._keys: list[str] = []
        self._compared: str | None = None
        self.table: Any = None
        self.chart: Any = None
        self.lines: list[tuple[str, str]] = []
        current.opened.connect(self._find_tables)
        current.closing.connect(self._leave)
        current.changed.connect(self._object_selected)

    def take(self, result: SegmentationResult, keys: list[str]) -> None:
        """A run has ended; keys: of the objects in the result."""
        self._result, self._keys = result, keys
        self._update()

    def choose_reference(self, node: Any | None, segment_id: str = "") -> None:
        """Compare with a segment, or with a label map volume; None compares with nothing."""
        if node is not None and node.IsA("vtkMRMLSegmentationNode") and not segment_id:
            segment_id = next(iter(node.GetSegmentation().GetSegmentIDs()), "")
        self._choices.set(reference=node, referenceSegment=segment_id)
        self._update()
        self.changed()

    def go_to_slice(self, index: int) -> None:
        """Move the views to a slice: to the middle of the object there, or of the image."""
        case = self._current.case
        if case is None or not 0 <= index < len(case.image.slices):
            return
        image = case.image
        rows, columns = image.slices.shape[1:]
        x, y = (columns - 1) / 2, (rows - 1) / 2
        if self._result is not None:
            found = np.argwhere(self._result.masks[:, index].any(axis=0))
            if len(found):
                y, x = found.mean(axis=0)
        slice_views.go_to_place(image.grid, index, float(x), float(y))
        slice_views.go_to_slice(image.grid, index)

    def _find_tables(self, case: OpenCase) -> None:
        """Take up table and plot that were saved with the scene."""
        node = case.node
        self.table = node_on(node, "vtkMRMLTableNode", "slice table")
        self.chart = node_on(node, "vtkMRMLPlotChartNode", "slice chart")
        self.changed()

    def _leave(self, _case: OpenCase) -> None:
        self._result, self._keys, self._compared = None, [], None
        self.table = self.chart = None
        self.lines = []
        self.changed()

    def _object_selected(self) -> None:
        """Show the figures of the object that is selected now."""
        case = self._current.case
        if case is not None and case.selected.key != self._compared:
            self._update()

    def _update(self) -> None:
        """Compute the figures again."""
        case, result = self._current.case, self._result
        if case is None or result is None:
            return
        self._compared = case.selected.key
        index = self._keys.index(self._compared) if self._compared in self._keys else None
        try:
            reference = self._reference(case)
        except InputError as error:
            reference = None
            self._notices.say("compare", error.message)
        image, title = case.image, "PromptOnce" if index is None else result.names[index]
        nodes = tables.write_tables(image.node, slice_results(result, reference, index), title)
        self.table, self.chart = nodes.table, nodes.chart
        spacing = image.volume.geometry.spacing
        self.lines = tables.totals_in_words(totals(result, spacing, reference, index))
        self.changed()

    def _reference(self, case: OpenCase) -> NDArray[np.bool_] | None:
        node, segment_id = case.choices.reference, case.choices.referenceSegment
        if node is None:
            self._notices.say("compare", "")
            return None
        ids = [segment_id] if node.IsA("vtkMRMLSegmentationNode") and segment_id else None
        reference = read_reference_node(case.node, node, ids)
        self._notices.say("compare", " ".join(reference.notices))
        stack: NDArray[np.bool_] = slices_along(reference.labels, case.axis) > 0
        return stack

"""Figures of the last run: its table and plot, and how well it agrees with a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.mrml import tables
from PromptOnceLib.mrml.owned_nodes import node_on
from PromptOnceLib.mrml.segmentations.reference import read_reference_node
from PromptOnceLib.segmentation.result import SegmentationResult, slice_results, totals

if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import Workbench


class Comparing:
    """Compares the selected object of the last run with the reference.

    table, chart: nodes of the figures, None before the first run. lines: figures of the volume, name and value.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._result: SegmentationResult | None = None
        self._keys: list[str] = []
        self._compared: str | None = None
        self.table: Any = None
        self.chart: Any = None
        self.lines: list[tuple[str, str]] = []

    def find_tables(self) -> None:
        """Take up table and plot that were saved with the scene."""
        node = self._bench.image.node
        self.table = node_on(node, "vtkMRMLTableNode", "slice table")
        self.chart = node_on(node, "vtkMRMLPlotChartNode", "slice chart")

    def leave(self) -> None:
        """Another volume is chosen, or the scene goes."""
        self._result, self._keys, self._compared = None, [], None
        self.table = self.chart = None
        self.lines = []

    def take(self, result: SegmentationResult, keys: list[str]) -> None:
        """A run has ended; keys: of the objects in the result."""
        self._result, self._keys = result, keys
        self.update()

    def choose_reference(self, node: Any | None, segment_id: str = "") -> None:
        """Compare with a segment, or with a label map volume; None compares with nothing."""
        parameters = self._bench.parameters
        if parameters is None:
            return
        if node is not None and node.IsA("vtkMRMLSegmentationNode") and not segment_id:
            segment_id = next(iter(node.GetSegmentation().GetSegmentIDs()), "")
        parameters.reference, parameters.referenceSegment = node, segment_id
        self.update()

    def object_selected(self) -> None:
        """Show the figures of the object that is selected now."""
        if self._result is not None and self._bench.objects.selected.key != self._compared:
            self.update()

    def update(self) -> None:
        """Compute the figures again."""
        bench, result = self._bench, self._result
        if bench.image is None or result is None:
            return
        self._compared = bench.objects.selected.key
        index = self._keys.index(self._compared) if self._compared in self._keys else None
        try:
            reference = self._reference()
        except InputError as error:
            reference = None
            bench.say("compare", error.message)
        title = "PromptOnce" if index is None else result.names[index]
        nodes = tables.write_tables(bench.image.node, slice_results(result, reference, index), title)
        self.table, self.chart = nodes.table, nodes.chart
        spacing = bench.image.volume.geometry.spacing
        self.lines = tables.totals_in_words(totals(result, spacing, reference, index))
        bench.changed()

    def go_to_slice(self, index: int) -> None:
        """Move the views to a slice: to the middle of the object there, or of the image."""
        bench = self._bench
        if bench.image is None or not 0 <= index < len(bench.image.slices):
            return
        rows, columns = bench.image.slices.shape[1:]
        x, y = (columns - 1) / 2, (rows - 1) / 2
        if self._result is not None:
            found = np.argwhere(self._result.masks[:, index].any(axis=0))
            if len(found):
                y, x = found.mean(axis=0)
        slice_views.go_to_place(bench.image.grid, index, float(x), float(y))
        slice_views.go_to_slice(bench.image.grid, index)

    def _reference(self) -> NDArray[np.bool_] | None:
        bench = self._bench
        node, segment_id = bench.parameters.reference, bench.parameters.referenceSegment
        if node is None:
            bench.say("compare", "")
            return None
        ids = [segment_id] if node.IsA("vtkMRMLSegmentationNode") and segment_id else None
        reference = read_reference_node(bench.image.node, node, ids)
        bench.say("compare", " ".join(reference.notices))
        stack: NDArray[np.bool_] = slices_along(reference.labels, bench.image.axis.axis) > 0
        return stack

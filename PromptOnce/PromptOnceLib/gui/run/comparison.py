"""Figures of the last run: its table and plot, and how well it agrees with a reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.qt.signal import Observer, Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.run.references import References
from PromptOnceLib.gui.run.target import ResultTarget
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.mrml import tables
from PromptOnceLib.mrml.owned_nodes import node_on
from PromptOnceLib.mrml.segmentations.reference import read_reference_node
from PromptOnceLib.segmentation.result import SegmentationResult, slice_results, totals


class RunComparison(Observer):
    """Compares the selected object of the last run with its reference.

    table, chart: nodes of the figures of the selected object, None where there are none. lines: figures of its volume,
    name and value; after a scene was loaded those of its segment. changed: called when there are other figures, or
    another reference, and when there will be others from `look_again` on, as somebody has drawn on a segment.
    """

    def __init__(
        self,
        current: CurrentCase,
        choices: SceneChoices,
        engine: EngineAccess,
        notices: Notices,
        target: ResultTarget,
    ) -> None:
        super().__init__()
        self._current, self._choices, self._engine = current, choices, engine
        self._notices, self._target = notices, target
        self.references = References(choices)
        self.changed: Signal[[]] = Signal()
        self._result: SegmentationResult | None = None
        self._keys: list[str] = []
        self._compared: tuple[str, str, str] | None = None
        self._node: Any = None  # segmentation that the figures are of
        self._drawn_on = False
        self.table: Any = None
        self.chart: Any = None
        self.lines: list[tuple[str, str]] = []
        current.closing.connect(self._leave)
        current.changed.connect(self.look_again)

    def take(self, result: SegmentationResult, keys: list[str]) -> None:
        """A run has ended; keys: of the objects in the result."""
        self._result, self._keys, self._drawn_on = result, keys, False
        self._update()

    def forget(self) -> None:
        """The run was taken back: its table and plot go; what a segment holds now has figures of its own."""
        case = self._current.case
        self._result, self._keys = None, []
        if case is not None:
            tables.remove_tables(case.node)
        self._update()

    def take_corrected(self, key: str, result: SegmentationResult) -> None:
        """The result of one object was corrected: its figures are those of now."""
        if self._result is None or key not in self._keys or len(self._keys) == 1:
            self.take(result, [key])
            return
        corrected, place = self._result.copy(), self._keys.index(key)
        for name in ("masks", "presence", "predicted_iou"):
            getattr(corrected, name)[place] = getattr(result, name)[0]
        corrected.computed |= result.computed
        self.take(corrected, self._keys)

    def choose_reference(self, node: Any | None, segment_id: str = "") -> None:
        """Compare with a segmentation, or with a label map volume; None compares with nothing.

        segment_id: for the selected object, by default the segment that has its name.
        """
        case = self._current.case
        if self._choices.node is None:
            return
        self.references.choose(node, case, segment_id)
        self._update()
        self.changed()

    def look_again(self) -> None:
        """Show other figures where another object is selected, has another name or another reference now, or was drawn
        on.
        """
        case = self._current.case
        if case is not None and (self._drawn_on or self._compared != self._question(case)):
            self._update()

    def go_to_slice(self, index: int) -> None:
        """Move the views to a slice: to the middle of the object there, or of the image."""
        case = self._current.case
        if case is None or not 0 <= index < len(case.image.slices):
            return
        mask = np.zeros(case.image.slices.shape[1:], np.uint8)
        if self._result is not None:
            mask = self._result.masks[:, index].max(axis=0)
        slice_views.go_to_middle(case.image.grid, index, mask)

    def _leave(self, _case: OpenCase) -> None:
        self._result, self._keys, self._compared = None, [], None
        self._drawn_on = False
        self.removeObservers()
        self.table = self.chart = None
        self.lines = []
        self.changed()

    def _update(self) -> None:
        """Compute the figures again."""
        case = self._current.case
        if case is None:
            return
        self._compared = self._question(case)
        if self._drawn_on and self._node is self._target.segmentation:
            self._read_segments(case)
        self._watch()
        result = self._result
        if result is not None and result.masks.shape[1:] != case.image.grid.shape:  # the volume was cropped meanwhile
            self._result = None
        if self._result is None:
            self._take_up_saved(case)
        else:
            self._write_figures(case, self._result)
        self.changed()

    def _read_segments(self, case: OpenCase) -> None:
        """Have the result hold what its segments hold now."""
        if self._result is None:
            return
        try:
            found = self._target.results(self._keys)
        except InputError:  # under a transform that bends space
            return
        if not any(found):
            self._result, self._keys = None, []
            tables.remove_tables(case.node)
            return
        self._result = self._result.copy()
        for place, segment in enumerate(found):
            self._result.masks[place] = 0 if segment is None else segment.result.masks[0]
        self._result.computed |= self._result.masks.any(axis=(0, 2, 3))

    def _watch(self) -> None:
        """Notice from now on when somebody draws on the segments."""
        self._node, self._drawn_on = self._target.segmentation, False
        self.removeObservers()
        if self._node is not None:
            events = slicer.vtkSegmentation
            for event in (events.SourceRepresentationModified, events.SegmentModified, events.SegmentRemoved):
                self.observe(self._node.GetSegmentation(), event, self._segments_changed)

    def _segments_changed(self, *_args: Any) -> None:
        if not (self._drawn_on or self._engine.working):  # a run announces what it writes every second
            self._drawn_on = True
            self.changed()

    def _question(self, case: OpenCase) -> tuple[str, str, str]:
        """What the figures depend on besides the masks."""
        node = self.references.node_for(case)
        return case.selected.key, case.selected.name, "" if node is None else node.GetID()

    def _write_figures(self, case: OpenCase, result: SegmentationResult) -> None:
        key, image = case.selected.key, case.image
        if key not in self._keys:
            self.table, self.chart, self.lines = None, None, []
            return
        index, reference = self._keys.index(key), self._reference(case)
        rows = slice_results(result, reference, index)
        nodes = tables.write_tables(image.node, rows, result.names[index])
        self.table, self.chart = nodes.table, nodes.chart
        self.lines = tables.totals_in_words(totals(result, image.volume.geometry.spacing, reference, index))

    def _take_up_saved(self, case: OpenCase) -> None:
        """Table and plot saved with the scene, unless they are of another object; figures of the object's segment."""
        table = node_on(case.node, "vtkMRMLTableNode", "slice table")
        chart = node_on(case.node, "vtkMRMLPlotChartNode", "slice chart")
        others = {item.name for item in case.objects.objects if item is not case.selected}
        of_another = chart is None or chart.GetTitle() in others
        self.table, self.chart = (None, None) if of_another else (table, chart)
        node, segment_id = self._target.segmentation, self._target.segment_for(case.selected.key)
        self.lines = []
        if node is not None and segment_id is not None:
            try:
                mask = read_reference_node(case.node, node, [segment_id])
            except InputError as error:  # of a segmentation that was chosen for another volume
                self._notices.say("compare", error.message)
                return
            result = SegmentationResult.of_mask(slices_along(mask.labels, case.axis) > 0, case.selected.name, case.axis)
            if self.table is not None and not tables.shows(self.table, result.masks[0].sum(axis=(1, 2))):
                self.table = self.chart = None
            figures = totals(result, case.image.volume.geometry.spacing, self._reference(case))
            self.lines = [line for line in tables.totals_in_words(figures) if line[0] != "Slices"]

    def _reference(self, case: OpenCase) -> NDArray[np.bool_] | None:
        """The stack of the reference; why there is none is said in the panel."""
        node, segment_id = self.references.node_for(case), self.references.segment_for(case)
        self._notices.say("compare", "")
        if node is None:
            return None
        if self.references.segments_of(case) is not None and not segment_id:
            sentence = _("{reference} has no segment called {name}: choose the one to compare with.")
            self._notices.say("compare", sentence.format(reference=node.GetName(), name=case.selected.name))
            return None
        try:
            reference = read_reference_node(case.node, node, [segment_id] if segment_id else None)
        except InputError as error:
            self._notices.say("compare", error.message)
            return None
        self._notices.say("compare", " ".join(reference.notices))
        stack: NDArray[np.bool_] = slices_along(reference.labels, case.axis) > 0
        return stack

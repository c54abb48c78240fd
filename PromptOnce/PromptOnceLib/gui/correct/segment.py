"""The segment of the selected object as a result that can be corrected; read again when somebody has changed it."""

from __future__ import annotations

from typing import Any

import slicer

from PromptOnceLib.cases.slice_review import SliceReview, worst_first
from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.gui.correct.picture import Cell
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.qt.signal import Observer, Signal
from PromptOnceLib.gui.run.target import ResultTarget
from PromptOnceLib.gui.volume.open_case import CurrentCase
from PromptOnceLib.mrml.segmentations.segment_result import SegmentResult, read_segment_result


class OpenSegment(Observer):
    """changed: called when there is another segment, or it holds something else. drawn_on: called when it was changed
    from outside, as by the Segment Editor.
    """

    def __init__(self, current: CurrentCase, choices: SceneChoices, engine: EngineAccess, target: ResultTarget) -> None:
        super().__init__()
        self._current, self._engine, self._target = current, engine, target
        self.changed: Signal[[]] = Signal()
        self.drawn_on: Signal[[]] = Signal()
        self._read: tuple[tuple[Any, ...], SegmentResult] | None = None
        self._slices: list[SliceReview] = []
        self._cells: list[Cell] = []
        for signal in (current.changed, choices.changed, target.changed):
            signal.connect(self.changed)

    @property
    def place(self) -> tuple[Any, str] | None:
        """Segmentation node and segment of the selected object; None where it has no result yet."""
        case, node = self._current.case, self._target.segmentation
        segment_id = None if case is None or node is None else self._target.segment_for(case.selected.key)
        return None if segment_id is None else (node, segment_id)

    @property
    def now(self) -> SegmentResult | None:
        """The segment as it is now; while it is being written as it was before."""
        case, place = self._current.case, self.place
        if case is None or place is None:
            self._read = None
            return None
        wanted = (*place, case.node, case.axis)
        if self._read is not None and self._read[0] == wanted:
            return self._read[1]
        if self._engine.working:
            return None
        try:
            found = read_segment_result(case.node, *place, case.axis)
        except PromptOnceError:  # removed meanwhile, or under a transform: said where something is done with it
            self._read = None
            return None
        self._read, self._slices = (wanted, found), found.slices()
        self._cells = [Cell("edited" if s.slice in found.edited else s.state, s.confidence) for s in self._slices]
        self._watch(place[0].GetSegmentation())
        return found

    @property
    def all(self) -> list[tuple[str, str]]:
        """Names and IDs of the segments of the segmentation."""
        node = self._target.segmentation
        if self._current.case is None or node is None:
            return []
        segmentation = node.GetSegmentation()
        return [(str(segmentation.GetSegment(i).GetName()), str(i)) for i in segmentation.GetSegmentIDs()]

    def choose(self, segment_id: str) -> None:
        """Review another segment: that of another object, or one that gets an object of its own now."""
        case = self._current.case
        if case is None or case.correction is not None:
            return
        keys = [item.key for item in case.objects.objects]
        owner = next((n for n, key in enumerate(keys) if self._target.segment_for(key) == segment_id), None)
        if owner is not None:
            self._current.select_object(owner)
            return
        if case.selected.read() is not None or self._target.segment_for(case.selected.key) is not None:
            case.objects.add()
        self._target.continue_segment(segment_id)

    @property
    def slices(self) -> list[SliceReview]:
        """Its slices in the order of the stack; none where there is no result."""
        return [] if self.now is None else self._slices

    @property
    def order(self) -> list[int]:
        """The slices to look at, the one to look at first in front: open ones, by how sure the model was of them."""
        return [one.slice for one in worst_first(self.slices) if one.state in ("confident", "doubtful")]

    @property
    def cells(self) -> list[Cell]:
        """Its slices as cells of the ribbon."""
        return [] if self.now is None else self._cells

    def outdated(self, *_args: Any) -> None:
        """It was changed: read it when it is asked for next."""
        self._read = None
        self.changed()

    def _watch(self, segmentation: Any) -> None:
        events = slicer.vtkSegmentation
        for event in (events.SourceRepresentationModified, events.SegmentModified, events.SegmentRemoved):
            self.observe(segmentation, event, self._segmentation_changed)

    def _segmentation_changed(self, *_args: Any) -> None:
        if not self._engine.working:  # a run announces what it writes every second
            self.outdated()
            self.drawn_on()

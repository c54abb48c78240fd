"""Where the masks of objects go: into which segmentation, and there into which segments."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any

import slicer

from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.mrml.segmentations.corrections import slices_in_words
from PromptOnceLib.mrml.segmentations.labelmap import (
    binary_labelmap,
    grid_image,
    is_empty,
    mirrored,
    same_grid,
    segment_tag,
)
from PromptOnceLib.mrml.segmentations.records import read_record
from PromptOnceLib.mrml.segmentations.segment_result import SegmentResult, read_segment_result
from PromptOnceLib.prompts.prompt import ObjectPrompt

_OBJECT_TAG = "PromptOnce.Object"


class ResultTarget:
    """The segmentation is a choice of the scene; a segment is found by a tag with the key of its object.

    A volume that is opened has the segmentation that was chosen for it last; the first time its own one, that of which
    it is the reference geometry, or it gets a new one.

    changed: called when a segment was chosen.
    """

    def __init__(self, current: CurrentCase, choices: SceneChoices) -> None:
        self._current, self._choices = current, choices
        self.changed: Signal[[]] = Signal()
        self._chosen: dict[str, tuple[str, str]] = {}  # by object: segmentation and segment, "" for a new one
        self._volume = ""
        self._left: dict[str, str] = {}  # by volume: segmentation when it was left, "" for a new one
        choices.changed.connect(self._forget_scene)
        current.opened.connect(self._choose_own)
        current.closing.connect(self._leave)

    @property
    def segmentation(self) -> Any | None:
        """The segmentation node that is chosen; None for a new one."""
        return None if self._choices.node is None else self._choices.node.segmentation

    def segment_for(self, key: str) -> str | None:
        """The segment that the mask of an object will go into; None for a new one.

        It is the one that was chosen or, where there is no choice, that of the object's earlier run.
        """
        node = self.segmentation
        if node is None:
            return None
        segmentation = node.GetSegmentation()
        of_node, chosen = self._chosen.get(key, ("", ""))
        if of_node == node.GetID():
            return chosen if chosen and segmentation.GetSegment(chosen) is not None else None
        for segment_id in segmentation.GetSegmentIDs():
            if segment_tag(segmentation.GetSegment(segment_id), _OBJECT_TAG) == key:
                return str(segment_id)
        return None

    def results(self, keys: Sequence[str]) -> list[SegmentResult | None]:
        """The segments of these objects as they are now; None for an object that has none.

        Raises GeometryError where transforms are not linear.
        """
        case, node = self._current.case, self.segmentation
        if case is None or node is None:
            return [None] * len(keys)
        ids = map(self.segment_for, keys)
        return [None if i is None else read_segment_result(case.node, node, i, case.axis) for i in ids]

    def choose_segment(self, key: str, segment_id: str) -> None:
        """Have the next mask of an object go into a segment of the segmentation, "" for a new one."""
        node = self.segmentation
        if node is not None:
            self._chosen[key] = node.GetID(), segment_id
        self.changed()

    def continue_segment(self, segment_id: str) -> None:
        """Have the selected object be that of a segment of the segmentation, into which its next mask goes."""
        case, node = self._current.case, self.segmentation
        if case is None or node is None:
            return
        segment = node.GetSegmentation().GetSegment(segment_id)
        case.objects.describe_selected(segment.GetName(), tuple(segment.GetColor()), None)
        self.choose_segment(case.selected.key, segment_id)
        self._current.edited()

    def written(self, segmentation_node: Any, segment_by_key: dict[str, str]) -> None:
        """A run writes its objects into these segments; later runs go on with them."""
        for key, segment_id in segment_by_key.items():
            segmentation_node.GetSegmentation().GetSegment(segment_id).SetTag(_OBJECT_TAG, key)
            self._chosen[key] = segmentation_node.GetID(), segment_id  # undoing the run takes the tag away
        self._choices.set(segmentation=segmentation_node)

    def _choose_own(self, case: OpenCase) -> None:
        """The results of another volume are no place for those of this one; another axis of it changes nothing."""
        chosen, before, self._volume = self.segmentation, self._volume, case.node.GetID()
        if before == self._volume:
            return
        if self._volume in self._left:
            left = slicer.mrmlScene.GetNodeByID(self._left[self._volume])
            if left is not None or not self._left[self._volume]:
                self._choices.set(segmentation=left)
                return
        if volume_of(chosen) is not case.node:
            nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
            own = [node for node in nodes if volume_of(node) is case.node and is_result(node)]
            loaded = [] if own else [node for node in nodes if _is_recorded_on(node, case)]
            self._choices.set(segmentation=own[-1] if own else next(iter(loaded), None))
            if loaded and case.prompt is None:
                self._take_up(case, loaded[0])

    def _take_up(self, case: OpenCase, node: Any) -> None:
        """Have objects for the segments of a result that the command line has made."""
        segmentation = node.GetSegmentation()
        ids = [str(i) for i in segmentation.GetSegmentIDs() if read_record(node, i) is not None]
        segments = [segmentation.GetSegment(segment_id) for segment_id in ids]
        described = [ObjectPrompt(name=one.GetName(), color=tuple(one.GetColor())) for one in segments]
        chosen = [(node.GetID(), segment_id) for segment_id in ids]
        self._chosen.update(zip(case.objects.take_named(described), chosen, strict=True))

    def _leave(self, case: OpenCase) -> None:
        node = self.segmentation
        self._left[case.node.GetID()] = "" if node is None else node.GetID()

    def _forget_scene(self) -> None:
        """The next scene gives its volumes and segmentations the same IDs."""
        if self._choices.node is None:
            self._volume, self._left, self._chosen = "", {}, {}


def lost_work(segments: Iterable[SegmentResult | None], slices: Container[int]) -> str:
    """What a run over these slices would overwrite in segments: what was drawn on by hand, corrected or accepted; a
    sentence for the user, "" for nothing.
    """
    by_hand: list[str] = []
    settled: list[str] = []
    for segment in filter(None, segments):
        drawn = [i for i in segment.edited if i in slices]
        found = [fixed.slice for fixed in segment.prompts.objects[0].settled]
        kept = [i for i in found if i in slices and i not in drawn]
        for words, indices in ((by_hand, drawn), (settled, kept)):
            if indices:
                words.append(f'{slices_in_words(indices)} of "{segment.name}"')
    sentences = []
    if by_hand:
        sentences.append(_("Corrected by hand since the last run: {slices}.").format(slices="; ".join(by_hand)))
    if settled:
        sentences.append(_("Corrected or accepted: {slices}.").format(slices="; ".join(settled)))
    return " ".join(sentences)


def volume_of(node: Any | None) -> Any | None:
    """The volume on whose grid a segmentation is saved."""
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    return None if node is None else node.GetNodeReference(role)


def _is_recorded_on(node: Any, case: OpenCase) -> bool:
    """Whether a segmentation that belongs to no volume, as one from a file, was made on the grid of this one."""
    if volume_of(node) is not None or node.GetHideFromEditors():
        return False
    parent = node.GetParentTransformNode()
    if parent is not None and not parent.IsTransformToWorldLinear():  # as an atlas that was registered
        return False
    segmentation, grid = node.GetSegmentation(), grid_image(case.node, node)
    for segment_id in segmentation.GetSegmentIDs():
        image = segmentation.GetSegment(segment_id).GetRepresentation(binary_labelmap())
        record = read_record(node, segment_id)
        if record is None or record.axis != case.axis or is_empty(image):
            continue
        if same_grid(image, grid) or same_grid(image, mirrored(grid)):  # of a left-handed file
            return True
    return False


def is_result(node: Any) -> bool:
    """Whether a run has written into it; others on the same volume may be references, or the preview."""
    segmentation = node.GetSegmentation()
    return any(
        segment_tag(segmentation.GetSegment(segment_id), _OBJECT_TAG) for segment_id in segmentation.GetSegmentIDs()
    )

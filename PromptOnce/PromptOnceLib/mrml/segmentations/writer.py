"""Results of a propagation written into a segmentation node while it runs, other segments left alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from PromptOnceLib.errors import GeometryError, InputError
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.mrml.owned_nodes import remove
from PromptOnceLib.mrml.segmentations import corrections, labelmap
from PromptOnceLib.mrml.segmentations.new_nodes import new_segment, new_segmentation
from PromptOnceLib.mrml.segmentations.records import settled_slices
from PromptOnceLib.mrml.segmentations.undo import UndoStep
from PromptOnceLib.segmentation.pieces.clean_up import Removed
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.segment import Segment

_TAG = "PromptOnce."


@dataclass(frozen=True)
class Target:
    """Where the mask of one object goes: into the segment with this ID, or with None into a new one like `segment`."""

    segment: Segment
    segment_id: str | None = None


class SegmentWriter:
    """Writes the masks of one run into a segmentation node: `update` while it runs, `finish` once.

    targets: one for each object of the run, in order. segmentation_node: None makes a new one. overwrite: `finish`
    takes the new masks' voxels from all other segments that are shown; otherwise segments may overlap and nothing else
    changes. keep_corrections: slices of the targets that were corrected or accepted keep their masks. Slices that are
    never written keep what a segment held there before.

    volume_node: as given. node: the segmentation node. segment_ids: those of the targets. kept: slices that keep their
    masks, by segment. notices: sentences for the user. Raises InputError and GeometryError for a segmentation that
    cannot take the masks; nothing is changed then.
    """

    def __init__(
        self,
        volume_node: Any,
        axis: int,
        targets: Sequence[Target],
        segmentation_node: Any | None = None,
        overwrite: bool = False,
        keep_corrections: bool = True,
    ) -> None:
        self.notices: list[str] = []
        self.volume_node = volume_node
        self._axis, self._overwrite, self._undo = axis, overwrite, UndoStep()
        self._made_node = segmentation_node is None
        self.node = new_segmentation(volume_node) if segmentation_node is None else segmentation_node
        self._grid = _grid_in(self.node, volume_node, targets)
        self._use_reference_geometry(volume_node)
        self.segment_ids = tuple(self._segment_for(target) for target in targets)
        self.kept = {i: self._keep(i) if keep_corrections else [] for i in self.segment_ids}

    def update(self, result: SegmentationResult, changed_slices: Iterable[int]) -> None:
        """Write what the result holds on these slices into the segments; for slices that are kept, the other way round.

        Raises InputError when the segmentation, or one of the segments, was removed meanwhile.
        """
        slices = sorted(set(changed_slices))
        if not slices:
            return
        self._check_present()
        for number, segment_id in enumerate(self.segment_ids):
            layer = labelmap.writable_layer(self.node, segment_id, self._grid)
            stack, kept = slices_along(layer, self._axis), self.kept[segment_id]
            written = [index for index in slices if index not in kept]
            stack[written] = result.masks[number][written]
            for index in kept:
                if result.computed[index]:
                    result.masks[number][index] = stack[index]
        labelmap.announce(self.node, self.segment_ids)

    def finish(
        self,
        result: SegmentationResult,
        provenance: Mapping[str, str] | None = None,
        left_out: Iterable[int] = (),
    ) -> None:
        """Write all computed slices, take voxels from other segments if asked to, tag the segments, update surfaces.

        provenance: what made the masks; tags PromptOnce.KEY of the segments. left_out: slices that were not computed
        because the objects are not on them, and become empty. Raises InputError as `update`.
        """
        done = [*np.flatnonzero(result.computed).tolist(), *left_out]
        self.update(result, done)
        self._check_present()
        if self._overwrite:
            self._take_from_others(result)
        for segment_id in self.segment_ids:
            labelmap.shrink_layer(self.node, segment_id)
            written = set(done) - set(self.kept[segment_id])
            corrections.note_written(self.node, segment_id, self._grid, self._axis, written)
            segment = self.node.GetSegmentation().GetSegment(segment_id)
            for key, value in (provenance or {}).items():
                segment.SetTag(_TAG + key, value)
        labelmap.announce(self.node, self.segment_ids, convert=True)

    def corrections(self) -> list[tuple[str, list[int]]]:
        """For each segment its name, and the slices that were corrected, by hand or not, or accepted since this run."""
        segments = [(i, self.node.GetSegmentation().GetSegment(i)) for i in self.segment_ids]
        present = [(i, str(segment.GetName())) for i, segment in segments if segment is not None]
        settled = {i: {*self._corrected(i), *settled_slices(self.node, i, self._axis, self._grid)} for i, _ in present}
        return [(name, sorted(settled[i].difference(self.kept[i]))) for i, name in present]

    def drawn_on_since(self) -> list[str]:
        """Names of the other segments that the run took voxels from and somebody has drawn on since."""
        return self._undo.changed_since(self.node, self._grid)

    @property
    def undone(self) -> bool:
        """Whether the run was taken back by `undo`."""
        return self._undo.undone

    def undo(self) -> None:
        """Take the whole run back: its segments, and those it took voxels from, are what they were; others stay.

        Raises InputError when the segmentation was removed, or nothing of the run is left in it.
        """
        self._go_to(undone=True)

    def redo(self) -> None:
        """Take `undo` back. Raises InputError when the segmentation was removed, or the result before the undo."""
        self._go_to(undone=False)

    def _go_to(self, undone: bool) -> None:
        """The state before the run, or after it, unless it is that of now."""
        self._check_node()
        if not self._undo.changes(self.node):
            self._check_present()
        if self._undo.undone != undone:
            self._undo.swap(self.node)

    def put_back(self, removed: Mapping[int, Removed], present: bool) -> None:
        """Give the segments what a clean-up took out, or take it out again, by their places; raises as `update`."""
        self._check_present()
        for number, gone in removed.items():
            segment_id = self.segment_ids[number]
            with corrections.not_by_hand(self.node, [segment_id], self._grid):
                layer = labelmap.writable_layer(self.node, segment_id, self._grid)
                slices_along(layer, self._axis)[tuple(gone.voxels)] = present
                labelmap.shrink_layer(self.node, segment_id)
        labelmap.announce(self.node, [self.segment_ids[number] for number in removed], convert=True)

    def stacks(self) -> list[NDArray[np.bool_]]:
        """The slices of the segments as they are now; raises as `update`."""
        self._check_present()
        return [labelmap.segment_stack(self.node, i, self._grid, self._axis) for i in self.segment_ids]

    @property
    def kept_slices(self) -> tuple[int, ...]:
        """Slices that keep what was corrected by hand, of any of the segments."""
        return tuple(sorted({index for slices in self.kept.values() for index in slices}))

    def discard(self) -> None:
        """Leave nothing behind of a run that came to nothing: as `undo`, and a node made for it goes as well."""
        if self.node.GetScene() is None:
            return
        if not self._undo.undone:
            self._undo.swap(self.node)
        if self._made_node and self.node.GetSegmentation().GetNumberOfSegments() == 0:
            remove(self.node)

    def _keep(self, segment_id: str) -> list[int]:
        """The slices of a segment that keep their masks; which they are is said."""
        by_hand = self._corrected(segment_id)
        settled = sorted(set(settled_slices(self.node, segment_id, self._axis, self._grid)).difference(by_hand))
        name = self.node.GetSegmentation().GetSegment(segment_id).GetName()
        for words, slices in (("Corrected by hand and kept", by_hand), ("Corrected or accepted, and kept", settled)):
            if slices:
                self.notices.append(f'{words}: {corrections.slices_in_words(slices)} of "{name}".')
        return sorted([*by_hand, *settled])

    def _corrected(self, segment_id: str) -> list[int]:
        return corrections.corrected_slices(self.node, segment_id, self._grid, self._axis)

    def _segment_for(self, target: Target) -> str:
        if target.segment_id is not None:
            self._undo.remember(self.node, target.segment_id)
            self._note_other_grid(target.segment_id)
            return target.segment_id
        # Without an image Slicer would give the segment one in place of a surface where the others have surfaces.
        segment = new_segment(target.segment, slicer.vtkOrientedImageData())
        segmentation = self.node.GetSegmentation()
        segmentation.AddSegment(segment)
        segment_id = str(segmentation.GetSegmentIdBySegment(segment))
        self._undo.remember_absent(segment_id)
        # Masks that nobody has looked at.
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        logic.SetSegmentStatus(segment, logic.InProgress)
        return segment_id

    def _use_reference_geometry(self, volume_node: Any) -> None:
        """Slicer saves all segments of a node on its reference geometry."""
        segmentation = self.node.GetSegmentation()
        if segmentation.GetNumberOfSegments() == 0:
            self.node.SetSourceRepresentationToBinaryLabelmap()
        name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
        geometry = segmentation.GetConversionParameter(name)
        if segmentation.GetNumberOfSegments() == 0 or not geometry:
            self.node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
            return
        reference = slicer.vtkOrientedImageData()
        slicer.vtkSegmentationConverter.DeserializeImageGeometry(geometry, reference, False)
        if not labelmap.same_grid(reference, self._grid):
            self.notices.append(
                f"{self.node.GetName()} was made on another grid than {volume_node.GetName()}: its file will hold the "
                "new segments on that grid. Choose a new segmentation to save them voxel by voxel."
            )

    def _note_other_grid(self, segment_id: str) -> None:
        segment = self.node.GetSegmentation().GetSegment(segment_id)
        image = segment.GetRepresentation(labelmap.binary_labelmap())
        if not labelmap.is_empty(image) and not labelmap.same_grid(image, self._grid):
            self.notices.append(
                f'The segment "{segment.GetName()}" was kept on another grid: what it holds outside the new slices was '
                "taken over by nearest neighbour."
            )

    def _take_from_others(self, result: SegmentationResult) -> None:
        mask = labelmap.labelmap_on(self._grid)
        slices_along(labelmap.voxels(mask), self._axis)[:] = result.in_stack_order()
        layers: dict[Any, list[str]] = {}
        for segment_id in labelmap.visible_segments(self.node):
            image = self.node.GetSegmentation().GetSegment(segment_id).GetRepresentation(labelmap.binary_labelmap())
            if segment_id not in self.segment_ids and not labelmap.is_empty(image):
                layers.setdefault(image, []).append(segment_id)
        others = [segment_id for ids in layers.values() for segment_id in ids]
        with corrections.not_by_hand(self.node, others, self._grid):
            changed = [i for image, ids in layers.items() for i in self._take_from_layer(image, ids, mask)]
        if changed:
            labelmap.announce(self.node, changed, convert=True)
        self._undo.note(self.node, changed, self._grid)

    def _take_from_layer(self, image: Any, segment_ids: list[str], mask: Any) -> list[str]:
        """Which of the segments that share a label map had voxels under the mask; these are background now."""
        array, covered = labelmap.voxels(image), labelmap.voxels(labelmap.resampled(mask, image)) > 0
        under = array[covered]
        values = {self.node.GetSegmentation().GetSegment(i).GetLabelValue(): i for i in segment_ids}
        found = [value for value in values if (under == value).any()]
        for value in found:
            self._undo.remember(self.node, values[value])
        array[covered] = np.where(np.isin(under, found), 0, under)
        return [values[value] for value in found]

    def _check_node(self) -> None:
        if self.node.GetScene() is None:
            raise InputError("The segmentation was removed from the scene: the result has no place. Run it again.")

    def _check_present(self) -> None:
        self._check_node()
        for segment_id in self.segment_ids:
            if self.node.GetSegmentation().GetSegment(segment_id) is None:
                raise InputError("The segment of the result was removed: the result has no place. Run it again.")


def _grid_in(node: Any, volume_node: Any, targets: Sequence[Target]) -> Any:
    """The volume's grid in the node's coordinates, once it is clear that masks can be written there."""
    labelmap.check_segmentation_node(node)
    if not labelmap.holds_labelmaps(node):
        raise InputError(
            f"{node.GetName()} keeps its segments as surfaces or contours, which masks would replace. Choose another "
            "segmentation, or a new one."
        )
    for target in targets:
        if target.segment_id is not None and node.GetSegmentation().GetSegment(target.segment_id) is None:
            raise InputError(f'{node.GetName()} has no segment "{target.segment_id}". Choose another segment.')
    parent = node.GetParentTransformNode()
    if parent is not None and not parent.IsTransformToWorldLinear():
        raise GeometryError(
            f"{node.GetName()} lies under a transform that is not linear. Choose another segmentation, or a new one."
        )
    return labelmap.grid_image(volume_node, node)

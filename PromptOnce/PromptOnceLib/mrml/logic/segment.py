"""Segmenting and comparing for Python's console."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from PromptOnceLib.cases.case import Case, prepare_case, with_walls
from PromptOnceLib.cases.prompt_source import PromptSource
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.stack import parse_axis, slices_along
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.mrml.logic.worker_access import WorkerAccess
from PromptOnceLib.mrml.runs import OnProgress, VolumeRun, prepared_writer
from PromptOnceLib.mrml.segmentations.reference import read_reference_node
from PromptOnceLib.mrml.segmentations.segment_result import read_segment_result
from PromptOnceLib.mrml.segmentations.settled import keeping_settled
from PromptOnceLib.mrml.tables import TableNodes, totals_in_words, write_tables
from PromptOnceLib.mrml.volumes import display_window, read_volume_node, volume_geometry
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp
from PromptOnceLib.segmentation.result import SegmentationResult, SliceResult, Totals, slice_results, totals
from PromptOnceLib.segmentation.ways import Between
from PromptOnceLib.worker.requests import Settings


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A segment compared with a reference. words: totals as pairs of name and value; notices: for the user."""

    rows: list[SliceResult]
    totals: Totals
    words: list[tuple[str, str]]
    tables: TableNodes
    notices: tuple[str, ...]


class SegmentLogic:
    """Part of Console."""

    def __init__(self, worker: WorkerAccess) -> None:
        self._worker = worker

    def segmentVolume(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        prompt: PromptSource,
        *,
        axis: str = "auto",
        window: str = "auto",
        model: str = "auto",
        modelConfig: str | None = None,  # noqa: N803
        device: str = "auto",
        precision: str = "auto",
        firstSlice: int = 0,  # noqa: N803
        lastSlice: int | None = None,  # noqa: N803
        direction: Literal["both", "forward", "backward"] = "both",
        fillHoleArea: int = 0,  # noqa: N803
        earlyStop: bool = False,  # noqa: N803
        zoom: Zoom = "auto",
        between: Between = "track",
        cleanUp: CleanUp = "connected",  # noqa: N803
        segmentationNode: Any | None = None,  # noqa: N803
        segmentIds: Sequence[str | None] | None = None,  # noqa: N803
        overwrite: bool = False,
        keepCorrections: bool = True,  # noqa: N803
        keepOut: Any | None = None,  # noqa: N803
        keepOutSegmentIds: Sequence[str] | None = None,  # noqa: N803
        reference: Any | None = None,
        referenceSegmentIds: Sequence[str] | None = None,  # noqa: N803
        wait: bool = True,
        onProgress: OnProgress | None = None,  # noqa: N803
        onFinished: OnProgress | None = None,  # noqa: N803
    ) -> VolumeRun:
        """Segment a volume from one prompt and write the masks into a segmentation.

        prompt: from promptFromIJK, promptFromRAS, promptFromMarkups, promptFromReference or promptFromSeed, or a prompt
        of the core. axis: "auto", "i", "j", "k", "axial", "sagittal" or "coronal". window: "auto", "display" (the
        node's own), the name of a CT preset, "LEVEL/WIDTH", "full", "percentile" or "paper". model: a name such as
        "nano" or "small", "auto", or the path of a checkpoint with modelConfig. firstSlice, lastSlice: the range, both
        included. earlyStop: stop a pass where the object has ended, after several slices without it; not for objects in
        several pieces. zoom: what the network sees of a slice: "auto", a crop around objects that are small on it;
        "off", all of it; or a crop so many times as long as the object. between: "track", or "interpolate" boxes
        between prompted slices, or "both", where either finds something. cleanUp: which pieces stay, "connected" to the
        mask of a prompted slice, "largest" or "all". segmentationNode: where the masks go, None for a new one.
        segmentIds: a segment for every object, None for a new one. overwrite: take the masks' voxels from the other
        shown segments. keepCorrections: slices of these segments that were corrected, accepted or drawn on by hand keep
        their masks; in both directions the run also goes out from them. keepOut: a segmentation whose shown segments,
        or keepOutSegmentIds, the masks do not reach into. reference: a segmentation or label map node to compare with;
        table and plot are written at the end.

        wait=True returns when it is done, the application staying alive, and raises what went wrong; results until
        then are kept. wait=False returns at once. onProgress is called with the run after every slice, onFinished when
        it is over; run.error says whether something went wrong.

        Raises InputError and its children for what cannot be segmented, WorkerError, OutOfMemoryError, CancelledError.
        """
        files = resolve_model(model, modelConfig)
        volume = read_volume_node(volumeNode)
        compared = None if reference is None else read_reference_node(volumeNode, reference, referenceSegmentIds)
        labels, notices = (None, ()) if compared is None else (compared.labels, compared.notices)
        case = prepare_case(volume, prompt, axis, None, _window(window, volumeNode), labels, notices)
        within = firstSlice, lastSlice
        settings = Settings(*within, direction, fillHoleArea, earlyStop, clean_up=cleanUp, zoom=zoom, between=between)
        if keepOut is not None:
            case, walls = with_walls(case, read_reference_node(volumeNode, keepOut, keepOutSegmentIds).labels)
            settings = replace(settings, walls=walls)
        settings.range_for(case.prompt, len(case.stack.frames))
        if keepCorrections and direction == "both" and segmentationNode is not None and segmentIds is not None:
            case = _going_out_from_settled(case, volumeNode, segmentationNode, segmentIds)
        writer = prepared_writer(volumeNode, case, segmentationNode, segmentIds, overwrite, keepCorrections)

        def finished(run: VolumeRun) -> None:
            outcome = run.outcome()
            if reference is not None and outcome.result.computed.any() and volumeNode.GetScene() is not None:
                write_tables(volumeNode, outcome.rows)
            if onFinished is not None:
                onFinished(run)

        run = VolumeRun(self._worker.session, case, files, writer, onProgress, finished)
        run.start(settings, device, precision)
        if wait:
            self._worker.wait_until(lambda: run.finished)
            if run.error is not None:
                raise run.error
        else:
            self._worker.keep_pumping(self._worker.pump)
        return run

    def evaluate(
        self,
        volumeNode: Any,  # noqa: N803
        segmentationNode: Any,  # noqa: N803
        segmentIds: Sequence[str] | None,  # noqa: N803
        reference: Any,
        referenceSegmentIds: Sequence[str] | None = None,  # noqa: N803
        axis: str = "auto",
    ) -> Evaluation:
        """Compare segments (None: all that are shown) with a reference on a volume's grid; writes table and plot."""
        mask = read_reference_node(volumeNode, segmentationNode, segmentIds)
        true_mask = read_reference_node(volumeNode, reference, referenceSegmentIds)
        geometry = volume_geometry(volumeNode)
        along = parse_axis(axis, geometry).axis
        result = SegmentationResult.of_mask(slices_along(mask.labels, along) > 0, "segments", along)
        compared = slices_along(true_mask.labels, along)
        rows, figures = slice_results(result, compared), totals(result, geometry.spacing, compared)
        notices = (*mask.notices, *true_mask.notices)
        return Evaluation(rows, figures, totals_in_words(figures), write_tables(volumeNode, rows), notices)


def _going_out_from_settled(case: Case, volume_node: Any, node: Any, segment_ids: Sequence[str | None]) -> Case:
    """The case with what is settled in the segments that it is written into beside its prompt."""
    if not isinstance(case.prompt, Prompt) or len(segment_ids) != len(case.prompt.objects):
        return case
    axis = case.axis.axis
    segments = [None if i is None else read_segment_result(volume_node, node, i, axis) for i in segment_ids]
    return replace(case, prompt=keeping_settled(case.prompt, segments))


def _window(text: str, volume_node: Any) -> str:
    if text != "display":
        return text
    window = display_window(volume_node)
    if window is None:
        raise InputError(f"{volume_node.GetName()} is not shown with a window. Choose another window than display.")
    return window

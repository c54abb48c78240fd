"""What slicer.util.getModuleLogic("PromptOnce") offers to Python: segment, compare, cancel; without any GUI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from PromptOnceLib.batch.client import BatchJob, StartBatch, start_batch_process
from PromptOnceLib.cases.case import Labels, PromptSource, prepare_case
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.stack import parse_axis, slices_along
from PromptOnceLib.models.registry import ModelFiles, resolve_model
from PromptOnceLib.mrml.grid import StackGrid
from PromptOnceLib.mrml.logic.batch import BatchMethods
from PromptOnceLib.mrml.logic.seeds import R, SeedMethods
from PromptOnceLib.mrml.prompts.from_positions import (
    Position,
    prompt_from_markups,
    prompt_from_positions,
    prompt_of_module,
)
from PromptOnceLib.mrml.runs import OnProgress, VolumeRun, prepared_writer
from PromptOnceLib.mrml.segmentations.reference import read_reference_node
from PromptOnceLib.mrml.tables import TableNodes, totals_in_words, write_tables
from PromptOnceLib.mrml.volumes import display_window, read_volume_node, volume_geometry
from PromptOnceLib.processes.transport import Transport
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.segmentation.result import SegmentationResult, SliceResult, Totals, slice_results, totals
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.worker.segmenter import Segmenter
from PromptOnceLib.worker.session import Session
from PromptOnceLib.workflows.drive import run_steps
from PromptOnceLib.workflows.steps import Steps

_WAIT = 0.02  # seconds between two looks at the application's events


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A segment compared with a reference. words: totals as pairs of name and value; notices: for the user."""

    rows: list[SliceResult]
    totals: Totals
    words: list[tuple[str, str]]
    tables: TableNodes
    notices: tuple[str, ...]


class PromptOnceLogicBase(SeedMethods, BatchMethods):
    """The module's logic as far as it needs no Qt. Positions are voxel indices IJK or RAS in mm, as their names say.

    start_transport: starts a worker. process_events: lets the application live while a call waits. keep_pumping: has a
    function called again and again until it returns False, and returns at once; for calls that do not wait.
    start_batch: starts the process of a batch. on_batch: told of every batch that begins. library_folder: of the seed
    library, None for the usual one.
    """

    def __init__(
        self,
        start_transport: Callable[[], Transport],
        process_events: Callable[[], object],
        keep_pumping: Callable[[Callable[[], bool]], object],
        start_batch: StartBatch = start_batch_process,
        on_batch: Callable[[BatchJob], object] = lambda job: None,
        library_folder: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._start_transport, self._process_events = start_transport, process_events
        self._keep_pumping = keep_pumping
        self._start_batch, self._on_batch, self._library_folder = start_batch, on_batch, library_folder
        self._batches: list[BatchJob] = []
        self._segmenter: Segmenter | None = None

    @property
    def segmenter(self) -> Segmenter:
        """The worker of this logic; its process starts with the first request."""
        if self._segmenter is None:
            self._segmenter = Segmenter(WorkerClient(self._start_transport), poll_seconds=_WAIT)
        return self._segmenter

    @property
    def session(self) -> Session:
        """The worker session of this logic."""
        return self.segmenter.session

    def segmentVolume(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        prompt: PromptSource,
        *,
        axis: str = "auto",
        window: str = "auto",
        model: str = "nano",
        modelConfig: str | None = None,  # noqa: N803
        device: str = "auto",
        precision: str = "auto",
        firstSlice: int = 0,  # noqa: N803
        lastSlice: int | None = None,  # noqa: N803
        direction: Literal["both", "forward", "backward"] = "both",
        fillHoleArea: int = 0,  # noqa: N803
        earlyStop: bool = False,  # noqa: N803
        segmentationNode: Any | None = None,  # noqa: N803
        segmentIds: Sequence[str | None] | None = None,  # noqa: N803
        overwrite: bool = False,
        reference: Any | None = None,
        referenceSegmentIds: Sequence[str] | None = None,  # noqa: N803
        wait: bool = True,
        onProgress: OnProgress | None = None,  # noqa: N803
        onFinished: OnProgress | None = None,  # noqa: N803
    ) -> VolumeRun:
        """Segment a volume from one prompt and write the masks into a segmentation.

        prompt: from promptFromIJK, promptFromRAS, promptFromMarkups, promptFromReference or promptFromSeed, or a prompt
        of the core.
        axis: "auto", "i", "j", "k", "axial", "sagittal" or "coronal". window: "auto", "display" (the node's own), the
        name of a CT preset, "LEVEL/WIDTH", "full", "percentile" or "paper". model: a name such as "nano" or "small", or
        the path of a checkpoint with modelConfig. firstSlice, lastSlice: the range, both included. earlyStop: stop a
        pass where the object has ended, after several slices without it; not for objects in several pieces.
        segmentationNode: where the masks go, None for a new one. segmentIds: a segment for every object, None for a
        new one. overwrite: take the masks' voxels from the other shown segments. reference: a segmentation or label
        map node to compare with; table and plot are written at the end.

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
        settings = Settings(firstSlice, lastSlice, direction, fillHoleArea, earlyStop)
        settings.range_for(case.prompt, len(case.stack.frames))
        writer = prepared_writer(volumeNode, case, segmentationNode, segmentIds, overwrite)

        def finished(run: VolumeRun) -> None:
            outcome = run.outcome()
            if reference is not None and outcome.result.computed.any() and volumeNode.GetScene() is not None:
                write_tables(volumeNode, outcome.rows)
            if onFinished is not None:
                onFinished(run)

        run = VolumeRun(self.session, case, files, writer, onProgress, finished)
        run.start(settings, device, precision)
        if wait:
            self._wait_for(run)
        else:
            self._keep_pumping(self.pump)
        return run

    def promptFromIJK(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        positive: Iterable[Position] = (),
        negative: Iterable[Position] = (),
        box: tuple[Position, Position] | None = None,
        axis: str = "auto",
        name: str = "object",
    ) -> Prompt:
        """A prompt from voxel indices (i, j, k): points on the object and beside it, two opposite corners of a box.

        Raises PromptError unless all of them lie on one slice along the axis.
        """
        grid = _grid(volumeNode, axis)
        ends = None if box is None else (grid.from_ijk(box[0]), grid.from_ijk(box[1]))
        return prompt_from_positions(grid, map(grid.from_ijk, positive), map(grid.from_ijk, negative), ends, name)

    def promptFromRAS(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        positive: Iterable[Position] = (),
        negative: Iterable[Position] = (),
        box: tuple[Position, Position] | None = None,
        axis: str = "auto",
        name: str = "object",
    ) -> Prompt:
        """As promptFromIJK, from positions in the world, RAS in mm; parent transforms count."""
        grid = _grid(volumeNode, axis)
        ends = None if box is None else (grid.from_world(box[0]), grid.from_world(box[1]))
        return prompt_from_positions(grid, map(grid.from_world, positive), map(grid.from_world, negative), ends, name)

    def promptFromMarkups(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        roi: Any | None = None,
        positive: Any | None = None,
        negative: Any | None = None,
        axis: str = "auto",
        name: str = "object",
    ) -> Prompt:
        """A prompt from a ROI node and point list nodes; without any, the one that was made with the module.

        Raises PromptError where nothing is placed or points lie on several slices.
        """
        if roi is None and positive is None and negative is None:
            return prompt_of_module(volumeNode)
        return prompt_from_markups(_grid(volumeNode, axis), roi, positive, negative, name)

    def promptFromReference(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        reference: Any,
        segmentIds: Sequence[str] | None = None,  # noqa: N803
        name: str = "object",
    ) -> Labels:
        """The prompt that the papers take from a segmentation or label map node, on the volume's central slice.

        Where nothing is labelled there it is taken from the middle of the labelled slices, with a notice of the run.
        """
        return Labels(read_reference_node(volumeNode, reference, segmentIds).labels, name)

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
        masks = np.ascontiguousarray(slices_along(mask.labels, along) > 0).astype(np.uint8)
        result = SegmentationResult.empty(["segments"], masks.shape, along)
        result.masks[0], result.computed[:] = masks, True
        compared = slices_along(true_mask.labels, along)
        rows, figures = slice_results(result, compared), totals(result, geometry.spacing, compared)
        notices = (*mask.notices, *true_mask.notices)
        return Evaluation(rows, figures, totals_in_words(figures), write_tables(volumeNode, rows), notices)

    def cancel(self) -> None:
        """Stop what is running at the next slice; what is done is kept."""
        if self._segmenter is not None:
            self.session.cancel()

    def pump(self) -> bool:
        """Take in what the worker has said; whether more is expected."""
        self.session.pump()
        return self.session.busy

    def close(self) -> None:
        """End the worker, and batches that are under way; what they have finished is kept."""
        for job in self._batches:
            job.close()
        if self._segmenter is not None:
            self.session.close()

    def _wait_for(self, run: VolumeRun) -> None:
        try:
            while not run.finished:
                self.session.pump(_WAIT)
                self._process_events()
        except BaseException:
            self.session.cancel()
            raise
        if run.error is not None:
            raise run.error

    def _go(self, files: ModelFiles, device: str, steps: Steps[R]) -> R:
        """See SeedMethods."""
        self.session.use_model(files, device)
        return run_steps(self.segmenter, steps, should_cancel=self._stay_alive)

    def _stay_alive(self) -> bool:
        self._process_events()
        return False


def _grid(volume_node: Any, axis: str) -> StackGrid:
    return StackGrid(volume_node, parse_axis(axis, volume_geometry(volume_node)).axis)


def _window(text: str, volume_node: Any) -> str:
    if text != "display":
        return text
    window = display_window(volume_node)
    if window is None:
        raise InputError(f"{volume_node.GetName()} is not shown with a window. Choose another window than display.")
    return window

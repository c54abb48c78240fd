"""One propagation on a volume node: sent to the worker, written into a segmentation node while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import PromptOnceLib
from PromptOnceLib.cases.case import Case
from PromptOnceLib.cases.outputs import Run
from PromptOnceLib.errors import InputError, PromptOnceError
from PromptOnceLib.imaging.stack import AXIS_NAMES
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.mrml.segmentations.segment_result import note_run
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter, Target
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.segment import segments_of
from PromptOnceLib.worker.protocol import SliceDone
from PromptOnceLib.worker.requests import PropagationJob, Settings
from PromptOnceLib.worker.session import Session

SECONDS_BETWEEN_WRITES = 1.0

OnProgress = Callable[["VolumeRun"], object]


class VolumeRun:
    """A propagation that is under way or over. It needs the session's `pump` to be called until `finished`.

    case: what is segmented. job: with the result so far and the progress. writer: of the segments; its `undo` takes the
    run back. notices: sentences for the user. error: why it did not go to its end; what was done until then is kept.
    cancelled: whether somebody stopped it. clean_up_undone: whether what its clean-up took out was put back.
    """

    def __init__(
        self,
        session: Session,
        case: Case,
        files: ModelFiles,
        writer: SegmentWriter,
        on_progress: OnProgress | None = None,
        on_finished: OnProgress | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.case, self.files, self.writer = case, files, writer
        self.notices = [*case.notices, *writer.notices]
        self.error: PromptOnceError | None = None
        self.finished = self.clean_up_undone = False
        self.job: PropagationJob | None = None
        self._session, self._clock = session, clock
        self._on_progress, self._on_finished = on_progress, on_finished
        self._started = self._next_write = clock()
        self._seconds = 0.0

    def start(self, settings: Settings, device: str = "auto", precision: str = "auto") -> None:
        """Have the worker begin, once it holds model and stack. Returns at once."""
        prompt, settings = self.case.prompt, replace(settings, settled=self.writer.kept_slices)
        self._session.prepare(self.files, device, precision, self.case.stack, prompt.slice)
        self.job = self._session.propagate(prompt, settings, self._slice_done, self.notices.append, self._ended)

    def cancel(self) -> None:
        """Stop at the next slice; what is done is kept."""
        self._session.cancel()

    @property
    def removed(self) -> int:
        """How many voxels the clean-up took out, of all objects."""
        return 0 if self.job is None else sum(gone.voxels.shape[1] for gone in self.job.removed.values())

    def swap_clean_up(self) -> None:
        """Put back what the clean-up took out, in the result and in the segments; called again, take it out again.

        Raises InputError when the segmentation, or one of the segments, was removed.
        """
        assert self.job is not None
        result, removed = self.job.result, self.job.removed
        places = {result.names.index(name): gone for name, gone in removed.items()}
        self.writer.put_back(places, not self.clean_up_undone)
        self.clean_up_undone = not self.clean_up_undone
        for place, gone in places.items():
            result.masks[place][tuple(gone.voxels)] = self.clean_up_undone

    def as_written(self) -> SegmentationResult:
        """The result as the segments hold it now: slices may have been corrected since."""
        assert self.job is not None
        result = self.job.result.copy()
        for place, stack in enumerate(self.writer.stacks()):
            result.masks[place] = stack
        return result

    @property
    def cancelled(self) -> bool:
        """Whether the run was stopped before its last slice."""
        return self.job is not None and self.job.cancelled

    @property
    def went_to_its_end(self) -> bool:
        """Whether the run is over and did all that it was to do; slices may be left out by an early stop."""
        return self.finished and self.error is None and not self.cancelled

    def outcome(self) -> Run:
        """What was done, with the per-slice table and the totals, compared with the case's reference if it has one.

        Its seconds include starting the worker and loading the model where that had to be done. Once there is a job.
        """
        assert self.job is not None
        job = self.job
        return Run(self.case, job.result, self.files.name, job.device, self._seconds, job.cancelled, list(self.notices))

    def _slice_done(self, event: SliceDone) -> None:
        if self._clock() >= self._next_write and self.error is None:
            self._write()
            self._next_write = self._clock() + SECONDS_BETWEEN_WRITES
        if self._on_progress is not None:
            self._on_progress(self)

    def _write(self) -> None:
        assert self.job is not None
        try:
            self.writer.update(self.job.result, self.job.take_changed())
        except InputError as error:
            self.error = error
            self._session.cancel()

    def _ended(self, job: PropagationJob, error: PromptOnceError | None) -> None:
        self.error = self.error or error
        self.job, self._seconds = job, self._clock() - self._started
        try:
            if job.result.computed.any():
                self.writer.finish(job.result, self._provenance(job), self._left_out(job))
                note_run(self.writer, self.case.prompt, job.result, self.case.stack.window.name)
            else:
                self.writer.discard()
        except InputError as removed:
            self.error = self.error or removed
        self.finished = True
        if self._on_finished is not None:
            self._on_finished(self)

    def _left_out(self, job: PropagationJob) -> list[int]:
        """Slices behind an early stop."""
        if not job.settings.stop_when_absent or job.cancelled or self.error is not None:
            return []
        computed = job.result.computed
        return [index for index in job.settings.reached(job.prompt, len(computed)) if not computed[index]]

    def _provenance(self, job: PropagationJob) -> dict[str, str]:
        """What made the masks; nothing of the patient."""
        window = self.case.stack.window
        welcome = self._session.client.welcome
        versions = {} if welcome is None else welcome.versions
        facts = {
            "Model": self.files.name,
            "CheckpointSHA256": self.files.sha256 or "",
            "Device": job.device,
            "Axis": AXIS_NAMES[self.case.axis.axis],
            "PromptedSlice": str(self.case.prompt.slice),
            "Seed": self.case.prompt.label if isinstance(self.case.prompt, SharedSeed) else "",
            "EarlyStop": "yes" if job.settings.stop_when_absent else "no",
            "Zoom": str(job.settings.zoom),
            "Between": job.settings.between,
            "CleanUp": job.settings.clean_up,
            "Window": f"{window.name} ({window.lower:g} to {window.upper:g})",
            "Version": PromptOnceLib.__version__,
            "Packages": ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
        }
        return {name: value for name, value in facts.items() if value}


def targets_for(case: Case, segment_ids: Sequence[str | None] | None = None) -> list[Target]:
    """Where the masks of a case's objects go: into these segments, or new ones with the objects' names and colours.

    Raises InputError where there are not as many segments as objects.
    """
    objects = case.prompt.objects
    ids: Sequence[str | None] = [None] * len(objects) if segment_ids is None else segment_ids
    if len(ids) != len(objects):
        raise InputError(f"The prompt has {len(objects)} objects, but {len(ids)} segments are named for them.")
    return [Target(segment, segment_id) for segment, segment_id in zip(segments_of(objects), ids, strict=True)]


def prepared_writer(
    volume_node: Any,
    case: Case,
    segmentation_node: Any | None = None,
    segment_ids: Sequence[str | None] | None = None,
    overwrite: bool = False,
    keep_corrections: bool = True,
) -> SegmentWriter:
    """A writer for the objects of a case. Raises as SegmentWriter, and InputError where two objects share a segment."""
    targets = targets_for(case, segment_ids)
    if segmentation_node is None and any(target.segment_id is not None for target in targets):
        raise InputError("Name the segmentation that holds the segments as well.")
    _check_one_segment_each(targets)
    return SegmentWriter(volume_node, case.axis.axis, targets, segmentation_node, overwrite, keep_corrections)


def _check_one_segment_each(targets: Sequence[Target]) -> None:
    """The last of two masks would take the place of the other one."""
    names: dict[str, str] = {}
    for target in targets:
        segment_id, name = target.segment_id, target.segment.name
        if segment_id in names:
            both = f'"{names[segment_id]}" and "{name}"'
            raise InputError(f"{both} would go into the same segment. Choose another one for one of them.")
        if segment_id is not None:
            names[segment_id] = name

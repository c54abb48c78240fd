"""What a session is asked for a prompt once it stands: a propagation, and how to propagate."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import CancelledError, InputError, PromptError, PromptOnceError, check_choice
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.imaging.views.crop import Crop, Zoom
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.conditioning import AnyPrompt
from PromptOnceLib.prompts.each_slice import Proposals, check_each_slice, proposed_names
from PromptOnceLib.prompts.interpolation import check_interpolation
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.prompts.walls import Walls, kept_out
from PromptOnceLib.prompts.zoom import Sight, zoom_from_text
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp, Removed, clean_up
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.ways import Between, Ways
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import load_result
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.conditioning_files import ConditioningFiles
from PromptOnceLib.worker.job import Job
from PromptOnceLib.worker.progress import Progress
from PromptOnceLib.worker.session_job import OnNotice, Queue, SessionJob

Direction = Literal["both", "forward", "backward"]
OnSlice = Callable[[protocol.SliceDone], object]
OnEnd = Callable[["PropagationJob", PromptOnceError | None], object]


@dataclass(frozen=True)
class Settings:
    """How to propagate.

    first, last: slices to segment, both included; last None is the last slice. fill_hole_area: background regions up to
    this many pixels of SAM 2's low-resolution mask become object; 0 leaves masks as they come. stop_when_absent: do not
    compute what lies behind several slices without any object; off, because organs in several pieces come again.
    alone: after a shared seed every slice is segmented by itself, with nothing remembered of the others; of a prompt
    set only the prompted slices are, as images, and `proposals` says which of their masks are taken. changed: of a
    prompt set, the fixed slices next to which everything is computed; None for all. clean_up: which pieces of a mask
    stay once all slices are done. settled: slices that somebody has settled elsewhere, which a clean-up leaves as they
    are. zoom: how much of a slice the network sees. crops: what an earlier run saw of objects, by name, instead of
    that. between: how the slices between prompted ones come about. walls: what no mask may hold.

    Raises InputError for a direction, a clean-up, a zoom, an area or a way between prompted slices that there is not.
    """

    first: int = 0
    last: int | None = None
    direction: Direction = "both"
    fill_hole_area: int = 0
    stop_when_absent: bool = False
    alone: bool = False
    proposals: Proposals = "single"
    changed: tuple[int, ...] | None = None
    clean_up: CleanUp = "connected"
    settled: tuple[int, ...] = ()
    zoom: Zoom = "auto"
    crops: Mapping[str, Crop] = field(default_factory=dict)
    between: Between = "track"
    walls: Walls | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "zoom", zoom_from_text(str(self.zoom)))  # frozen for everybody but itself
        for name, kind in (("direction", Direction), ("between", Between), ("clean_up", CleanUp)):
            check_choice(name, getattr(self, name), get_args(kind))
        if not isinstance(self.fill_hole_area, int | np.integer) or self.fill_hole_area < 0:
            raise InputError(
                f"The area of holes to fill is a number of pixels, from 0, not {self.fill_hole_area!r:.9}."
            )
        object.__setattr__(self, "fill_hole_area", int(self.fill_hole_area))

    @property
    def ways(self) -> Ways:
        """What a correction has to know of them."""
        return Ways(self.zoom, self.between, self.clean_up, self.fill_hole_area)

    def within(self, slices: int) -> range:
        """The slices of a stack to segment; InputError where they do not exist."""
        last = slices - 1 if self.last is None else self.last
        if not 0 <= self.first <= last < slices:
            raise InputError(f"The range {self.first}:{last} does not lie in the slices 0 to {slices - 1}.")
        return range(self.first, last + 1)

    def range_for(self, prompt: AnyPrompt, slices: int) -> range:
        """The slices of a stack to segment; InputError where they do not exist or leave the prompt out."""
        chosen = self.within(slices)
        if not isinstance(prompt, PromptSet) and prompt.slice not in chosen:
            raise InputError(f"The range {chosen[0]}:{chosen[-1]} has to hold the prompted slice {prompt.slice}.")
        return chosen

    def reached(self, prompt: AnyPrompt, slices: int) -> range:
        """The slices of a stack that a propagation in this direction comes to; raises as range_for."""
        chosen = self.range_for(prompt, slices)
        return range(
            prompt.slice if self.direction == "forward" else chosen.start,
            prompt.slice + 1 if self.direction == "backward" else chosen.stop,
        )


def check_prompt(prompt: AnyPrompt, stack: Stack, correcting: bool = False) -> None:
    """Raises PromptError for a prompt or a shared seed that does not fit the stack. correcting: see Prompt."""
    if prompt.axis is not None and prompt.axis != stack.axis:
        raise PromptError("The prompt was made for slices along another axis; choose that axis.")
    if isinstance(prompt, Prompt):
        prompt.validate_for(stack.frames.shape, correcting)
    else:
        prompt.validate_for(stack.frames.shape)


class PropagationJob(SessionJob):
    """A propagation that waits, is under way, or is over.

    base: the result that a prompt set, of some of its objects or of all, corrects; it stays as it is. result: what has
    been done so far, with what the base had. removed: what the clean-up took out of each object of the result, once the
    last slice is done. embed_seconds, prompt_seconds: by slice, what encoding it and answering its prompts took, of
    slices that are segmented each by itself. notices: what was done differently than asked. device: where it ended, ""
    before. cancelled: whether it ended before the last slice. failure: the error with which it ended.
    """

    nothing_done = "Cancelled before the first slice was done."
    urgency = 0

    def __init__(
        self,
        stack: Stack,
        prompt: AnyPrompt,
        settings: Settings,
        on_slice: OnSlice | None,
        on_notice: OnNotice | None,
        on_end: OnEnd,
        queue: Queue,
        clock: Callable[[], float] = time.monotonic,
        base: SegmentationResult | None = None,
    ) -> None:
        super().__init__(queue)
        self.prompt, self.settings = prompt, settings
        names = [item.name for item in prompt.objects]
        if isinstance(prompt, PromptSet) and settings.alone:
            names = proposed_names(prompt, settings.proposals)
        self.result = SegmentationResult.empty(names, stack.frames.shape, stack.axis) if base is None else base.copy()
        if base is None:
            self.result.ways.update(dict.fromkeys(names, settings.ways))
        # Where the worker's objects stand in the result.
        self._places = [self.result.names.index(name) for name in names]
        self.progress = Progress(clock)
        self.removed: dict[str, Removed] = {}
        self.notices: list[str] = []
        self.embed_seconds: dict[int, float] = {}
        self.prompt_seconds: dict[int, float] = {}
        self.device, self.cancelled = "", False
        self.failure: PromptOnceError | None = None
        self._stack, self._range = stack, range(0)
        self._on_slice, self._on_notice, self._on_end = on_slice, on_notice, on_end
        self._changed: list[int] = []
        self._done: dict[int, set[int]] = {place: set() for place in self._places}
        self._path: Path | None = None
        self._masks: NDArray[np.uint8] | None = None

    def check(self, files: ModelFiles) -> None:
        """Before it is sent: PromptError for a prompt that does not fit the stack, InputError for such a range,
        ModelError for a model that cannot propagate.
        """
        check_prompt(self.prompt, self._stack)
        if self.settings.alone and isinstance(self.prompt, PromptSet):
            check_each_slice(self.prompt, self._stack.frames.shape)
        else:
            files.check_propagates()
        if self.settings.between != "track":
            check_interpolation(self.prompt)
        self._range = self.settings.range_for(self.prompt, len(self._stack.frames))

    def send(self, client: WorkerClient) -> Job:
        number = client.new_id()
        frame_files = ConditioningFiles(client.folder, number)
        request = protocol.Propagate(
            id=number,
            prompt=frame_files.put(self.prompt),
            changed=self.settings.changed,
            file=f"masks-{number}.npy",
            first=self._range[0],
            last=self._range[-1],
            direction=self.settings.direction,
            fill_hole_area=self.settings.fill_hole_area,
            alone=self.settings.alone,
            proposals=self.settings.proposals,
            stop_when_absent=self.settings.stop_when_absent,
            between=self.settings.between,
            sight=Sight(zoom=self.settings.zoom, crops=dict(self.settings.crops)),
        )
        self._path = client.folder / request.file
        try:
            self.job = client.send(request, self._on_event, partial(self._over, frame_files))
        except PromptOnceError:
            frame_files.remove()
            raise
        return self.job

    def end(self, error: PromptOnceError | None = None) -> None:
        if error is None:
            assert self.job is not None
            error = self.job.error
            if isinstance(self.job.reply, protocol.Propagated) and self.job.reply.slices == 0:
                error = CancelledError(self.nothing_done)
        if self._stopping and isinstance(error, CancelledError):
            self.cancelled = True
            error = None if self.result.computed.any() else error  # closed because it did not answer the cancel
        self.cancelled |= isinstance(error, CancelledError)
        self.failure = error
        if error is None and not self.cancelled:
            self._clean_up()
            self._note_empty_objects()
        self._queue(partial(self._on_end, self, error))

    def take_changed(self) -> list[int]:
        """The slices done since this was asked last, in the order in which they were done."""
        changed, self._changed = self._changed, []
        return changed

    def _on_event(self, event: protocol.Event) -> None:
        if isinstance(event, protocol.Notice):
            self._note(event.text)
        elif isinstance(event, protocol.SliceDone):
            self._take_slice(event)
            if self._on_slice is not None:
                self._queue(partial(self._on_slice, event))

    def _note(self, text: str) -> None:
        self.notices.append(text)
        if self._on_notice is not None:
            self._queue(partial(self._on_notice, text))

    def _clean_up(self) -> None:
        """Take out what the clean-up is to take out, on slices that were computed in this run."""
        # Slices that are segmented each by itself need not lie beside each other.
        rule: CleanUp = "all" if self.settings.alone else self.settings.clean_up
        if rule == "all":
            return
        for place, done in self._done.items():
            name = self.result.names[place]
            fixed = {*range(len(self.result.computed))} - done
            fixed |= {*self.settings.settled, *self._fixed_slices(name)}
            removed = clean_up(self.result.masks[place], rule, fixed)
            if removed.pieces:
                self.removed[name] = removed
                self._changed += removed.slices
                self._note(removed.sentence(name))

    def _fixed_slices(self, name: str) -> tuple[int, ...]:
        return self.prompt.object(name).indices if isinstance(self.prompt, PromptSet) else (self.prompt.slice,)

    def _note_empty_objects(self) -> None:
        """A run that found nothing has done what it could: it is told, and no error."""
        empty = [name for name, mask in zip(self.result.names, self.result.masks, strict=True) if not mask.any()]
        if empty:
            self._note(f"Nothing was found of {', '.join(empty)}: the result is empty. Try another start or prompt.")

    def _take_slice(self, event: protocol.SliceDone) -> None:
        if self._masks is None:
            assert self._path is not None
            self._masks = load_result(self._path, mmap_mode="r")
        given = range(len(self._places)) if event.objects is None else event.objects
        masks, places = self._masks[list(given), event.slice], [self._places[i] for i in given]
        masks = kept_out(masks, self.settings.walls, event.slice)
        self.result.set_slice(event.slice, masks, event.presence, event.predicted_iou, places)
        if event.embed_seconds is not None and event.prompt_seconds is not None:
            self.embed_seconds[event.slice] = event.embed_seconds
            self.prompt_seconds[event.slice] = event.prompt_seconds
        self._changed.append(event.slice)
        for place in places:
            self._done[place].add(event.slice)
        self.progress.advance(event.done, event.total)

    def _over(self, frame_files: ConditioningFiles, ended: Job) -> None:
        assert self._path is not None
        self._masks = None  # Windows removes no file that is mapped
        self._path.unlink(missing_ok=True)
        frame_files.remove()
        if isinstance(ended.reply, protocol.Propagated):
            self.device, self.cancelled = ended.reply.device, ended.reply.cancelled
            self.result.crops.update(ended.reply.crops)

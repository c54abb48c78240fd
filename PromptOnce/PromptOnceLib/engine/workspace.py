"""A stack and a tracker that compute what is asked for slice by slice, and give way where memory ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.engine.devices import Pipeline, is_out_of_memory, on_cpu
from PromptOnceLib.engine.lookahead import FeaturePrefetcher, Frames
from PromptOnceLib.engine.memory import CorrectionContext, Entry, part
from PromptOnceLib.engine.stores.feature_store import FeatureStore
from PromptOnceLib.engine.stores.run_memory import Reached, RunMemory
from PromptOnceLib.engine.tracker import Features, Output, Tracker
from PromptOnceLib.engine.transfer import DeviceTransfer, SliceOutput, no_numbers
from PromptOnceLib.errors import OutOfMemoryError
from PromptOnceLib.prompts.prompt import ObjectPrompt

T = TypeVar("T")
_EMBEDDING_GRID = 4
Remembered = Sequence[tuple[Output, Entry]]
"""What was found on a slice and what is remembered of it, for some rows each."""

MOST_CONDITIONING_FRAMES = 4
"""So many fixed slices a slice attends to where there are several: the nearest before, the nearest after, then by
distance.
"""


def _nothing() -> None:
    pass


@dataclass
class Workspace:
    """One volume's slices and a tracker; remembers the features of the slice that was prompted last.

    frames: uint8 (slices, rows, columns), or pictures (rows, columns) of different sizes. notify: called with a
    sentence for the user when something was done differently than asked, for example after memory ran out. store: keeps
    the features of all slices for the next run; on a GPU encoding is faster than any disk, so there it is not used.
    run_memory: keeps what the last run left on each slice, for corrections. interrupt: called between the parts of a
    slice; what it raises ends the run. make_room: called after memory ran out, before the next try.
    """

    tracker: Tracker
    frames: Frames
    notify: Callable[[str], None]
    store: FeatureStore | None = None
    run_memory: RunMemory | None = None
    known: dict[int, Features] = field(default_factory=dict)
    interrupt: Callable[[], None] = field(default=_nothing)
    make_room: Callable[[], None] = field(default=_nothing)

    def clear(self) -> None:
        """Forget all that is kept of this stack."""
        self.known.clear()
        for kept in (self.store, self.run_memory):
            if kept is not None:
                kept.clear()

    def prefetch(self, index: int) -> None:
        """Encode a slice so that prompts on it are answered fast."""
        self.within_memory(lambda: self.prompted_features(index))

    def embed(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embedding of a frame (rows, columns) of any image, see `frame_embedding`."""
        return self.within_memory(lambda: frame_embedding(self.tracker.encode(frame)))

    def predict(
        self, objects: Sequence[ObjectPrompt], index: int, fill_hole_area: int = 0, correcting: bool = False
    ) -> SliceOutput:
        """Masks of the prompted slice alone.

        correcting: points correct the mask that comes with them, see `_correct`.
        """
        segment = self._correct if correcting else self.segment
        return self.within_memory(lambda: self.fetch(index, segment(objects, index, fill_hole_area)).take())

    def segment(self, objects: Sequence[ObjectPrompt], index: int, fill_hole_area: int) -> list[Output]:
        """What the heads say of each object on slice `index`, from its prompt alone."""
        features, shape = self.prompted_features(index), shape_of(self.frames[index])
        return [self.tracker.segment(features, prompt, shape, fill_hole_area) for prompt in objects]

    def _correct(self, objects: Sequence[ObjectPrompt], index: int, fill_hole_area: int) -> list[Output]:
        """Points as SAM 2 was trained to take them on a slice it has tracked: with the memory of the last run, where
        that reached the slice, and with the logits found there, or those of a mask that comes with them and is another.

        A box says anew where the object is, and is decoded like a first prompt (figures in benchmarks/effort.md).
        """
        features, shape, tracker = self.prompted_features(index), shape_of(self.frames[index]), self.tracker
        outputs = []
        for prompt in objects:
            context = self._context(prompt, index) if prompt.points and prompt.box is None else None
            if context is None:
                marks = prompt.model_copy(update={"mask": None}) if prompt.points else prompt
                outputs.append(tracker.segment(features, marks, shape, fill_hole_area))
                continue
            with tracker.attending_to(MOST_CONDITIONING_FRAMES):
                outputs.append(tracker.correct(features, prompt, shape, context, fill_hole_area))
        return outputs

    def _context(self, prompt: ObjectPrompt, index: int) -> CorrectionContext | None:
        """What points on a slice are decoded with; None where there is nothing to correct."""
        tracker, found = self.tracker, None
        if self.run_memory is not None:
            found = self.run_memory.correctable(prompt.name, index, tracker.reach)
        if prompt.mask is None:
            return found
        mask = prompt.mask_array()
        if found is not None:
            seen = tracker.full_size_mask(found.logits, shape_of(self.frames[index])).cpu().numpy() != 0
            if np.array_equal(seen, mask):
                return found
        logits = tracker.mask_logits(mask)
        return CorrectionContext(logits) if found is None else replace(found, logits=logits)

    def forget(self, names: Sequence[str], index: int) -> None:
        """Keep nothing of these objects on a slice for corrections."""
        if self.run_memory is not None:
            for name in names:
                self.run_memory.forget(name, index)

    def keep(
        self,
        names: Sequence[str],
        index: int,
        found: Remembered,
        reached: Reached,
    ) -> None:
        """Keep what was found on a slice for corrections. names: of the objects, in the order of `found`."""
        if self.run_memory is None:
            return
        each = [
            (output.rows(slice(i, i + 1)), part(entry, slice(i, i + 1)))
            for output, entry in found
            for i in range(len(output.logits))
        ]
        for name, (output, entry) in zip(names, each, strict=True):
            self.run_memory.put(name, index, output, entry, reached)

    def prompted_features(self, index: int) -> Features:
        """Features of a slice, kept until another one is asked for."""
        if index not in self.known:
            self.known.clear()
            with self.features((index,)) as ahead:
                self.known[index] = ahead.at(index)
        return self.known[index]

    def features(self, order: Sequence[int]) -> FeaturePrefetcher:
        """Features of slices in the order they are needed."""
        store = self.store if self.tracker.placement.device.type == "cpu" else None
        return FeaturePrefetcher(self.tracker, self.frames, order, self.known, store)

    def fetch(self, index: int, outputs: Sequence[Output]) -> DeviceTransfer:
        """The results of a slice on their way; after memory ran out some objects may still lie on the GPU."""
        shape = shape_of(self.frames[index])
        logits = [one for output in outputs for one in output.logits_of_each]
        masks = torch.stack([self.tracker.full_size_mask(one, shape) for one in logits])
        presence = torch.cat([output.presence[:, 0].float().sigmoid().to(masks.device) for output in outputs])
        predicted_iou = torch.cat([output.predicted_iou.to(masks.device) for output in outputs])
        return DeviceTransfer(index, masks, torch.stack([presence, predicted_iou]))

    @property
    def pipeline(self) -> Pipeline:
        """How work is cut into pieces for the device, which may change when memory ends."""
        return self.tracker.placement.pipeline

    def within_memory(self, compute: Callable[[], T], free: Callable[[], None] = lambda: None) -> T:
        """Compute; when the device's memory ends, take smaller and smaller pieces, then go on on the CPU.

        free: gives up what can be recomputed and is kept outside of this object.
        """
        ways_out = self._ways_out()
        while True:
            try:
                return compute()
            except RuntimeError as error:
                _reraise_unless_out_of_memory(error)
                way_out = next(ways_out, None)
                if way_out is None:
                    raise OutOfMemoryError(_NO_MEMORY, str(error)) from error
            way_out()  # not earlier: the error holds on to what the computation took
            self._free(free)

    def _ways_out(self) -> Iterator[Callable[[], None]]:
        """What to do, one after the other, each time that memory has ended."""
        yield self.tracker.use_less_memory  # also where pieces are smallest: what is kept ready is given up
        while self.pipeline != self.pipeline.smaller():
            yield self.tracker.use_less_memory
        if not self.tracker.placement.last_resort:
            yield self._go_to_cpu

    def _go_to_cpu(self) -> None:
        self.notify("The GPU ran out of memory: the rest is computed on the CPU, which is slower.")
        self.tracker.move(on_cpu())

    def _free(self, free: Callable[[], None]) -> None:
        self.known.clear()
        free()
        self.make_room()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def shape_of(frame: NDArray[np.uint8]) -> tuple[int, int]:
    """(rows, columns) of a frame."""
    rows, columns = frame.shape
    return rows, columns


_NO_MEMORY = "There is not enough memory for this model: close other programs or choose a smaller model."


def _reraise_unless_out_of_memory(error: RuntimeError) -> None:
    if not is_out_of_memory(error):
        raise error


@torch.inference_mode()
def frame_embedding(features: Features) -> NDArray[np.float32]:
    """float32 (channels * 16,), of length 1: the encoder's coarsest features, averaged over a grid of 4 x 4 places.

    The grid keeps where things are, roughly: a mean over the whole frame would call a slice through the lungs and one
    through the abdomen alike as soon as they hold the same tissues. What a channel says on average over the frame is
    taken away: most of it is the same for all images and would bring all similarities near to 1. A frame without any
    structure gives zeros. Raises ModelError where the network gave no numbers.
    """
    rows, columns = features.sizes[-1]
    maps = features.maps[-1].float()  # (pixels, 1, channels)
    maps = maps.permute(1, 2, 0).reshape(1, maps.shape[-1], rows, columns)
    places = torch.nn.functional.adaptive_avg_pool2d(maps, _EMBEDDING_GRID)[0].flatten(1)
    places = places - places.mean(dim=1, keepdim=True)
    embedding = torch.nn.functional.normalize(places.flatten(), dim=0).cpu().numpy().astype(np.float32)
    if not np.isfinite(embedding).all():
        raise no_numbers()
    return embedding

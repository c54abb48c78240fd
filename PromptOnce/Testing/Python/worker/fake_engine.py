"""What fake workers answer without a model: what is brighter than 128 is the object.

Of a correction it is as sure as CORRECTING_IOU says, and between fixed slices it changes the open ones next to those
that have changed alone. Slices that are segmented each by itself take EMBED_SECONDS and PROMPT_SECONDS.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.prompts.each_slice import proposed_names
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.worker import protocol

LIMIT = 128
CORRECTING_IOU = 0.7
EMBED_SECONDS, PROMPT_SECONDS = 0.5, 0.25


class FakeEngine:
    """The state of a session, as Handlers of the real worker hold it, and the reply to each request.

    folder: where arrays are exchanged. say: takes events. cancelled: ids of requests that should stop. before_slice:
    called before each slice of a propagation with the number of those that are done.
    """

    def __init__(
        self,
        folder: Path,
        say: Callable[[protocol.Message], None],
        cancelled: Container[int] = (),
        before_slice: Callable[[int], None] = lambda done: None,
    ) -> None:
        self._folder, self._say, self._cancelled, self._before_slice = folder, say, cancelled, before_slice
        self.frames: NDArray[np.uint8] = np.zeros((0, 0, 0), np.uint8)

    def answer(self, request: protocol.AnyRequest) -> protocol.Answer:
        """Do what is asked and give the reply; events are said on the way."""
        if isinstance(request, protocol.Hello):
            return protocol.Welcome(
                id=request.id,
                protocol=protocol.PROTOCOL_VERSION,
                folder=str(self._folder),
                versions={"fake": "1"},
                devices=["cpu"],
                memory_bytes={},
            )
        if isinstance(request, protocol.LoadModel):
            return protocol.ModelLoaded(
                id=request.id,
                name=request.name,
                device="cpu",
                device_name="CPU",
                precision="float32",
                image_size=256,
                parameters=1,
            )
        if isinstance(request, protocol.Predict):
            masks = [self.frames[request.prompt.slice] > LIMIT for _ in request.prompt.objects]
            np.save(self._folder / request.file, np.array(masks, np.uint8))
            iou = CORRECTING_IOU if request.correcting else 0.8
            return protocol.Predicted(id=request.id, presence=[0.9] * len(masks), predicted_iou=[iou] * len(masks))
        if isinstance(request, protocol.Embed):
            return self._embed(request)
        if isinstance(request, protocol.Everything):
            return self._everything(request)
        if isinstance(request, protocol.Propagate):
            return self._propagate(request)
        if isinstance(request, protocol.SetStack):
            self.frames = np.load(self._folder / request.file)
        return protocol.Done(id=request.id)

    def new_masks(self, request: protocol.Propagate) -> NDArray[np.uint8]:
        """The file for the masks of a propagation, made where it is not there."""
        path, shape = self._folder / request.file, (_places(request), *self.frames.shape)
        return np.lib.format.open_memmap(path, "r+" if path.exists() else "w+", np.uint8, shape)

    def say_slice(self, request: protocol.Propagate, index: int, done: int, total: int) -> None:
        """Say that a slice is done."""
        objects, by_itself = _places(request), _each_by_itself(request)
        self._say(
            protocol.SliceDone(
                id=request.id, slice=index, done=done, total=total, presence=[0.9] * objects,
                predicted_iou=[0.8] * objects, embed_seconds=EMBED_SECONDS if by_itself else None,
                prompt_seconds=PROMPT_SECONDS if by_itself else None,
            )
        )  # fmt: skip

    def _embed(self, request: protocol.Embed) -> protocol.Embedded:
        """Where the object is: the share of bright pixels in every column, coarsely."""
        pictures = [self.frames[index] for index in request.slices]
        pictures += [np.load(self._folder / name) for name in request.frames]
        found = [[(part > LIMIT).mean() for part in np.array_split(picture, 16, axis=1)] for picture in pictures]
        np.save(self._folder / request.file, np.array(found, np.float32))
        return protocol.Embedded(id=request.id, cancelled=False)

    def _everything(self, request: protocol.Everything) -> protocol.EverythingDone:
        """What is bright, then what is dark."""
        bright = self.frames[request.slice] > LIMIT
        np.save(self._folder / request.file, np.array([bright, ~bright], np.uint8))
        total = request.points_per_side**2
        self._say(protocol.PointsDone(id=request.id, done=total, total=total))
        return protocol.EverythingDone(
            id=request.id, predicted_iou=[0.9, 0.8], embed_seconds=EMBED_SECONDS, prompt_seconds=PROMPT_SECONDS
        )

    def _propagate(self, request: protocol.Propagate) -> protocol.Propagated:
        masks, done = self.new_masks(request), 0
        start, forward = request.prompt.slice, range(request.prompt.slice, request.last + 1)
        backward = range(start - 1, request.first - 1, -1)
        passes = {"both": (forward, backward), "forward": (forward,), "backward": ((start, *backward),)}
        chosen = passes[request.direction]
        if isinstance(request.prompt, PromptSet) and request.changed is not None:
            chosen = ([*request.changed, *_open_beside(request)],)
        if _each_by_itself(request):
            assert isinstance(request.prompt, PromptSet)
            chosen = (sorted({index for item in request.prompt.objects for index in item.indices}),)
        total = sum(map(len, chosen))
        for slices in chosen:
            for index in slices:
                self._before_slice(done)
                if request.id in self._cancelled:
                    return protocol.Propagated(id=request.id, cancelled=True, slices=done, device="cpu")
                masks[:, index] = self.frames[index] > LIMIT
                if isinstance(request.prompt, PromptSet):
                    _settle(request.prompt, index, masks)
                done += 1
                self.say_slice(request, index, done, total)
                if request.stop_when_absent and not masks[:, index].any():
                    break
        return protocol.Propagated(id=request.id, cancelled=False, slices=done, device="cpu")


def _each_by_itself(request: protocol.Propagate) -> bool:
    return request.alone and isinstance(request.prompt, PromptSet)


def _places(request: protocol.Propagate) -> int:
    """How many masks a slice gets."""
    if isinstance(request.prompt, PromptSet):
        return len(proposed_names(request.prompt, request.proposals))
    return len(request.prompt.objects)


def _open_beside(request: protocol.Propagate) -> list[int]:
    """Open slices whose next fixed slice on either side has changed; all objects are fixed on the same slices."""
    assert isinstance(request.prompt, PromptSet)
    fixed, found = request.prompt.objects[0].indices, []
    for index in set(range(request.first, request.last + 1)).difference(fixed):
        ends = [max((i for i in fixed if i < index), default=-1), min((i for i in fixed if i > index), default=-1)]
        if set(ends) & set(request.changed or ()):
            found.append(index)
    return found


def _settle(prompts: PromptSet, index: int, masks: NDArray[np.uint8]) -> None:
    """What is given as a mask passes through."""
    for place, item in enumerate(prompts.objects):
        marked = item.on(index)
        if marked is not None and marked.mask is not None:
            masks[place, index] = marked.mask_array()

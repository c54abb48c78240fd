"""A stack seen through crops: the engine works on the cropped frames, and masks come back on the whole slices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.engine.propagation import Propagation
from PromptOnceLib.engine.transfer import SliceOutput
from PromptOnceLib.imaging.views.crop import Crop
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.prompts.prompt_set import PromptedObject
from PromptOnceLib.prompts.zoom import Sight, seen_in


class CroppedFrames(Sequence[NDArray[np.uint8]]):
    """The same part of every slice, cut out when it is asked for."""

    def __init__(self, frames: NDArray[np.uint8], crop: Crop) -> None:
        self._frames, self._crop = frames, crop

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[NDArray[np.uint8]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.uint8] | Sequence[NDArray[np.uint8]]:
        return np.ascontiguousarray(self._crop.of(self._frames[index]))


class Views:
    """A stack's workspace, and the one of a crop of it; masks of a view are to be put back with `on_whole_slice`.

    whole: of the whole slices. Only one view is ready at a time; its features are kept on disk as those of whole slices
    are, so that going from one object's crop to another's and back encodes nothing anew on a CPU.
    """

    def __init__(self, whole: Propagation) -> None:
        self.whole = self._current = whole
        self._crop: Crop | None = None
        self._ran: dict[str, Crop | None] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the slices of a stack."""
        rows, columns = self.whole.frames[0].shape
        return rows, columns

    @property
    def of_a_stack(self) -> bool:
        """Whether all frames have one size, unlike pictures."""
        return isinstance(self.whole.frames, np.ndarray)

    def crops(self, prompts: Mapping[str, Sequence[ObjectPrompt]], sight: Sight) -> dict[str, Crop]:
        """What is seen of all slices for each object, by name; pictures of different sizes are seen whole."""
        if not self.of_a_stack:
            return dict.fromkeys(prompts, Crop.whole(self.shape))
        size = self.whole.tracker.model.image_size
        return {name: sight.crop_of(marks, self.shape, size) for name, marks in prompts.items()}

    def seen(self, prompt: ObjectPrompt, crop: Crop) -> ObjectPrompt:
        """A prompt in pixels of a crop."""
        return prompt if crop == Crop.whole(self.shape) else seen_in(prompt, crop)

    def fixed_slices(self, item: PromptedObject, sight: Sight) -> tuple[Crop, dict[int, list[ObjectPrompt]]]:
        """The crop of an object that is prompted on several slices, and its prompts by slice in pixels of that."""
        prompts = dict(item.prompts())
        crop = self.crops({item.name: list(prompts.values())}, sight)[item.name]
        return crop, {index: [self.seen(prompt, crop)] for index, prompt in prompts.items()}

    def begin(self, names: Iterable[str], crop: Crop | None) -> None:
        """Objects are propagated through a crop, or each slice in its own way: what an earlier run left of them through
        another one cannot be corrected any more.
        """
        for name in names:
            if self._ran.get(name) != crop and self.whole.run_memory is not None:
                self.whole.run_memory.forget_objects([name])
            self._ran[name] = crop

    def at(self, crop: Crop) -> Propagation:
        """The workspace of a crop."""
        wanted = None if crop == Crop.whole(self.shape) else crop
        if wanted != self._crop:
            self._current.known.clear()  # they may lie on a device that is not used any more
            self._crop, self._current = wanted, self.whole if wanted is None else self._made(wanted)
        return self._current

    def predict(
        self,
        objects: Sequence[ObjectPrompt],
        crops: Mapping[str, Crop],
        index: int,
        fill_hole_area: int = 0,
        correcting: bool = False,
    ) -> SliceOutput:
        """Masks of the prompted slice alone, each object through its crop; see Workspace.predict."""
        found = []
        for item in objects:
            crop = crops[item.name]
            if correcting:
                self.begin([item.name], crop)
            output = self.at(crop).predict([self.seen(item, crop)], index, fill_hole_area, correcting)
            found.append(self.on_whole_slice(output, crop))
        return SliceOutput(
            index,
            np.concatenate([output.masks for output in found]),
            tuple(output.presence[0] for output in found),
            tuple(output.predicted_iou[0] for output in found),
        )

    def on_whole_slice(self, output: SliceOutput, crop: Crop) -> SliceOutput:
        """What was found in a crop, background around it."""
        if crop == Crop.whole(self.shape):
            return output
        return replace(output, masks=crop.put(output.masks, self.shape))

    def _made(self, crop: Crop) -> Propagation:
        whole = self.whole
        assert isinstance(whole.frames, np.ndarray), "pictures of different sizes have no common crop"
        store = None if whole.store is None else whole.store.of(crop)
        return Propagation(
            whole.tracker, CroppedFrames(whole.frames, crop), whole.notify, store, run_memory=whole.run_memory
        )

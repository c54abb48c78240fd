"""The image a session works on: its slices, its window, and the frames under it."""

from __future__ import annotations

from PromptOnceLib.cases.case import FramedImage, frame_image, window_for
from PromptOnceLib.imaging.stack import central_slice, parse_axis, slices_along
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.prompts.prompt_set import PromptSet


class WorkingImage:
    """A volume along one axis.

    axis, window: as parse_axis and window_from_text take them. slices: view (n, rows, columns) of the voxels. slice:
    the one that was marked last, at first the central one.

    Raises InputError for what is no axis.
    """

    def __init__(self, volume: Volume, axis: str, window: str) -> None:
        self.volume = volume
        self.axis = parse_axis(axis, volume.geometry)
        self.slices = slices_along(volume.array, self.axis.axis)
        self.slice = central_slice(len(self.slices))
        self._window = window
        self._framed: FramedImage | None = None

    def framed(self, prompt: Prompt | PromptSet) -> FramedImage:
        """The frames under the window that suits a prompt, as prepare_case chooses it; the same while it is the same.

        Raises InputError for what is no window.
        """
        window = window_for(self._window, self.volume, self.slices, prompt)
        if self._framed is None or self._framed.stack.window != window:
            self._framed = frame_image(self.volume, self.axis, window)
        return self._framed

    def check(self, index: int, item: ObjectPrompt) -> None:
        """Raise PromptError for marks that do not lie on a slice."""
        Prompt(slice=index, objects=(item,)).validate_for(self.slices.shape)

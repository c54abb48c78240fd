"""The chosen volume node as a stack of frames: axis, window, and the frames once they are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import FramedImage, frame_image, window_for
from PromptOnceLib.imaging.stack import central_slice, parse_axis, slices_along
from PromptOnceLib.imaging.window import Window, to_uint8
from PromptOnceLib.mrml.grid import StackGrid
from PromptOnceLib.mrml.volumes import display_window, read_volume_node, volume_geometry, voxel_fingerprint
from PromptOnceLib.prompts.prompt import Prompt

DISPLAY_WINDOW = "display"
"""Name of the window with which the volume is shown in the views, beside the names of imaging.window."""


class ChosenImage:
    """A volume node along one axis. Raises VolumeError and GeometryError as mrml.volumes.read_volume_node.

    axis: as imaging.stack.parse_axis takes it. The voxels are not copied; the frames are made when they are asked for.
    """

    def __init__(self, node: Any, axis: str = "auto") -> None:
        self.node = node
        self.volume = read_volume_node(node)
        self.axis = parse_axis(axis, self.volume.geometry)
        self.grid = StackGrid(node, self.axis.axis)
        self.slices = slices_along(self.volume.array, self.axis.axis)
        self._fingerprint = voxel_fingerprint(node)
        self._framed: FramedImage | None = None
        self._window: tuple[tuple[str, Prompt | None], Window] | None = None

    @property
    def central_slice(self) -> int:
        """The prompted slice by default."""
        return central_slice(len(self.slices))

    @property
    def outdated(self) -> bool:
        """Whether the voxels of the node were changed or replaced since."""
        return voxel_fingerprint(self.node) != self._fingerprint

    @property
    def reshaped(self) -> bool:
        """Whether the node lies on another grid since, as with a spacing that was put right in the module Volumes."""
        return volume_geometry(self.node) != self.volume.geometry

    def window(self, text: str, prompt: Prompt | None) -> Window:
        """The window of this name; "auto" looks at the prompted voxels."""
        if text == DISPLAY_WINDOW:
            text = display_window(self.node) or "auto"
        asked = (text, prompt if text == "auto" else None)
        if self._window is None or self._window[0] != asked:
            self._window = (asked, self._find_window(*asked))
        return self._window[1]

    def _find_window(self, text: str, prompt: Prompt | None) -> Window:
        lies_here = prompt is not None and 0 <= prompt.slice < len(self.slices)
        return window_for(text, self.volume, self.slices, prompt if lies_here else None)

    def framed(self, window: Window) -> FramedImage:
        """The frames under a window; the same object as long as the window stays the same."""
        if self._framed is None or self._framed.stack.window != window:
            self._framed = frame_image(self.volume, self.axis, window)
        return self._framed

    def frame(self, index: int, window: Window) -> NDArray[np.uint8]:
        """One slice (rows, columns) as the model sees it."""
        frames = to_uint8(self.slices[index : index + 1], window)
        return frames.reshape(frames.shape[1:])

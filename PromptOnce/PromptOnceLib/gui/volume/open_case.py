"""The volume that is worked on with its prompted objects, and the one place that says whether there is one."""

from __future__ import annotations

from typing import Any

from PromptOnceLib.cases.case import FramedImage
from PromptOnceLib.gui.parameter_node import PromptOnceParameterNode, SceneChoices
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.volume.chosen_image import ChosenImage
from PromptOnceLib.imaging.stack import AXIS_NAMES
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.mrml.prompts.correction_objects import CorrectionObjects
from PromptOnceLib.mrml.prompts.following import MarksOnVoxels
from PromptOnceLib.mrml.prompts.kept_slices import KeptSlices
from PromptOnceLib.mrml.prompts.objects import PromptObjects
from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes
from PromptOnceLib.prompts.prompt import Prompt


class OpenCase:
    """A volume as a stack, the objects that are prompted on it, and what is chosen for it in the scene.

    image: replaced by another one when the voxels were changed. correction: what is marked on a slice of a result to
    correct it, None while none is corrected; tools and preview work on it meanwhile.
    """

    def __init__(self, image: ChosenImage, objects: PromptObjects, scene: SceneChoices) -> None:
        self.image, self._prompted = image, objects
        self.correction: CorrectionObjects | None = None
        self._scene, self._marks, self._size = scene, MarksOnVoxels(image.node), image.volume.geometry.size

    @property
    def objects(self) -> PromptObjects:
        """What tools and preview work on: a correction that is begun, else what is prompted."""
        return self._prompted if self.correction is None else self.correction

    def correct(self, correction: CorrectionObjects) -> None:
        """Work on a correction from now on; what is prompted is hidden meanwhile."""
        self._prompted.hide()
        self.correction = correction

    def end_correction(self) -> None:
        """Take the marks of the correction away, and work on what is prompted again."""
        correction, self.correction = self.correction, None
        if correction is not None:
            correction.remove()
            self._prompted.show()

    @property
    def resized(self) -> bool:
        """Whether the volume has other voxels than when it was opened, as after a crop, or none any more."""
        image = self.node.GetImageData()
        return image is None or tuple(image.GetDimensions()) != self._size

    def follow_volume(self) -> None:
        """Keep what is marked on its voxels after the volume was moved or given other axes."""
        self._marks.follow()

    @property
    def choices(self) -> PromptOnceParameterNode:
        """What is chosen, saved with the scene."""
        return self._scene.now

    @property
    def node(self) -> Any:
        """The volume node."""
        return self.image.node

    @property
    def axis(self) -> int:
        """The array axis along which the slices lie: 0, 1, 2 = k, j, i."""
        return self.objects.grid.axis

    @property
    def selected(self) -> PromptNodes:
        """The object that tools and results are for."""
        return self.objects.selected

    @property
    def prompt(self) -> Prompt | None:
        """What is marked on the prompted slice; None while nothing is."""
        return self.objects.prompt

    @property
    def kept(self) -> KeptSlices:
        """What is marked on further slices."""
        return KeptSlices(self.node, self.axis)

    def window(self, prompt: Prompt | None) -> Window:
        """The window as chosen, in a correction that of the result; an automatic one looks at the prompted voxels.

        Raises InputError for any other text.
        """
        of_result = None if self.correction is None else self.correction.window
        return self.image.window(of_result or self.choices.window, prompt)

    def framed(self, prompt: Prompt | None) -> FramedImage:
        """The frames under the window as chosen, of the voxels as they are now. Raises InputError as `window`."""
        image = self.fresh_image()
        return image.framed(self.window(prompt))

    def framed_as(self, window: str | None) -> FramedImage:
        """The frames under the window of this name, by default the one that is chosen, as they are now."""
        image = self.fresh_image()
        return image.framed(image.window(window or self.choices.window, None))

    def fresh_image(self) -> ChosenImage:
        """The image, read again if its voxels or its grid were changed; along the axis of the objects, whatever an
        automatic choice would be now. Raises InputError for what it cannot be any more.
        """
        if self.image.outdated or self.image.reshaped:
            self.image = ChosenImage(self.image.node, AXIS_NAMES[self._prompted.grid.axis])
        return self.image


class CurrentCase:
    """At most one case is open; every feature asks here which.

    opened: called with a case that was opened. closing: called with a case before it is closed: another volume was
    chosen, or its volume or the scene goes. edited: what is marked, or how the objects are described, was changed and
    taken in. drawn: markups were made for what is segmented already. redrawn: the frames look different, or lie
    elsewhere in space. changed: after each of these, and when another object was selected; for panels.
    """

    def __init__(self) -> None:
        self.case: OpenCase | None = None
        self.opened: Signal[[OpenCase]] = Signal()
        self.closing: Signal[[OpenCase]] = Signal()
        self.edited: Signal[[]] = Signal()
        self.drawn: Signal[[]] = Signal()
        self.redrawn: Signal[[]] = Signal()
        self.changed: Signal[[]] = Signal()
        for signal in (self.edited, self.drawn, self.redrawn):
            signal.connect(self.changed)

    def open(self, case: OpenCase) -> None:
        """Work on this case from now on; the one before has to be closed."""
        self.case = case
        self.opened(case)
        self.changed()

    def close(self) -> None:
        """Work on none; what belongs to the case stays in the scene."""
        case = self.case
        if case is not None:
            self.closing(case)
            self.case = None
            self.changed()

    def select_object(self, index: int) -> None:
        """Have the tools, and results, go to another object of the case."""
        if self.case is not None:
            self.case.objects.select(index)
            self.changed()

"""What is chosen for a case and saved with the scene."""

from __future__ import annotations

from typing import Any, cast

from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import parameterNodeWrapper

from PromptOnceLib.gui.qt.signal import Signal


@parameterNodeWrapper
class PromptOnceParameterNode:
    """Choices of the panel, saved with the scene.

    volume: the image to segment. axis: as imaging.stack.parse_axis takes it. window: as gui.volume.chosen_image takes
    it. segmentation: where results go, None for a new one. overwrite: whether results take voxels from other segments.
    earlyStop: whether a pass stops where the object has ended. zoom: as prompts.zoom.zoom_from_text takes it. cleanUp:
    see segmentation.pieces. between: see prompts.interpolation. limitRange, firstSlice, lastSlice: propagate in these
    slices only; -1 is the last one. reference: what results are compared with, a segmentation or a label map volume.
    referenceSegments: segment for each object that one was chosen for, a JSON object by the objects' keys.
    referenceSegment: of scenes of older versions, for all objects.
    """

    volume: vtkMRMLScalarVolumeNode
    axis: str = "auto"
    window: str = "auto"
    segmentation: vtkMRMLSegmentationNode
    overwrite: bool = False
    earlyStop: bool = False  # noqa: N815
    zoom: str = "auto"
    cleanUp: str = "connected"  # noqa: N815
    between: str = "track"
    limitRange: bool = False  # noqa: N815
    firstSlice: int = 0  # noqa: N815
    lastSlice: int = -1  # noqa: N815
    reference: vtkMRMLNode
    referenceSegment: str = ""  # noqa: N815
    referenceSegments: str = ""  # noqa: N815


def wrapped(node: Any) -> PromptOnceParameterNode:
    """A module's parameter node (vtkMRMLScriptedModuleNode) with its choices, typed."""
    return PromptOnceParameterNode(node)  # type: ignore[call-arg]  # the decorator's constructor


class SceneChoices:
    """The choices of the scene that is open; none while there is no scene, as when one is being closed.

    node: the choices, None without a scene. changed: called after a choice was made with `set`, and with another scene.
    """

    def __init__(self) -> None:
        self.node: PromptOnceParameterNode | None = None
        self.changed: Signal[[]] = Signal()

    @property
    def now(self) -> PromptOnceParameterNode:
        """The choices, where it is clear that there is a scene: a volume of it is open."""
        if self.node is None:
            raise RuntimeError("there is no scene that could hold choices")
        return self.node

    def use(self, node: PromptOnceParameterNode | None) -> None:
        """Work with these choices from now on."""
        self.node = node
        self.changed()

    @property
    def scene_node(self) -> Any:
        """The module's parameter node itself (vtkMRMLScriptedModuleNode)."""
        return cast(Any, self.now).parameterNode

    def read_again(self) -> None:
        """Look at the node anew: its wrapper keeps what it read before the nodes that it refers to were loaded."""
        if self.node is not None:
            self.use(wrapped(self.scene_node))

    def set(self, **choices: Any) -> None:
        """Choose, by the names of the parameter node; without a scene nothing is chosen."""
        if self.node is None:
            return
        different = {name: value for name, value in choices.items() if getattr(self.node, name) != value}
        for name, value in different.items():
            setattr(self.node, name, value)
        if different:
            self.changed()

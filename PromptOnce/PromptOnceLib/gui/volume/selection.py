"""Which volume is worked on, along which axis and through which window; and what the scene does to it."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

from PromptOnceLib.errors import InputError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.parameter_node import PromptOnceParameterNode, SceneChoices
from PromptOnceLib.gui.qt.signal import Observer
from PromptOnceLib.gui.qt.timer import QtTimer
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.gui.volume.chosen_image import ChosenImage
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.gui.volume.prompted_slice import PromptedSlice
from PromptOnceLib.mrml.grid import volume_to_world
from PromptOnceLib.mrml.prompts.objects import PromptObjects

VOLUMES = ("vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode")
"""Classes of nodes that can be chosen, without what is derived from them."""


class VolumeSelection(Observer):
    """Opens the case of the volume that is chosen, and closes it when its volume or its scene goes.

    Markups and results of a case that is closed stay in the scene, markups hidden: they belong to no other volume.
    """

    def __init__(
        self,
        current: CurrentCase,
        choices: SceneChoices,
        notices: Notices,
        engine: EngineAccess,
        prompted_slice: PromptedSlice,
    ) -> None:
        super().__init__()
        self._current, self._choices, self._notices = current, choices, notices
        self._engine, self._prompted_slice = engine, prompted_slice
        scene = slicer.mrmlScene
        self.observe(scene, scene.StartCloseEvent, self._scene_closing)
        self.observe(scene, scene.NodeRemovedEvent, self._node_removed)
        self.observe(scene, scene.EndImportEvent, self._scene_loaded)
        self._timer = QtTimer(0, True, self._look_at_volume)
        engine.pumped.connect(self._look_at_size)

    def close(self) -> None:
        """Let go of the scene."""
        self._timer.stop()
        self._leave()
        self.removeObservers()

    # What the user chooses

    def use_choices(self, node: PromptOnceParameterNode) -> None:
        """Work with the choices of a scene."""
        self._choices.use(node)
        if node.volume is not None:
            self.choose_volume(node.volume)

    def choose_obvious_volume(self) -> None:
        """Where no volume is chosen, choose the one that the views show, else the only one; the views stay as they are
        where they show it.
        """
        if self._choices.node is None or self._choices.now.volume is not None:
            return
        volumes = [node for class_name in VOLUMES for node in slicer.util.getNodesByClass(class_name)]
        # Exactly of these classes: label maps are scalar volumes, too.
        offered = [node for node in volumes if node.GetClassName() in VOLUMES and not node.GetHideFromEditors()]
        shown = slice_views.background()
        if shown in offered:
            self._notices.clear()
            self._choices.set(volume=shown)
            self._open(shown)
            self._prompted_slice.watch_views()
        elif len(set(offered)) == 1:
            self.choose_volume(offered[0])

    def choose_volume(self, node: Any | None) -> None:
        """Segment this volume from now on; a run on another one is cancelled, what it has done stays."""
        if self._choices.node is None or self._is_open(node):
            return
        self._leave()
        self._notices.clear()
        self._choices.set(volume=node)
        if node is not None:
            self._open(node)
            if self._current.case is not None:
                self._prompted_slice.show_volume()
                self._prompted_slice.show()

    def choose_axis(self, axis: str) -> None:
        """Take the slices along another axis: "auto", "i", "j", "k", or a plane."""
        choices = self._choices.node
        if choices is None or axis == choices.axis:
            return
        self._leave()
        self._notices.clear()
        self._choices.set(axis=axis)
        if choices.volume is not None:
            self._open(choices.volume)
            self._prompted_slice.show()

    def choose_window(self, window: str) -> None:
        """Show the model other grey values; see ChosenImage.window."""
        choices = self._choices.node
        if choices is None or window == choices.window:
            return
        self._choices.set(window=window)
        self._notices.say("volume", "")
        self._current.redrawn()

    def _is_open(self, node: Any | None) -> bool:
        case = self._current.case
        return case is not None and case.node is node

    def _open(self, node: Any) -> None:
        try:
            image = ChosenImage(node, self._choices.now.axis)
        except InputError as error:
            self._notices.say("volume", error.message)
            return
        self._notices.say("volume", " ".join(image.volume.notices))
        self.observe(node, slicer.vtkMRMLTransformableNode.TransformModifiedEvent, self._volume_moved)
        for event in (vtk.vtkCommand.ModifiedEvent, slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent):
            self.observe(node, event, self._volume_changed)
        self._current.open(OpenCase(image, PromptObjects(image.grid, image.central_slice), self._choices))

    def _leave(self) -> None:
        for method in (self._volume_moved, self._volume_changed):
            self.removeObservers(method)
        case = self._current.case
        if case is not None:
            case.objects.hide()
        self._current.close()

    # What happens to the scene

    def _volume_moved(self, *_args: Any) -> None:
        case = self._current.case
        if case is None:
            return
        if case.resized:
            self._volume_changed()
            return
        try:
            volume_to_world(case.node)
            case.fresh_image()
        except InputError as error:
            self._leave()
            self._notices.say("volume", error.message)
            return
        case.follow_volume()
        self._current.redrawn()

    def _volume_changed(self, *_args: Any) -> None:
        """Whoever crops a volume may change its voxels before its place, or after: look when both are done."""
        self._timer.start()

    def _look_at_volume(self) -> None:
        """Changed voxels are in the next frames. Marks stay on their voxels where these have another place, as long as
        there are as many of them.
        """
        case = self._current.case
        if case is None:
            return
        if case.resized:
            self._look_at_size()
        elif case.image.reshaped:
            self._volume_moved()

    def _look_at_size(self) -> None:
        """Open a volume anew that has other voxels now, once nothing is computed on it: marks stay where they are in
        space, and nothing that was found on the slices of before is taken for what is on those of now.
        """
        case = self._current.case
        if case is None or not case.resized or self._engine.working:
            return
        self._leave()
        self._open(case.node)
        if self._current.case is not None:
            sentence = _("{name} was given another size: its marks and results stay at their places.")
            said = (sentence.format(name=case.node.GetName()), self._notices.of("volume"))
            self._notices.say("volume", " ".join(filter(None, said)))

    def _scene_closing(self, *_args: Any) -> None:
        occupant = self._engine.occupant
        self._leave()
        self._choices.use(None)
        self._notices.clear()
        if occupant == "run":
            self._notices.say("volume", _("The scene was closed: the run was cancelled."))
        elif occupant == "correct":
            self._notices.say("volume", _("The scene was closed: the correction was cancelled."))

    def _scene_loaded(self, *_args: Any) -> None:
        """Reading a scene into this one may bring another choice of the volume, with its prompts and results."""
        if self._choices.node is None:
            return
        self._choices.read_again()
        node = self._choices.now.volume
        if node is not None and not self._is_open(node):
            self.choose_volume(node)

    def _node_removed(self, *_args: Any) -> None:
        case = self._current.case
        if case is not None and case.node.GetScene() is None:
            name = case.node.GetName()
            self._leave()
            self._notices.clear()
            self._notices.say("volume", _("The volume {name} was removed: choose another one.").format(name=name))

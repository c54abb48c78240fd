"""What is worked on and what happens: the module without its widgets. Panels show it and forward what the user does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import slicer

from PromptOnceLib.errors import InputError, PromptOnceError
from PromptOnceLib.gui.engine.choice import EngineChoice, Missing, OpenTransport
from PromptOnceLib.gui.prompt.editing import Editing
from PromptOnceLib.gui.prompt.objects import PromptObjects
from PromptOnceLib.gui.prompt.preview import Previewing
from PromptOnceLib.gui.prompt.prompt_slice import PromptedSlice
from PromptOnceLib.gui.qt.signal import Event
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.run.comparison import Comparing
from PromptOnceLib.gui.run.propagation import Propagating
from PromptOnceLib.gui.seeds.library import Seeding
from PromptOnceLib.gui.volume.chosen_image import ChosenImage
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.mrml.grid import volume_to_world
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.worker.session import Session, State

PUMP_MILLISECONDS = 200


class Timer(Protocol):
    """A timer of the event loop."""

    def start(self) -> None:
        """Start, or start again from zero."""

    def stop(self) -> None:
        """Do not call any more."""


MakeTimer = Callable[[int, bool, Callable[[], object]], Timer]
"""Milliseconds, whether it calls only once, and what it calls."""


class Workbench(slicer.util.VTKObservationMixin):  # type: ignore[misc]
    """One volume, its prompted objects, the session that segments them, and what came of it.

    changed: called after everything a panel may want to show anew. notices: a sentence for each part of the panel
    ("volume", "prompt", "seeds", "run", "compare", "batch", "engine"), "" for none. parameters: the choices that are
    saved with the scene, None while there is no scene.
    """

    def __init__(self, engine: EngineChoice, open_transport: OpenTransport, make_timer: MakeTimer) -> None:
        super().__init__()
        self.changed = Event()
        self.notices: dict[str, str] = {}
        self.parameters: Any = None
        self.engine = engine
        self.image: ChosenImage | None = None
        self.objects: PromptObjects | None = None
        self._pump_timer = make_timer(PUMP_MILLISECONDS, False, self.pump)
        self._wake_timer = make_timer(0, True, self.pump)
        self._pumping = False
        self._told: PromptOnceError | None = None
        # A callback of a process must not be the one that takes its last reader away: hence the timer.
        client = engine.client(open_transport, self._wake_timer.start)
        self.session = Session(client, on_notice=lambda text: self.say("engine", text))
        self.editing = Editing(self, make_timer)
        self.previewing = Previewing(self)
        self.propagating = Propagating(self)
        self.comparing = Comparing(self)
        self.prompted_slice = PromptedSlice(self)
        self.seeding = Seeding(self)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._scene_closing)
        self.addObserver(scene, scene.NodeRemovedEvent, self._node_removed)
        self.addObserver(scene, scene.EndImportEvent, self._scene_loaded)

    def close(self) -> None:
        """End the worker and let go of the scene."""
        self._let_go()
        self.session.close(grace=2.0)
        for timer in (self._pump_timer, self._wake_timer):
            timer.stop()
        self.prompted_slice.close()
        self.removeObservers()

    # What the user chooses

    def use_parameters(self, parameters: Any | None) -> None:
        """Work with these choices, as after opening the module or loading a scene."""
        self.parameters = parameters
        if parameters is not None and parameters.volume is not None:
            self.choose_volume(parameters.volume)

    def choose_volume(self, node: Any | None) -> None:
        """Segment this volume from now on; a run on another one is cancelled, what it has done stays."""
        if self.parameters is None or (self.image is not None and self.image.node is node):
            return
        self._let_go()
        self.parameters.volume = node
        if node is not None:
            self._open(node)
            if self.image is not None:
                self.prompted_slice.show_volume()
                self.prompted_slice.show()
        self.changed()

    def choose_axis(self, axis: str) -> None:
        """Take the slices along another axis: "auto", "i", "j", "k", or a plane."""
        if self.parameters is None or axis == self.parameters.axis:
            return
        self.parameters.axis = axis
        node = self.parameters.volume
        self._let_go()
        if node is not None:
            self._open(node)
            self.prompted_slice.show()
        self.changed()

    def choose_window(self, window: str) -> None:
        """Show the model other grey values; see ChosenImage.window."""
        if self.parameters is None or window == self.parameters.window:
            return
        self.parameters.window = window
        self.say("volume", "")
        self.previewing.ask()
        self.changed()

    # Prompts

    def edited(self) -> None:
        """Follow a change of the objects that has been made already."""
        self.editing.watch()
        self.previewing.ask()
        self.changed()

    def read_prompt(self) -> Prompt | None:
        """What is marked now."""
        return None if self.objects is None else self.objects.read()

    def window(self, prompt: Prompt | None) -> Window:
        """The window as chosen. Raises InputError for one that is none."""
        assert self.image is not None
        return self.image.window(self.parameters.window, prompt)

    # The worker

    def missing(self) -> Missing | None:
        """What has to be installed or downloaded first."""
        return self.engine.missing()

    @property
    def working(self) -> bool:
        """Whether a run or a round trip goes on, which has the worker for itself."""
        return self.propagating.running or self.seeding.working

    def attempt(self, part: str, work: Callable[[], object]) -> None:
        """Begin something that propagates; what stands in the way is said in a part of the panel."""
        if self.image is None or self.working:
            return
        self.editing.use_tool(None)
        self.editing.take_in()
        missing = self.missing()
        if missing is not None:
            self.say(part, missing.sentence)
            return
        self.say(part, "")
        try:
            work()
        except PromptOnceError as error:
            self.say(part, error.message)
        self.changed()

    def prepare(self, prompt: Prompt | None) -> None:
        """Have the worker hold what this prompt needs, None for what is needed before there is one.

        Raises InputError for what cannot be used.
        """
        stack = self.fresh_image().stack(self.window(prompt))
        index = self.objects.seed if prompt is None else prompt.slice
        self.session.prepare(self.engine.files(), self.engine.machine.device, "auto", stack, index)

    def fresh_image(self) -> ChosenImage:
        """The image, read again if its voxels were changed. Raises InputError for what it cannot be any more."""
        assert self.image is not None
        if self.image.outdated:
            self.image = ChosenImage(self.image.node, self.parameters.axis)
        return self.image

    def begin_work(self) -> None:
        """Look after the session until it has nothing to do."""
        self._pump_timer.start()
        self._wake_timer.start()

    def pump(self) -> None:
        """Take in what the worker said."""
        if self._pumping:  # a callback that lets the event loop run
            return
        self._pumping = True
        try:
            self.session.pump()
        finally:
            self._pumping = False
        if not self.session.busy:
            self._pump_timer.stop()
        if self.session.state is State.FAILED and self.session.error is not self._told:
            self._told = self.session.error
            self.say("engine", self._told.message)
        self.changed()

    def engine_changed(self) -> None:
        """Another model, device or Python: what was said about the old one is not true any more."""
        self.session.close(grace=1.0)
        self.engine.forget_files()
        for part in ("engine", "prompt", "run"):
            self.notices[part] = ""
        self._told = None
        self.previewing.ask()
        self.changed()

    def say(self, part: str, sentence: str) -> None:
        """Show a sentence in a part of the panel."""
        if self.notices.get(part, "") != sentence:
            self.notices[part] = sentence
            self.changed()

    # What happens to the scene

    def _open(self, node: Any) -> None:
        self.notices.clear()
        try:
            self.image = ChosenImage(node, self.parameters.axis)
        except InputError as error:
            self.say("volume", error.message)
            return
        self.notices["volume"] = " ".join(self.image.volume.notices)
        self.objects = PromptObjects(self.image.grid, self.image.central_slice)
        self.addObserver(node, slicer.vtkMRMLTransformableNode.TransformModifiedEvent, self._volume_moved)
        self.editing.watch()
        self.comparing.find_tables()

    def _let_go(self) -> None:
        """Forget volume and objects; their nodes stay in the scene, hidden: they belong to no other volume."""
        self.editing.leave()
        if self.objects is not None:
            self.objects.hide()
        self.previewing.remove()
        self.propagating.leave()
        self.seeding.leave()
        self.comparing.leave()
        self.removeObservers(self._volume_moved)
        self.image = self.objects = None

    def _volume_moved(self, *_args: Any) -> None:
        if self.image is None or self.objects is None:
            return
        try:
            volume_to_world(self.image.node)
        except InputError as error:
            self._let_go()
            self.say("volume", error.message)
            return
        for item in self.objects.objects:
            item.follow_volume()
        self.previewing.ask()

    def _scene_closing(self, *_args: Any) -> None:
        running = self.propagating.running
        self._let_go()
        self.parameters = None
        self.notices.clear()
        if running:
            self.notices["volume"] = _("The scene was closed: the run was cancelled.")
        self.changed()

    def _scene_loaded(self, *_args: Any) -> None:
        """Reading a scene into this one may bring another choice of the volume, with its prompts and results."""
        if self.parameters is None:
            return
        # Anew: the wrapper keeps what it read before the nodes that are referred to were there.
        self.parameters = type(self.parameters)(self.parameters.parameterNode)
        node = self.parameters.volume
        if node is not None and (self.image is None or node is not self.image.node):
            self._let_go()
            self.choose_volume(node)
        self.changed()

    def _node_removed(self, *_args: Any) -> None:
        if self.image is not None and self.image.node.GetScene() is None:
            name = self.image.node.GetName()
            self._let_go()
            self.notices.clear()
            self.say("volume", _("The volume {name} was removed: choose another one.").format(name=name))
        elif self.objects is not None:
            self.editing.look()

"""The objects that are prompted on a volume, the slice they are prompted on, and the history of their edits."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PromptOnceLib.mrml.grid import StackGrid
from PromptOnceLib.mrml.prompts.prompt_nodes import ROLES, PromptNodes, find_prompts
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt
from PromptOnceLib.segmentation.segment import Color, default_color

_MOST_STEPS = 100
_DIGITS = 4  # of a pixel
_DEFAULT_NAME = "object"


@dataclass(frozen=True)
class ObjectState:
    """One object as it was at some moment; prompt is None where nothing was marked.

    Equal where nothing differs but what writing into nodes and reading back changes.
    """

    key: str
    name: str
    color: Color
    terminology: str | None
    prompt: ObjectPrompt | None = field(compare=False)
    rounded: ObjectPrompt | None

    @classmethod
    def of(cls, nodes: PromptNodes) -> ObjectState:
        """As the object is now."""
        prompt = nodes.read()
        return cls(nodes.key, nodes.name, nodes.color, nodes.terminology, prompt, _rounded(prompt))


@dataclass(frozen=True)
class PromptState:
    """All objects along an array axis, and the prompted slice, as they were at some moment."""

    axis: int
    seed: int
    objects: tuple[ObjectState, ...]

    @property
    def marked(self) -> dict[str, ObjectPrompt]:
        """What is marked, by the object's key, in the objects' order."""
        return {item.key: item.prompt for item in self.objects if item.prompt is not None}

    @property
    def prompt(self) -> Prompt | None:
        """What is marked; None where nothing is."""
        marked = tuple(self.marked.values())
        return Prompt(axis=self.axis, slice=self.seed, objects=marked) if marked else None


class PromptObjects:
    """Objects on the slices along one axis of a volume; there is always at least one, marked or not.

    Objects of the same volume along other axes stay in the scene, hidden. seed: the slice that carries the prompts.
    What the user has done to the markups counts from `settle` on, which reads them; `prompt` reads nothing.
    """

    def __init__(self, grid: StackGrid, seed: int) -> None:
        self.grid = grid
        found = find_prompts(grid.volume_node)
        for prompt in found:
            prompt.set_visible(prompt.grid.axis == grid.axis)
        self.objects = [prompt for prompt in found if prompt.grid.axis == grid.axis]
        marked = next((i for i in (prompt.slice_index() for prompt in self.objects) if i is not None), None)
        self.seed = seed if marked is None else marked
        self.current = 0
        if not self.objects:
            self.objects.append(self._new())
        self._past: list[PromptState] = []
        self._future: list[PromptState] = []
        self._now = self.read()

    @property
    def selected(self) -> PromptNodes:
        """The object that the tools work on."""
        return self.objects[self.current]

    @property
    def nodes(self) -> list[Any]:
        """All markups nodes of all objects."""
        return [node for item in self.objects for role in ROLES if (node := item.node(role)) is not None]

    def select(self, index: int) -> None:
        """Have the tools work on another object."""
        self.current = index

    def hide(self) -> None:
        """Hide and lock what is marked, until these objects are worked on again."""
        for item in self.objects:
            item.set_visible(False)

    def show(self) -> None:
        """Show what is marked, and let the mouse change it."""
        for item in self.objects:
            item.set_visible(True)

    def add(self) -> None:
        """Add an object and select it."""
        self.objects.append(self._new())
        self.current = len(self.objects) - 1
        self.settle()

    def remove_selected(self) -> None:
        """Remove the selected object; the last one is replaced by a fresh one."""
        self.objects.pop(self.current).remove()
        if not self.objects:
            self.objects.append(self._new())
        self.current = min(self.current, len(self.objects) - 1)
        self.settle()

    def describe_selected(self, name: str, color: Color, terminology: str | None) -> None:
        """Give the selected object another name, colour and terminology; a name that another one has gets a number."""
        others = {item.name for item in self.objects if item is not self.selected}
        self.selected.describe(_free_name(name.strip() or _DEFAULT_NAME, others), color, terminology)
        self.settle()

    def take_named(self, described: Sequence[ObjectPrompt]) -> list[str]:
        """Keys of the objects with these names. Where one is missing, an object that nobody named or marked gets its
        name, colour and terminology, or a new one does; of several of one name all but the first get a number.
        """
        keys: list[str] = []
        for item in described:
            left = [nodes for nodes in self.objects if nodes.key not in keys]
            found = next((nodes for nodes in left if nodes.name.casefold() == item.name.casefold()), None)
            if found is None:
                free = (nodes for nodes in left if nodes.name.startswith(_DEFAULT_NAME) and nodes.read() is None)
                found = next(free, None)
                if found is None:
                    found = self._new()
                    self.objects.append(found)
                others = {nodes.name for nodes in self.objects if nodes is not found}
                found.describe(_free_name(item.name, others), item.color or found.color, item.terminology)
            keys.append(found.key)
        self.current = next(i for i, nodes in enumerate(self.objects) if nodes.key == keys[0])
        self.settle()
        return keys

    def draw(self, prompt_by_key: Mapping[str, ObjectPrompt], index: int) -> bool:
        """Have objects show these boxes and points on slice `index`, which becomes the prompted slice.

        Nothing is done, and False returned, where others are marked on another slice.
        """
        others = [nodes for nodes in self.objects if nodes.key not in prompt_by_key]
        if index != self.seed and any(nodes.read() is not None for nodes in others):
            return False
        self.seed = index
        for nodes in self.objects:
            if nodes.key in prompt_by_key:
                own = {"name": nodes.name, "color": nodes.color, "terminology": nodes.terminology}
                nodes.write(prompt_by_key[nodes.key].model_copy(update=own), index)
        self.settle()
        return True

    def clear_selected(self) -> None:
        """Take away the box and the points of the selected object."""
        for role in ROLES:
            self.selected.clear(role)
        self.settle()

    @property
    def prompt(self) -> Prompt | None:
        """What is marked on the prompted slice; None while nothing is. Objects that are not marked are left out."""
        return self._now.prompt

    @property
    def keys(self) -> list[str]:
        """Keys of the objects in `prompt`, in its order."""
        return list(self._now.marked)

    @property
    def marked(self) -> dict[str, ObjectPrompt]:
        """What is marked, by the objects' keys; in the order of `prompt`."""
        return self._now.marked

    @property
    def settled(self) -> bool:
        """Whether the markups are as they were read last. Reads them."""
        return self.read() == self._now

    def use_slice(self, index: int) -> None:
        """Make another slice the prompted slice; what is marked moves there, in the same columns and rows."""
        self.seed = index
        for item in self.objects:
            item.put_back_on_slice(index)
        self.settle()

    def adopt(self) -> list[str]:
        """Bring everything back to the prompted slice; sentences for the user.

        The first mark of all decides the prompted slice instead, wherever it was put.
        """
        if not self._now.marked:
            marked = next((i for i in (item.slice_index() for item in self.objects) if i is not None), None)
            self.seed = self.seed if marked is None else marked
        return [notice for item in self.objects for notice in item.put_back_on_slice(self.seed)]

    def settle(self) -> bool:
        """Note the state of now as a step of the history; whether it differs from the one before."""
        now = self.read()
        if now == self._now:
            return False
        self._past.append(self._now)
        del self._past[:-_MOST_STEPS]
        self._future.clear()
        self._now = now
        return True

    def read(self) -> PromptState:
        """Everything as the markups show it now."""
        return PromptState(self.grid.axis, self.seed, tuple(ObjectState.of(item) for item in self.objects))

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to do again."""
        return bool(self._future)

    def undo(self) -> None:
        """Take back the last edit."""
        if self._past:
            self._future.append(self._now)
            self._restore(self._past.pop())

    def redo(self) -> None:
        """Do again what was taken back."""
        if self._future:
            self._past.append(self._now)
            self._restore(self._future.pop())

    def take_back_box(self) -> None:
        """Show the selected object's box as it was taken in last: a new one was begun and given up."""
        before = self._now.marked.get(self.selected.key)
        self.selected.write_box(None if before is None else before.box, self._now.seed)

    def _restore(self, wanted: PromptState) -> None:
        known = {item.key: item for item in self.objects}
        selected = self.selected.key
        for key in known.keys() - {item.key for item in wanted.objects}:
            known.pop(key).remove()
        self.seed = wanted.seed
        self.objects = []
        for state in wanted.objects:
            item = known.get(state.key) or PromptNodes(self.grid, state.key)
            item.describe(state.name, state.color, state.terminology)
            item.write(state.prompt, wanted.seed)
            self.objects.append(item)
        keys = [item.key for item in self.objects]
        self.current = keys.index(selected) if selected in keys else len(keys) - 1
        self._now = wanted

    def _new(self) -> PromptNodes:
        taken = {item.color for item in self.objects}
        colors = (default_color(number) for number in range(len(taken) + 1))
        color = next((color for color in colors if color not in taken), default_color(len(self.objects)))
        # Unlike all others ever made: the segments of its results are found by it.
        key = f"{self.grid.axis}-{uuid.uuid4().hex[:12]}"
        return PromptNodes(self.grid, key, _free_name(_DEFAULT_NAME, {item.name for item in self.objects}), color)


def _rounded(prompt: ObjectPrompt | None) -> ObjectPrompt | None:
    """The same but for what writing into nodes and reading back changes: a step that changes nothing is none."""
    if prompt is None:
        return None
    box, points = prompt.box, prompt.points
    if box is not None:
        box = Box(**{name: round(value, _DIGITS) for name, value in box})
    points = tuple(p.model_copy(update={"x": round(p.x, _DIGITS), "y": round(p.y, _DIGITS)}) for p in points)
    return prompt.model_copy(update={"box": box, "points": points})


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = next(n for n in range(2, len(taken) + 3) if f"{name} {n}" not in taken)
    return f"{name} {number}"

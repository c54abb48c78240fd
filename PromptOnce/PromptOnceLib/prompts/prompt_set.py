"""Prompts on several slices of one object or of several: what was prompted, corrected and accepted by then.

A slice is fixed for an object where its mask is settled, whatever the model would find there. A file looks like this:

    {
      "version": 2,
      "axis": 0,
      "objects": [
        {
          "name": "liver",
          "slices": [
            {"slice": 42, "box": {"x0": 61, "y0": 90, "x1": 440, "y1": 402}},
            {"slice": 50, "state": "corrected", "mask": "iVBORw0KGgo..."}
          ]
        }
      ]
    }

Boxes, points and masks are as in prompts.prompt; so are name, color and terminology. A mask may be empty: the object is
not on that slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from PromptOnceLib.errors import PromptError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.prompts.prompt import (
    Box,
    Color,
    Integer,
    MaskPng,
    ObjectName,
    ObjectPrompt,
    Point,
    Prompt,
    as_prompt_error,
    read_prompt_text,
)
from PromptOnceLib.schema import StrictModel

SliceState = Literal["prompted", "corrected", "accepted"]
"""Why a slice is fixed: it was prompted before the first propagation, corrected after one, or found to be right."""


class FixedSlice(StrictModel):
    """Box and points, or a mask, of an object on one slice; an empty mask where it is not on the slice."""

    slice: Annotated[Integer, Field(ge=0)]
    state: SliceState = "prompted"
    box: Box | None = None
    points: tuple[Point, ...] = ()
    mask: MaskPng | None = None

    @classmethod
    def of(cls, index: int, prompt: ObjectPrompt) -> FixedSlice:
        """A slice with what a prompt marks on it."""
        return cls(slice=index, box=prompt.box, points=prompt.points, mask=prompt.mask)


class PromptedObject(StrictModel):
    """One object with its fixed slices, in the order of their indices; at most one for each index.

    No slice is fixed for an object of a segmentation that was made elsewhere.
    """

    name: ObjectName = "object"
    color: Color | None = None
    terminology: str | None = None
    slices: tuple[FixedSlice, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> PromptedObject:
        ordered = tuple(sorted(self.slices, key=lambda fixed: fixed.slice))
        if len({fixed.slice for fixed in ordered}) < len(ordered):
            raise ValueError("a slice stands twice")
        object.__setattr__(self, "slices", ordered)  # the model is frozen for everybody but itself
        return self

    @property
    def indices(self) -> tuple[int, ...]:
        """Indices of the fixed slices."""
        return tuple(fixed.slice for fixed in self.slices)

    @property
    def settled(self) -> tuple[FixedSlice, ...]:
        """The fixed slices that somebody has corrected or accepted, not those that were prompted alone."""
        return tuple(fixed for fixed in self.slices if fixed.state != "prompted")

    def on(self, index: int) -> ObjectPrompt | None:
        """What marks the object on a slice; None where that is not fixed."""
        return next((self._marks(fixed) for fixed in self.slices if fixed.slice == index), None)

    def prompts(self) -> list[tuple[int, ObjectPrompt]]:
        """The fixed slices with what marks the object there."""
        return [(fixed.slice, self._marks(fixed)) for fixed in self.slices]

    @property
    def absent(self) -> frozenset[int]:
        """Fixed slices on which the object is not, as their empty masks say."""
        return frozenset(index for index, item in self.prompts() if item.is_absent)

    def check_shown(self) -> None:
        """Raises PromptError where the object is absent from every slice on which it is fixed."""
        if self.slices and len(self.absent) == len(self.slices):
            raise PromptError(
                f'Object "{self.name}" is absent from every slice on which it is settled. Mark it where it shows.'
            )

    def fixing(self, fixed: FixedSlice) -> PromptedObject:
        """The same with this slice fixed in place of what the index had."""
        others = tuple(one for one in self.slices if one.slice != fixed.slice)
        return self.model_copy(update={"slices": tuple(sorted((*others, fixed), key=lambda one: one.slice))})

    def _marks(self, fixed: FixedSlice) -> ObjectPrompt:
        return ObjectPrompt(
            name=self.name,
            color=self.color,
            terminology=self.terminology,
            box=fixed.box,
            points=fixed.points,
            mask=fixed.mask,
        )


class PromptSet(StrictModel):
    """Everything that is fixed in a stack. axis: array axis (0, 1, 2 = k, j, i) of the slices, None where unsaid."""

    version: Literal[2] = 2
    axis: Annotated[int, Field(strict=True, ge=0, le=2)] | None = None
    objects: tuple[PromptedObject, ...] = Field(min_length=1)

    @classmethod
    def of(cls, prompt: Prompt) -> PromptSet:
        """The prompts of one slice."""
        objects = tuple(
            PromptedObject(
                name=item.name,
                color=item.color,
                terminology=item.terminology,
                slices=(FixedSlice.of(prompt.slice, item),),
            )
            for item in prompt.objects
        )
        return cls(axis=prompt.axis, objects=objects)

    @property
    def slice(self) -> int:
        """The slice that stands for the set where one is asked for: the middle one of the first object that has any."""
        indices = next((item.indices for item in self.objects if item.slices), (0,))
        return indices[len(indices) // 2]

    @property
    def indices(self) -> list[int]:
        """Slices that are fixed for any object, in their order."""
        return sorted({index for item in self.objects for index in item.indices})

    def object(self, name: str) -> PromptedObject:
        """The object of this name, upper and lower case alike. Raises PromptError where there is none."""
        for item in self.objects:
            if item.name.casefold() == name.strip().casefold():
                return item
        there = ", ".join(item.name for item in self.objects)
        raise PromptError(f'There is no object "{name}". The objects are: {there}.')

    def chosen(self, name: str | None) -> PromptedObject:
        """The object of this name, or for None the only one. Raises PromptError where there is none, or are several."""
        if name is None and len(self.objects) > 1:
            names = ", ".join(item.name for item in self.objects)
            raise PromptError(f"There are several objects: name one of {names}.")
        return self.objects[0] if name is None else self.object(name)

    def only(self, names: Iterable[str]) -> PromptSet:
        """Some of the objects, in this order."""
        return self.model_copy(update={"objects": tuple(self.object(name) for name in names)})

    def fixing(self, name: str, fixed: FixedSlice) -> PromptSet:
        """The same with a slice of one object fixed. Raises PromptError where there is no such object."""
        changed = self.object(name).fixing(fixed)
        objects = tuple(changed if item.name == changed.name else item for item in self.objects)
        return self.model_copy(update={"objects": objects})

    def on(self, index: int) -> Prompt | None:
        """All that is fixed on one slice; None where nothing is."""
        marked = tuple(item for item in (one.on(index) for one in self.objects) if item is not None)
        return Prompt(axis=self.axis, slice=index, objects=marked) if marked else None

    def groups(self) -> list[PromptSet]:
        """Objects that are fixed, and absent, on the same slices, which can be propagated together; in the order of the
        objects.

        Objects without fixed slices are left out.
        """
        found: dict[tuple[tuple[int, ...], frozenset[int]], list[PromptedObject]] = {}
        for item in self.objects:
            found.setdefault((item.indices, item.absent), []).append(item)
        return [self.model_copy(update={"objects": tuple(items)}) for key, items in found.items() if key[0]]

    def validate_for(self, shape: tuple[int, int, int]) -> None:
        """Check against a stack of the shape (n, rows, columns), slice by slice as Prompt does. Raises PromptError.

        An empty mask says that the object is not on a slice; on one at least it has to be.
        """
        names = [item.name.casefold() for item in self.objects]
        if len(set(names)) < len(names):
            raise PromptError("Two objects of the prompt have the same name. Give every object its own name.")
        for index in self.indices:
            prompt = self.on(index)
            assert prompt is not None
            prompt.validate_for(shape, correcting=True)
        for item in self.objects:
            item.check_shown()

    def to_json(self, indent: int | None = 2) -> str:
        """JSON text; from_json gives an equal set back."""
        return self.model_dump_json(indent=indent, exclude_none=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> PromptSet:
        """From JSON text. Raises PromptError that names the first field that is wrong."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise as_prompt_error(error) from error


def joined(prompts: Sequence[Prompt]) -> Prompt | PromptSet:
    """The objects of several prompts as one: on one slice where all lie there, else a set with a slice for each."""
    first = prompts[0]
    objects = tuple(item for prompt in prompts for item in prompt.objects)
    if all(prompt.slice == first.slice for prompt in prompts):
        return first.model_copy(update={"objects": objects})
    return PromptSet(axis=first.axis, objects=tuple(item for one in prompts for item in PromptSet.of(one).objects))


def read_prompts(path: str | Path) -> Prompt | PromptSet:
    """A prompt file of version 1 (one slice) or 2 (several). Raises PromptError, also where it cannot be read."""
    path = Path(path)
    text = read_prompt_text(path)
    try:
        if _version_of(text) != 2:
            return Prompt.from_json(text)
        found = PromptSet.from_json(text)
    except PromptError as error:
        raise PromptError(f"{path.name}: {error.message}", error.detail) from error
    for item in found.objects:
        if not item.slices:
            raise PromptError(f'{path.name}: the object "{item.name}" is marked on no slice. Mark it, or leave it out.')
    # One slice for all objects is an ordinary prompt, however it was written.
    single = {item.indices for item in found.objects} == {(found.slice,)}
    prompt = found.on(found.slice) if single else None
    return found if prompt is None else prompt


def write_prompts(path: str | Path, prompts: PromptSet) -> None:
    """Write a prompt file of version 2, completely or not at all. Raises PromptError when it cannot be written."""
    with replacing(path, error=PromptError) as temporary:
        temporary.write_text(prompts.to_json() + "\n", encoding="utf-8")


class _Version(StrictModel, extra="ignore"):
    version: int = 1


def _version_of(text: str) -> int:
    try:
        return _Version.model_validate_json(text).version
    except ValidationError:
        return 1  # what is wrong is said by the check of the whole file

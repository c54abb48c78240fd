"""What a script marks: boxes, points and masks of one object or of several, as prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from PromptOnceLib.cases.prompt_source import PromptSource
from PromptOnceLib.errors import InputError, PromptError
from PromptOnceLib.prompts.markups_file import read_prompt_file
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, as_prompt_error, encode_mask
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet

Pixel = Sequence[float]
"""Column x and row y of a slice as stored; the centre of its first pixel is (0, 0)."""

FourNumbers = tuple[float, float, float, float]

_ONE_PROMPT = (
    "Give one prompt: box and points, or objects, or a prompt, or a segmentation to take the prompt from, or a seed."
)


def object_prompt(
    name: str = "object",
    box: FourNumbers | None = None,
    points: Iterable[Pixel] = (),
    positive: Iterable[Pixel] = (),
    negative: Iterable[Pixel] = (),
    mask: NDArray[Any] | None = None,
) -> ObjectPrompt | None:
    """One object by hand; None where nothing is marked.

    box: x0, y0, x1, y1. points: (x, y) on the object, or (x, y, label) with a label of 0 beside it. positive, negative:
    the same in two lists. mask: (rows, columns), not 0 where the object is. Raises PromptError.
    """
    try:
        marked = [(p[0], p[1], bool(p[2]) if len(p) > 2 else True) for p in points]
        marked += [(p[0], p[1], True) for p in positive] + [(p[0], p[1], False) for p in negative]
    except (TypeError, IndexError) as error:
        raise PromptError("Points are a list of (x, y), one point too: [(x, y)].", repr(error)) from error
    if box is None and not marked and mask is None:
        return None
    try:
        return ObjectPrompt(
            name=name,
            box=None if box is None else Box(**dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))),
            points=tuple(Point(x=x, y=y, positive=label) for x, y, label in marked),
            mask=None if mask is None else encode_mask(np.asarray(mask) > 0),
        )
    except ValidationError as error:
        raise as_prompt_error(error) from error
    except ValueError as error:
        raise PromptError("A box has four numbers: x0, y0, x1, y1.", repr(error)) from error


def correction_marks(name: str, accept: bool, *marks: Any) -> ObjectPrompt | None:
    """The one correction of a slice: marks, as object_prompt takes them, or None where it is accepted as it is.

    Raises InputError where there are both or neither, PromptError.
    """
    marked = object_prompt(name, *marks)
    if (marked is not None) == accept:
        raise InputError("Give one correction: box and points, or a mask, or accept.")
    return marked


def prompt_of(objects: Mapping[str, Mapping[str, Any]], index: int) -> Prompt:
    """Several objects on one slice. objects: box, points, positive, negative or mask by the name of each object.

    Raises PromptError.
    """
    marked = []
    for name, marks in objects.items():
        unknown = set(marks) - {"box", "points", "positive", "negative", "mask"}
        item = None if unknown else object_prompt(name, **marks)
        if item is None:
            what = f'does not know "{sorted(unknown)[0]}"' if unknown else "marks nothing"
            raise PromptError(f'The prompt of "{name}" {what}. Give box, points, positive, negative or mask.')
        marked.append(item)
    return Prompt(slice=index, objects=tuple(marked))


def one_source(*given: PromptSource | str | Path | None) -> PromptSource:
    """The only one of several that is given; a path is a prompt file, which is read. Raises PromptError."""
    there = [source for source in given if source is not None]
    if len(there) != 1:
        raise PromptError(_ONE_PROMPT)
    (source,) = there
    return read_prompt_file(Path(source)) if isinstance(source, str | Path) else source


class Marks:
    """What was marked so far, by object and slice, and as a prompt."""

    def __init__(self) -> None:
        self._marks: dict[str, dict[int, ObjectPrompt]] = {}

    def __bool__(self) -> bool:
        return bool(self._marks)

    def with_more(self, index: int, item: ObjectPrompt) -> ObjectPrompt:
        """An object on a slice with further marks; a box or a mask replaces the one before."""
        before = self._marks.get(item.name, {}).get(index)
        if before is None or item.mask is not None:
            return item
        return ObjectPrompt(name=item.name, box=item.box or before.box, points=(*before.points, *item.points))

    def put(self, index: int, item: ObjectPrompt) -> None:
        """Have these be all marks of the object on a slice."""
        self._marks.setdefault(item.name, {})[index] = item

    def on(self, index: int, axis: int) -> Prompt:
        """All objects that are marked on a slice."""
        marked = tuple(slices[index] for slices in self._marks.values() if index in slices)
        return Prompt(axis=axis, slice=index, objects=marked)

    def prompt(self, axis: int) -> Prompt | PromptSet:
        """Everything. Raises PromptError where nothing is marked."""
        if not self._marks:
            raise PromptError("Nothing is marked: draw a box or put a point on what is to be segmented.")
        indices = {index for slices in self._marks.values() for index in slices}
        if len(indices) == 1:
            return self.on(indices.pop(), axis)
        objects = tuple(
            PromptedObject(name=name, slices=tuple(FixedSlice.of(index, item) for index, item in slices.items()))
            for name, slices in self._marks.items()
        )
        return PromptSet(axis=axis, objects=objects)

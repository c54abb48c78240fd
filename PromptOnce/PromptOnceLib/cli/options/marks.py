"""Boxes and points as the command line takes them: in pixels of the slice, or in mm; of several objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from PromptOnceLib.cli.options.common import grouped
from PromptOnceLib.cli.terminal import Coordinates, order_of_options
from PromptOnceLib.errors import InputError
from PromptOnceLib.prompts.markups_file import Markups, marked_in_patient
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point

Numbers = tuple[float, ...]
_KINDS = ("box", "positive", "negative", "box_mm", "positive_mm", "negative_mm")


@dataclass(frozen=True)
class MarkOptions:
    """Boxes and points, of one object, or of several that --object begins."""

    box: tuple[Numbers, ...]
    positive: tuple[Numbers, ...]
    negative: tuple[Numbers, ...]
    box_mm: tuple[Numbers, ...]
    positive_mm: tuple[Numbers, ...]
    negative_mm: tuple[Numbers, ...]
    space: str | None

    @property
    def marked(self) -> bool:
        """Whether there is any box or point."""
        return any(getattr(self, kind) for kind in _KINDS)

    def one(self, name: str) -> ObjectPrompt | Markups:
        """The one object that all boxes and points mark. Raises InputError."""
        return self._object(name, {kind: list(getattr(self, kind)) for kind in _KINDS})

    def several(self, names: tuple[str, ...]) -> tuple[ObjectPrompt | Markups, ...]:
        """The objects that --object begins, each with the boxes and points that stand behind it. Raises InputError."""
        left: dict[str, Iterator[Any]] = {kind: iter(getattr(self, kind)) for kind in _KINDS}
        marks: list[dict[str, list[Numbers]]] = []
        for option in order_of_options():
            if option == "objects":
                marks.append({kind: [] for kind in _KINDS})
            elif option in left:
                if not marks:
                    raise InputError("With --object every box and point stands behind the --object it belongs to.")
                marks[-1][option].append(next(left[option]))
        return tuple(self._object(name, found) for name, found in zip(names, marks, strict=True))

    def _object(self, name: str, marks: dict[str, list[Numbers]]) -> ObjectPrompt | Markups:
        in_mm = any(found for kind, found in marks.items() if kind.endswith("_mm"))
        in_pixels = any(found for kind, found in marks.items() if not kind.endswith("_mm"))
        boxes = [*marks["box"], *marks["box_mm"]]
        if in_mm and in_pixels:
            raise InputError(f"{name} is marked in pixels and in mm: give all of its boxes and points in one of them.")
        if len(boxes) > 1:
            raise InputError(f"{name} has {len(boxes)} boxes: give it one, and begin other objects with --object NAME.")
        if not in_mm:
            return object_by_hand(boxes[0] if boxes else None, marks["positive"], marks["negative"], name)
        if self.space is None:
            raise InputError(
                "Say in which coordinates the mm are: --space RAS (3D Slicer, nibabel) or --space LPS (DICOM, ITK)."
            )
        corners = (boxes[0][:3], boxes[0][3:]) if boxes else ()
        return marked_in_patient(self.space, marks["positive_mm"], marks["negative_mm"], corners, name)


def object_by_hand(
    box: Numbers | None, positive: list[Numbers], negative: list[Numbers], name: str = "object"
) -> ObjectPrompt:
    """A box and points in pixels as an object."""
    points = [Point(x=x, y=y, positive=True) for x, y in positive]
    points += [Point(x=x, y=y, positive=False) for x, y in negative]
    corners = None if box is None else Box(**dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)))
    return ObjectPrompt(name=name, box=corners, points=tuple(points))


mark_list = (
    click.option(
        "--box",
        type=Coordinates("X0,Y0,X1,Y1"),
        multiple=True,
        help="Box around the object: columns x and rows y of the slice as stored (`promptonce show` has rulers).",
    ),
    click.option("--positive", type=Coordinates("X,Y"), multiple=True, help="Points on the object, one or more."),
    click.option("--negative", type=Coordinates("X,Y"), multiple=True, help="Points outside the object, one or more."),
    click.option(
        "--box-mm",
        type=Coordinates("X0,Y0,Z0,X1,Y1,Z1", "mm"),
        multiple=True,
        help="Box by two opposite corners in mm, as a viewer shows them; with --space.",
    ),
    click.option("--positive-mm", type=Coordinates("X,Y,Z", "mm"), multiple=True, help="Points on the object in mm."),
    click.option(
        "--negative-mm", type=Coordinates("X,Y,Z", "mm"), multiple=True, help="Points outside the object in mm."
    ),
    click.option(
        "--space",
        type=click.Choice(["RAS", "LPS"], case_sensitive=False),
        help="What x, y and z in mm are: RAS (right, anterior, superior; 3D Slicer, nibabel) or LPS (DICOM, ITK).",
    ),
)

mark_options = grouped("marks", MarkOptions, mark_list)

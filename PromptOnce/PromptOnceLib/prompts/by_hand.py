"""One object from plain numbers, as scripts and command lines give them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point

SIDES = ("x0", "y0", "x1", "y1")
"""The order of a box's numbers."""


def object_by_hand(
    box: Sequence[float] | None,
    positive: Iterable[Sequence[float]],
    negative: Iterable[Sequence[float]],
    name: str = "object",
) -> ObjectPrompt:
    """box: four numbers in the order of SIDES, in slice pixels. positive, negative: x and y of points on the object and
    beside it. Nothing is checked against an image here.
    """
    points = [Point(x=x, y=y, positive=True) for x, y in positive]
    points += [Point(x=x, y=y, positive=False) for x, y in negative]
    corners = None if box is None else Box(**dict(zip(SIDES, box, strict=True)))
    return ObjectPrompt(name=name, box=corners, points=tuple(points))

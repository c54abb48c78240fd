"""Prompts: what the user marks on one slice, their checks against the image, and their JSON form.

All coordinates are slice pixels: x = column, y = row, centre of the first pixel = (0, 0). A prompt file looks like this
(fields that are absent or null take their defaults; unknown fields are refused):

    {
      "version": 1,
      "axis": 0,
      "slice": 42,
      "objects": [
        {
          "name": "lungs",
          "color": [0.0, 0.78, 0.95],
          "terminology": null,
          "box": {"x0": 61, "y0": 90, "x1": 440, "y1": 402},
          "points": [
            {"x": 150, "y": 240, "positive": true},
            {"x": 250, "y": 246, "positive": false}
          ]
        },
        {"name": "heart", "mask": "iVBORw0KGgo..."}
      ]
    }

version: 1, the only one so far. axis: array axis of the slices, 0, 1, 2 for the voxel axes k, j, i; null where the
prompt does not say. slice: index along that axis, from 0. mask: a 1-bit PNG of the whole slice in base64, instead of
box and points.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from PromptOnceLib.errors import PromptError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.files.names import check_ordinary
from PromptOnceLib.files.png import decode_mask, encode_mask
from PromptOnceLib.schema import StrictModel

__all__ = [
    "Box",
    "Color",
    "MaskPng",
    "ObjectName",
    "ObjectPrompt",
    "Point",
    "Prompt",
    "decode_mask",
    "encode_mask",
    "read_prompt",
    "write_prompt",
]

FORMAT_VERSION: Literal[1] = 1
MAX_FILE_BYTES = 64 * 2**20
"""Far above any prompt; protects against reading a volume that was chosen by mistake."""


def _plain(value: Any) -> Any:
    """NumPy's scalars as Python's, which the strict types below ask for."""
    return value.item() if isinstance(value, np.generic) else value


_Number = Annotated[float, BeforeValidator(_plain), Field(strict=True, allow_inf_nan=False)]
Integer = Annotated[int, BeforeValidator(_plain), Field(strict=True)]
_Switch = Annotated[bool, BeforeValidator(_plain), Field(strict=True)]
_Share = Annotated[float, BeforeValidator(_plain), Field(strict=True, ge=0, le=1)]

ObjectName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""Without blanks at its ends."""
Color = tuple[_Share, _Share, _Share]
"""Red, green, blue from 0 to 1."""
MaskPng = Annotated[str, Field(min_length=1)]
"""Text made by encode_mask."""


class Point(StrictModel):
    """A click on the object (positive) or on what is not the object; x, y in slice pixels."""

    x: _Number
    y: _Number
    positive: _Switch


class Box(StrictModel):
    """A rectangle around the object, x0 <= x1 and y0 <= y1 in slice pixels; swapped corners are put in order."""

    x0: _Number
    y0: _Number
    x1: _Number
    y1: _Number

    @model_validator(mode="after")
    def _in_order(self) -> Box:
        for lower, upper in (("x0", "x1"), ("y0", "y1")):
            low, high = sorted((getattr(self, lower), getattr(self, upper)))
            # The model is frozen for everybody but itself.
            object.__setattr__(self, lower, low)
            object.__setattr__(self, upper, high)
        return self


class ObjectPrompt(StrictModel):
    """One object: a box and points, or a mask; to correct a mask, points and the mask that they correct.

    name: shown to the user, without blanks at its ends. color: red, green, blue from 0 to 1, None for a default.
    terminology: Slicer's terminology entry, None for its default. mask: text made by encode_mask.
    """

    name: ObjectName = "object"
    color: Color | None = None
    terminology: str | None = None
    box: Box | None = None
    points: tuple[Point, ...] = ()
    mask: MaskPng | None = None

    def points_and_labels(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """What SAM 2's prompt encoder takes: float32 (P, 2) of x, y, and int32 (P,).

        The box comes first as its upper left and lower right corner with the labels 2 and 3, as in
        SAM2VideoPredictor.add_new_points_or_box; then the points in their order, 1 positive, 0 negative.
        """
        rows: list[tuple[float, float, int]] = []
        if self.box is not None:
            rows += [(self.box.x0, self.box.y0, 2), (self.box.x1, self.box.y1, 3)]
        rows += [(point.x, point.y, int(point.positive)) for point in self.points]
        coordinates = np.array([(x, y) for x, y, _ in rows], dtype=np.float32).reshape(-1, 2)
        return coordinates, np.array([label for _, _, label in rows], dtype=np.int32)

    @property
    def is_absent(self) -> bool:
        """Whether the mask says that the object is not on the slice."""
        return self.mask is not None and not self.mask_array().any()

    def mask_array(self) -> NDArray[np.bool_]:
        """The mask prompt, bool (rows, columns). Raises PromptError where there is none or it is damaged."""
        if self.mask is None:
            raise PromptError(f'Object "{self.name}" has no mask.')
        return decode_mask(self.mask)


class Prompt(StrictModel):
    """What was marked on one slice, for one object or several. The module's docstring describes the fields."""

    version: Literal[1] = FORMAT_VERSION
    axis: Annotated[Integer, Field(ge=0, le=2)] | None = None
    slice: Integer
    objects: tuple[ObjectPrompt, ...]

    def validate_for(self, shape: tuple[int, int, int], correcting: bool = False) -> None:
        """Check the prompt against a stack of the shape (n, rows, columns).

        Points have to lie in the image, whose border is half a pixel outside the outermost pixel centres; a box may
        also reach the exclusive upper bounds x = columns, y = rows, as the papers' boxes do. correcting: a mask may be
        empty, or come with the points that correct it. Raises PromptError.
        """
        slices, rows, columns = shape
        if not 0 <= self.slice < slices:
            raise PromptError(
                f"The prompt lies on slice {self.slice}, but the image has the slices 0 to {slices - 1}. "
                "Choose a slice of this image."
            )
        if not self.objects:
            raise PromptError("The prompt holds no object. Draw a box or put a point on what is to be segmented.")
        names = [item.name for item in self.objects]
        for name in names:
            if names.count(name) > 1:
                raise PromptError(f'Two objects of the prompt are called "{name}". Give every object its own name.')
        for item in self.objects:
            _check_object(item, (rows, columns), correcting)

    def to_json(self) -> str:
        """JSON text; from_json gives an equal prompt back."""
        return self.model_dump_json(indent=2, exclude_none=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Prompt:
        """Prompt from JSON text. Raises PromptError that names the first field that is wrong."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise as_prompt_error(error) from error


def read_prompt(path: str | Path) -> Prompt:
    """Prompt from a JSON file in UTF-8. Raises PromptError, also where the file cannot be read."""
    path = Path(path)
    text = read_prompt_text(path)
    try:
        return Prompt.from_json(text)
    except PromptError as error:
        raise PromptError(f"{path.name}: {error.message}", error.detail) from error


def read_prompt_text(path: Path) -> str:
    """The text of a prompt file. Raises PromptError where it cannot be read."""
    try:
        check_ordinary(path, PromptError)
        if path.stat().st_size > MAX_FILE_BYTES:
            raise PromptError(f"{path.name} is too large to be a prompt. Choose a prompt file (JSON).")
        return path.read_text(encoding="utf-8-sig")  # Windows editors put a byte order mark first
    except OSError as error:
        raise PromptError(
            f"The prompt file {path} cannot be opened: {error.strerror or error}. Choose another file.", repr(error)
        ) from error
    except UnicodeDecodeError as error:
        raise PromptError(f"{path.name} is not a text file. Choose a prompt file (JSON).", repr(error)) from error


def write_prompt(path: str | Path, prompt: Prompt) -> None:
    """Write a JSON file that is either complete or not there. Raises PromptError when it cannot be written."""
    with replacing(path, error=PromptError) as temporary:
        temporary.write_text(prompt.to_json() + "\n", encoding="utf-8")


def _check_object(item: ObjectPrompt, shape: tuple[int, int], correcting: bool) -> None:
    """Raise PromptError unless the object can be segmented, or corrected, on a slice of the shape (rows, columns)."""
    start = f'Object "{item.name}": '
    marked = item.box is not None or bool(item.points)
    empty = True
    if item.mask is not None:
        if marked and not correcting:
            raise PromptError(f"{start}a mask cannot be combined with a box or points. Use either of them.")
        try:
            empty = not decode_mask(item.mask, shape).any()
        except PromptError as error:
            raise PromptError(start + error.message, error.detail) from error
        if empty and not correcting:
            raise PromptError(f"{start}the mask is empty. Draw a mask, a box or a point.")
    elif not marked:
        raise PromptError(f"{start}there is no box, point or mask. Draw a box or put a point on the object.")
    if marked and item.box is None and empty and not any(point.positive for point in item.points):
        why = "there is no mask they could take something from" if correcting else "there are only negative points"
        raise PromptError(f"{start}{why}. Add a positive point or a box around the object.")
    if item.box is not None:
        _check_box(item.box, shape, start)
    for point in item.points:
        _check_point(point, shape, start)


def _check_box(box: Box, shape: tuple[int, int], start: str) -> None:
    rows, columns = shape
    if box.x0 < -0.5 or box.y0 < -0.5 or box.x1 > columns or box.y1 > rows:
        raise PromptError(
            f"{start}the box from x {box.x0:g}, y {box.y0:g} to x {box.x1:g}, y {box.y1:g} reaches outside the slice, "
            f"which has {columns} columns (x) and {rows} rows (y). Draw it inside the image."
        )
    corners = np.array([[box.x0, box.y0], [box.x1, box.y1]], dtype=np.float32)  # what the model will see
    if not (corners[0] < corners[1]).all():
        raise PromptError(f"{start}the box has no area. Draw it from one corner of the object to the opposite one.")


def _check_point(point: Point, shape: tuple[int, int], start: str) -> None:
    rows, columns = shape
    if not (-0.5 <= point.x <= columns - 0.5 and -0.5 <= point.y <= rows - 0.5):
        raise PromptError(
            f"{start}the point at x {point.x:g}, y {point.y:g} lies outside the slice, which has {columns} columns (x) "
            f"and {rows} rows (y). Put it inside the image."
        )


def as_prompt_error(error: ValidationError) -> PromptError:
    """The first thing wrong with a prompt file as a sentence; detail lists places and kinds, never the values."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    detail = "; ".join(f"{_place(problem['loc'])}: {problem['type']}" for problem in problems[:5])
    if any(problem["loc"] == ("version",) for problem in problems):
        return PromptError(
            f"The prompt is of another version than {FORMAT_VERSION}, the one that can be read here. "
            "Update PromptOnce, or save the prompt again.",
            detail,
        )
    problem = problems[0]
    place, kind = _place(problem["loc"]), problem["type"]
    if not place:
        return PromptError(f"This is not a prompt ({problem['msg']}). Choose a prompt file (JSON).", detail)
    if kind == "missing":
        return PromptError(f"The prompt cannot be used: the field {place} is missing.", detail)
    if kind == "extra_forbidden":
        return PromptError(
            f"The prompt cannot be used: there is no field {place}. Correct its name or remove it.", detail
        )
    _, _, wish = problem["msg"].partition(" ")  # pydantic starts with the kind of value: "Input should be ..."
    return PromptError(f"The prompt cannot be used: {place} {wish}.", detail)


def _place(location: tuple[int | str, ...]) -> str:
    """Where in the JSON text, such as objects[0].box.x0."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")

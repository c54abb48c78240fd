"""A seed: what seed.json says (SeedRecord), and with its pictures (Seed).

    {
      "version": 1,
      "id": "5f0c...",                                     32 hexadecimal digits, also the name of the entry's folder
      "name": "Lungs, GE chest",
      "objects": [{"name": "lungs", "color": [0, 0.78, 0.95], "terminology": null,
                   "box": {"x0": 61, "y0": 90, "x1": 440, "y1": 402},
                   "points": [{"x": 150, "y": 240, "positive": true}]}],
      "shape": [512, 512],                                 rows and columns of the frame
      "orientation": {"rows": "P", "columns": "L"},
      "spacing": [0.7, 0.7, 2.5],                          mm between rows, columns and slices
      "slice": 42, "slices": 96,
      "window": {"lower": -1400, "upper": 100, "name": "lung", "per_slice": false},
      "modality": "CT", "scanner": {...}, "scanner_name": "CT 2", "target": "lungs",
      "model": {"name": "sam2.1_large", "sha256": "..."}, "software": "0.1.0", "date": "2026-01-31",
      "author": "", "licence": "", "note": "", "round_trip": null, "mean_of": 0, "frame_confirmed": true
    }

Coordinates are pixels of the frame as in a prompt file. Unknown fields are refused, texts have a greatest length. The
frame (8 bit) and the mask of every object (1 bit) lie beside it as PNG.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from PromptOnceLib.errors import PromptError, SeedError
from PromptOnceLib.imaging.orientation import FrameOrientation, Plane
from PromptOnceLib.imaging.scanner import Scanner
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt
from PromptOnceLib.schema import StrictModel
from PromptOnceLib.seeds.migrations import CURRENT_VERSION, migrate
from PromptOnceLib.seeds.reliability import RoundTrip

MOST_OBJECTS = 50
MOST_POINTS = 1000
LONGEST_SIDE = 16384  # pixels
MOST_PIXELS = 32 * 2**20  # the largest radiographs have about 20 million

_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"  # a control character could hide text or damage a terminal
_NOTE = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$"

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_LINE)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_LINE)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=_NOTE)]
_Terminology = Annotated[str, StringConstraints(max_length=1000, pattern=_LINE)]
_Side = Annotated[int, Field(ge=1, le=LONGEST_SIDE)]
_Distance = Annotated[float, Field(gt=0, le=1e4, allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Intensity = Annotated[float, Field(allow_inf_nan=False)]


class SeedObject(StrictModel):
    """One object as it was prompted; without box and points its mask is the prompt.

    terminology: Slicer's terminology entry, None for its default.
    """

    name: Name
    color: tuple[_Share, _Share, _Share] | None = None
    terminology: _Terminology | None = None
    box: Box | None = None
    points: Annotated[tuple[Point, ...], Field(max_length=MOST_POINTS)] = ()


class SeedWindow(StrictModel):
    """The window of the frame, as in imaging.window.Window; its ends are finite and in order."""

    lower: _Intensity
    upper: _Intensity
    name: Line
    per_slice: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> SeedWindow:
        if self.lower > self.upper:
            raise ValueError("the window ends before it begins")
        return self

    @property
    def follows_the_image(self) -> bool:
        """Whether it was found from the image's own intensities or header, so that its ends mean nothing for another
        image.
        """
        return self.name in ("full", "percentile", "paper", "file") or self.name.startswith("paper:")

    def maps_like(self, other: SeedWindow) -> bool:
        """Whether both make greys in the same way, so that frames under them can be compared."""
        if self.follows_the_image or other.follows_the_image:
            return self.name == other.name
        return (self.lower, self.upper, self.per_slice) == (other.lower, other.upper, other.per_slice)


class ModelUsed(StrictModel):
    """The model whose mask was accepted; sha256 is that of its checkpoint, None where it is not known."""

    name: Line = ""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class SeedRecord(StrictModel):
    """What seed.json holds; the module's docstring shows one.

    scanner: the whitelisted tags, None where the image brought none. scanner_name: what the user calls the scanner.
    slice, slices: where the frame lay in its stack; a single slice is an X-ray or a picture. mean_of: number of seeds
    that an artificial seed is the mean of, 0 for a real one. frame_confirmed: the user has seen the frame and says that
    it shows no text that identifies a patient.
    """

    version: Literal[1] = CURRENT_VERSION
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    name: Name
    objects: Annotated[tuple[SeedObject, ...], Field(min_length=1, max_length=MOST_OBJECTS)]
    shape: tuple[_Side, _Side]
    orientation: FrameOrientation
    spacing: tuple[_Distance, _Distance, _Distance]
    slice: Annotated[int, Field(ge=0)] = 0
    slices: Annotated[int, Field(ge=1)] = 1
    window: SeedWindow
    modality: Annotated[str, Field(pattern=r"^[A-Z0-9]{0,16}$")] = ""
    scanner: Scanner | None = None
    scanner_name: Line = ""
    target: Line = ""
    terminology: _Terminology | None = None
    model: ModelUsed = ModelUsed()
    software: Line = ""
    date: dt.date
    author: Line = ""
    licence: Line = ""
    note: Note = ""
    round_trip: RoundTrip | None = None
    mean_of: Annotated[int, Field(ge=0, le=10_000)] = 0
    frame_confirmed: bool = False

    @field_validator("scanner")
    @classmethod
    def _short_tags(cls, scanner: Scanner | None) -> Scanner | None:
        """A scanner in a file of unknown origin obeys what is true for one read from DICOM."""
        if scanner is None:
            return None
        texts = [value for value in scanner.model_dump().values() if isinstance(value, str)]
        thickness = scanner.slice_thickness
        if any(len(text) > 64 or not text.isprintable() for text in texts):
            raise ValueError("a scanner tag is longer than 64 characters or not printable")
        if thickness is not None and not (math.isfinite(thickness) and thickness > 0):
            raise ValueError("the slice thickness is not a positive number")
        return scanner

    @model_validator(mode="after")
    def _consistent(self) -> SeedRecord:
        names = [item.name for item in self.objects]
        if len(set(names)) != len(names):
            raise ValueError("two objects have the same name")
        if self.shape[0] * self.shape[1] > MOST_PIXELS:
            raise ValueError("the frame is too large")
        if self.slice >= self.slices:
            raise ValueError("the slice lies outside the stack")
        drawn = [item for item in self.objects if item.box is not None or item.points]
        if drawn:
            prompts = tuple(ObjectPrompt(**item.model_dump()) for item in drawn)
            try:
                Prompt(slice=0, objects=prompts).validate_for((1, *self.shape))
            except PromptError as error:
                raise ValueError(error.message.rstrip(".")) from error
        if self.round_trip is not None and len(self.round_trip.dice) != len(names):
            raise ValueError("the round trip counts other objects")
        return self

    @property
    def plane(self) -> Plane:
        """Anatomical plane of the frame."""
        return self.orientation.plane

    @property
    def is_picture(self) -> bool:
        """Whether the frame is an image of its own, as an X-ray is, and not a slice of a volume."""
        return self.slices == 1

    def changed(self, **changes: Any) -> SeedRecord:
        """A copy with other values, checked like any. Raises SeedError."""
        return validated({**self.model_dump(), **changes})

    def to_json(self) -> str:
        """Text of seed.json; record_from_json gives an equal record back."""
        return self.model_dump_json(indent=2)


@dataclass(frozen=True, eq=False)
class Seed:
    """A seed with its pictures.

    frame: uint8 (rows, columns), what the model saw. masks: bool (rows, columns), one for every object in the record's
    order, as accepted by the user; none is empty. Raises SeedError where these do not fit the record.
    """

    record: SeedRecord
    frame: NDArray[np.uint8]
    masks: tuple[NDArray[np.bool_], ...]

    def __post_init__(self) -> None:
        shape, names = self.record.shape, [item.name for item in self.record.objects]
        if self.frame.dtype != np.uint8 or self.frame.shape != shape:
            raise SeedError(f'The frame of the seed "{self.name}" is not an 8-bit picture of the size the seed states.')
        if len(self.masks) != len(names):
            raise SeedError(f'The seed "{self.name}" needs one mask for each of its objects.')
        for name, mask in zip(names, self.masks, strict=True):
            if mask.dtype != np.bool_ or mask.shape != shape:
                raise SeedError(f'The mask of "{name}" has not the size of the frame of the seed "{self.name}".')
            if not mask.any():
                raise SeedError(f'The mask of "{name}" is empty. Accept a mask before the seed is saved.')

    @property
    def id(self) -> str:
        """32 hexadecimal digits that no other seed has."""
        return self.record.id

    @property
    def name(self) -> str:
        """What the user calls the seed."""
        return self.record.name

    def changed(self, **changes: Any) -> Seed:
        """A copy with other values in its record. Raises SeedError."""
        return replace(self, record=self.record.changed(**changes))


def record_from_json(text: str | bytes) -> SeedRecord:
    """Record from the text of a seed.json of this or an older version. Raises SeedError."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:  # the latter for brackets a thousand deep
        raise SeedError("seed.json is damaged: it is not JSON.", repr(error)) from error
    if not isinstance(fields, dict):
        raise SeedError("seed.json is damaged: it holds no seed.")
    return validated(migrate(fields))


def validated(fields: dict[str, Any]) -> SeedRecord:
    """Record of these fields. Raises SeedError that names the first field that is wrong."""
    try:
        return SeedRecord.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        what = "there is no such field" if problem["type"] == "extra_forbidden" else problem["msg"]
        start = f"The seed cannot be used: {place}: " if place else "The seed cannot be used: "
        raise SeedError(f"{start}{what.removeprefix('Value error, ')}.", f"{place}: {problem['type']}") from error

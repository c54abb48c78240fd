"""Markups that 3D Slicer saved (.mrk.json) as a prompt: points and boxes in mm, put on a slice of an image.

Format: https://github.com/Slicer/Slicer/blob/main/Modules/Loadable/Markups/Resources/Schema
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import PromptError
from PromptOnceLib.imaging.screening.claims import are_places
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, read_prompt_text
from PromptOnceLib.prompts.prompt_set import PromptSet, read_prompts

SUFFIX = ".mrk.json"

# Words in the label or description of a point, or in the name of its file, that say it lies beside the object.
_NEGATIVE = ("negative", "background")

# To LPS from what a file can name; files of Slicer before 4.11 write numbers.
_TO_LPS = {"LPS": (1.0, 1.0, 1.0), "1": (1.0, 1.0, 1.0), "RAS": (-1.0, -1.0, 1.0), "0": (-1.0, -1.0, 1.0)}

_BOXES = ("Box", "BoundingBox")
_ROUNDING = 1e-6  # pixels

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Markups:
    """One object marked in the patient.

    positive, negative: LPS positions (n, 3) in mm of points on the object and beside it. box: LPS positions (n, 3) of
    corners of a box around it, all eight or two opposite ones, or None. name: of the object.
    """

    positive: Floats
    negative: Floats
    box: Floats | None
    name: str

    def on_slice(self, geometry: Geometry, axis: int, index: int | None = None) -> Prompt:
        """The prompt on a slice along an array axis (0, 1, 2 = k, j, i) of an image.

        index: None for the slice of the points or, without any, through the middle of the box. A box that reaches over
        the border of the image is cut there. Raises PromptError where points and box do not lie on one slice.
        """
        positive, negative = (_in_pixels(part, geometry, axis) for part in (self.positive, self.negative))
        corners = None if self.box is None else _in_pixels(self.box, geometry, axis)
        index = _common_slice(np.concatenate([positive, negative]), corners, index)
        if not 0 <= index < geometry.shape[axis]:
            raise PromptError(
                f"{self.name} lies outside the image, which has no slice {index} along this axis. Look whether its "
                "positions are of this image, and whether RAS and LPS were mixed up."
            )
        points = [
            Point(x=float(x), y=float(y), positive=on_object)
            for part, on_object in ((positive, True), (negative, False))
            for _, y, x in part
        ]
        box = None if corners is None else _box(corners, geometry, axis)
        return Prompt(axis=axis, slice=index, objects=(ObjectPrompt(name=self.name, box=box, points=tuple(points)),))


def marked_in_patient(
    space: str,
    positive: Sequence[Sequence[float]],
    negative: Sequence[Sequence[float]],
    corners: Sequence[Sequence[float]],
    name: str,
) -> Markups:
    """An object marked by positions (x, y, z) in mm: points on it and beside it, and two opposite corners of a box.

    space: "RAS" or "LPS", what x, y and z count towards. corners: empty for no box. Raises PromptError for another
    space.
    """
    if space.upper() not in ("RAS", "LPS"):
        raise PromptError(f'"{space}" is not a coordinate system. Use RAS or LPS.')
    signs = np.array(_TO_LPS[space.upper()])
    to_lps = [_points([list(position) for position in part]) * signs for part in (positive, negative, corners)]
    return Markups(to_lps[0], to_lps[1], to_lps[2] if len(corners) else None, name)


def read_prompt_file(path: str | Path) -> Prompt | PromptSet | Markups:
    """Prompt of a file: one of this program (JSON), or markups of 3D Slicer (.mrk.json). Raises PromptError."""
    path = Path(path)
    return read_markups(path) if path.name.lower().endswith(SUFFIX) else read_prompts(path)


def read_markups(path: Path) -> Markups:
    """Point lists and boxes (ROI) of a markups file, which together mark one object, called after the file.

    Points are on the object unless their label, their description or the name of the file holds the word "negative" or
    "background". Raises PromptError for files that cannot be read, other kinds of markups, and more than one box.
    """
    positive: list[list[float]] = []
    negative: list[list[float]] = []
    boxes: list[Floats] = []
    try:
        for item in _items(path):
            signs = _signs(item, path)
            if item.get("type") == "Fiducial":
                for point in item.get("controlPoints", []):
                    if point.get("positionStatus", "defined") == "defined" and point.get("position") is not None:
                        part = negative if _is_negative(point, path) else positive
                        part.append((_three(point["position"]) * signs).tolist())
            elif item.get("type") == "ROI" and item.get("roiType", "Box") in _BOXES:
                boxes.append(_corners(item) * signs)
            else:
                raise PromptError(
                    f"{path.name} holds markups of the kind {str(item.get('type'))[:30]}. A prompt is made of point "
                    "lists and of boxes (ROI)."
                )
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise PromptError(
            f"{path.name} is not a markups file of 3D Slicer, or damaged. Save the markups again.", repr(type(error))
        ) from error
    if len(boxes) > 1:
        raise PromptError(f"{path.name} holds {len(boxes)} boxes (ROI). A prompt has one: save them one by one.")
    if not (positive or negative or boxes):
        raise PromptError(f"{path.name} holds neither points nor a box. Place them in 3D Slicer and save again.")
    name = path.name[: -len(SUFFIX)].strip() or "object"
    return Markups(_points(positive), _points(negative), boxes[0] if boxes else None, name)


def _items(path: Path) -> list[dict[str, Any]]:
    try:
        items: list[dict[str, Any]] = json.loads(read_prompt_text(path))["markups"]
    except RecursionError as error:
        raise ValueError from error
    return items


def _signs(item: dict[str, Any], path: Path) -> Floats:
    """What turns positions of a markup into LPS."""
    units = item.get("coordinateUnits", "mm")
    if (units[0] if isinstance(units, list) else units) != "mm":
        raise PromptError(f"{path.name} has its positions in another unit than mm. Save the markups in mm.")
    system = str(item.get("coordinateSystem", "LPS")).upper()
    if system not in _TO_LPS:
        raise PromptError(f"{path.name} has its positions neither in LPS nor in RAS. Save the markups again.")
    return np.array(_TO_LPS[system])


def _is_negative(point: dict[str, Any], path: Path) -> bool:
    said = f"{point.get('label', '')} {point.get('description', '')} {path.name}".lower()
    return any(word in said for word in _NEGATIVE)


def _three(values: Any) -> Floats:
    position = np.array(values, dtype=np.float64)
    if position.shape != (3,) or not are_places(position):
        raise ValueError("no position")
    return position


def _points(positions: list[list[float]]) -> Floats:
    return np.array(positions, dtype=np.float64).reshape(-1, 3)


def _corners(roi: dict[str, Any]) -> Floats:
    """Corners (8, 3) of a box in the file's coordinates; its orientation has the box's axes as columns."""
    axes = np.array(roi.get("orientation", np.eye(3).ravel()), dtype=np.float64).reshape(3, 3)
    if not are_places(axes.ravel()):
        raise ValueError("no directions")
    half, center = _three(roi["size"]) / 2, _three(roi["center"])
    return np.array([center + axes @ (half * signs) for signs in product((-1, 1), repeat=3)])


def _in_pixels(positions: Floats, geometry: Geometry, axis: int) -> Floats:
    """Slice, row and column (n, 3) of LPS positions (n, 3)."""
    to_ijk = np.linalg.inv(geometry.ijk_to_lps())
    kji = (positions @ to_ijk[:3, :3].T + to_ijk[:3, 3])[:, ::-1]
    in_stack: Floats = kji[:, [axis, *(other for other in range(3) if other != axis)]]
    return in_stack


def _common_slice(points: Floats, corners: Floats | None, wanted: int | None) -> int:
    """The one slice of points and box; `wanted` where it is that."""
    slices: list[int] = sorted({round(place) for place in points[:, 0].tolist()})
    if len(slices) > 1:
        named = ", ".join(map(str, slices[:5])) + (" and others" if len(slices) > 5 else "")
        raise PromptError(
            f"The points lie on several slices ({named}) along this axis. A prompt has one slice: place them on one, "
            "or choose the axis along which they share one."
        )
    if slices and wanted not in (None, slices[0]):
        raise PromptError(f"The points lie on slice {slices[0]}: they cannot be put on slice {wanted}.")
    if corners is None:
        return slices[0]
    first, last = float(corners[:, 0].min()), float(corners[:, 0].max())
    index = slices[0] if slices else round((first + last) / 2) if wanted is None else wanted
    if not first - 0.5 - _ROUNDING <= index <= last + 0.5 + _ROUNDING:
        raise PromptError(f"The box goes from slice {first:.1f} to {last:.1f}: slice {index} is not in it.")
    return index


def _box(corners: Floats, geometry: Geometry, axis: int) -> Box:
    """The smallest box around the corners, cut at the border of the slice."""
    (y0, x0), (y1, x1) = corners[:, 1:].min(axis=0).tolist(), corners[:, 1:].max(axis=0).tolist()
    rows, columns = (geometry.shape[other] for other in range(3) if other != axis)
    if x0 < columns and y0 < rows and x1 > -0.5 and y1 > -0.5:  # else the prompt's checks say that it lies outside
        x0, y0, x1, y1 = max(x0, -0.5), max(y0, -0.5), min(x1, columns), min(y1, rows)
    return Box(x0=x0, y0=y0, x1=x1, y1=y1)

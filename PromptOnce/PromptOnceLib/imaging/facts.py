"""What an image is: size, spacing, orientation, modality, slices, window. What one wants to know before a prompt."""

from __future__ import annotations

from typing import Literal

from PromptOnceLib.imaging.intensity_range import full_range
from PromptOnceLib.imaging.orientation import OPPOSITE, Direction, FrameOrientation, voxel_directions
from PromptOnceLib.imaging.stack import AXIS_NAMES, AxisChoice, central_slice
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.schema import StrictModel


class ImageFacts(StrictModel):
    """size, spacing: voxels and mm along i, j, k. measured: False where the mm are a guess. directions: in which i, j,
    k grow. modality: "" where the file says none.

    axis: "k", "j" or "i", along which the slices lie; reason: why. slices, rows, columns, plane: of that stack.
    central: its default prompted slice. lowest, highest: value. window: name of the one that is taken by itself; level,
    width: of it.
    """

    version: Literal[1] = 1
    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    measured: bool
    directions: tuple[Direction, Direction, Direction]
    modality: str
    axis: str
    reason: str
    plane: str
    slices: int
    rows: int
    columns: int
    central: int
    lowest: float
    highest: float
    window: str
    level: float
    width: float


def image_facts(volume: Volume, axis: AxisChoice, window: Window) -> ImageFacts:
    """Facts of a volume, with slices along an axis and under a window."""
    geometry = volume.geometry
    lowest, highest = full_range(volume.array)
    shape = list(geometry.shape)
    slices = shape.pop(axis.axis)
    rows, columns = shape
    return ImageFacts(
        size=geometry.size,
        spacing=geometry.spacing,
        measured=volume.measured,
        directions=voxel_directions(geometry),
        modality=volume.modality,
        axis=AXIS_NAMES[axis.axis],
        reason=axis.reason,
        plane=FrameOrientation.of(geometry, axis.axis).plane,
        slices=slices,
        rows=rows,
        columns=columns,
        central=central_slice(slices),
        lowest=lowest,
        highest=highest,
        window=window.name,
        level=(window.lower + window.upper) / 2,
        width=window.upper - window.lower,
    )


def edge_letters(geometry: Geometry, axis: int) -> tuple[str, str, str, str]:
    """What lies at the left, right, upper and lower edge of a slice as stored: letters such as "R", "L", "A", "P"."""
    way = FrameOrientation.of(geometry, axis)
    return OPPOSITE[way.columns], way.columns, OPPOSITE[way.rows], way.rows

"""How an object of a result was made, so that a correction makes the rest of it in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp

Between = Literal["track", "interpolate", "both"]
"""How slices between prompted ones come about: by SAM 2's memory; each by itself from an interpolated box; or where
either of the two finds the object."""

BETWEENS: tuple[Between, ...] = ("track", "interpolate", "both")


@dataclass(frozen=True)
class Ways:
    """What was chosen for an object.

    zoom: how much of a slice the network was asked to see. between: how slices between prompted ones came about.
    clean_up: which pieces stayed. fill_hole_area: up to which area holes were filled, in pixels of the network's mask.
    """

    zoom: Zoom = "auto"
    between: Between = "track"
    clean_up: CleanUp = "connected"
    fill_hole_area: int = 0

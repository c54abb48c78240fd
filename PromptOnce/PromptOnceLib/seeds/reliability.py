"""How far a seed can be trusted: the figure of a round trip, and what it means in words."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from PromptOnceLib.schema import StrictModel

Trust = Literal["good", "fair", "poor"]

GOOD_DICE = 0.9
FAIR_DICE = 0.8
"""Below this a seed is poor: after the way to the end and back a fifth of the object and of the mask do not agree."""


class RoundTrip(StrictModel):
    """Result of propagating to the end of a stack and back to the prompted slice; no reference is needed for it.

    dice: of every object, in the seed's order, its mask after the round trip against its seed mask, 0 to 1.
    model: name of the model that made the trip. date: of the trip.
    """

    dice: Annotated[
        tuple[Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)], ...], Field(min_length=1, max_length=50)
    ]
    model: Annotated[str, Field(max_length=200)] = ""
    date: dt.date

    @property
    def worst(self) -> float:
        """Dice of the object that agrees least: the figure that is shown."""
        return min(self.dice)

    @property
    def trust(self) -> Trust:
        """The figure in a word."""
        return trust_of(self.worst)


def trust_of(dice: float) -> Trust:
    """A round trip's Dice in a word: "good" from 0.9 on, "fair" from 0.8 on, else "poor"."""
    if dice >= GOOD_DICE:
        return "good"
    return "fair" if dice >= FAIR_DICE else "poor"


def trust_sentence(round_trip: RoundTrip | None) -> str:
    """What to tell the user about a seed's round trip."""
    if round_trip is None:
        return "No round trip was made with this seed: how far it can be trusted is not known."
    figure = f"Dice {round_trip.worst:.3f} after a round trip"
    if round_trip.trust == "poor":
        return (
            f"{figure}: poor. Masks made from this seed will probably be wrong: draw a better seed, or check them all."
        )
    if round_trip.trust == "fair":
        return f"{figure}: fair. Check the masks made from this seed."
    return f"{figure}: good."


def applied_sentence(dice: float | None) -> str:
    """What to tell the user about the round trip of a seed through another image; dice: of the worst object."""
    if dice is None:
        return "The seed's round trip through this image has no figure."
    figure = f"Dice {dice:.3f} after a round trip of the seed through this image"
    trust = trust_of(dice)
    if trust == "poor":
        return f"{figure}: poor. The seed does not suit this image: check all masks, or prompt the image itself."
    return f"{figure}: fair. Check the masks." if trust == "fair" else f"{figure}: good."

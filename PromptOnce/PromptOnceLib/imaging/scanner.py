"""What is known about the scanner that made an image: a whitelist of DICOM tags, none of which identifies a patient."""

from __future__ import annotations

import math
from collections.abc import Callable

from PromptOnceLib.schema import StrictModel

# DICOM modalities of projection images: one exposure, no slices.
XRAY_MODALITIES = frozenset({"CR", "DX", "DR", "RG", "PX", "IO", "MG", "RF", "XA"})

_LONGEST_TEXT = 64  # the length DICOM allows for these tags (LO)


class Scanner(StrictModel):
    """Scanner and protocol of an image, the values of a fixed list of DICOM tags; "" or None where a tag is absent.

    kernel: convolution kernel of a CT. sequence: sequence name of an MR, or else its scanning sequence.
    slice_thickness: mm. Tags that are not listed here are never read into this model.
    """

    modality: str = ""
    manufacturer: str = ""
    model: str = ""
    station: str = ""
    body_part: str = ""
    series_description: str = ""
    kernel: str = ""
    sequence: str = ""
    slice_thickness: float | None = None

    @classmethod
    def from_tags(cls, tag: Callable[[str], str]) -> Scanner:
        """Scanner from a function that gives the text of a tag written "gggg|eeee" (hexadecimal), "" if absent."""
        return cls(
            modality=_text(tag("0008|0060")).upper(),
            manufacturer=_text(tag("0008|0070")),
            model=_text(tag("0008|1090")),
            station=_text(tag("0008|1010")),
            body_part=_text(tag("0018|0015")),
            series_description=_text(tag("0008|103e")),
            kernel=_text(tag("0018|1210")),
            sequence=_text(tag("0018|0024")) or _text(tag("0018|0020")),
            slice_thickness=_millimetres(tag("0018|0050")),
        )


def _text(value: str) -> str:
    """One printable line without padding; bytes that SimpleITK could not decode are taken as Latin-1, the usual one."""
    decoded = value.encode("utf-8", "surrogateescape")
    try:
        value = decoded.decode("utf-8")
    except UnicodeDecodeError:
        value = decoded.decode("latin-1")
    printable = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(printable.split())[:_LONGEST_TEXT]


def _millimetres(value: str) -> float | None:
    try:
        number = float(_text(value))
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None

"""What tells images at one place from each other: phases, echoes, magnitude and phase, ..., in the order of weight."""

from __future__ import annotations

from typing import NamedTuple

from PromptOnceLib.imaging.dicom.tags import Tags

Labels = dict[str, str]
"""Value by name of a label, in the order in which they are tried."""

IMAGE_TYPE, TIME_OF_DAY = "image type", "time of day"
_DIMENSIONS = 0x00209157  # DimensionIndexValues


class _Label(NamedTuple):
    """The first of `tags` that has a value gives it; creator: whose private tag it is."""

    name: str
    tags: tuple[int, ...]
    creator: str = ""


_LABELS = (
    _Label("stack", (0x00209056,)),  # StackID
    _Label("component", (0x00089208,)),  # ComplexImageComponent
    _Label("component", (0x0043102F,), "GEMS_PARM_01"),  # 0 magnitude, 1 phase, 2 real, 3 imaginary
    _Label("echo", (0x00180086,)),  # EchoNumbers
    _Label("echo time", (0x00189082, 0x00180081)),  # EffectiveEchoTime, EchoTime
    _Label("b-value", (0x00189087,)),  # DiffusionBValue
    _Label("b-value", (0x0019100C,), "SIEMENS MR HEADER"),
    _Label("time", (0x00209128, 0x00200100)),  # TemporalPositionIndex, TemporalPositionIdentifier
    _Label(IMAGE_TYPE, (0x00089007, 0x00080008)),  # FrameType, ImageType
    _Label("gradient direction", (0x00189089,)),  # DiffusionGradientOrientation
    _Label("gradient direction", (0x0019100E,), "SIEMENS MR HEADER"),
    _Label("cardiac phase", (0x00209241,)),  # NominalPercentageOfCardiacPhase
    _Label("trigger delay", (0x00209153, 0x00181060)),  # NominalCardiacTriggerDelayTime, TriggerTime
    _Label("respiratory phase", (0x00209245,)),  # NominalPercentageOfRespiratoryPhase
    _Label("inversion time", (0x00189079, 0x00180082)),  # InversionTimes, InversionTime
    _Label("flip angle", (0x00181314,)),
    _Label("repetition time", (0x00180080,)),
    _Label("kernel", (0x00181210,)),  # ConvolutionKernel
    _Label("tube voltage", (0x00180060,)),  # KVP
    _Label("time offset", (0x0020930D,)),  # TemporalPositionTimeOffset
    _Label("acquisition", (0x00209156, 0x00200012)),  # FrameAcquisitionNumber, AcquisitionNumber
    _Label(TIME_OF_DAY, (0x00080033, 0x00080032)),  # ContentTime, AcquisitionTime
)

# Images that differ in these belong to other volumes even where they lie at other places.
ALWAYS = ("stack", "component", "echo", "b-value", "time")

_UNITS = {
    "echo time": " ms", "trigger delay": " ms", "inversion time": " ms", "repetition time": " ms",
    "cardiac phase": " %", "respiratory phase": " %", "flip angle": " degrees", "tube voltage": " kV",
}  # fmt: skip


def labels_of(tags: Tags) -> Labels:
    """The labels of a frame that its header gives."""
    found: Labels = {}
    for name, keys, creator in _LABELS:
        if creator and tags.text(_creator_of(keys[0])).upper() != creator:
            continue
        text = next((text for text in map(tags.text, keys) if text), "")
        if text:
            found.setdefault(name, text if name == TIME_OF_DAY else _rounded(text))
    for number, value in enumerate(tags.text(_DIMENSIONS).split("\\"), start=1):
        if value:
            found[f"dimension {number}"] = value
    return found


def in_words(name: str, value: str, others: list[str]) -> str:
    """A label as users read it, such as "echo time 4.92 ms" or "phase"; others: all values that occur."""
    if name == IMAGE_TYPE:
        shared = set.intersection(*(set(other.split("\\")) for other in others))
        own = [part for part in value.split("\\") if part not in shared]
        return " ".join(own).lower() or "other images"
    if name == "component":
        return {"0": "magnitude", "1": "phase", "2": "real", "3": "imaginary"}.get(value, value.lower())
    return f"{name} {value.replace(chr(92), ', ')}{_UNITS.get(name, '')}"


def _creator_of(tag: int) -> int:
    return (tag & 0xFFFF0000) | (tag >> 8 & 0xFF)


def _rounded(text: str) -> str:
    """Numbers up to what is noise in headers."""
    try:
        return "\\".join(f"{float(part):.6g}" for part in text.split("\\"))
    except ValueError:
        return text

"""The generated chest phantom among Slicer's sample data, so that the tutorial needs neither a download nor a patient.

Slicer's SampleData loads what lies at an address. Before it looks there it hands the address to all rewrite rules; ours
draws the phantom into a temporary folder and answers with the file. So every way to a sample works: the button, and
SampleData.downloadSample("PromptOncePhantom") in the console.
"""

from __future__ import annotations

import logging
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import slicer

from PromptOnceLib import __version__
from PromptOnceLib.resources import resource

if TYPE_CHECKING:
    import SimpleITK as sitk

    from PromptOnceLib.imaging.volume import Array, Geometry

SAMPLE_NAME = "PromptOncePhantom"
"""Name of the sample and of the volume node it becomes."""

REFERENCE_NAME = "PromptOncePhantomReference"
"""Name of the segmentation node with the phantom's organs."""

_CATEGORY = "PromptOnce"
_SCHEME = "promptonce:"
# SampleData keeps files by name: the version makes a new release draw its own.
_VOLUME_FILE = f"{SAMPLE_NAME}-{__version__}.nrrd"
_REFERENCE_FILE = f"{SAMPLE_NAME}-{__version__}.seg.nrrd"


def register_sample_data() -> None:
    """Tell Slicer's SampleData about the phantom; to be called once the application has started. Draws nothing yet."""
    import SampleData

    logic = SampleData.SampleDataLogic
    logic.registerUrlRewriteRule(_CATEGORY, _address_of_file)
    logic.registerCustomSampleDataSource(
        category=_CATEGORY,
        sampleName=SAMPLE_NAME,
        thumbnailFileName=str(resource("Icons", f"{SAMPLE_NAME}.png")),
        uris=[_SCHEME + _VOLUME_FILE, _SCHEME + _REFERENCE_FILE],
        fileNames=[_VOLUME_FILE, _REFERENCE_FILE],
        nodeNames=[SAMPLE_NAME, REFERENCE_NAME],
        loadFileTypes=["VolumeFile", "SegmentationFile"],
    )


def _address_of_file(address: str) -> str:
    """Draw the phantom if it is asked for; other addresses pass.

    Raises ValueError when the drawing fails, which SampleData reports as a failed download.
    """
    if not address.startswith(_SCHEME):
        return address
    try:
        folder = _drawn_phantom()
    except (OSError, RuntimeError) as error:
        logging.exception("PromptOnce: the phantom could not be drawn.")
        raise ValueError("The phantom could not be drawn: is the disk full?") from error
    return (folder / address.removeprefix(_SCHEME)).as_uri()


@cache
def _drawn_phantom() -> Path:
    """Draw the phantom, once in a session, and give the folder with its two files."""
    # SimpleITK and the phantom are not worth the time of every start of Slicer.
    import SimpleITK as sitk

    from PromptOnceLib.imaging.phantom import chest_phantom

    folder = Path(tempfile.mkdtemp(prefix=f"{SAMPLE_NAME}-", dir=slicer.app.temporaryPath))
    volume, labels = chest_phantom()
    sitk.WriteImage(volume.geometry.to_image(volume.array), str(folder / _VOLUME_FILE), True)
    sitk.WriteImage(_segmentation_image(labels, volume.geometry), str(folder / _REFERENCE_FILE), True)
    return folder


def _segmentation_image(labels: Array, geometry: Geometry) -> sitk.Image:
    """Label array (uint8, KJI) with the header fields by which Slicer knows the names of segments (.seg.nrrd)."""
    from PromptOnceLib.imaging.phantom import LABELS
    from PromptOnceLib.segmentation.segment import default_color

    image = geometry.to_image(labels)
    image.SetMetaData("Segmentation_ReferenceImageExtentOffset", "0 0 0")
    extent = " ".join(f"0 {count - 1}" for count in geometry.size)
    for index, (name, value) in enumerate(LABELS.items()):
        fields = {
            "ID": f"Segment_{value}",
            "Name": name,
            "Color": " ".join(f"{part:g}" for part in default_color(index)),
            "LabelValue": str(value),
            "Layer": "0",
            "Extent": extent,
        }
        for field, text in fields.items():
            image.SetMetaData(f"Segment{index}_{field}", text)
    return image

"""DICOM files that are no images of the body, or not yet: what they are, in the words of the user."""

from __future__ import annotations

from pydicom.multival import MultiValue
from pydicom.uid import UID

from PromptOnceLib.imaging.dicom.tags import Header, Tags

_DIRECTORY = "1.2.840.10008.1.3.10"

_BY_MODALITY = {
    "SR": "is a structured report",
    "KO": "is a list of key images",
    "PR": "says how an image is to be shown (a presentation state)",
    "DOC": "is a document",
    "REG": "is a registration",
    "SEG": "is a DICOM segmentation",
    "RTSTRUCT": "holds contours (RTSTRUCT)",
    "RTDOSE": "is a dose distribution (RTDOSE)",
    "RTPLAN": "is a treatment plan (RTPLAN)",
    "RTRECORD": "is a treatment record",
    "ECG": "is an electrocardiogram",
}


def why_no_image(header: Header) -> tuple[str, bool] | None:
    """What is to be said of a file that cannot be taken as an image, and whether it is damaged; None for others."""
    tags = header.frame(0)
    kind = UID(header.file_meta().text(0x00020002))  # MediaStorageSOPClassUID
    if kind == _DIRECTORY or 0x00041220 in header.dataset:
        return "is the index of a disc (DICOMDIR): give the folder in which the images themselves lie", False
    modality = tags.text(0x00080060).upper()
    if modality in _BY_MODALITY:
        return f"{_BY_MODALITY[modality]}, a DICOM file without an image that can be segmented", False
    if header.pixels.fractions:
        return "holds pixels with fractions (a parametric map), which cannot be read", False
    if header.pixels.missing:
        announced = tags.integer(0x00280010) > 0 or not kind or "Image Storage" in kind.name
        reason = "is damaged: its pixels are missing" if announced else "is a DICOM file without an image"
        return reason, announced
    tiles = _mosaic(tags)
    if tiles > 0:
        number = f"{tiles} slices" if tiles > 1 else "the slices of a volume"
        return (
            f"is a mosaic: {number} lie side by side in one picture. Convert it to NIfTI, for example with dcm2niix",
            False,
        )
    images, slices = tags.integer(0x00280008, 1), tags.value(0x00540080)  # NumberOfFrames, SliceVector
    if isinstance(slices, (list, MultiValue)) and 1 < len(set(slices)) < images:
        gates = f"holds {images} images of {len(set(slices))} slices (gates, energies or time slots)"
        return f"{gates}. Export one of them by itself", False
    return None


def _mosaic(tags: Tags) -> int:
    """Number of slices in a mosaic of Siemens or United Imaging, 1 where it is not said; 0 for other images."""
    siemens = tags.integer(0x0019100A) if tags.text(0x00190010).upper() == "SIEMENS MR HEADER" else 0
    if siemens > 1 or "MOSAIC" in tags.text(0x00080008).upper().split("\\"):
        return max(1, siemens)
    return tags.integer(0x00651050) if tags.text(0x00080070).upper().startswith("UIH") else 0

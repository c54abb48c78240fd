"""Writes small synthetic DICOM files of many frames, and single files with any tag, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from imaging.dicom_files import PATIENT
from PromptOnceLib.imaging.volume import Volume

ENHANCED = {"CT": "1.2.840.10008.5.1.4.1.1.2.1", "MR": "1.2.840.10008.5.1.4.1.1.4.1"}
SINGLE = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4"}
AXIAL = [1, 0, 0, 0, 1, 0]
SAGITTAL = [0, 1, 0, 0, 0, -1]
BLOB = np.s_[2:4, 2:5]


def slices(count: int, step: float = 2.5, start: float = 100.0) -> list[list[float]]:
    """Positions of axial slices."""
    return [[-20.0, -30.0, start + step * index] for index in range(count)]


def blob(value: int, shape: tuple[int, int] = (6, 8)) -> np.ndarray:
    """A frame that is 7 with a blob of a value."""
    frame = np.full(shape, 7, np.int16)
    frame[BLOB] = value
    return frame


def blobs(volume: Volume) -> list[float]:
    """Value of the blob on each slice."""
    return [float(np.unique(frame[BLOB]).item()) for frame in volume.array]


def dataset_of(values: Mapping[str, Any]) -> Dataset:
    """A dataset from names and values; a mapping becomes a sequence of one item, a list of mappings one of several."""
    dataset = Dataset()
    for name, value in values.items():
        if isinstance(value, Mapping):
            value = Items([dataset_of(value)])
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            value = Items([dataset_of(item) for item in value])
        setattr(dataset, name, value)
    return dataset


def write_file(path: Path, pixels: np.ndarray | None, modality: str = "CT", **tags: Any) -> Path:
    """A DICOM file of pixels (rows, columns) or (frames, rows, columns), int16, uint16 or uint8; tags by name.

    A tag that is None is left out.
    """
    given: dict[str, Any] = {
        "SOPClassUID": SINGLE.get(modality, "1.2.840.10008.5.1.4.1.1.7"), "SOPInstanceUID": "1.2.3.4",
        "Modality": modality, "PatientName": PATIENT, "PatientID": "ID4711", "StudyInstanceUID": "1.2.3.1",
        "SeriesInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.3.2", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    }  # fmt: skip
    if pixels is not None:
        bits = pixels.dtype.itemsize * 8
        given |= {
            "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Rows": pixels.shape[-2],
            "Columns": pixels.shape[-1], "BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1,
            "PixelRepresentation": int(pixels.dtype.kind == "i"),
        }  # fmt: skip
    if pixels is not None and pixels.ndim == 3:
        given["NumberOfFrames"] = len(pixels)
    given |= tags
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = given["SOPClassUID"], given["SOPInstanceUID"]
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    dataset.update(dataset_of({name: value for name, value in given.items() if value is not None}))
    if pixels is not None:
        dataset.PixelData = pixels.tobytes()
        dataset["PixelData"].VR = "OW"
    dataset.save_as(path)
    return path


def write_slice(
    path: Path, pixels: np.ndarray, position: Sequence[float] | None, modality: str = "CT", **tags: Any
) -> Path:
    """A single-frame file of an axial slice, with pixels of 0.8 mm."""
    placed = {} if position is None else {"ImagePositionPatient": list(position), "ImageOrientationPatient": AXIAL}
    common = {"PixelSpacing": [0.8, 0.8], "SliceThickness": 2.5, "RescaleSlope": 1, "RescaleIntercept": 0}
    return write_file(path, pixels, modality, **(placed | common | tags))


def write_enhanced(
    path: Path,
    pixels: Sequence[np.ndarray],
    positions: Sequence[Sequence[float]],
    modality: str = "CT",
    groups: Sequence[Mapping[str, Any]] | None = None,
    shared: Mapping[str, Any] | None = None,
    **tags: Any,
) -> Path:
    """A file with functional groups; groups: further ones of each frame, shared: of all, None leaves one out."""
    common: dict[str, Any] = {
        "PlaneOrientationSequence": {"ImageOrientationPatient": AXIAL},
        "PixelMeasuresSequence": {"PixelSpacing": [0.8, 0.8], "SliceThickness": 2.5},
        "PixelValueTransformationSequence": {"RescaleSlope": 1, "RescaleIntercept": 0, "RescaleType": "HU"},
    }
    common |= shared or {}
    frames = [
        {"PlanePositionSequence": {"ImagePositionPatient": list(position)}, **(groups[index] if groups else {})}
        for index, position in enumerate(positions)
    ]
    return write_file(
        path,
        np.stack(pixels),
        modality,
        SOPClassUID=ENHANCED.get(modality, "1.2.840.10008.5.1.4.1.1.7.3"),
        SharedFunctionalGroupsSequence={name: value for name, value in common.items() if value is not None},
        PerFrameFunctionalGroupsSequence=frames,
        **tags,
    )

"""Images to try everything on, with references: a real chest CT, and generated patients as NIfTI and as DICOM."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import failure_sentence
from PromptOnceLib.imaging.formats.nifti import write_nifti
from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.segmentation.reference import read_reference

LUNGS = {"right lung": 1, "left lung": 2}
_SMALL = (20, 128, 128)  # slices, rows, columns of the generated patients
_STUDY = "1.2.826.0.1.3680043.8.498.1"  # below pydicom's root for examples


@dataclass(frozen=True)
class Sample:
    """What a name stands for. help: in a line. images: the files or folders. labels: of the reference, by name."""

    help: str
    image: str
    reference: str
    labels: dict[str, int]
    others: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """All that is written, relative to the folder."""
        return (self.image, self.reference, *self.others)


SAMPLES = {
    "chest": Sample(
        "A real chest CT of 34 slices that comes with slicerio, and both lungs.",
        "chest.nii.gz",
        "chest-lungs.nii.gz",
        LUNGS,
    ),
    "phantom": Sample(
        "A generated patient with six organs, and a second one without a reference.",
        "phantom.nii.gz",
        "phantom-organs.nii.gz",
        LABELS,
        ("phantom-2.nii.gz",),
    ),
    "dicom": Sample(
        "The generated patient as a folder of DICOM slices.",
        "phantom-dicom",
        "phantom-dicom-organs.nii.gz",
        LABELS,
    ),
}


def write_sample(name: str, folder: Path) -> Sample:
    """Write the image and the reference of a sample into a folder; what is there is replaced.

    Raises InputError for a name that there is not, and where something cannot be written.
    """
    sample = SAMPLES.get(name)
    if sample is None:
        raise InputError(f'There is no sample "{name}". There are: {", ".join(SAMPLES)}.')
    writers: dict[str, Callable[[Sample, Path], None]] = {
        "chest": _write_chest,
        "phantom": _write_phantom,
        "dicom": _write_dicom,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writers[name](sample, folder)
    except (OSError, RuntimeError) as error:
        reason = error if isinstance(error, OSError) else OSError(str(error))
        raise InputError(failure_sentence(folder / sample.image, reason), repr(error)) from error
    return sample


def chest_ct() -> tuple[Volume, Array]:
    """CTChest4 of slicerio's test data with its right and left lung, as labels 1 and 2 (KJI)."""
    import slicerio

    volume = read_volume(slicerio.get_testdata_file("CTChest4.nrrd"))
    segmentation = slicerio.get_testdata_file("Segmentation.seg.nrrd")
    found = read_reference(segmentation, volume.geometry, list(LUNGS))
    _, numbers = np.unique(found, return_inverse=True)  # 0 comes first, then the lungs in their order
    return volume, numbers.reshape(found.shape).astype(np.uint8)


def _write_chest(sample: Sample, folder: Path) -> None:
    volume, lungs = chest_ct()
    write_nifti(folder / sample.image, volume.array, volume.geometry)
    write_nifti(folder / sample.reference, lungs, volume.geometry)


def _write_phantom(sample: Sample, folder: Path) -> None:
    volume, labels = chest_phantom(0, _SMALL)
    write_nifti(folder / sample.image, volume.array, volume.geometry)
    write_nifti(folder / sample.reference, labels, volume.geometry)
    second, _ = chest_phantom(1, _SMALL)
    write_nifti(folder / sample.others[0], second.array, second.geometry)


def _write_dicom(sample: Sample, folder: Path) -> None:
    volume, labels = chest_phantom(0, _SMALL)
    (folder / sample.image).mkdir(exist_ok=True)
    image = volume.geometry.to_image(volume.array)
    common = {
        "0008|0008": "DERIVED\\SECONDARY\\AXIAL",
        "0008|0060": "CT",
        "0010|0010": "PHANTOM",
        "0010|0020": "PHANTOM",
        "0020|000d": _STUDY,
        "0020|000e": f"{_STUDY}.1",
        "0020|0037": "1\\0\\0\\0\\1\\0",
        "0020|0052": f"{_STUDY}.2",
    }
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for k in range(volume.geometry.size[2]):
        slice_image = image[:, :, k : k + 1]
        place = "\\".join(f"{value:.6f}" for value in slice_image.GetOrigin())
        own = {"0008|0018": f"{_STUDY}.1.{k + 1}", "0020|0013": str(k + 1), "0020|0032": place}
        for key, value in {**common, **own}.items():
            slice_image.SetMetaData(key, value)
        writer.SetFileName(str(folder / sample.image / f"{k + 1:03}.dcm"))
        writer.Execute(slice_image)
    write_nifti(folder / sample.reference, labels, volume.geometry)

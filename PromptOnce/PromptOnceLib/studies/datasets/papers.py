"""The data sets of the papers, as their publishers pack them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from PromptOnceLib.batch.planning.case_names import stem
from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.datasets.data_set import DataSet, Notify, StudyCase, file_of, folder_among

_NIFTI = (".nii.gz", ".nii")
_LAST_CT = 500  # AMOS: its read-me says that 500 is MR already, but the voxels of amos_0500 are Hounsfield units
_AMOS_NAME = re.compile(r"amos_(\d{4})")


def _covid(folder: Path, notify: Notify) -> Iterator[StudyCase]:
    folder = folder_among(folder, (), "COVID-19-CT-Seg_20cases")
    images = _nifti_in(folder / "COVID-19-CT-Seg_20cases")
    for start, group in (("coronacases_", "Coronacases"), ("radiopaedia_", "Radiopaedia")):
        for name, image in images.items():
            if name.startswith(start):
                yield StudyCase(name, group, image, (f"{file_of(folder / 'Lung_Mask', name, _NIFTI)}:1,2",))


def _montgomery(folder: Path, notify: Notify) -> Iterator[StudyCase]:
    folder = folder_among(folder, ("MontgomerySet", "NLM-MontgomeryCXRSet/MontgomerySet"), "CXR_png")
    images = sorted((folder / "CXR_png").glob("MCUCXR_*.png"))
    if not images:
        raise InputError(f"There is no MCUCXR_*.png in {folder / 'CXR_png'}.")
    for image in images:
        masks = (file_of(folder / "ManualMask" / side, image.stem, (".png",)) for side in ("leftMask", "rightMask"))
        yield StudyCase(image.stem, "Montgomery", image, tuple(map(str, masks)))


def _amos(folder: Path, notify: Notify) -> Iterator[StudyCase]:
    folder = folder_among(folder, ("amos22",), "imagesTr")
    parts = [part for part in ("Tr", "Va") if (folder / f"images{part}").is_dir()]
    found = {name: (part, image) for part in parts for name, image in _nifti_in(folder / f"images{part}").items()}
    for name, (part, image) in sorted(found.items()):
        number = _AMOS_NAME.fullmatch(name)
        if number is None:
            notify(f"{image.name} was left out: it is not called like an image of AMOS.")
            continue
        group = "CT" if int(number[1]) <= _LAST_CT else "MR"
        yield StudyCase(name, group, image, (f"{file_of(folder / f'labels{part}', name, _NIFTI)}:1",))


def _nifti_in(folder: Path) -> dict[str, Path]:
    """NIfTI files by the stems of their names, sorted. Raises InputError where there is none."""
    found = {
        stem(path): path
        for path in sorted(folder.iterdir())
        if path.name.endswith(_NIFTI) and not path.name.startswith(".")
    }
    if not found:
        raise InputError(f"There is no NIfTI file in {folder}.")
    return found


COVID = DataSet(
    name="covid-19-ct",
    title="COVID-19 CT Lung and Infection Segmentation",
    licence="CC BY 4.0 there; CC BY-NC-SA on its authors' page",
    address="https://zenodo.org/records/3757476",
    layout="Expected are the folders COVID-19-CT-Seg_20cases, with the images coronacases_*.nii.gz and "
    "radiopaedia_*.nii.gz, and Lung_Mask, with masks of the same names, whose labels 1 and 2 are the lungs.",
    complete=20,
    find=_covid,
)

MONTGOMERY = DataSet(
    name="montgomery",
    title="Montgomery County chest X-rays",
    licence="terms of the National Library of Medicine: cite Jaeger et al. 2014, do not pass the images on",
    address="https://openi.nlm.nih.gov/faq",
    layout="Expected are the folders CXR_png, with the images MCUCXR_*.png, and ManualMask/leftMask and "
    "ManualMask/rightMask, with a mask of the same name in each.",
    complete=138,
    find=_montgomery,
)

AMOS = DataSet(
    name="amos",
    title="AMOS 2022, spleen",
    licence="CC BY 4.0",
    address="https://zenodo.org/records/7262581",
    layout="Expected are the folders imagesTr and labelsTr, and imagesVa and labelsVa where you have them, with images "
    "amos_0001.nii.gz and labels of the same names, whose label 1 is the spleen.",
    complete=360,
    find=_amos,
)

"""Tiny stand-ins for the papers' data sets, in the layout of the real ones: drawn chests, which belong to nobody."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

from PromptOnceLib.imaging.phantom import LABELS, chest_phantom

COVID_NAMES = {
    "Coronacases": tuple(f"coronacases_{number:03}" for number in range(1, 11)),
    "Radiopaedia": (
        "radiopaedia_10_85902_1",
        "radiopaedia_10_85902_3",
        "radiopaedia_14_85914_0",
        "radiopaedia_27_86410_0",
        "radiopaedia_29_86490_1",
        "radiopaedia_29_86491_1",
        "radiopaedia_36_86526_0",
        "radiopaedia_40_86625_0",
        "radiopaedia_4_85506_1",
        "radiopaedia_7_85703_0",
    ),
}


@cache
def chest(seed: int, size: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Volume (int16, HU) and labels (uint8), both KJI of this size."""
    volume, labels = chest_phantom(seed, size)
    return volume.array, labels


def make_covid(folder: Path, cases: int = 2, size: tuple[int, int, int] = (8, 48, 48)) -> Path:
    """So many volumes of each group, Radiopaedia windowed to 0..255 as the real ones; labels 1 and 2 are the lungs."""
    for place, (group, names) in enumerate(COVID_NAMES.items()):
        for number, name in enumerate(names[:cases]):
            array, labels = chest(10 * place + number, size)
            if group == "Radiopaedia":
                array = np.clip((array + 1400) / 1500 * 255, 0, 255).astype(np.int16)
            write_nifti(folder / "COVID-19-CT-Seg_20cases" / f"{name}.nii.gz", array)
            lungs = np.where(labels <= LABELS["left lung"], labels, 0)
            write_nifti(folder / "Lung_Mask" / f"{name}.nii.gz", lungs.astype(np.uint8))
    return folder


def make_montgomery(folder: Path, cases: int = 3, size: tuple[int, int] = (56, 48)) -> Path:
    """So many X-rays with a mask of each lung; the projection of a drawn chest from the front."""
    for number in range(cases):
        array, labels = chest(30 + number, (size[0], 24, size[1]))
        shadow = (array.astype(np.float32) + 1024).mean(axis=1)[::-1]
        write_png(folder / "CXR_png" / f"MCUCXR_{number + 1:04}_0.png", shadow / shadow.max() * 255)
        # What lies left in the picture is the patient's right.
        for side, organ in (("leftMask", "left lung"), ("rightMask", "right lung")):
            mask = (labels == LABELS[organ]).any(axis=1)[::-1] * 255
            write_png(folder / "ManualMask" / side / f"MCUCXR_{number + 1:04}_0.png", mask)
    return folder


def make_amos(folder: Path, cases: int = 2, size: tuple[int, int, int] = (8, 48, 48)) -> Path:
    """So many CT and MR volumes for training, and one of each for validation; label 1 is the spleen."""
    for first, modality in ((1, "CT"), (507, "MR")):
        for number in range(cases + 1):
            array, labels = chest(first + number, size)
            if modality == "MR":
                array = (np.abs(array) / 4).astype(np.int16)
            part, name = "Tr" if number < cases else "Va", f"amos_{first + number:04}.nii.gz"
            write_nifti(folder / f"images{part}" / name, array)
            # Of the real labels the spleen is the first, the others only have to be others.
            organs = np.where(labels == LABELS["spleen"], 1, np.where(labels > 0, labels + 1, 0))
            write_nifti(folder / f"labels{part}" / name, organs.astype(np.uint8))
    return folder


def write_nifti(path: Path, array: np.ndarray) -> Path:
    """An array (KJI) as NIfTI with voxels of 5 x 7 x 7 mm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array.T, np.diag([-7.0, -7.0, 5.0, 1.0])), path)
    return path


def write_png(path: Path, array: np.ndarray) -> Path:
    """Grey values 0..255 (rows, columns) as an 8-bit PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(array, 0, 255).astype(np.uint8)).save(path)
    return path

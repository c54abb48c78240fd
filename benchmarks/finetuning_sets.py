"""Images with references for benchmarks.finetuning: trained on, and looked at for what was forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import PromptOnceLib as po
from benchmarks.seed_patients import Patient, all_of, read, voxels_of
from PromptOnceLib.imaging.volume import Array, Volume

Pair = tuple[Volume, Array]
"""An image, and labels KJI on its grid, each an object."""

SLABS = 6
ORGANS = (1, 2, 3, 5)  # of TotalSegmentator: spleen, right and left kidney, liver
HIPPOCAMPI = "hippocampus MR, 8 patients"
_SOFT = "soft-tissue"
_UNSEEN = range(20, 24)  # phantoms that are not trained on
_OF_SLABS = {"axis": "k", "epochs": 4}


@dataclass(frozen=True)
class Material:
    """What a model is trained on. options: of po.finetune."""

    name: str
    pairs: list[Pair]
    options: dict[str, Any] = field(default_factory=dict)


def trained_on(data: Path) -> Iterator[Material]:
    """Real patients, slabs of one, and phantoms."""
    often = {"test": 0.25, "epochs": 8}
    yield Material(HIPPOCAMPI, hippocampi(data), often)
    yield Material("lungs, 7 chest X-rays", xrays(data), often)
    yield Material("right lung, one chest CT in six slabs of slices", slabs(lung(data)[0]), {"test": 0.34, **_OF_SLABS})
    organs = slabs(abdomen(data, "ct")[0])
    yield Material("spleen, kidneys, liver, one abdominal CT in six slabs", organs, {"test": 0.34, **_OF_SLABS})
    drawn = [po.phantom(number, slices=8) for number in range(10)]
    yield Material("generated phantoms, 10 patients", drawn, {"window": _SOFT, "test": 0.3, "epochs": 8})


def looked_at(data: Path) -> dict[str, tuple[list[Pair], str]]:
    """By what they show, images with the window they are looked at with."""
    return {
        "right lung, chest CT": (lung(data), "auto"),
        "organs, abdominal CT": (abdomen(data, "ct"), "auto"),
        "organs, abdominal MR": (abdomen(data, "mr"), "auto"),
        "brain tumours, MR": (tumours(data), "auto"),
        "spinal cord, MR": (cords(data), "auto"),
        "lungs, X-rays": (xrays(data), "auto"),
        "hippocampus, MR": (hippocampi(data), "auto"),
        "phantoms that nobody had seen": ([po.phantom(number, slices=8) for number in _UNSEEN], _SOFT),
    }


def slabs(pair: Pair) -> list[Pair]:
    """An image in six parts of about as many slices, those without the object left out."""
    volume, labels = pair
    held = np.flatnonzero(labels.any((1, 2)))
    parts = np.array_split(np.arange(held[0], held[-1] + 1), SLABS)
    return [
        (voxels_of(volume, np.s_[part[0] : part[-1] + 1, :, :]), labels[part]) for part in parts if labels[part].any()
    ]


def lung(data: Path) -> list[Pair]:
    """One scan of one patient."""
    folder = data / "ct_lung_elastix"
    return [_read(folder / "image_a_registered_followup.nii.gz", folder / "label_a.nii.gz")]


def abdomen(data: Path, modality: str) -> list[Pair]:
    """Four organs of one patient, by a model."""
    folder = data / f"{modality}_abdomen_totalseg"
    volume, labels = _read(folder / "image.nii.gz", folder / "label.nii.gz")
    return [(volume, np.where(np.isin(labels, ORGANS), labels, 0))]


def tumours(data: Path) -> list[Pair]:
    """Two patients of one protocol."""
    folder = data / "mr_brain_tumour_pyradiomics"
    return [_read(folder / f"brain{which}_image.nrrd", folder / f"brain{which}_label.nrrd") for which in (1, 2)]


def cords(data: Path) -> list[Pair]:
    """Two contrasts with the cord; a third has only its grey matter."""
    folder = data / "mr_spinalcord_sct"
    return [_read(folder / f"image_{which}.nii.gz", folder / f"label_{which}.nii.gz") for which in ("t1", "t2")]


def hippocampi(data: Path) -> list[Pair]:
    """Eight crops of one scanner; anterior and posterior hippocampus."""
    return [_pair(patient) for patient in all_of(data / "mr_hippocampus_msd")]


def xrays(data: Path) -> list[Pair]:
    """Seven radiographs; right and left lung."""
    return [_pair(patient) for patient in all_of(data / "cxr_lungs")]


def _read(image: Path, labels: Path) -> Pair:
    return _pair(read("", image, labels, "auto"))


def _pair(patient: Patient) -> Pair:
    return patient.volume, patient.labels

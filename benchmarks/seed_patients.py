"""Patients for benchmarks.seeds: generated ones of one scanner, and real sets with references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from PromptOnceLib.cases.case import Case, prepare_case
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.imaging.volume import Array, Geometry, Volume
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.segmentation.reference import read_reference
from PromptOnceLib.segmentation.segment import Labels
from training.phantoms.canvas import LabelMap, Target
from training.phantoms.head import Part, draw_head
from training.phantoms.torso import draw_torso
from training.phantoms.torso_organs import LUNGS, Organ
from training.rendering import Scene, render

SHAPE = (12, 256, 256)
FIRST_SEED = (
    50_000  # of the phantoms; those of the training have seeds from 1 000 000 on, those of its evaluation below
)
_RENDERING = {"chest": 3, "abdomen": 19, "head": 1}  # seeds: lung and soft tissue window of CT, no CT numbers
_MIDDLE = {"chest": 0.6, "abdomen": 0.45}  # of the scan, in the torso's own coordinate, 0 pelvis to 1 shoulders
_LENGTH = {"chest": 0.55, "abdomen": 0.4}

ORGANS: dict[str, dict[str, Target]] = {
    "chest": {"lungs": (*LUNGS, Organ.RIGHT_VESSELS, Organ.LEFT_VESSELS)},
    "abdomen": {"liver": (Organ.LIVER,)},
    "head": {"ventricles": (Part.VENTRICLES,)},
}


@dataclass(frozen=True, eq=False)
class Patient:
    """An image with the reference of one object: labels KJI, whose prompt is the papers'."""

    name: str
    volume: Volume
    labels: Array
    window: str = "auto"

    def own_case(self) -> Case:
        """Prompted on its own central slice."""
        return prepare_case(self.volume, Labels(self.labels, "object"), window=self.window, reference=self.labels)

    def seed(self, name: str = "seed") -> Seed:
        """The patient as a seed: the papers' prompt, and the reference as the accepted mask."""
        case = self.own_case()
        mask = slices_along(self.labels, case.axis.axis)[case.prompt.slice] != 0
        return make_seed(self.volume, case.stack, case.prompt, [mask], name=name, frame_confirmed=True)

    def cropped(self, share: float) -> Patient:
        """The same with a smaller field of view: the middle share of rows and columns of its axial slices."""
        rows, columns = self.volume.array.shape[1:]
        down, right = (round(n * (1 - share) / 2) for n in (rows, columns))
        part = np.s_[:, down : rows - down, right : columns - right]
        volume = voxels_of(self.volume, part)
        return Patient(self.name, volume, np.ascontiguousarray(self.labels[part]), self.window)


def voxels_of(volume: Volume, part: tuple[slice, ...]) -> Volume:
    """A part of the voxels, KJI; its first one lies where that of the whole does."""
    array = np.ascontiguousarray(volume.array[part])
    k, j, i = array.shape
    return replace(volume, array=array, geometry=replace(volume.geometry, size=(i, j, k)))


def generated(family: str, count: int) -> dict[str, list[Patient]]:
    """Patients of one scanner, by organ; those without the organ on enough slices are left out of its list.

    Body part, CT numbers and everything that the rendering draws at random (window, contrast, blur, noise level) are
    the same for all; anatomy and noise differ.
    """
    phantoms = [_phantom(family, FIRST_SEED + number) for number in range(count)]
    volumes = [_scan(family, phantom, phantoms[0], number) for number, phantom in enumerate(phantoms)]
    found: dict[str, list[Patient]] = {organ: [] for organ in ORGANS[family]}
    for number, (phantom, volume) in enumerate(zip(phantoms, volumes, strict=True)):
        for organ, target in ORGANS[family].items():
            labels = np.isin(phantom.labels, target).astype(np.uint8)
            if np.count_nonzero(labels.sum((1, 2)) >= 100) >= 3:
                found[organ].append(Patient(f"{family} {number:02}", volume, labels, "127.5/255"))
    return found


def _phantom(family: str, seed: int) -> LabelMap:
    rng = np.random.default_rng(seed)
    if family == "head":
        return draw_head(rng, SHAPE)
    low = _MIDDLE[family] - _LENGTH[family] / 2 + rng.normal(0, 0.02)  # a scan is planned by hand
    return draw_torso(rng, SHAPE, (low, low + _LENGTH[family]))


def _scan(family: str, phantom: LabelMap, first: LabelMap, number: int) -> Volume:
    """One patient on the scanner of the family.

    The rendering draws its random numbers anew for each patient, so the same ones for all. Rolling the slices before
    and back afterwards keeps patients from having the same noise on the same slice.
    """
    labels = torch.from_numpy(np.roll(phantom.labels, number + 1, axis=0))
    scene = Scene(labels, first.alike, first.densities)
    frames = render(scene, np.random.default_rng(_RENDERING[family])).numpy().astype(np.uint8)
    array = np.ascontiguousarray(np.roll(frames, -(number + 1), axis=0))
    k, j, i = array.shape
    return Volume(array, Geometry((i, j, k), (1.4, 1.4, 5.0)), modality="MR" if family == "head" else "CT")


def chest_follow_up(data: Path) -> list[Patient]:
    """Two scans of one patient, the second of half the resolution; one lung."""
    folder = data / "ct_lung_elastix"
    pairs = {
        "elastix a": ("image_a_registered_followup.nii.gz", "label_a.nii.gz"),
        "elastix b": ("image_b_baseline_small.nii.gz", "label_b_resampled.nii.gz"),
    }
    return [read(name, folder / image, folder / labels, "lung") for name, (image, labels) in pairs.items()]


def chest_ge(data: Path) -> list[Patient]:
    """Two patients of one scanner; both lungs by a fixed HU rule."""
    folders = {f"GE {which}": data / f"dicom_ct_chest_ge_{which}" for which in "ab"}
    return [
        read(name, folder / "dicom", folder / "label_lungs_HU_threshold.nii.gz", "lung")
        for name, folder in folders.items()
    ]


def hippocampi(data: Path) -> list[Patient]:
    """Eight crops of one scanner; anterior and posterior hippocampus."""
    return list(all_of(data / "mr_hippocampus_msd"))


def chest_xrays(data: Path) -> list[Patient]:
    """Seven radiographs of different sizes; both lungs. Those of one collection first."""
    return sorted(all_of(data / "cxr_lungs"), key=lambda patient: not patient.name.startswith("MCUCXR"))


def all_of(folder: Path) -> Iterator[Patient]:
    """All images of a set, by name."""
    for path in sorted((folder / "images").glob("*.*")):
        names = [folder / "labels" / path.name, folder / "masks" / path.name]
        yield read(path.name.split(".")[0][:24], path, next(p for p in names if p.exists()), "auto")


def read(name: str, image: Path, labels: Path, window: str) -> Patient:
    """An image and its reference."""
    volume = read_volume(image)
    return Patient(name, volume, read_reference(labels, volume.geometry), window)

"""Real images with a reference, as examples. None of them was used for training, and none is in this repository.

A folder with these images has one folder for each data set, with the files as their sources have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import slicerio

from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.imaging.orientation import DisplayView
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.stack import choose_axis, pixel_spacing, slices_along
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.segmentation.reference import read_reference
from PromptOnceLib.segmentation.segment import Labels
from training.evaluation.names import TOTALSEGMENTATOR_CT, TOTALSEGMENTATOR_MR
from training.evaluation.scores import Example


@dataclass(frozen=True)
class DataSet:
    """Images that count as one.

    reference: how it was made. source: where the images come from. files: image and labels below the data folder (an
    asterisk stands for any name, the same in both). objects: by name the labels that make it, () for all that are
    there; every label by itself, named as in `names`, where None. wanted: segments to read, None for all. ct: whether
    windows are those of CT. least: pixels on its middle slice from which an object counts.
    """

    name: str
    reference: str
    source: str
    files: tuple[tuple[str, str], ...]
    objects: Mapping[str, tuple[int, ...]] | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    wanted: tuple[str, ...] | None = None
    ct: bool = False
    least: int = 101

    def window(self, name: str) -> str:
        """Lungs under the lung window, what else is on a CT under soft tissue, the rest as for any user."""
        if not self.ct:
            return "auto"
        return "lung" if "lung" in name else "soft tissue"


DATA_SETS = (
    DataSet(
        name="chest CT, one lung",
        reference="not documented, clean",
        source="elastix, Testing/Data and Testing/Baselines (3DCT_lung)",
        files=(
            ("ct_lung_elastix/image_a_registered_followup.nii.gz", "ct_lung_elastix/label_a.nii.gz"),
            ("ct_lung_elastix/image_b_baseline_small.nii.gz", "ct_lung_elastix/label_b_resampled.nii.gz"),
        ),
        objects={"right lung": (1,)},
        ct=True,
    ),
    DataSet(
        name="chest CT, both lungs",
        reference="HU rule",
        source="LIDC-IDRI 0002 and 0003, blocks of 12 and 11 slices (concept-to-clinic)",
        files=tuple(
            (f"dicom_ct_chest_ge_{which}/dicom", f"dicom_ct_chest_ge_{which}/label_lungs_HU_threshold.nii.gz")
            for which in "ab"
        ),
        objects={"both lungs": (1,)},
        ct=True,
    ),
    DataSet(
        name="chest CT of the demo, both lungs",
        reference="segmentation of slicerio",
        source="slicerio, CTChest4",
        files=((slicerio.get_testdata_file("CTChest4.nrrd"), slicerio.get_testdata_file("Segmentation.seg.nrrd")),),
        objects={"both lungs": ()},
        wanted=("right lung", "left lung"),
        ct=True,
    ),
    DataSet(
        name="abdominal CT, 3 mm",
        reference="model output",
        source="TotalSegmentator, tests/reference_files (example_ct)",
        files=(("ct_abdomen_totalseg/image.nii.gz", "ct_abdomen_totalseg/label.nii.gz"),),
        names=TOTALSEGMENTATOR_CT,
        ct=True,
    ),
    DataSet(
        name="abdominal CT, 2 mm",
        reference="model output",
        source="TotalSegmentator, tests/reference_files (example_ct_dicom)",
        files=(("dicom_ct_siemens_totalseg/dicom", "dicom_ct_siemens_totalseg/label_on_dicom_grid.nii.gz"),),
        names=TOTALSEGMENTATOR_CT,
        ct=True,
    ),
    DataSet(
        name="abdominal MR",
        reference="model output",
        source="TotalSegmentator, tests/reference_files (example_mr_sm)",
        files=(("mr_abdomen_totalseg/image.nii.gz", "mr_abdomen_totalseg/label.nii.gz"),),
        names=TOTALSEGMENTATOR_MR,
    ),
    DataSet(
        name="spinal cord MR",
        reference="manual",
        source="Spinal Cord Toolbox, sct_testing_data (t1, t2: cord; t2s: grey matter)",
        files=tuple(
            (f"mr_spinalcord_sct/image_{which}.nii.gz", f"mr_spinalcord_sct/label_{which}.nii.gz")
            for which in ("t1", "t2", "t2s_gm")
        ),
        names={1: "cord (t2s: grey matter)"},
        least=50,  # as in Huang et al.; the cord has hardly more
    ),
    DataSet(
        name="brain tumour MR",
        reference="manual",
        source="pyradiomics, data (brain1, brain2)",
        files=tuple(
            (f"mr_brain_tumour_pyradiomics/{which}_image.nrrd", f"mr_brain_tumour_pyradiomics/{which}_label.nrrd")
            for which in ("brain1", "brain2")
        ),
        objects={"tumour": (1,)},
    ),
    DataSet(
        name="hippocampus MR",
        reference="manual, expert",
        source="Medical Segmentation Decathlon, task 4, eight crops",
        files=(("mr_hippocampus_msd/images/*", "mr_hippocampus_msd/labels/*"),),
        names={1: "anterior", 2: "posterior"},
    ),
    DataSet(
        name="chest X-rays",
        reference="manual",
        source="Montgomery County set; GeneralBlockchain covid-19-chest-xray-segmentations-dataset",
        files=(("cxr_lungs/images/*", "cxr_lungs/masks/*"),),
        objects={"right lung": (1,), "left lung": (2,), "both lungs": (1, 2)},
    ),
)


def image_examples(folder: Path, say: Callable[[str], None]) -> Iterator[Example]:
    """The objects of all data sets; what is not in the folder is said and passed over."""
    for data_set in DATA_SETS:
        for image, labels in _files(folder, data_set):
            if image.exists() and labels.exists():
                yield from _examples(data_set, image, labels)
            else:
                say(f"{data_set.name}: {image} or {labels} is not there")


def _files(folder: Path, data_set: DataSet) -> Iterator[tuple[Path, Path]]:
    for image, labels in data_set.files:
        if "*" not in image:
            yield folder / image, folder / labels
            continue
        found = sorted(folder.glob(image))
        yield from ((path, folder / labels.replace("*", path.name)) for path in found or [folder / image])


def _examples(data_set: DataSet, image: Path, labels: Path) -> Iterator[Example]:
    volume = read_volume(image)
    array = read_reference(labels, volume.geometry, data_set.wanted)
    values = [int(value) for value in np.unique(array) if value]
    objects = data_set.objects or {data_set.names.get(value, f"label {value}"): (value,) for value in values}
    for name, parts in objects.items():
        chosen = np.where(np.isin(array, parts or values), array, 0)
        example = _example(data_set, volume, image, name, chosen)
        if np.count_nonzero(example.reference[example.seed]) >= data_set.least:
            yield example


def _example(data_set: DataSet, volume: Volume, image: Path, name: str, labels: Array) -> Example:
    """The object made of all labels, prompted on the middle one of the slices that hold it."""
    axis = choose_axis(volume.geometry).axis
    held = np.flatnonzero(slices_along(labels, axis).any((1, 2)))
    case = prepare_case(
        volume,
        Labels(labels, name),
        slice_index=int(held[len(held) // 2]),
        window=data_set.window(name),
        reference=labels,
    )
    assert case.reference is not None
    return Example(
        group=data_set.name,
        image=_image_name(image),
        name=name,
        frames=case.stack.frames,
        reference=case.reference,
        prompt=case.prompt.objects[0],
        seed=case.prompt.slice,
        spacing=pixel_spacing(volume.geometry, axis)[:2],
        view=DisplayView.of(volume.geometry, axis),
    )


def _image_name(path: Path) -> str:
    """Of the file, or of the folder where that says more."""
    name = path.parent.name if path.name in ("dicom", "image.nii.gz") else path.name
    return name.split(".")[0]

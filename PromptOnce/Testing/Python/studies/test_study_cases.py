"""Cases made ready: references united, pictures stacked, shapes measured."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from PromptOnceLib.errors import CancelledError, InputError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.segmentation.reference import read_reference
from PromptOnceLib.studies.case_shapes import shapes_of
from PromptOnceLib.studies.datasets import DATASETS
from PromptOnceLib.studies.design import StudyArm, StudyData, StudyDesign
from PromptOnceLib.studies.picture_stacks import SIDE, stacks_of
from PromptOnceLib.studies.study_cases import find_cases, ready_case
from studies.stand_ins import make_amos, make_covid, make_montgomery

SAY = print


def sitk_array(path: str) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(path))


def test_two_masks_become_one_label_map_with_a_label_each(tmp_path: Path) -> None:
    folder = make_montgomery(tmp_path / "x-rays", 1)
    (case,) = DATASETS["montgomery"].cases(folder)
    ready = ready_case(case, tmp_path / "out", SAY)
    geometry = read_volume(ready.image).geometry
    labels = read_reference(ready.reference, geometry)
    for number, side in enumerate(("leftMask", "rightMask"), start=1):
        mask = np.asarray(Image.open(folder / "ManualMask" / side / f"{case.name}.png")) > 0
        assert np.array_equal(labels[0] == number, mask)


def test_a_label_map_is_united_again_only_where_its_files_are_newer(tmp_path: Path) -> None:
    folder = make_montgomery(tmp_path / "x-rays", 1)
    (case,) = DATASETS["montgomery"].cases(folder)
    target = Path(ready_case(case, tmp_path / "out", SAY).reference)
    before = target.stat()
    ready_case(case, tmp_path / "out", SAY)
    assert target.stat().st_mtime_ns == before.st_mtime_ns
    later = before.st_mtime_ns + 10**9
    os.utime(folder / "ManualMask" / "leftMask" / f"{case.name}.png", ns=(later, later))
    ready_case(case, tmp_path / "out", SAY)
    assert target.stat().st_ino != before.st_ino


def test_references_of_another_copy_of_the_data_are_united_anew_whatever_their_times(tmp_path: Path) -> None:
    """Copies and unpacked archives keep the times of their files, which are older than what was united before."""
    (case,) = DATASETS["montgomery"].cases(make_montgomery(tmp_path / "x-rays", 1))
    shutil.copytree(tmp_path / "x-rays", tmp_path / "corrected")
    side = tmp_path / "corrected" / "ManualMask" / "leftMask" / f"{case.name}.png"
    time = side.stat().st_mtime_ns
    Image.fromarray(np.zeros_like(np.asarray(Image.open(side)))).save(side)
    os.utime(side, ns=(time, time))
    first = np.unique(sitk_array(ready_case(case, tmp_path / "out", SAY).reference))
    (corrected,) = DATASETS["montgomery"].cases(tmp_path / "corrected")
    again = np.unique(sitk_array(ready_case(corrected, tmp_path / "out", SAY).reference))
    assert (first.tolist(), again.tolist()) == ([0, 1, 2], [0, 1])


def test_a_single_reference_is_taken_as_it_is(tmp_path: Path) -> None:
    case = DATASETS["covid-19-ct"].cases(make_covid(tmp_path / "covid", 1))[0]
    assert ready_case(case, tmp_path / "out", SAY).reference == case.references[0]
    assert not (tmp_path / "out").exists()


def test_pictures_of_any_size_become_the_slices_of_one_stack(tmp_path: Path) -> None:
    wide = make_montgomery(tmp_path / "wide", 2, (40, 64))
    cases = [ready_case(case, tmp_path / "united", SAY) for case in DATASETS["montgomery"].cases(wide)]
    (stack,) = stacks_of(cases, tmp_path / "out", SAY)
    volume = read_volume(stack.image)
    labels = read_reference(stack.reference, volume.geometry)
    assert (stack.name, volume.array.shape, labels.shape) == ("Montgomery", (2, SIDE, SIDE), (2, SIDE, SIDE))
    for index, case in enumerate(cases):
        picture = read_volume(case.image).array[0]
        mask = read_reference(case.reference, read_volume(case.image).geometry)[0]
        # The same share of the picture, seen at the centres of its pixels.
        rows, columns = ((np.arange(n) + 0.5) * SIDE / n for n in picture.shape)
        seen = np.ix_(rows.astype(int), columns.astype(int))
        assert np.array_equal(labels[index][seen], mask)
        assert np.abs(volume.array[index][seen] - picture).mean() < 3


def test_groups_whose_names_differ_in_signs_alone_have_stacks_of_their_own(tmp_path: Path) -> None:
    cases = []
    for group, size in (("sick+", (40, 64)), ("sick-", (64, 40))):
        wide = make_montgomery(tmp_path / group, 2, size)
        found = [ready_case(case, tmp_path / group / "united", SAY) for case in DATASETS["montgomery"].cases(wide)]
        cases += [replace(case, group=group) for case in found]
    first, second = stacks_of(cases, tmp_path / "out", SAY)
    assert (first.name, first.group, second.name, second.group) == ("sick", "sick+", "sick-2", "sick-")
    assert not np.array_equal(read_volume(first.image).array, read_volume(second.image).array)


def test_volumes_are_no_pictures(tmp_path: Path) -> None:
    cases = DATASETS["covid-19-ct"].cases(make_covid(tmp_path / "covid", 1))
    with pytest.raises(InputError, match="several slices, not a picture"):
        stacks_of([ready_case(case, tmp_path, SAY) for case in cases], tmp_path / "out", SAY)


def test_stacking_can_be_cancelled_between_pictures(tmp_path: Path) -> None:
    folder = make_montgomery(tmp_path / "x-rays", 2)
    cases = [ready_case(case, tmp_path / "united", SAY) for case in DATASETS["montgomery"].cases(folder)]
    asked: list[bool] = []
    with pytest.raises(CancelledError):
        stacks_of(cases, tmp_path / "out", SAY, lambda: len(asked) == 1 or asked.append(True))
    assert not (tmp_path / "out").exists()


def test_of_a_data_set_some_groups_can_be_taken_alone(tmp_path: Path) -> None:
    data = (StudyData(set="amos", folder=make_amos(tmp_path / "amos", 1)),)
    design = StudyDesign(name="mine", data=data, arms=(StudyArm(name="one"),), groups={"amos": ("MR",)})
    assert {case.group for case in find_cases(design)} == {"MR"}
    twice = design.model_copy(update={"data": data * 2})
    with pytest.raises(InputError, match="Two cases are called"):
        find_cases(twice)
    with pytest.raises(InputError, match=r"no data set called amoz\. There are: covid-19-ct"):
        find_cases(design.model_copy(update={"data": (StudyData(set="amoz", folder=tmp_path),)}))


def test_shapes_are_those_of_the_slices_that_hold_enough_of_the_reference(tmp_path: Path) -> None:
    case = ready_case(DATASETS["covid-19-ct"].cases(make_covid(tmp_path / "covid", 1))[0], tmp_path, SAY)
    geometry = read_volume(case.image).geometry
    sizes = np.count_nonzero(read_reference(case.reference.rpartition(":")[0], geometry), axis=(1, 2))
    shapes = shapes_of([case], lambda group: "lung", "k", 50, SAY)
    assert {index: shape.size for (_, index), shape in shapes.items()} == {
        index: size for index, size in enumerate(sizes) if size >= 50
    }
    assert all(shape.intensity_difference > 50 for shape in shapes.values())  # of 255 grey values
    assert shapes_of([case], lambda group: "lung", "k", 50, SAY, lambda: True) == {}

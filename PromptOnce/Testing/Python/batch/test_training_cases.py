"""What is learned from: the cases of a folder or a manifest, their objects, and slices with enough of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from worker.margins import COLUMNS, ROWS, margin_slices

from PromptOnceLib.batch.training_cases import plan_training, read_training_cases, training_case
from PromptOnceLib.errors import InputError, TrainingError
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.models.model_card import TrainingSettings
from PromptOnceLib.segmentation.segment import Labels
from PromptOnceLib.workflows.finetune import TrainingCase

SETTINGS = TrainingSettings()


def labelled(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and labels, both (5, ROWS, COLUMNS): label 1 on the slices 1 to 3, label 2 beside it with 49 pixels on
    slice 2 and 50 on slice 3.
    """
    frames, masks = margin_slices(5, seed)
    labels = masks.astype(np.uint8)
    labels[[0, 4]] = 0
    labels[2, :7, :7] = labels[3, :5, :10] = 2
    return frames.astype(np.int16), labels


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Three images with references beside them, and one without."""
    for seed in range(4):
        for name, array in zip((f"p{seed}", f"p{seed}_organs"), labelled(seed), strict=True):
            if (seed, name) != (3, "p3_organs"):
                sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / f"{name}.nii.gz"))
    return tmp_path


def read(data: Path, **options: object) -> tuple[list[TrainingCase], list[str]]:
    notices: list[str] = []
    plan = plan_training(data, SETTINGS, **options)  # type: ignore[arg-type]
    return list(read_training_cases(plan, notices.append)), notices


def test_every_label_is_an_object_on_the_slices_that_hold_enough_of_it(study: Path) -> None:
    cases, notices = read(study, references="{case}_organs.nii.gz")
    assert len(cases) == 3
    assert any("p3" in notice for notice in notices)
    for seed, case in enumerate(cases):
        frames, labels = labelled(seed)
        assert case.slices == (0, 1, 2, 2)
        assert np.array_equal(case.masks, [labels[1] == 1, labels[2] == 1, labels[3] == 1, labels[3] == 2])
        assert (case.frames.dtype, case.frames.shape) == (np.uint8, (3, ROWS, COLUMNS))
        assert np.corrcoef(case.frames[1].ravel(), frames[2].ravel())[0, 1] > 0.99


def test_labels_can_be_chosen_and_joined(study: Path) -> None:
    joined, _ = read(study, references="{case}_organs.nii.gz:1,2")
    assert np.array_equal(joined[0].masks, [labelled(0)[1][k] != 0 for k in (1, 2, 3)])
    chosen, _ = read(study, references="{case}_organs.nii.gz", labels=["2"])
    assert np.array_equal(chosen[0].masks, [labelled(0)[1][3] == 2])
    together, _ = read(study, references="{case}_organs.nii.gz", labels=["1,2"])
    assert np.array_equal(together[0].masks, joined[0].masks)
    with pytest.raises(InputError, match="named twice"):
        read(study, references="{case}_organs.nii.gz:1", labels=["2"])


def test_a_manifest_names_groups_and_cases_that_cannot_be_used_are_left_out(study: Path) -> None:
    (study / "p1_organs.nii.gz").write_bytes(b"no image")
    empty = sitk.GetImageFromArray(np.zeros((5, ROWS, COLUMNS), np.uint8))
    sitk.WriteImage(empty, str(study / "p2_organs.nii.gz"))
    lines = [f"p{n}.nii.gz,p{n}_organs.nii.gz,patient {n % 2}" for n in range(3)]
    manifest = study / "study.csv"
    manifest.write_text("\n".join(["image,reference,group", *lines]) + "\n", encoding="utf-8")
    cases, notices = read(manifest)
    assert [case.group for case in cases] == ["patient 0"]
    assert sum("is left out" in notice for notice in notices) == 2


def test_too_few_cases_are_found_out_before_anything_is_read(study: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be split") as caught:
        plan_training(study, SETTINGS.model_copy(update={"test": 0.9}), "{case}_organs.nii.gz")
    assert caught.value.code == "bad_training_data"
    with pytest.raises(InputError):
        plan_training(study, SETTINGS)


def test_content_tells_cases_apart_and_names_do_not() -> None:
    def hashed(seed: int, name: str) -> str:
        array, labels = labelled(seed)
        return training_case(Volume(array, Geometry((COLUMNS, ROWS, 5))), [Labels(labels, name)]).sha256

    assert hashed(0, "one") == hashed(0, "other") != hashed(1, "one")


def test_slices_lie_along_the_axis_that_is_chosen() -> None:
    array, labels = labelled(0)
    volume = Volume(np.tile(array, (8, 1, 1)), Geometry((COLUMNS, ROWS, 40)))
    case = training_case(volume, np.tile(labels, (8, 1, 1)), axis="i")
    assert case.frames.shape[1:] == (40, ROWS)
    assert all(mask.sum() >= 50 for mask in case.masks)


def test_an_object_too_small_everywhere_is_told() -> None:
    array, labels = labelled(0)
    labels[labels == 1] = 0
    labels[3] = 0
    with pytest.raises(TrainingError, match="at least 50 pixels"):
        training_case(Volume(array, Geometry((COLUMNS, ROWS, 5))), labels)

"""Fine-tuning measured: slabs of a patient, a row for every training, what was forgotten."""

from __future__ import annotations

import numpy as np
import pytest

import PromptOnceLib as po
from benchmarks.finetuning import forgotten, seen_masks, train
from benchmarks.finetuning_sets import Material, slabs
from PromptOnceLib.models.registry import resolve_model
from training.evaluation.scores import as_shipped


def test_slabs_are_all_slices_from_the_first_with_the_object_to_the_last() -> None:
    volume = po.volume(np.arange(20 * 6 * 5, dtype=np.int16).reshape(20, 6, 5), spacing=(3.0, 1.0, 1.0))
    labels = np.zeros((20, 6, 5), np.uint8)
    labels[3:17, 2:4] = 1
    labels[8:11] = 0

    parts = slabs((volume, labels))

    assert [len(part) for _, part in parts] == [3, 3, 2, 2, 2]
    assert np.array_equal(parts[0][0].array, volume.array[3:6])
    assert parts[0][0].geometry.size == (5, 6, 3)
    assert all(part.any() and part.shape == image.array.shape for image, part in parts)


@pytest.mark.slow
def test_a_training_makes_a_row_and_a_model_whose_boxes_can_be_looked_at(tmp_path) -> None:
    options = {"window": "soft-tissue", "epochs": 1, "learning_rate": 3e-4, "test": 0.3}
    material = Material("phantoms", [po.phantom(number, slices=4) for number in range(3)], options)
    base = as_shipped(resolve_model("nano"))

    trained = train(material, "nano", tmp_path / "0.pt")

    assert trained.card is not None
    assert trained.row()[0] == "phantoms: 1, 1, 1"
    assert len(trained.row()) == 5
    after = as_shipped(resolve_model(str(tmp_path / "0.pt")))
    masks = seen_masks(base, material.pairs, "soft-tissue")
    before, now = ([mask.dice(tracker) for mask in masks] for tracker in (base, after))
    assert 0.5 < np.mean(before) < np.mean(now)


def test_an_epoch_that_is_no_better_makes_a_row_that_says_so(tmp_path) -> None:
    material = Material(
        "phantoms", [po.phantom(number, slices=2) for number in range(2)], {"learning_rate": 1.0, "epochs": 1}
    )

    trained = train(material, "nano", tmp_path / "0.pt")

    assert trained.row() == ["phantoms", "", "", "", "no epoch was better"]
    assert not (tmp_path / "0.pt").exists()


def test_what_was_forgotten_stands_beside_the_model_as_it_was() -> None:
    text = forgotten(
        {"lungs, 4 masks": {"nano": 0.8, "livers": 0.75}, "livers, 9 masks": {"nano": 0.5, "livers": 0.61}}
    )

    assert text.splitlines()[0] == "| looked at | nano | of livers |"
    assert text.splitlines()[2:] == ["| lungs, 4 masks | 0.800 | -0.050 |", "| livers, 9 masks | 0.500 | +0.110 |"]

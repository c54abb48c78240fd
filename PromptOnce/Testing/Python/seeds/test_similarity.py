"""Similarity of descriptors."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.seeds.similarity import most_similar, similarity


def test_likeness_is_the_cosine() -> None:
    a = np.array([3, 0, 4], np.float32)
    assert similarity(a, 2 * a) == pytest.approx(1)
    assert similarity(a, -a) == pytest.approx(-1)
    assert similarity(a, np.array([0, 1, 0], np.float32)) == 0
    assert similarity(a, np.array([1, 0, 0], np.float32)) == pytest.approx(0.6)


def test_a_frame_without_structure_is_like_nothing() -> None:
    assert similarity(np.zeros(3, np.float32), np.ones(3, np.float32)) == 0


def test_descriptors_of_different_models_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different models"):
        similarity(np.ones(3, np.float32), np.ones(4, np.float32))


def test_the_first_of_the_most_similar_is_taken() -> None:
    others = np.array([[0, 1], [1, 0], [1, 0]], np.float32)
    assert most_similar(np.array([2, 0], np.float32), others) == (1, 1.0)

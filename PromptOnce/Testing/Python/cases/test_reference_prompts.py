"""Prompts of all slices that hold a reference."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.cases.reference_prompts import prompts_of_reference, strategic_prompt
from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.from_mask import prompt_from_mask


def labels() -> np.ndarray:
    """Five slices, the second and third with two labels, the fourth with a single pixel."""
    found = np.zeros((5, 40, 50), np.uint8)
    found[1:3, 10:30, 5:18] = 1
    found[1:3, 12:28, 25:44] = 2
    found[3, 20, 20] = 1
    return found


def test_each_slice_gets_the_prompt_of_its_own_reference() -> None:
    prompts = prompts_of_reference(labels(), 1, "paper", name="lungs")
    assert (prompts.axis, prompts.objects[0].name, prompts.objects[0].indices) == (1, "lungs", (1, 2, 3))
    for index, prompt in prompts.objects[0].prompts():
        assert prompt == prompt_from_mask(labels()[index], name="lungs").prompt
    assert len(prompts.objects[0].slices[0].points) == 3  # one on either label, and a negative one


def test_small_references_get_no_prompt_and_none_at_all_is_an_error() -> None:
    assert prompts_of_reference(labels(), 0, "S3", fewest_pixels=50).objects[0].indices == (1, 2)
    with pytest.raises(PromptError, match="on no slice"):
        prompts_of_reference(labels(), 0, "paper", fewest_pixels=5000)


def test_random_numbers_depend_on_their_start_and_the_reference_alone() -> None:
    first, second = (prompts_of_reference(part, 0, "S5", (5, 10)) for part in (labels(), labels()[1:]))
    assert first.objects[0].slices[0].box == second.objects[0].slices[0].box
    other = strategic_prompt(labels()[1], "S5", (5, 10), random_seed=1)
    assert other.box != first.objects[0].slices[0].box
    plain = strategic_prompt(labels()[1], "S5")
    assert plain.box is not None
    assert first.objects[0].slices[0].box != plain.box


def test_where_everything_is_segmented_the_reference_says_what_is_looked_for() -> None:
    prompts = prompts_of_reference(labels(), 0, "S1")
    for index, prompt in prompts.objects[0].prompts():
        assert prompt.box is None
        assert np.array_equal(prompt.mask_array(), labels()[index] > 0)

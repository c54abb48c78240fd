"""Making a volume ready when seeds of other images take the prompt's place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cases.test_case import SHAPE, chest, lung
from PromptOnceLib.cases.case import Case, prepare_case
from PromptOnceLib.cases.outputs import Outputs, Run
from PromptOnceLib.cases.run_report import RunReport, run_report
from PromptOnceLib.errors import InputError, PromptError, SeedError
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.seeds.apply import SeedSource
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.segment import Labels


def source(axis: str = "k", **options: object) -> SeedSource:
    """A seed drawn on the chest's own central slice, under a window of its own."""
    case = prepare_case(chest(), Labels(lung(), "lung"), axis=axis, window="-600/1200")
    shape = (len(case.stack.frames), *case.stack.frames.shape[1:])
    mask = np.moveaxis(lung(), case.stack.axis, 0).reshape(shape)[case.prompt.slice]
    return SeedSource((make_seed(chest(), case.stack, case.prompt, [mask], name="chest lung"),), **options)


def test_the_seed_brings_axis_window_and_objects_and_starts_on_the_central_slice() -> None:
    volume = Volume(chest().array, Geometry((40, 30, 9), spacing=(1, 5, 1)), modality="CT")
    assert prepare_case(volume, Labels(lung())).axis.axis == 1, "the coarsest spacing alone says j"
    case = prepare_case(volume, source())
    assert isinstance(case.prompt, SharedSeed)
    assert (case.axis.axis, case.prompt.slice, case.prompt.axis) == (0, 4, 0)
    assert "axial" in case.axis.reason
    assert case.prompt.label == "chest lung"
    assert [item.name for item in case.prompt.objects] == ["lung"]
    assert (case.stack.window.lower, case.stack.window.upper) == (-1200, 0)
    assert case.stack.frames.shape == SHAPE


def test_the_users_window_and_start_come_first() -> None:
    case = prepare_case(chest(), source(start=2), window="lung", slice_index=6, reference=lung())
    assert case.prompt.slice == 6
    assert case.stack.window.name == "lung"
    np.testing.assert_array_equal(case.reference, lung())
    assert prepare_case(chest(), source(start=2)).prompt.slice == 2


def test_a_volume_in_another_orientation_is_cut_along_the_seeds_plane() -> None:
    turned = Volume(
        np.ascontiguousarray(np.moveaxis(chest().array, 0, 2)),
        Geometry((9, 40, 30), (5, 1, 1), direction=(0, 1, 0, 0, 0, 1, 1, 0, 0)),
        modality="CT",
    )
    case = prepare_case(turned, source())
    assert case.axis.axis == 2
    np.testing.assert_array_equal(case.stack.frames, prepare_case(chest(), source()).stack.frames)


def test_another_plane_or_start_than_there_is_is_refused() -> None:
    with pytest.raises(SeedError, match="axial"):
        prepare_case(chest(), source(), axis="i")
    with pytest.raises(InputError, match="no slice 9"):
        prepare_case(chest(), source(), slice_index=9)


def test_a_case_can_start_on_another_slice() -> None:
    case = prepare_case(chest(), source())
    moved = case.starting_at(7)
    assert (moved.prompt.slice, case.prompt.slice) == (7, 4)
    assert moved.stack is case.stack
    with pytest.raises(PromptError):
        case.starting_at(9)
    with pytest.raises(PromptError, match="belongs to slice 4"):
        prepare_case(chest(), Labels(lung())).starting_at(5)


def test_the_report_names_the_seed() -> None:
    def report(case: Case) -> RunReport:
        result = SegmentationResult.empty(["lung"], SHAPE, 0)
        return run_report(Run(case, result, "nano", "cpu", 1.0), Outputs(Path("a.seg.nrrd")))

    assert report(prepare_case(chest(), source())).seed == "chest lung"
    assert report(prepare_case(chest(), Labels(lung()))).seed is None

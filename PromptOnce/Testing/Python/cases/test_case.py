"""Making a volume ready: axis, prompt, window and frames, whichever way the prompt comes."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.cases.case import prepare_case, prompted_values, with_walls
from PromptOnceLib.errors import InputError, PromptError
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, encode_mask
from PromptOnceLib.segmentation.segment import Labels

SHAPE = (9, 30, 40)  # k, j, i


def chest() -> Volume:
    """Air, soft tissue and a lung in HU; slices 5 mm apart."""
    array = np.full(SHAPE, -1000, np.int16)
    array[:, 5:25, 5:35] = 40
    array[2:7, 10:20, 10:20] = -850
    return Volume(array, Geometry((40, 30, 9), spacing=(1, 1, 5)), modality="CT")


def lung() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:7, 10:20, 10:20] = 1
    return labels


def box(**update: object) -> ObjectPrompt:
    return ObjectPrompt(box=Box(x0=9, y0=9, x1=21, y1=21)).model_copy(update=update)


def test_one_object_goes_to_the_central_slice() -> None:
    case = prepare_case(chest(), box())
    assert (case.prompt.slice, case.prompt.axis, case.axis.axis) == (4, 0, 0)
    assert case.stack.frames.shape == SHAPE
    assert case.reference is None


def test_one_object_goes_to_the_slice_and_axis_asked_for() -> None:
    case = prepare_case(chest(), box(box=Box(x0=9, y0=1, x1=21, y1=7)), axis="j", slice_index=12)
    assert (case.prompt.slice, case.prompt.axis) == (12, 1)
    assert case.stack.frames.shape == (30, 9, 40)


def test_labels_give_the_papers_prompt_on_the_central_slice() -> None:
    case = prepare_case(chest(), Labels(lung()), reference=lung())
    (item,) = case.prompt.objects
    assert case.prompt.slice == 4
    assert item.box == Box(x0=10, y0=10, x1=20, y1=20)
    assert [p.positive for p in item.points] == [True, False]
    np.testing.assert_array_equal(case.reference, lung())


def test_labels_that_miss_the_central_slice_give_a_prompt_on_their_own_and_a_notice() -> None:
    labels = lung()
    labels[:6] = 0
    labels[6:9, 10:20, 10:20] = 1
    case = prepare_case(chest(), Labels(labels))
    assert case.prompt.slice == 7
    assert any("slice 7" in notice for notice in case.notices)
    with pytest.raises(PromptError):
        prepare_case(chest(), Labels(labels), slice_index=4)


def test_labels_give_the_prompt_of_another_strategy() -> None:
    (item,) = prepare_case(chest(), Labels(lung(), "lung", strategy="S6")).prompt.objects
    assert (item.name, item.box, len(item.points)) == ("lung", Box(x0=10, y0=10, x1=19, y1=19), 1)
    with pytest.raises(PromptError, match="S9 is no prompt strategy"):
        prepare_case(chest(), Labels(lung(), strategy="S9"))


def test_points_that_are_drawn_depend_on_the_slice_and_the_object_alone() -> None:
    ring = lung()
    ring[:, 12:18, 12:18] = 0  # the centre of mass lies beside it

    def drawn(labels: np.ndarray, index: int) -> object:
        return prepare_case(chest(), Labels(labels, strategy="S2"), slice_index=index).prompt.objects[0].points

    assert drawn(ring, 4) == drawn(7 * ring.astype(np.int16), 4)
    assert len({drawn(ring, index) for index in range(2, 7)}) > 2


def test_labels_can_be_the_mask_prompt_itself() -> None:
    case = prepare_case(chest(), Labels(3 * lung(), "lung", as_mask=True))
    (item,) = case.prompt.objects
    assert (case.prompt.slice, item.name, item.box, item.points) == (4, "lung", None, ())
    np.testing.assert_array_equal(item.mask_array(), lung()[4] > 0)
    with pytest.raises(PromptError, match="empty"):
        prepare_case(chest(), Labels(lung(), as_mask=True), slice_index=0)


@pytest.mark.parametrize("axis", ["k", "j"])
def test_walls_lie_as_the_stack_does(axis: str) -> None:
    others = np.zeros(SHAPE, np.uint8)
    others[:, 2:8, 22:26] = 7
    corners = {"k": Box(x0=10, y0=1, x1=21, y1=9), "j": Box(x0=10, y0=1, x1=21, y1=7)}
    case = prepare_case(chest(), box(box=corners[axis]), axis, 5)
    walled, walls = with_walls(case, others)
    assert walls.shape == case.stack.frames.shape
    np.testing.assert_array_equal(walls, np.moveaxis(others, case.axis.axis, 0) > 0)
    assert [p.positive for p in walled.prompt.objects[0].points] == [False]
    assert case.prompt.objects[0].points == ()


def test_a_complete_prompt_keeps_its_slice_and_axis() -> None:
    prompt = Prompt(axis=2, slice=15, objects=(box(box=Box(x0=10, y0=2, x1=20, y1=7)),))
    case = prepare_case(chest(), prompt)
    assert (case.prompt.slice, case.axis.axis) == (15, 2)
    assert case.stack.frames.shape == (40, 9, 30)


def test_a_prompt_without_axis_lies_on_the_automatic_one() -> None:
    assert prepare_case(chest(), Prompt(slice=3, objects=(box(),))).prompt.axis == 0


@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        (box(), {"slice_index": 9}),
        (box(), {"slice_index": -1}),
        (Prompt(slice=3, objects=(box(),)), {"slice_index": 4}),
        (Prompt(axis=0, slice=3, objects=(box(),)), {"axis": "i"}),
        (Labels(np.zeros(SHAPE, np.uint8)), {}),
        (box(box=Box(x0=9, y0=9, x1=90, y1=21)), {}),
    ],
)
def test_what_does_not_fit_together_is_refused(source: object, arguments: dict) -> None:
    with pytest.raises(InputError):
        prepare_case(chest(), source, **arguments)


def test_the_automatic_window_follows_the_prompted_tissue() -> None:
    assert prepare_case(chest(), box(points=(Point(x=15, y=15, positive=True),))).stack.window.name == "lung"
    heart = ObjectPrompt(points=(Point(x=30, y=15, positive=True),))
    assert prepare_case(chest(), heart).stack.window.name == "soft tissue"


def test_the_reference_follows_the_axis() -> None:
    case = prepare_case(chest(), box(box=Box(x0=9, y0=1, x1=21, y1=7)), axis="j", reference=lung())
    np.testing.assert_array_equal(case.reference, np.moveaxis(lung(), 1, 0))


def test_prompted_values_are_those_of_the_mask_the_points_or_the_box() -> None:
    picture = np.arange(100).reshape(10, 10)
    mask = picture == 42
    assert prompted_values(picture, [ObjectPrompt(mask=encode_mask(mask))]).tolist() == [42]
    corner = ObjectPrompt(points=(Point(x=0, y=0, positive=True), Point(x=9, y=9, positive=False)))
    assert prompted_values(picture, [corner]).tolist() == [0, 1, 2, 10, 11, 12, 20, 21, 22]
    assert prompted_values(picture, [ObjectPrompt(box=Box(x0=1, y0=1, x1=2, y1=2))]).tolist() == [11, 12, 21, 22]

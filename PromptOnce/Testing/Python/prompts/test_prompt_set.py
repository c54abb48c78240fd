"""Prompts on several slices: their file, what is on a slice, and which objects go together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt, encode_mask, write_prompt
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet, read_prompts, write_prompts
from prompts.sample_prompts import MASK, point, prompt

BOX = Box(x0=1, y0=2, x1=5, y1=6)


def two() -> PromptSet:
    liver = PromptedObject(
        name="liver",
        color=(0.5, 0.25, 1.0),
        slices=(FixedSlice(slice=7, state="corrected", mask=encode_mask(MASK)), FixedSlice(slice=3, box=BOX)),
    )
    spleen = PromptedObject(name="spleen", slices=(FixedSlice(slice=3, points=(point(2, 2),)),))
    return PromptSet(axis=0, objects=(liver, spleen))


def test_slices_stand_in_order_and_each_once() -> None:
    assert two().object("LIVER").indices == (3, 7)
    with pytest.raises(PromptError, match="twice"):
        PromptSet.from_json(
            json.dumps({"version": 2, "objects": [{"name": "a", "slices": [{"slice": 1}, {"slice": 1}]}]})
        )


def test_a_file_gives_the_same_set_back(tmp_path: Path) -> None:
    write_prompts(tmp_path / "p.json", two())
    assert read_prompts(tmp_path / "p.json") == two()


def test_a_set_on_one_slice_is_an_ordinary_prompt_and_old_files_load(tmp_path: Path) -> None:
    one = prompt(ObjectPrompt(name="liver", box=BOX))
    write_prompt(tmp_path / "old.json", one)
    assert read_prompts(tmp_path / "old.json") == one
    write_prompts(tmp_path / "new.json", PromptSet.of(one))
    assert read_prompts(tmp_path / "new.json") == one


def test_what_is_on_a_slice() -> None:
    found = two().on(3)
    assert found is not None
    assert [item.name for item in found.objects] == ["liver", "spleen"]
    assert found.objects[0].box == BOX
    assert found.objects[0].color == (0.5, 0.25, 1.0)
    assert two().on(4) is None
    assert two().slice == 7


def test_objects_that_are_fixed_on_the_same_slices_go_together() -> None:
    third = PromptedObject(name="kidney", slices=(FixedSlice(slice=3, box=BOX),))
    nowhere = PromptedObject(name="nowhere")
    prompts = two().model_copy(update={"objects": (*two().objects, third, nowhere)})
    groups = prompts.groups()
    assert [[item.name for item in group.objects] for group in groups] == [["liver"], ["spleen", "kidney"]]


def test_fixing_takes_the_place_of_what_a_slice_had() -> None:
    fixed = FixedSlice(slice=3, state="accepted", mask=encode_mask(MASK))
    changed = two().fixing("liver", fixed)
    assert [one.state for one in changed.object("liver").slices] == ["accepted", "corrected"]
    assert changed.object("spleen") == two().object("spleen")
    with pytest.raises(PromptError, match="liver, spleen"):
        two().fixing("heart", fixed)


def test_every_slice_is_checked_against_the_image() -> None:
    two().validate_for((8, *MASK.shape))
    with pytest.raises(PromptError, match="slice 7"):
        two().validate_for((7, *MASK.shape))
    same = two().model_copy(update={"objects": (two().objects[0], two().objects[0])})
    with pytest.raises(PromptError, match="same name"):
        same.validate_for((8, *MASK.shape))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 3}, "version"),
        ({"objects": []}, "objects"),
        ({"objects": [{"name": "a", "slices": []}]}, '"a" is marked on no slice'),
        ({"objects": [{"name": "a", "slices": [{"slice": -1}]}]}, "slice"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_wrong_file_is_refused_by_a_sentence(tmp_path: Path, change: dict, words: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps({**json.loads(two().to_json()), **change}))
    with pytest.raises(PromptError, match=words) as error:
        read_prompts(path)
    assert error.value.message.startswith("p.json")


def test_a_set_of_a_prompt_is_that_prompt() -> None:
    one = Prompt(axis=2, slice=4, objects=(ObjectPrompt(name="a", box=BOX),))
    assert PromptSet.of(one).on(4) == one


@pytest.mark.parametrize(("field", "value"), [("color", [0, 0, 1.5]), ("color", [0, 0, "nan"]), ("name", " ")])
def test_what_an_object_of_one_slice_cannot_be_that_of_several_cannot_either(field: str, value: object) -> None:
    with pytest.raises(PromptError, match=field):
        PromptSet.from_json(json.dumps({"version": 2, "objects": [{"name": "a", "slices": [], field: value}]}))

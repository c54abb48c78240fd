"""Names as codes: what 3D Slicer's terminologies list, sides of the body, codes that the user gives."""

from __future__ import annotations

import re

import pytest

from PromptOnceLib.errors import InputError
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.segmentation.segment import DEFAULT_TERMINOLOGY, segments_of
from PromptOnceLib.segmentation.terminology import Code, Terminology, entry_of_code, known_names, terminology_of

LIVER = Code("SCT", "10200004", "Liver")


@pytest.mark.parametrize(
    ("name", "value", "side"),
    [
        ("liver", "10200004", None),
        ("Liver ", "10200004", None),
        ("kidney", "64033007", None),
        ("right kidney", "64033007", "Right"),
        ("kidney_left", "64033007", "Left"),
        ("Left Lung", "39607008", "Left"),
        ("lung_upper_lobe_left", "45653009", "Left"),
        ("heart_atrium_left", "82471001", None),
        ("left ventricle", "87878005", None),
        ("urinary bladder", "89837001", None),
        ("tumour", "108369006", None),
        ("inferior_vena_cava", "64131007", None),
    ],
)
def test_a_name_has_its_code(name: str, value: str, side: str | None) -> None:
    entry = terminology_of(name)
    assert entry is not None
    found = Terminology.of_entry(entry)
    assert found.type.value == value
    assert (found.modifier.meaning if found.modifier else None) == side


@pytest.mark.parametrize("name", ["object", "", "my lesion 7", "left liver", "left", "label 5"])
def test_other_names_have_none(name: str) -> None:
    assert terminology_of(name) is None


def test_there_are_enough_structures_and_all_entries_have_slicers_form() -> None:
    names = known_names()
    codes = {terminology_of(name) for name in names}
    assert len(codes) >= 250
    for entry in codes:
        assert entry is not None
        parts = entry.split("~")
        assert len(parts) == 7
        assert all(re.fullmatch(r"(SCT|DCM|FMA|UMLS|NEU|BARI|RADLEX)\^[\w-]+\^[^~|^]+", part) for part in parts[1:3])
        assert re.fullmatch(r"(SCT\^\d+\^(Left|Right)|\^\^)", parts[3])
    assert terminology_of("right lung") != terminology_of("left lung")


def test_segments_take_the_code_of_their_names_unless_they_have_one() -> None:
    objects = [ObjectPrompt(name="spleen"), ObjectPrompt(name="spleen", terminology=DEFAULT_TERMINOLOGY)]
    first, second = segments_of([*objects])
    assert first.terminology == terminology_of("spleen")
    assert second.terminology == DEFAULT_TERMINOLOGY


def test_codes_of_the_user_become_entries() -> None:
    assert Terminology.of_entry(entry_of_code("SCT:10200004:Liver")).type == LIVER
    assert Terminology.of_entry(entry_of_code(" 99LOCAL : 7 : Odd thing: with colon")).type.meaning.endswith("colon")
    for text in ("SCT:10200004", "liver", "SCT:1:a|b", "::"):
        with pytest.raises(InputError):
            entry_of_code(text)
    with pytest.raises(InputError):
        Terminology.of_entry("liver")

"""Designs of studies: the papers', and files of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.choose_design import choose_design
from PromptOnceLib.studies.datasets import DATASETS
from PromptOnceLib.studies.design import StudyArm, StudyData, StudyDesign
from PromptOnceLib.studies.design_file import design_text, read_design, write_design
from PromptOnceLib.studies.presets import PRESETS, preset
from PromptOnceLib.studies.printed import PRINTED
from studies.stand_ins import make_covid, make_montgomery

ONE_ARM = 'name = "mine"\n[[arms]]\nname = "one"\n'


@pytest.mark.parametrize("name", PRESETS)
def test_a_design_that_was_written_is_read_again(tmp_path: Path, name: str) -> None:
    design = PRESETS[name].model_copy(update={"data": (StudyData(set="folder", folder=tmp_path / "images"),)})
    write_design(tmp_path / "study.toml", design)
    assert read_design(tmp_path / "study.toml") == design


def test_every_setting_of_a_file_has_a_comment() -> None:
    lines = design_text(PRESETS["strategies"]).splitlines()
    top = [place for place, line in enumerate(lines) if " = " in line and not line.startswith(("#", '"'))]
    first_arm = lines.index("[[arms]]")
    assert all(lines[place - 1].startswith("# ") for place in top if place < first_arm)


def test_the_papers_printed_values_are_those_of_arms_that_there_are() -> None:
    for value in PRINTED:
        if "pixels" in value.arm:  # a strategy with moved prompts, of whatever model
            continue
        assert value.arm in [arm.name for arm in PRESETS[value.study].arms], value


def test_data_sets_of_the_papers_studies_are_known() -> None:
    for design in PRESETS.values():
        assert set(design.sets) <= set(DATASETS)
        assert set(design.groups) <= set(design.sets)


def test_folders_of_a_file_are_relative_to_it(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text(f'{ONE_ARM}[[data]]\nset = "folder"\nfolder = "images"\n')
    assert read_design(file).data[0].folder == tmp_path / "images"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[arms]]\nname = "one"', "the study lacks the setting name"),
        ('name = "mine"', r"\[\[arms\]\] is missing"),
        (ONE_ARM + 'metod = "propagate"', "arm 1 has no setting metod. Did you mean method?"),
        ("widow = 1\n" + ONE_ARM, "the study has no setting widow. Did you mean window"),
        (ONE_ARM + 'method = "each"', "arm 1: method: Input should be"),
        (ONE_ARM + "jitter = [20]", "arm 1: jitter"),
        (ONE_ARM + "jitter = [20, 10]", "from the smaller to the larger"),
        (ONE_ARM + 'method = "propagate"\nstrategy = "S1"', "no prompt that could be propagated"),
        (ONE_ARM + "shared_seed = true", "belong to the method propagate"),
        (ONE_ARM + '[[arms]]\nname = "One"', "two arms are called one"),
        (ONE_ARM + '[[comparisons]]\nfirst = "one"\nsecond = "two"', "the comparison of two: there is no such arm"),
        (ONE_ARM + '[[comparisons]]\nfirst = "one"', "comparison 1 lacks the setting second"),
        ('window = "lunk"\n' + ONE_ARM, '"lunk" is not a window'),
        ('name = "a/b"\n[[arms]]\nname = "one"', "usable as the name of a folder"),
        ("name = mine", "is no TOML file"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "study.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_design(file)
    assert caught.value.message.startswith("study.toml")


def test_data_and_models_are_named_beside_the_study(tmp_path: Path) -> None:
    covid, montgomery = make_covid(tmp_path / "covid", 1), make_montgomery(tmp_path / "x-rays", 1)
    data = (str(covid), f"montgomery={montgomery}")
    design = choose_design("sam-vs-sam2", data, ("nano", "sam=sam_b"))
    assert [(item.set, item.folder) for item in design.data] == [("covid-19-ct", covid), ("montgomery", montgomery)]
    assert [arm.model for arm in design.arms] == ["sam_b", "nano"]
    shared = choose_design("modalities", (), ("sam2=tiny", "sam2-shared-seed=small"))
    assert [arm.model for arm in shared.arms] == ["sam_l", "tiny", "tiny", "small"]


@pytest.mark.parametrize(
    ("study", "data", "models", "words"),
    [
        ("sam-sam2", (), (), "There is no study called sam-sam2. Did you mean sam-vs-sam2?"),
        ("single-prompt", ("nowhere",), (), "no data at"),
        ("single-prompt", ("covit=here",), (), "no data set called covit"),
        ("single-prompt", (".",), (), "none of the data that this study takes. covid-19-ct: "),
        ("single-prompt", (), ("sam3=tiny",), "no arm called sam3. Its arms: sam, "),
    ],
)
def test_what_there_is_not_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    study: str,
    data: tuple[str, ...],
    models: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=words):
        choose_design(study, data, models)


def test_windows_are_those_of_the_arm_then_of_the_group_then_of_all() -> None:
    design = preset("sam-vs-sam2")
    arm = design.arms[0]
    assert design.window_of(arm, "coronacases") == "paper:-650/1500"
    assert design.window_of(arm, "Radiopaedia") == "paper"
    assert design.window_of(arm, "my own") == "auto"
    assert design.window_of(StudyArm(name="a", window="lung"), "Radiopaedia") == "lung"
    assert isinstance(design, StudyDesign)

"""A study by its name or its file, with the data and the models that the user names: the same for every front end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.names import expanded
from PromptOnceLib.studies.datasets import DATASETS
from PromptOnceLib.studies.design import StudyData, StudyDesign
from PromptOnceLib.studies.design_file import read_design
from PromptOnceLib.studies.presets import PRESETS, preset


def choose_design(study: str, data: Sequence[str] = (), models: Sequence[str] = ()) -> StudyDesign:
    """The design of a study.

    study: the name of a preset, or a TOML file. data: FOLDER, or SET=FOLDER with the name of a data set; where none is
    named the study's sets are tried in their order. They take the place of those that the design names. models: NAME
    for all arms, or ARM=NAME; see StudyDesign.with_models.

    Raises InputError for a study, a data set or an arm that there is not, and for a folder that no data set takes.
    """
    path = expanded(study)
    design = read_design(path) if study not in PRESETS and path.is_file() else preset(study)
    if data:
        design = design.model_copy(update={"data": tuple(_data(design, text) for text in data)})
    pairs = [_model(design, text) for text in models]
    return design.with_models(pairs)


def _data(design: StudyDesign, text: str) -> StudyData:
    name, equals, folder = text.partition("=")
    if equals and name in DATASETS:
        return StudyData(set=name, folder=_existing(folder))
    if equals and not expanded(text).exists():
        raise InputError(f"There is no data set called {name[:40]}. There are: {', '.join(DATASETS)}.")
    place = _existing(text)
    refusals = []
    for candidate in design.sets:
        try:
            DATASETS[candidate].cases(place)
        except InputError as error:
            refusals.append(f"{candidate}: {error.message}")
        else:
            return StudyData(set=candidate, folder=place)
    raise InputError(f"{place} holds none of the data that this study takes. {' '.join(refusals)}")


def _existing(text: str) -> Path:
    path = expanded(text).absolute()
    if not path.exists():
        raise InputError(f"There are no data at {path}: check the path.")
    return path


def _model(design: StudyDesign, text: str) -> tuple[str, str]:
    name, equals, model = text.partition("=")
    if not equals:
        return "", text
    if not any(arm.name == name or arm.name.startswith(f"{name}-") for arm in design.arms):
        raise InputError(
            f"The study has no arm called {name[:40]}. Its arms: {', '.join(a.name for a in design.arms)}."
        )
    return name, model

"""A study's design as a TOML file that explains itself: written from a preset to start from, and read again."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.files.toml import read_toml
from PromptOnceLib.studies.design import ArmComparison, StudyArm, StudyData, StudyDesign

_COMMENTS = {
    "version": "of this format",
    "name": "of the study: letters, digits, . - _",
    "title": "of its report",
    "sets": "data sets that the study is made for; [[data]] below says where they lie",
    "window": "of all cases: auto, a preset such as lung, LEVEL/WIDTH, paper (each slice stretched), paper:LEVEL/WIDTH",
    "groups": "by data set, the groups of its cases that are taken, where not all are",
    "windows": "of groups of cases, by the group's name",
    "axis": "of the slices: auto, axial, coronal, sagittal, i, j, k",
    "pictures_as_stack": "whether the pictures of a group are the slices of one stack",
    "metrics": "to test and draw: jaccard, dice, hausdorff",
    "attributes": "whether size, contrast, aspect and outline of the reference are correlated with Dice",
    "fewest_pixels": "slices with a smaller reference are left out",
    "data": "images with references: the name of a data set and its folder, or a CSV file",
    "arms": "ways to segment all cases\n"
    "# method: each-slice or propagate. strategy: paper, S1 to S6. jitter: [from, to] pixels\n"
    "# position: of the prompted slice in its stack, 0 to 1. shared_seed: one prompt for a group",
    "comparisons": "which arms are compared, slice by slice: what the second gains on the first",
}
_TABLES: Mapping[str, type[BaseModel]] = {"data": StudyData, "arms": StudyArm, "comparisons": ArmComparison}
_NAMES = {"data": "[[data]]", "arms": "[[arms]]", "comparisons": "[[comparisons]]"}


def read_design(path: Path) -> StudyDesign:
    """A design from a file; folders that it names are relative to the file's own.

    Raises InputError that says where the file is wrong, with the names that are known for one that is not.
    """
    content = read_toml(path, "The study")
    try:
        design = StudyDesign.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path.name}: {_sentence(error)}", str(error.errors(include_url=False)[:5])) from error
    base = path.absolute().parent
    data = tuple(item.model_copy(update={"folder": base / item.folder.expanduser()}) for item in design.data)
    return design.model_copy(update={"data": data})


def design_text(design: StudyDesign) -> str:
    """A design as TOML with a comment for every setting; read_design gives an equal one back."""
    content = design.model_dump(mode="json")
    lines: list[str] = []
    for key, value in content.items():
        if key not in _TABLES and not isinstance(value, dict):
            lines += [f"# {_COMMENTS[key]}", f"{key} = {_value(value)}"]
    for key, value in content.items():
        if isinstance(value, dict):
            lines += ["", f"# {_COMMENTS[key]}", f"[{key}]"]
            lines += [f"{_value(name)} = {_value(entry)}" for name, entry in value.items()]
    for key in _TABLES:
        lines += ["", f"# {_COMMENTS[key]}"]
        if not content[key]:
            lines += [f"# [[{key}]]", *(f"# {example}" for example in _EXAMPLES[key])]
        for item, model in zip(content[key], getattr(design, key), strict=True):
            lines += [f"[[{key}]]", *_fields(item, model), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


_EXAMPLES = {
    "data": ('set = "folder"', 'folder = "my-images"'),
    "comparisons": ('first = "one-arm"', 'second = "another-arm"'),
}


def write_design(path: Path, design: StudyDesign) -> None:
    """Write the file, completely or not at all. Raises InputError where it cannot be written."""
    with replacing(path) as temporary:
        temporary.write_text(design_text(design), encoding="utf-8", newline="\n")


def _fields(item: Mapping[str, Any], model: BaseModel) -> list[str]:
    """Settings that are not what they would be anyway."""
    usual = {name: field.default for name, field in type(model).model_fields.items()}
    return [
        f"{key} = {_value(value)}"
        for key, value in item.items()
        if value is not None and (getattr(model, key) != usual[key] or key in ("name", "model", "method", "strategy"))
    ]


def _value(value: Any) -> str:
    """Text, numbers, switches and lists are written in TOML as in JSON."""
    return json.dumps(value, ensure_ascii=False)


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong."""
    problem = error.errors(include_url=False, include_input=False)[0]
    place, key = _place(problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = [name for name in _model_of(problem["loc"]).model_fields if name not in _TABLES]
        near = difflib.get_close_matches(key, known, 1)
        meant = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(known)}."
        return f"{place} has no setting {key}.{meant}"
    if problem["type"] == "missing" and isinstance(problem["loc"][-1], str):
        return f"{place} lacks the setting {key}." if key not in _NAMES else f"{_NAMES[key]} is missing."
    text = str(problem["msg"]).removeprefix("Value error, ").removesuffix(".")
    return f"{f'{place}: {key}: ' if key else ''}{text}."


def _place(location: tuple[int | str, ...]) -> tuple[str, str]:
    """Such as ("arm 2", "method")."""
    words = {"data": "data", "arms": "arm", "comparisons": "comparison"}
    table = words.get(str(location[0])) if location else None
    number = next((part for part in location[1:2] if isinstance(part, int)), None)
    names = [str(part) for part in location if isinstance(part, str)]
    if table is None or number is None:
        return "the study", names[0] if names else ""
    return f"{table} {number + 1}", names[1] if len(names) > 1 else ""


def _model_of(location: tuple[int | str, ...]) -> type[BaseModel]:
    return _TABLES.get(str(location[0]), StudyDesign) if len(location) > 1 else StudyDesign

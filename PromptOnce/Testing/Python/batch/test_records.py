"""Records of cases and runs: kept whole, read strictly."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest
from pydantic import ValidationError

from PromptOnceLib.batch.run_folder.records import (
    Failure,
    ModelUse,
    RunCase,
    RunRecord,
    SeedUse,
    machine_kind,
    read_run_record,
    write_run_record,
)
from PromptOnceLib.errors import RunFolderError

RECORD = RunRecord(
    source="manifest.csv",
    cases=(RunCase(case="a", group="GE"), RunCase(case="b")),
    options={"device": "cpu", "formats": ["seg.nrrd"]},
    model=ModelUse(name="nano", sha256="ab" * 32),
    seeds=(SeedUse(name="lungs"),),
    failures=(Failure(case="b", code="bad_volume", message="It is empty."),),
)


def test_a_run_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_run_record(tmp_path, RECORD)
    assert read_run_record(tmp_path) == RECORD


@pytest.mark.parametrize("change", [{"surprise": 1}, {"version": 2}, {"cases": [{"case": "../b"}]}, {"cases": None}])
def test_a_record_of_another_kind_is_refused_in_words(tmp_path: Path, change: dict[str, object]) -> None:
    values = json.loads(RECORD.model_dump_json()) | change
    (tmp_path / "run.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"run\.json .* cannot be read"):
        read_run_record(tmp_path)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="holds no run of a batch"):
        read_run_record(tmp_path)
    with pytest.raises(RunFolderError, match="does not exist"):
        read_run_record(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\0b"])
def test_a_case_is_named_as_a_folder_can_be(name: str) -> None:
    with pytest.raises(ValidationError):
        RunCase(case=name)


def test_the_kind_of_computer_does_not_name_it() -> None:
    assert platform.system() in machine_kind()
    assert platform.node() not in machine_kind().split()

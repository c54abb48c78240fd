"""finetune for scripts: what is refused before anything is read, and what is said where too few cases are left."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from worker.margins import margin_slices

import PromptOnceLib as po
from PromptOnceLib.api import finetune as subject
from PromptOnceLib.errors import InputError, TrainingError
from PromptOnceLib.workflows.training_split import split_cases

PAIRS = [margin_slices(4, seed) for seed in range(3)]


@pytest.mark.parametrize("data", [[1, 2, 3], [(*pair, 1) for pair in PAIRS], iter(PAIRS), None])
def test_what_is_no_list_of_pairs_is_refused(tmp_path: Path, data: Any) -> None:
    with pytest.raises(InputError, match="a list of pairs"):
        po.finetune(data, tmp_path / "a.pt", model="nano")


@pytest.mark.parametrize("choice", [{"labels": ["1,2"]}, {"reference": "{case}.nii.gz"}, {"images": "*.nii.gz"}])
def test_choices_for_files_are_not_passed_over_where_there_are_none(tmp_path: Path, choice: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="go with a folder or a manifest"):
        po.finetune(PAIRS, tmp_path / "a.pt", model="nano", **choice)


def test_where_too_few_cases_are_left_it_is_said_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    client = SimpleNamespace(close=lambda: closed.append(True))
    monkeypatch.setattr(subject, "start_segmenter", lambda *_: SimpleNamespace(client=client))

    def train(_segmenter: Any, _files: Any, cases: Any, settings: Any, *_: Any) -> Any:
        return split_cases([case.group for case in cases], settings)

    monkeypatch.setattr(subject, "train", train)
    empty = [(frames, np.zeros_like(masks)) for frames, masks in PAIRS]
    with pytest.raises(TrainingError, match=r"0 cases .* Image 3 is left out: .* empty"):
        po.finetune(empty, tmp_path / "a.pt", model="nano")
    told: list[str] = []
    with pytest.raises(TrainingError) as caught:
        po.finetune(empty, tmp_path / "a.pt", model="nano", on_notice=told.append)
    assert "left out" not in caught.value.message
    assert len(told) == 3
    assert closed == [True, True]

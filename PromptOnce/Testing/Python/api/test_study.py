"""po.study: the command's study from Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from studies.stand_ins import make_covid

import PromptOnceLib as po
from PromptOnceLib.batch.events import Event
from PromptOnceLib.studies.report import contents

pytestmark = pytest.mark.usefixtures("_fake_worker")


def test_a_study_gives_its_page_and_a_row_for_every_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_draw", lambda *arguments: None)
    data = {"covid-19-ct": make_covid(tmp_path / "covid", 1, (4, 32, 32))}
    events: list[Event] = []
    notices: list[str] = []
    found = po.study(
        "sam-vs-sam2",
        tmp_path / "out",
        data=data,
        models={"sam": "nano", "sam2": "nano"},
        on_event=events.append,
        on_notice=notices.append,
    )
    assert found.succeeded
    assert found.page == found.folder / "index.html"
    assert sum(event.event == "case_ended" for event in events) == 4
    assert any("2 of 20 cases are there" in notice for notice in notices)
    rows = found.table if isinstance(found.table, list) else found.table.to_dict("records")
    assert [(row["arm"], row["case"]) for row in rows if row["slice"] == 0] == [
        (name, case) for name in ("sam", "sam2") for case in ("coronacases_001", "radiopaedia_10_85902_1")
    ]
    assert {row["method"] for row in rows} == {"each-slice"}


def test_a_design_can_be_given_and_a_model_for_all_of_it(tmp_path: Path) -> None:
    with pytest.raises(po.PromptOnceError, match="Name the folder"):
        po.study("single-prompt", tmp_path / "out", models="nano")
    with pytest.raises(po.PromptOnceError, match="no data at"):
        po.study("single-prompt", tmp_path / "out", data=tmp_path / "nowhere")

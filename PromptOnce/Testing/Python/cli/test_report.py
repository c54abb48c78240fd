"""promptonce report: tables and report of a run, made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from batch.sample_runs import Sample, leaking, write_sample_run

from PromptOnceLib.batch.run_folder.records import Failure
from PromptOnceLib.cli.main import main


def promptonce(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["promptonce", *arguments])
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return int(end.value.code or 0)


def test_tables_and_report_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    write_sample_run(folder, [Sample("a", disturb=leaking)], [Failure(case="b", code="bad_volume", message="Empty.")])
    assert promptonce("report", str(folder), "--json", monkeypatch=monkeypatch) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["cases"], told["segmented"], told["not_done"], told["to_look_at"]) == (2, 1, 0, ["a"])
    assert told["failed"] == [{"case": "b", "code": "bad_volume", "message": "Empty."}]
    assert told["dice"]["count"] == 1
    for path in (told["report"], *told["tables"]):
        assert Path(path).stat().st_size > 0
    assert promptonce("report", str(folder), monkeypatch=monkeypatch) == 0
    words = capsys.readouterr().out
    assert "1 of 2 cases segmented, 1 to look at." in words
    assert "b: Empty." in words


def test_a_folder_that_is_no_run_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert promptonce("report", str(tmp_path), monkeypatch=monkeypatch) == 2
    assert "holds no run of a batch" in capsys.readouterr().err
    assert promptonce("report", str(tmp_path / "nowhere"), "--json", monkeypatch=monkeypatch) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad_run_folder"

"""The test of an engine's Python: its report, and what is made of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from worker.processes import wait_until

from environment.engine_environments import FakeRunner, make_complete, report_line
from PromptOnceLib.environment.installation import EnvironmentState, layout, status
from PromptOnceLib.environment.verify import CheckReport, EngineTest, check_problem, parse_report
from PromptOnceLib.errors import CancelledError, EngineError
from PromptOnceLib.processes.runner import SubprocessRunner

End = tuple[CheckReport | None, Exception | None]


def problem(**fields: Any) -> str:
    return check_problem(report_line(**fields).decode().splitlines(), 0)


def test_a_good_report_has_no_problem() -> None:
    assert problem() == ""


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"python": "3.9.18"}, "This Python is 3.9.18, and 3.10 or newer is needed."),
        ({"missing": ["torch", "sam2"]}, "This Python has no torch, sam2."),
        ({"broken": {"torch": "ImportError: version `GLIBC_2.28' not found"}}, "torch cannot be loaded: this Linux"),
        ({"broken": {"iopath": "ValueError: odd"}}, "iopath cannot be loaded: ValueError: odd."),
        ({"devices": [{"name": "cpu", "error": "wrong"}]}, "does not compute as it should"),
        ({"devices": []}, "does not compute as it should"),
    ],
)
def test_a_report_tells_what_is_wrong(fields: dict[str, Any], told: str) -> None:
    assert told in problem(**fields)


def test_a_python_3_13_is_not_taken_for_older_than_3_9() -> None:
    assert problem(python="3.13.0") == ""


def test_a_card_that_does_not_work_is_a_notice_as_long_as_there_is_another_device() -> None:
    devices = [{"name": "cuda:0", "error": "no kernel image is available"}, {"name": "cpu"}]
    report = parse_report(report_line(devices=devices).decode().splitlines())
    assert report is not None
    assert report.problem == ""
    assert report.notices == ["cuda:0 cannot be used: no kernel image is available"]


@pytest.mark.parametrize(
    "line", ["", "{}", '{"promptonce_check": 1, "python"', '{"promptonce_check": 1, "python": []}']
)
def test_what_is_no_report_is_a_problem(line: str) -> None:
    assert parse_report([line]) is None
    assert "did not succeed" in check_problem([line], 0)


def test_a_report_of_a_process_that_crashed_afterwards_is_not_believed() -> None:
    assert "crashed" in check_problem(report_line().decode().splitlines(), -11)


def test_the_result_is_noted_in_the_private_environment(tmp_path: Path) -> None:
    place = layout(tmp_path)
    make_complete(place)
    for fields, expected in (({"missing": ["sam2"]}, EnvironmentState.BROKEN), ({}, EnvironmentState.READY)):
        runner, ends = FakeRunner(), list[End]()
        task = EngineTest(place.python, {}, runner, lambda *end, ends=ends: ends.append(end), place)
        task.start()
        assert runner.commands[0][-2:] == ("--folder", str(tmp_path))
        runner.write(report_line(**fields))
        runner.end(0)
        assert task.over
        assert status(tmp_path).state is expected
        assert (ends[0][1] is None) is (expected is EnvironmentState.READY)
    assert "Repair the engine" in str(check_again(place, missing=["sam2"]))
    assert "sam2" in status(tmp_path).sentence


def check_again(place: Any, **fields: Any) -> Exception | None:
    runner, ends = FakeRunner(), list[End]()
    EngineTest("python", {}, runner, lambda *end: ends.append(end), place).start()
    runner.write(report_line(**fields))
    runner.end(0)
    return ends[0][1]


def test_advice_for_a_python_of_the_users_own_is_another(tmp_path: Path) -> None:
    assert "engine-requirements.txt" in str(check_again(None, missing=["sam2"]))


def test_a_test_can_be_cancelled_and_changes_nothing(tmp_path: Path) -> None:
    place = layout(tmp_path)
    make_complete(place)
    runner, ends = FakeRunner(), list[End]()
    task = EngineTest(place.python, {}, runner, lambda *end: ends.append(end), place)
    task.start()
    task.cancel()
    task.cancel()
    assert runner.kills == 1
    assert [(report, type(error)) for report, error in ends] == [(None, CancelledError)]
    assert status(tmp_path).ready


def run_really(python: str | Path, **variables: str) -> End:
    runner, ends = SubprocessRunner(), list[End]()
    EngineTest(python, {**os.environ, **variables}, runner, lambda *end: ends.append(end)).start()
    assert wait_until(lambda: runner.pump(0.1) or bool(ends), 120)
    return ends[0]


def test_the_python_of_these_tests_passes() -> None:
    report, error = run_really(sys.executable)
    assert error is None
    assert report is not None
    assert report.versions["sam2"] == "1.1.0"
    assert "torch" in report.versions
    assert report.devices[-1].name == "cpu"
    assert report.notices == []


def test_packages_that_cannot_be_imported_are_told(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libc10.so: cannot open shared object file')")
    (tmp_path / "SimpleITK.py").write_text("import nothing_of_that_name")
    report, error = run_really(sys.executable, PYTHONPATH=str(tmp_path))
    assert isinstance(error, EngineError)
    assert report is not None
    assert set(report.broken) == {"torch", "SimpleITK"}
    assert report.devices == []


def test_a_program_that_is_no_python_fails(tmp_path: Path) -> None:
    report, error = run_really(tmp_path / "python")
    assert report is None
    assert "could not be started" in str(error)

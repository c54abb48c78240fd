"""promptonce study: what is listed, written, run and gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from studies.stand_ins import make_covid, make_montgomery

from cli.conftest import Run
from PromptOnceLib.cli.json_reports import StudyReport
from PromptOnceLib.studies.design_file import read_design
from PromptOnceLib.studies.presets import PRESETS
from PromptOnceLib.studies.report import contents

pytestmark = pytest.mark.usefixtures("_fake_worker")


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take seconds, and have tests of their own."""
    monkeypatch.setattr(contents, "_draw", lambda *arguments: None)


def test_the_studies_of_the_papers_are_listed_with_their_data(run: Run) -> None:
    ended = run("study", "list")
    assert ended.status == 0
    assert all(name in ended.out for name in PRESETS)
    assert "27 arms with the models sam_b, sam_h" in ended.out
    listed = run("study", "list", "--json").json
    assert [entry["name"] for entry in listed] == list(PRESETS)


def test_a_study_is_written_as_a_file_to_start_from(run: Run, tmp_path: Path) -> None:
    printed = run("study", "design", "modalities")
    (tmp_path / "printed.toml").write_text(printed.out, encoding="utf-8")
    assert run("study", "design", "modalities", "-o", "mine.toml").status == 0
    assert read_design(tmp_path / "mine.toml") == read_design(tmp_path / "printed.toml") == PRESETS["modalities"]
    refused = run("study", "design", "modalities", "-o", "mine.toml")
    assert (refused.status, "--overwrite" in refused.err) == (2, True)
    assert "Did you mean modalities?" in run("study", "design", "modality").err


def test_a_study_runs_and_the_same_command_goes_on_with_it(run: Run, tmp_path: Path) -> None:
    make_covid(tmp_path / "covid", 1, (4, 32, 32))
    make_montgomery(tmp_path / "x-rays", 1, (32, 40))
    command = (
        "study", "run", "sam-vs-sam2", "--data", "covid", "--data", "montgomery=x-rays", "--model", "nano", "-o", "out"
    )  # fmt: skip
    first = run(*command)
    assert first.status == 0, first.err
    assert "Arm 2 of 2: sam2 (nano, each-slice, paper), 3 cases" in first.err
    assert "sam: 3 of 3 cases have results.\n" in first.out
    assert f"Report: {Path('out') / 'index.html'}" in first.out
    again = run(*command, "--json", "--quiet")
    report = StudyReport.model_validate(again.json)
    assert [(arm.name, arm.summary.reused) for arm in report.arms] == [("sam", 3), ("sam2", 3)]
    assert (again.err, report.cancelled, report.arms[0].slices > 2) == ("", False, True)
    assert report.arms[0].dice is not None
    assert read_design(tmp_path / "out" / "study.toml").data[0].set == "covid-19-ct"


def test_a_file_with_its_data_needs_no_options(run: Run, tmp_path: Path) -> None:
    make_covid(tmp_path / "covid", 1, (4, 32, 32))
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\n[[data]]\nset = "covid-19-ct"\nfolder = "covid"\n'
        '[[arms]]\nname = "box"\nmodel = "nano"\nstrategy = "S5"\n'
    )
    ended = run("study", "run", "mine.toml", "-o", "out", "--limit", "1")
    assert ended.status == 0, ended.err
    assert "box: 2 of 2 cases have results." in ended.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sam-vs-sam2", "--data", "nowhere"), "There are no data at"),
        (("sam-vs-sam2",), "Name the folder of the study's data"),
        (("sam-vs-sam2", "--data", "covid"), "`promptonce models download sam_l` gets it"),
        (("sam-vs-sam2", "--data", "covid", "--model", "sam3=nano"), "no arm called sam3"),
        (("mine.toml",), "There is no study called mine.toml"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_computed(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    make_covid(tmp_path / "covid", 1, (4, 32, 32))
    ended = run("study", "run", *arguments, "-o", "out")
    assert ended.status == 2
    assert words in ended.err
    assert not (tmp_path / "out").exists()


def test_names_of_studies_are_completed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from click.shell_completion import ShellComplete

    from PromptOnceLib.cli.main import main

    completed = ShellComplete(main, {}, "promptonce", "_C").get_completions(["study", "run"], "s")
    assert [item.value for item in completed] == ["sam-vs-sam2", "single-prompt", "shared-seed", "strategies"]


def test_batches_prompt_each_slice_from_the_command_line(run: Run, disk_volume: Path, tmp_path: Path) -> None:
    references = ("--prompt-from", "reference", "--reference", "{case}_reference.nii.gz", "-o", "run")
    ended = run("batch", disk_volume.parent, *references, "--method", "each-slice", "--jitter", "0-3", "--distances")
    assert ended.status == 0, ended.err
    table = (tmp_path / "run" / "cases" / "disk" / "slices.csv").read_text().splitlines()
    assert table[0].endswith("hausdorff_mm,embed_seconds,prompt_seconds")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["options"]["method"], record["options"]["jitter"]) == ("each-slice", [0, 3])
    wrong = run("batch", disk_volume.parent, *references[:-1], "other", "--jitter", "3-0")
    assert (wrong.status, "is no range of pixels" in wrong.err) == (2, True)

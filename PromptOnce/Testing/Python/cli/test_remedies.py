"""Errors on the command line: the sentence, and the command or option that helps."""

from __future__ import annotations

from pathlib import Path

import pytest
from batch.studies import write_disk_prompt, write_image

from cli.conftest import Run
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, Selection
from PromptOnceLib.batch.run_folder.open_run import open_run
from PromptOnceLib.cli.remedies import with_remedy
from PromptOnceLib.errors import CheckpointError, ModelError, RunExistsError, WorkerError


def test_an_error_that_a_command_helps_against_names_it() -> None:
    missing = CheckpointError("It is not here.", model="tiny")
    assert with_remedy(missing) == "It is not here. `promptonce models download tiny` gets it."
    assert with_remedy(RunExistsError("There is one.")) == "There is one. --resume resumes it."
    reported = WorkerError("It cannot be loaded.")
    reported.code = "engine_missing"  # as the client makes it from what the worker reports
    assert "`promptonce engine install` installs it; --python names a Python." in with_remedy(reported)
    assert with_remedy(ModelError("It is not known.")) == "It is not known."


def test_a_model_that_is_not_here_is_answered_with_the_command_that_gets_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTONCE_MODELS", str(tmp_path / "models"))
    ended = run("segment", "x.nii.gz", "-o", "o.nii.gz", "--box", "1,1,5,5", "--model", "tiny", "--json")
    assert ended.status == 2
    assert ended.json["error"]["code"] == "bad_checkpoint"
    assert "`promptonce models download tiny`" in ended.json["error"]["message"]
    assert "`promptonce models download tiny`" in ended.err
    assert "`promptonce models download tiny`" in run("models", "verify", "tiny").err


def test_a_folder_with_a_run_is_answered_with_the_option_that_resumes_it(run: Run, tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "a.nii.gz", 0, slices=3)
    write_disk_prompt(tmp_path / "prompt.json", 1)
    with open_run(tmp_path / "out", BatchPlan(selection=Selection(), cases=()), BatchOptions()):
        pass
    ended = run("batch", "images", "--prompt", "prompt.json", "-o", "out")
    assert ended.status == 2
    assert "--resume resumes it." in ended.err

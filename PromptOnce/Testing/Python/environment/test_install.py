"""Installing the engine's environment: the steps, how they fail, cancelling, and what is recognised afterwards."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest

from environment.engine_environments import (
    SAM2_STEP,
    TORCH_STEP,
    Installed,
    engine_plan,
    make_venv,
    report_line,
    start_installation,
)
from PromptOnceLib.environment import install
from PromptOnceLib.environment.install import Installation
from PromptOnceLib.environment.install_plan import plan_installation
from PromptOnceLib.environment.installation import EnvironmentState, read_manifest, status
from PromptOnceLib.environment.remove import Removal
from PromptOnceLib.errors import CancelledError, EngineError, InputError

UV_STEPS = range(8)
CLEANING = 6


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "free_bytes", lambda folder: 10**12)


def test_the_environment_is_ready_only_after_its_test_passed(tmp_path: Path) -> None:
    installed = start_installation(tmp_path)
    for step in installed.plan.steps:
        assert status(installed.place.folder).state is EnvironmentState.UNFINISHED, f"before {step.title}"
        assert installed.runner.commands[-1] == step.command
        installed.succeed()
    found = status(installed.place.folder)
    assert found.state is EnvironmentState.READY
    assert installed.ends == [None]
    assert installed.runner.commands == [step.command for step in installed.plan.steps]
    assert found.manifest is not None
    assert found.manifest.versions == {"python": "3.12.4", "torch": "2.13.0+cpu", "sam2": "1.1.0"}
    assert found.manifest.devices == ["cpu"]
    assert found.manifest.size_bytes == 1_234_000_000
    assert {path.name for path in installed.place.folder.iterdir()} == {
        "promptonce-engine.json",
        "install.log",
        "venv",
    }


@pytest.mark.parametrize("index", [i for i in UV_STEPS if i != CLEANING])
def test_a_step_that_fails_ends_the_installation_and_the_next_one_completes_it(tmp_path: Path, index: int) -> None:
    installed = start_installation(tmp_path).advance_to(index)
    installed.runner.write(b"something odd\n")
    installed.runner.end(3)
    (error,) = installed.ends
    assert isinstance(error, EngineError)
    if index < len(installed.plan.steps) - 1:
        step = installed.plan.steps[index]
        assert error.message == f"{step.title} failed: it ended with status 3. {step.remedy}".rstrip()
    assert "something odd" in error.detail
    assert str(installed.place.log) in error.detail
    assert not installed.runner.running
    found = status(installed.place.folder)
    assert found.state is EnvironmentState.UNFINISHED
    assert error.message in found.sentence
    assert start_installation(tmp_path).finish().ends == [None]
    assert status(installed.place.folder).ready


@pytest.mark.parametrize("index", UV_STEPS)
def test_cancelling_kills_the_step_and_leaves_an_unfinished_environment(tmp_path: Path, index: int) -> None:
    installed = start_installation(tmp_path).advance_to(index)
    installed.installation.cancel()
    installed.installation.cancel()
    assert installed.runner.kills == 1
    assert [type(error) for error in installed.ends] == [CancelledError]
    assert installed.installation.over
    assert status(installed.place.folder).state is EnvironmentState.UNFINISHED
    assert "cancelled" in status(installed.place.folder).sentence
    assert start_installation(tmp_path).finish().ends == [None]


@pytest.mark.parametrize("heard", ["Getting PyTorch", "a line"])
def test_it_can_be_cancelled_from_within_its_own_progress(tmp_path: Path, heard: str) -> None:
    installed = Installed(engine_plan(tmp_path))

    def cancel(title: str, share: float, line: str) -> None:
        assert not installed.ends, "progress after the end"
        installed.progress.append((title, share, line))
        if heard in (title, line):
            installed.installation.cancel()

    installed.installation = Installation(installed.plan, installed.runner, cancel, installed.ends.append)
    installed.start()
    if heard == "a line":
        installed.runner.write(b"first\na line\nanother\n")
    else:
        while not installed.ends:
            installed.succeed()
    assert [type(error) for error in installed.ends] == [CancelledError]
    assert not installed.runner.running
    assert start_installation(tmp_path).finish().ends == [None]


def test_a_failed_cleaning_does_not_matter(tmp_path: Path) -> None:
    installed = start_installation(tmp_path).advance_to(CLEANING)
    installed.runner.end(1)
    assert installed.finish().ends == [None]


def test_an_environment_that_does_not_pass_its_test_is_not_ready(tmp_path: Path) -> None:
    installed = start_installation(tmp_path).advance_to(UV_STEPS[-1])
    installed.runner.write(report_line(broken={"torch": "ImportError: libcudart.so: cannot open shared object file"}))
    installed.runner.end(0)
    assert "does not work. torch cannot be loaded" in str(installed.ends[0])
    assert "from scratch" in str(installed.ends[0])
    assert status(installed.place.folder).state is EnvironmentState.UNFINISHED


def test_a_test_that_says_nothing_is_a_failure(tmp_path: Path) -> None:
    installed = start_installation(tmp_path).advance_to(UV_STEPS[-1])
    installed.runner.end(0)
    assert isinstance(installed.ends[0], EngineError)
    assert status(installed.place.folder).state is EnvironmentState.UNFINISHED


def test_where_uv_cannot_be_had_another_way_is_told(tmp_path: Path) -> None:
    installed = start_installation(tmp_path)
    installed.runner.write(b"ERROR: No matching distribution found for uv\n")
    installed.runner.end(1)
    assert str(installed.ends[0]) == (
        "Getting the installer uv failed: the package index has no version of a package for this computer. "
        "Where uv cannot be had, choose an existing Python that has PyTorch and SAM 2 instead."
    )


def test_a_command_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    installed = start_installation(tmp_path)
    installed.runner.end(None)
    assert "its program could not be started" in str(installed.ends[0])


def test_an_installation_whose_program_died_is_recognised_and_completed(tmp_path: Path) -> None:
    died = start_installation(tmp_path).advance_to(3)
    died.installation._held.close()  # the system releases the lock of a process that is gone
    found = status(died.place.folder)
    assert found.state is EnvironmentState.UNFINISHED
    assert "interrupted" in found.sentence
    assert start_installation(tmp_path).finish().ends == [None]


def test_only_one_program_installs_at_a_time(tmp_path: Path) -> None:
    first = start_installation(tmp_path).advance_to(2)
    second = Installed(engine_plan(tmp_path))
    with pytest.raises(EngineError, match="another window or program"):
        second.start()
    assert second.runner.commands == []
    assert first.finish().ends == [None]
    assert start_installation(tmp_path).runner.running


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "free_bytes", lambda folder: 700 * 10**6)
    with pytest.raises(EngineError, match=r"needs 1\.3 GB .* 700 MB are free"):
        start_installation(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "thesis.docx").write_text("years of work")
    with pytest.raises(InputError, match="holds other files"):
        start_installation(tmp_path)
    assert [path.name for path in (tmp_path / "engine").iterdir()] == ["thesis.docx"]


def test_what_a_program_left_that_died_at_once_is_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "install.lock").touch()
    (tmp_path / "engine" / ".promptonce-0123.json").touch()
    installed = start_installation(tmp_path).finish()
    removal = Removal(installed.place)
    removal.start()
    assert removal.wait()
    assert not installed.place.folder.exists()


def test_a_folder_that_may_not_be_entered_is_told(closed_folder: Path) -> None:
    assert not status(closed_folder / "engine").ready
    for backend in ("auto", "cpu"):
        with pytest.raises(InputError, match="cannot be made or written to"):
            Installed(plan_installation(closed_folder / "engine", backend=backend)).start()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "engine").write_text("a file")
    with pytest.raises(InputError, match="is a file"):
        start_installation(tmp_path)
    with pytest.raises(InputError, match="cannot be made"):
        start_installation(tmp_path / "engine")


def test_another_build_of_pytorch_needs_the_first_one_removed(tmp_path: Path) -> None:
    before_torch = start_installation(tmp_path, backend="auto").advance_to(2)
    before_torch.runner.end(2)
    installed = start_installation(tmp_path, backend="pypi")
    assert installed.finish().ends == [None]
    with pytest.raises(InputError, match="build pypi of PyTorch: remove it first"):
        start_installation(tmp_path, backend="cpu")
    assert status(installed.place.folder).ready


def test_a_full_disk_at_the_end_is_told_and_leaves_an_unfinished_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = start_installation(tmp_path).advance_to(UV_STEPS[-1])

    def full(self: Path, *_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        installed.succeed()
    assert "disk is full" in str(installed.ends[0])
    assert status(installed.place.folder).state is EnvironmentState.UNFINISHED


def test_the_log_has_whole_lines_of_every_step(tmp_path: Path) -> None:
    installed = start_installation(tmp_path)
    for piece in (b"Resolved 3 pack", b"ages\r\nPr\xc3", b"\xa4pariert\n10%\r20%\rno end"):
        installed.runner.write(piece)
    installed.finish()
    lines = installed.place.log.read_text(encoding="utf-8").splitlines()
    start = lines.index("Resolved 3 packages")
    assert lines[start : start + 5] == ["Resolved 3 packages", "Präpariert", "10%", "20%", "no end"]
    assert [line for _, _, line in installed.progress if line][:2] == ["Resolved 3 packages", "Präpariert"]
    assert sum(line.startswith("== Getting") for line in lines) == 5
    start_installation(tmp_path)
    assert len(installed.place.log.read_text(encoding="utf-8").splitlines()) > len(lines)


def test_progress_is_what_arrives_on_the_disk_and_never_falls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = 5 * 10**9
    monkeypatch.setattr(install.shutil, "disk_usage", lambda folder: SimpleNamespace(used=used))
    installed = start_installation(tmp_path)
    shares = []
    for arrived in (0.0, 0.25, 0.5, 0.4, 3.0):
        used = int(5 * 10**9 + arrived * installed.plan.sizes.disk_bytes)
        installed.installation.poll()
        shares.append(installed.progress[-1][1])
    assert shares == pytest.approx([0.0, 0.25, 0.5, 0.5, 0.95])
    installed.finish()
    told = [share for _, share, _ in installed.progress]
    assert told == sorted(told)
    assert told[-1] == 1
    assert all(share < 1 for share in told[:-1])


def test_sam2_is_built_after_torch_without_fetching_another_one(tmp_path: Path) -> None:
    installed = start_installation(tmp_path).finish()
    titles = [step.title for step in installed.plan.steps]
    index = titles.index(SAM2_STEP)
    assert titles.index(TORCH_STEP) < index
    assert {"--no-build-isolation", "--no-deps"} <= set(installed.runner.commands[index])
    assert installed.runner.commands[index][-1].endswith("sam2.txt")
    assert installed.runner.environments[index]["SAM2_BUILD_CUDA"] == "0"


def test_a_repair_keeps_what_the_manifest_knew_until_it_is_done(tmp_path: Path) -> None:
    first = start_installation(tmp_path).finish()
    again = start_installation(tmp_path)
    manifest = read_manifest(first.place)
    assert manifest is not None
    assert (manifest.state, manifest.size_bytes) == ("unfinished", 1_234_000_000)
    make_venv(again.place, "torch")
    assert again.finish().ends == [None]

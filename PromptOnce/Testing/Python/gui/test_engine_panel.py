"""The panel Engine: installing, cancelling, downloading, with a runner that only pretends, and with real processes."""

from __future__ import annotations

import json
import sys

import pytest

pytestmark = pytest.mark.usefixtures("_fake_worker")


class PretendRunner:
    """Takes commands and does what the test says."""

    def __init__(self):
        self.command, self.killed = None, False

    def start(self, command, _environment, on_output, on_end):
        self.command, self.say, self.end = list(command), on_output, on_end

    def kill(self):
        self.killed = True


@pytest.fixture
def runner(user, tmp_path):
    """A runner in the panel of a user who has no engine yet and has opened the panel Engine."""
    user.use_private_environment(tmp_path / "engine")
    user.work.engine.preferences.models_folder = str(tmp_path / "models")
    runner = PretendRunner()
    user.work.tasks._runner = runner
    return runner


def test_install_shows_size_progress_and_log_and_cancel_leaves_it_to_be_repaired(user, runner):
    panel = user.panel.engine
    assert "to download" in panel.status.text
    user.bench.click(panel.install)
    assert runner.command is not None
    runner.say(b"Resolved 12 packages\n")
    user.wait_for_panel()
    assert panel.bar.visible
    assert "Resolved 12 packages" in panel.log.toPlainText()
    assert not panel.kind.enabled
    user.bench.click(panel.cancel)
    user.wait_for_panel()
    assert runner.killed
    assert "cancelled" in panel.notice.text
    assert not panel.bar.visible
    assert panel.repair.visible
    assert panel.remove.visible
    assert not panel.install.visible


def test_an_installation_that_fails_says_why(user, runner):
    user.bench.click(user.panel.engine.install)
    runner.say(b"error: No space left on device (os error 28)\n")
    runner.end(1)
    user.wait_for_panel()
    assert "failed" in user.panel.engine.notice.text
    assert user.panel.engine.repair.visible


def test_an_unfinished_engine_is_removed(user, runner, tmp_path):
    user.bench.click(user.panel.engine.install)
    user.bench.click(user.panel.engine.cancel)
    user.wait_for_panel()
    user.bench.click(user.panel.engine.remove)
    user.bench.wait_until(lambda: not user.work.tasks.busy, "the removal")
    user.wait_for_panel()
    assert "was removed" in user.panel.engine.notice.text
    assert not (tmp_path / "engine").exists()
    assert user.panel.engine.install.visible


def test_a_download_shows_how_much_has_arrived_and_can_be_cancelled(user, runner):
    user.choose_model("tiny")
    panel = user.panel.engine
    user.bench.click(panel.download)
    assert runner.command[-2] == "tiny"
    runner.say(json.dumps({"done": 78_000_000, "total": 156_000_000}).encode() + b"\n")
    user.wait_for_panel()
    assert "78 MB / 156 MB" in panel.task.text
    assert panel.bar.value == 500
    user.bench.click(panel.cancel)
    user.wait_for_panel()
    assert runner.killed
    assert "cancelled" in panel.notice.text
    assert panel.download.enabled


def test_a_download_that_fails_says_why(user, runner):
    user.choose_model("tiny")
    user.bench.click(user.panel.engine.download)
    runner.say(b'{"error": "There is no connection."}\n')
    runner.end(1)
    user.wait_for_panel()
    assert user.panel.engine.notice.text == "There is no connection."


def test_a_model_on_this_computer_is_deleted_with_a_click(user, runner, tmp_path):
    from PromptOnceLib.models.registry import load_registry

    file = tmp_path / "models" / load_registry().get("tiny").file
    file.parent.mkdir()
    with file.open("wb") as sparse:
        sparse.truncate(load_registry().get("tiny").bytes)
    user.choose_model("tiny")
    assert "here" in user.panel.engine.model.currentText
    assert not user.panel.engine.download.visible
    user.bench.click(user.panel.engine.delete)
    user.wait_for_panel()
    assert not file.exists()
    assert user.panel.engine.download.visible


def test_a_file_as_model_asks_for_its_configuration(user, tmp_path):
    user.choose_model("file")
    assert user.panel.engine.checkpoint.visible
    checkpoint = tmp_path / "own.pt"
    checkpoint.write_bytes(b"x")
    user.panel.engine.checkpoint.currentPath = str(checkpoint)
    assert "needs its configuration" in user.work.engine.missing().sentence


def test_a_python_that_does_not_exist_is_said_beside_the_choice(user):
    user.panel.engine.widget.collapsed = False
    user.pick(user.panel.engine.kind, "existing")
    assert "No Python is named" in user.panel.engine.status.text
    user.panel.engine.python.currentPath = "/does/not/exist"
    user.wait_for_panel()
    assert "/does/not/exist is no program" in user.panel.engine.status.text


@pytest.fixture
def processes(bench):
    from PromptOnceLib.gui.qt.process_runner import QtRunner

    runner = QtRunner()
    yield runner
    runner.kill()


def run(bench, runner, command):
    import os

    said, ended = [], []
    runner.start(command, os.environ, said.append, ended.append)
    bench.wait_until(lambda: ended, "the end of the process")
    return b"".join(said), ended[0]


def test_what_a_process_writes_and_its_status_are_told(bench, processes):
    code = "import sys; print('out'); print('err', file=sys.stderr); print(repr(sys.stdin.read())); sys.exit(7)"
    said, status = run(bench, processes, [sys.executable, "-u", "-c", code])
    assert sorted(said.split()) == [b"''", b"err", b"out"]
    assert status == 7


def test_a_program_that_cannot_be_started_ends_without_a_status(bench, processes):
    said, status = run(bench, processes, ["/does/not/exist"])
    assert b"/does/not/exist" in said
    assert status is None


def test_a_killed_process_calls_nobody(bench, processes):
    import os

    calls = []
    command = [sys.executable, "-u", "-c", "import time; print('here'); time.sleep(600)"]
    processes.start(command, os.environ, lambda _: calls.append("output"), lambda _: calls.append("end"))
    bench.wait_until(lambda: calls == ["output"])
    processes.kill()
    bench.process_events()
    assert calls == ["output"]


def test_the_process_of_a_download_names_a_model_that_does_not_exist(bench, processes):
    from PromptOnceLib.gui.engine.model_download import FETCH

    said, status = run(bench, processes, [*FETCH, "gigantic"])
    assert "no model called gigantic" in json.loads(said)["error"]
    assert status == 1


def test_showing_the_folders_chooses_none_and_leaves_the_worker_alone(user):
    from PromptOnceLib.gui.preferences import load_preferences

    user.choose(user.load_ball())
    user.box_the_ball()
    user.wait_for_mask()
    process = user.work.engine.session.client._transport.process_id
    user.panel.engine.widget.collapsed = False
    user.wait_for_panel()
    assert (load_preferences().models_folder, load_preferences().engine_folder) == ("", "")
    assert user.work.engine.session.client._transport.process_id == process
    assert user.work.preview.visible


def python_that_reports(folder, **found):
    """A program that answers the test of an engine like a Python with these packages."""
    report = json.dumps({"promptonce_check": 1, "python": "3.12.1", "machine": "x", "executable": "x", **found})
    program = folder / "python"
    program.write_text(f"#!/bin/sh\necho '{report}'\n")
    program.chmod(0o700)
    return program


def test_a_named_python_without_the_engine_says_at_once_which_packages_it_lacks(user, tmp_path):
    program = python_that_reports(tmp_path, missing=["torch", "sam2"])
    user.panel.engine.widget.collapsed = False
    user.pick(user.panel.engine.kind, "existing")
    user.panel.engine.python.currentPath = str(program)
    user.bench.wait_until(lambda: user.work.tasks.busy or user.work.engine.missing() is not None, "the test")
    user.bench.wait_until(lambda: not user.work.tasks.busy, "the end of the test")
    user.wait_for_panel()
    assert "This Python has no torch, sam2." in user.panel.engine.status.text
    assert "This Python has no torch, sam2." in user.panel.model.text.text
    python_that_reports(tmp_path, devices=[{"name": "cpu"}])
    user.bench.click(user.panel.engine.test)
    user.bench.wait_until(lambda: not user.work.tasks.busy, "the end of the test")
    user.wait_for_panel()
    assert user.work.engine.missing() is None
    assert user.panel.engine.status.text == ""


@pytest.mark.parametrize("edit", ["python", "checkpoint"])
def test_a_path_counts_when_it_was_typed_to_its_end(user, monkeypatch, edit):
    tested = []
    monkeypatch.setattr(user.work.tasks, "test_named", lambda: tested.append(user.work.engine.preferences.python))
    panel = user.panel.engine
    panel.widget.collapsed = False
    user.pick(panel.kind, "existing")
    user.pick(panel.model, "file")
    tested.clear()
    line, chosen = getattr(panel, edit).comboBox().lineEdit(), user.work.engine.preferences
    user.bench.type_text(line, "/usr/bin/some.pt")
    assert (tested, getattr(chosen, edit)) == ([], "")
    line.editingFinished.emit()
    assert getattr(chosen, edit) == "/usr/bin/some.pt"
    assert tested == (["/usr/bin/some.pt"] if edit == "python" else [])
    line.editingFinished.emit()
    getattr(panel, edit).setCurrentPath("/opt/chosen.pt")  # by the button that browses
    assert getattr(chosen, edit) == "/opt/chosen.pt"
    assert tested == (["/usr/bin/some.pt", "/opt/chosen.pt"] if edit == "python" else [])

"""Installing, downloading and the like while something is computed with the engine, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worker.gate import Gate

from gui.test_engine_panel import PretendRunner
from gui.user import User
from PromptOnceLib.models.registry import load_registry

pytestmark = pytest.mark.usefixtures("_fake_worker")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Workers stop after three slices."""
    with Gate(slices=3) as gate:
        monkeypatch.setenv(*gate.variable)
        yield gate


@pytest.fixture
def runner(user: User, gate: Gate, tmp_path: Path) -> PretendRunner:
    """In place of real downloads and installations. The worker that sees to clicks from then on has the gate."""
    user.work.engine.preferences.models_folder = str(tmp_path / "models")
    runner = PretendRunner()
    user.work.tasks._runner = runner
    user.panel.engine.widget.collapsed = False
    user.choose(user.load_ball())
    user.box_the_ball()
    return runner


def start_run(user: User, gate: Gate) -> None:
    user.bench.click(user.panel.run.propagate)
    runs = user.work.runs
    user.bench.wait_until(lambda: gate.stopped() and runs.job.progress.done == 3, "three slices", 40)
    user.wait_for_panel()


def finish(user: User, gate: Gate) -> str:
    """Let the run go on; what is said of it."""
    gate.open()
    user.wait_for_run()
    return str(user.panel.run.notice.text)


def arrive(user: User, runner: PretendRunner, name: str) -> None:
    """A download has come to its end."""
    entry = load_registry().get(name)
    file = Path(user.work.engine.preferences.models_folder) / entry.file
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as sparse:
        sparse.truncate(entry.bytes)
    runner.end(0)
    user.wait_for_panel()


def test_a_download_that_ends_during_a_run_does_not_end_the_run(user: User, runner: PretendRunner, gate: Gate) -> None:
    tasks = user.work.tasks
    tasks.get(load_registry().get("tiny"))
    start_run(user, gate)
    arrive(user, runner, "tiny")
    assert user.work.runs.running
    assert "on this computer now" in user.panel.engine.notice.text
    assert finish(user, gate) == "Done: 10 slices."
    assert user.work.engine.preferences.model == "tiny", "the model that was asked for is chosen"
    assert user.work.engine.session.client.welcome is None, "what comes next gets a worker with that model"


@pytest.mark.parametrize("task", ["test", "delete"])
def test_the_engine_is_left_alone_while_a_run_needs_it(
    user: User, runner: PretendRunner, gate: Gate, task: str
) -> None:
    start_run(user, gate)
    getattr(user.work.tasks, task)()
    user.wait_for_panel()
    assert not user.work.tasks.busy
    assert user.panel.engine.notice.text == "The engine is at work: wait for the end, or cancel it; then go on here."
    assert not user.panel.engine.test.enabled
    assert finish(user, gate) == "Done: 10 slices."
    assert user.panel.engine.test.enabled


def test_an_engine_that_is_removed_is_not_used_meanwhile(user: User, runner: PretendRunner, tmp_path: Path) -> None:
    user.wait_for_mask()
    user.use_private_environment(tmp_path / "engine")
    user.bench.click(user.panel.engine.install)
    assert user.work.tasks.busy
    user.pick(user.panel.engine.kind, "private")
    user.work.engine.preferences.kind = "own"  # even if there is another one
    user.bench.click(user.panel.run.propagate)
    user.wait_for_panel()
    assert not user.work.runs.running
    assert user.panel.run.notice.text == "Wait until the installation, removal or test of the engine is over."


def test_a_task_waits_for_the_end_of_a_batch(user: User, runner: PretendRunner, monkeypatch: Any) -> None:
    monkeypatch.setattr(type(user.work.batches), "running", property(lambda _self: True))
    user.work.tasks.test()
    user.wait_for_panel()
    assert not user.work.tasks.busy
    assert "at work" in user.panel.engine.notice.text

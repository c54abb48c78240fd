"""Runs that are killed, runner or worker, before any slice, and taken up again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from worker.fake_process import silent_python
from worker.gate import Gate
from worker.processes import wait_for_end

from batch.disturbed import check_it_is_as_undisturbed, check_nothing_is_half, check_nothing_was_done_twice
from batch.runner_process import Runner
from batch.studies import SLICES, computed, has_proc, quick_options, study
from PromptOnceLib.batch.background import background_command, background_environment
from PromptOnceLib.batch.events import parse_event
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan
from PromptOnceLib.batch.running.run_batch import run_batch

pytestmark = [pytest.mark.usefixtures("_posix"), pytest.mark.skipif(not has_proc(), reason="finds workers in /proc")]
CASES = "abcdefghij"


def kill_again_and_again(plan: BatchPlan, options: BatchOptions, out: Path, kills: str, rng: random.Random) -> None:
    """Kill worker (w) or runner (r), each before a slice that is drawn, and go on after each."""
    # So few at once that there are always some left to stop before, also when a case is set aside.
    most = len(plan.cases) * SLICES // (2 * len(kills))
    with Gate(slices=rng.randint(0, most)) as gate:
        runner = Runner(plan, options, out, gate)
        gate.wait_until_stopped()
        for kill in kills:
            if kill == "w":
                gate.kill()
            else:
                runner.kill()
                gate.wait_until_left()  # the worker has to notice and end by itself
                check_nothing_is_half(out)
                runner = Runner(plan, options, out, gate)
            gate.let_through(rng.randint(0, most))
        gate.open()
        runner.end()


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    rng = random.Random(7)
    plan, options = study(tmp_path, CASES), quick_options(tmp_path)
    run_batch(plan, options, tmp_path / "undisturbed")
    for number, kills in enumerate(["rwrw", "wwrr", "wrrw"]):
        out = tmp_path / f"round-{number}"
        kill_again_and_again(plan, options, out, kills, rng)
        assert run_batch(plan, options, out, resume=True).succeeded, "a case that was set aside is taken up again"
        check_nothing_was_done_twice(out)
        check_nothing_is_half(out)
        check_it_is_as_undisturbed(out, tmp_path / "undisturbed")


def python_that_is_silent_once(folder: Path) -> tuple[Path, Path]:
    """A program that starts workers, but at first a silent one; and the pipe with the id of that."""
    silent, pipe = silent_python(folder)
    script = folder / "python.sh"
    script.write_text(
        f'#!/bin/sh\nmkdir "{folder}/called" 2>/dev/null && exec "{silent}"\nexec "{sys.executable}" "$@"\n'
    )
    script.chmod(0o700)
    return script, pipe


@pytest.mark.slow
def test_a_run_with_the_real_worker_survives_the_death_of_worker_and_runner(tmp_path: Path) -> None:
    python, pipe = python_that_is_silent_once(tmp_path)
    plan, options = study(tmp_path, "abcd"), BatchOptions(device="cpu", python=python)
    out = tmp_path / "out"
    runner = Runner(plan, options, out)
    os.kill(int(pipe.read_text()), signal.SIGKILL)  # before it could say anything
    runner.wait_for("slice")
    os.kill(runner.worker(), signal.SIGKILL)  # with a case in hand
    runner.wait_for("case_ended")
    worker = runner.worker()
    runner.kill()
    assert wait_for_end(worker), "a worker is still there"
    check_nothing_is_half(out)
    runner = Runner(plan, options, out)
    assert runner.end().summary.succeeded
    check_nothing_was_done_twice(out)
    run_batch(plan, BatchOptions(device="cpu"), tmp_path / "undisturbed")
    check_it_is_as_undisturbed(out, tmp_path / "undisturbed")


def test_a_batch_in_the_background_ends_when_the_program_that_started_it_is_gone(tmp_path: Path) -> None:
    with Gate(slices=2) as gate:
        runner = Runner(study(tmp_path), quick_options(tmp_path), tmp_path / "out", gate)
        gate.wait_until_stopped()
        assert runner.process.stdin is not None
        runner.process.stdin.close()
        assert runner.process.wait(60) != 0
        gate.wait_until_left()


def test_a_batch_in_the_background_is_cancelled_by_a_word(tmp_path: Path) -> None:
    with Gate(slices=SLICES + 2) as gate:
        runner = Runner(study(tmp_path, CASES), quick_options(tmp_path), tmp_path / "out", gate)
        gate.wait_until_stopped()
        runner.tell("cancel")
        ended = runner.end()
    assert ended.summary.cancelled
    assert ended.summary.finished == 1
    assert runner.process.returncode == 1
    assert computed(tmp_path / "out") == ["a", "b"]


def test_a_request_that_makes_no_sense_is_refused_in_a_sentence() -> None:
    process = subprocess.run(
        background_command(sys.executable), input=b'{"folder": "x"}\n', capture_output=True, check=False,
        env=background_environment({}),
    )  # fmt: skip
    assert process.returncode == 2
    assert parse_event(process.stdout).event == "run_refused"

"""Runs that are killed, runner or worker, at random moments, and taken up again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from worker.processes import alive, wait_until

from batch.studies import children, computed, has_proc, quick_options, segmentation, steps_of, study
from PromptOnceLib.batch.background import BatchRequest, background_command, background_environment
from PromptOnceLib.batch.events import Event, parse_event
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan
from PromptOnceLib.batch.run_folder.records import read_case_record
from PromptOnceLib.batch.running.runner import run_batch
from PromptOnceLib.files.atomic import PREFIX
from PromptOnceLib.segmentation.result import read_csv

pytestmark = [pytest.mark.usefixtures("_posix"), pytest.mark.skipif(not has_proc(), reason="finds workers in /proc")]
CASES = "abcdefghij"
RUNNER_KILLS, WORKER_KILLS = 10, 10


class Runner:
    """A batch in a process of its own, on the folder `out`."""

    def __init__(self, plan: BatchPlan, options: BatchOptions, out: Path) -> None:
        self.out = out
        request = BatchRequest(plan=plan, options=options, folder=out, resume=True)
        self.process = subprocess.Popen(
            background_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=background_environment({"PATH": "/usr/bin:/bin", "QUICK_WORKER_DELAY": "0.02"}),
        )  # fmt: skip
        assert self.process.stdin is not None
        self.process.stdin.write(request.model_dump_json().encode() + b"\n")
        self.process.stdin.flush()

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def workers(self) -> list[int]:
        return children(self.process.pid)

    def wait_for_work(self, rng: random.Random) -> None:
        """Until some more steps are done and then a random moment."""
        wanted = self.steps() + rng.randint(1, 6)
        wait_until(lambda: not self.running or self.steps() >= wanted, 60)
        time.sleep(rng.uniform(0, 0.15))

    def steps(self) -> int:
        return len(steps_of(self.out)) if (self.out / "state.jsonl").exists() else 0

    def has(self, event: str) -> bool:
        """Whether a step of this kind was written."""
        return self.steps() > 0 and event in {step.event for step in steps_of(self.out)}

    def kill_worker(self) -> bool:
        for process_id in self.workers():
            try:
                os.kill(process_id, signal.SIGKILL)
            except ProcessLookupError:
                continue
            return True
        return False

    def kill(self) -> None:
        """Kill the runner; its worker has to notice and end by itself."""
        workers = self.workers()
        self.process.kill()
        self.process.communicate()
        assert wait_until(lambda: not any(map(alive, workers))), "a worker is still there"

    def end(self) -> None:
        """Wait for the run and check that it spoke its own language to the end."""
        assert self.last_event().event == "run_ended"

    def last_event(self) -> Event:
        """What the runner says at its end; its input stays open, because without it the runner ends at once."""
        self.process.wait(120)
        assert self.process.stdout is not None
        said = self.process.stdout.read()
        self.process.communicate()
        return parse_event(said.splitlines()[-1])

    def cancel(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"cancel\n")
        self.process.stdin.flush()


def check_nothing_is_half(out: Path) -> None:
    """Every case that shows has a complete folder."""
    for folder in (out / "cases").glob("*"):
        if folder.name.startswith(PREFIX):
            continue
        record = read_case_record(folder)
        assert all((folder / name).stat().st_size > 0 for name in ("sheet.png", *record.files))
        assert len(read_csv(folder / "slices.csv")) == record.figures.slices
        assert segmentation(out, folder.name).ndim == 3


def check_nothing_was_done_twice(out: Path) -> None:
    """After a case is finished it never goes to a worker again."""
    finished: set[str] = set()
    for step in steps_of(out):
        assert not (step.event == "started" and step.case in finished), f"{step.case} was computed again"
        if step.event == "finished":
            finished.add(step.case)


def test_a_run_that_is_killed_again_and_again_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    rng = random.Random(7)
    plan, options = study(tmp_path, CASES), quick_options(tmp_path)
    run_batch(plan, options, tmp_path / "undisturbed")
    kills = Counter[str]()
    rounds = 0
    while kills["runner"] < RUNNER_KILLS or kills["worker"] < WORKER_KILLS:
        out = tmp_path / f"round-{rounds}"
        rounds += 1
        while True:
            runner = Runner(plan, options, out)
            runner.wait_for_work(rng)
            while runner.running and kills["worker"] < WORKER_KILLS and rng.random() < 0.6:
                kills["worker"] += runner.kill_worker()
                runner.wait_for_work(rng)
            if runner.running and kills["runner"] < RUNNER_KILLS:
                runner.kill()
                kills["runner"] += 1
                if out.exists():
                    check_nothing_is_half(out)
                continue
            runner.end()
            if runner.process.returncode == 0:
                break
        check_nothing_was_done_twice(out)
        check_nothing_is_half(out)
        assert sorted(path.name for path in (out / "cases").iterdir()) == list(CASES)
        for case in CASES:
            assert np.array_equal(segmentation(out, case), segmentation(tmp_path / "undisturbed", case))
            assert read_csv(out / "cases" / case / "slices.csv") == read_csv(
                tmp_path / "undisturbed" / "cases" / case / "slices.csv"
            )
    assert sum(kills.values()) >= 20


def test_a_run_with_the_real_worker_survives_the_death_of_worker_and_runner(tmp_path: Path) -> None:
    plan, options = study(tmp_path, "abcd"), BatchOptions(device="cpu")
    run_batch(plan, options, tmp_path / "undisturbed")
    out = tmp_path / "out"
    runner = Runner(plan, options, out)
    assert wait_until(lambda: bool(runner.workers()), 60)
    assert runner.kill_worker(), "before it could say anything"
    assert wait_until(lambda: not runner.running or runner.has("started"), 60)
    assert runner.kill_worker(), "with a case in hand"
    assert wait_until(lambda: not runner.running or runner.has("finished"), 60)
    runner.kill()
    check_nothing_is_half(out)
    runner = Runner(plan, options, out)
    runner.end()
    assert runner.process.returncode == 0
    check_nothing_was_done_twice(out)
    for case in "abcd":
        assert np.array_equal(segmentation(out, case), segmentation(tmp_path / "undisturbed", case))


def test_a_batch_in_the_background_ends_when_the_program_that_started_it_is_gone(tmp_path: Path) -> None:
    runner = Runner(study(tmp_path), quick_options(tmp_path), tmp_path / "out")
    assert wait_until(lambda: runner.steps() >= 1, 60)
    workers = runner.workers()
    assert runner.process.stdin is not None
    runner.process.stdin.close()
    assert wait_until(lambda: not runner.running, 30)
    assert wait_until(lambda: not any(map(alive, workers)))


def test_a_batch_in_the_background_is_cancelled_by_a_word(tmp_path: Path) -> None:
    plan = study(tmp_path, CASES)
    runner = Runner(plan, quick_options(tmp_path), tmp_path / "out")
    assert wait_until(lambda: runner.steps() >= 2, 60)
    runner.cancel()
    ended = runner.last_event()
    assert ended.event == "run_ended"
    assert ended.summary.cancelled
    assert runner.process.returncode == 1
    assert len(computed(tmp_path / "out")) < len(CASES)


def test_a_request_that_makes_no_sense_is_refused_in_a_sentence() -> None:
    process = subprocess.run(
        background_command(sys.executable), input=b'{"folder": "x"}\n', capture_output=True, check=False,
        env=background_environment({}),
    )  # fmt: skip
    assert process.returncode == 2
    assert parse_event(process.stdout).event == "run_refused"

"""Batches on a Dask cluster of this computer."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from worker.gate import Gate

from batch.disturbed import check_it_is_as_undisturbed, check_nothing_is_half
from batch.studies import SLICES, Heard, has_proc, quick_options, study
from batch.test_shared_runs import begun
from PromptOnceLib.batch.cluster.connect import check_engine
from PromptOnceLib.batch.cluster.dask_run import on_cluster
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.errors import InputError

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.usefixtures("_posix"), pytest.mark.skipif(not has_proc(), reason="finds workers in /proc")]
KILLS = 6


@contextmanager
def local_cluster(folder: Path) -> Iterator[Any]:
    """The client of two workers, which are started again when they die."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", local_directory=folder
        ) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """For tests that leave the workers as they are."""
    with local_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
def own_client(tmp_path: Path) -> Iterator[Any]:
    """For tests that kill workers, or change their variables."""
    with local_cluster(tmp_path) as found:
        yield found


class Processes:
    """A scheduler and workers that nobody but the test starts again."""

    def __init__(self, folder: Path) -> None:
        self.address, self._folder = folder / "scheduler.json", folder
        self.scheduler = self._begin("scheduler", "--host", "127.0.0.1", "--port", "0")
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_worker(self) -> None:
        quiet = ("--nthreads", "1", "--no-nanny", "--local-directory", str(self._folder))
        self.workers.append(self._begin("worker", *quiet))

    def kill_worker(self, number: int) -> None:
        killed = self.workers.pop(number)
        killed.kill()
        killed.wait()

    def end(self) -> None:
        for process in (self.scheduler, *self.workers):
            process.kill()
            process.wait()

    def _begin(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--scheduler-file", self.address]
        return subprocess.Popen(
            [*command, "--no-dashboard", *options],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    begun = Processes(tmp_path)
    yield begun
    begun.end()


def process_of(client: Any, number: int) -> int:
    return sorted(client.run(os.getpid).values())[number]


@pytest.mark.slow
def test_the_workers_of_a_cluster_give_what_one_computer_gives(tmp_path: Path, client: Any) -> None:
    plan, options, told = study(tmp_path, "abcde"), quick_options(tmp_path), Heard()
    (tmp_path / "images" / "e.nii.gz").write_bytes(b"nothing")
    alone = run_batch(plan, options, tmp_path / "alone")
    out = tmp_path / "out"
    summary = run_batch(plan, options, out, cluster=on_cluster(client), on_event=told)
    assert (summary.finished, summary.failed) == (alone.finished, alone.failed) == (4, 1)
    assert summary.not_succeeded == alone.not_succeeded
    check_it_is_as_undisturbed(out, tmp_path / "alone")
    assert begun(out) == Counter("abcd")
    assert len(told.of("case_ended")) == 5
    assert {event.case for event in told.of("slice")} == set("abcd"), "progress comes while they are computed"
    again = run_batch(plan, options, out, resume=True, cluster=on_cluster(client))
    assert (again.finished, again.reused, again.failed) == (0, 4, 1)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 2])
def test_a_worker_that_is_killed_loses_no_case(tmp_path: Path, own_client: Any, kills: int) -> None:
    """The cases of a dead worker go to another one at once; one that kills two is set aside."""
    plan, options, out = study(tmp_path, "abc"), quick_options(tmp_path), tmp_path / "out"
    run_batch(plan, options, tmp_path / "alone")
    with Gate(slices=2) as gate:
        own_client.run(lambda variable: os.environ.update([variable]), gate.variable)
        left = kills

        def should_cancel() -> bool:
            nonlocal left
            if left and gate.stopped():
                left -= 1
                os.kill(process_of(own_client, 0), signal.SIGKILL)
                own_client.wait_for_workers(2)
                if not left:
                    gate.open()
            return False

        summary = run_batch(plan, options, out, cluster=on_cluster(own_client), should_cancel=should_cancel)
    if summary.failed:
        assert kills == 2
        assert summary.not_succeeded[0].status == "set_aside"
        summary = run_batch(plan, options, out, resume=True, cluster=on_cluster(own_client))
    assert summary.succeeded
    check_nothing_is_half(out)
    check_it_is_as_undisturbed(out, tmp_path / "alone")


@pytest.mark.slow
def test_workers_that_are_killed_again_and_again_lose_no_case(
    tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, kills = random.Random(7), 0
    plan, options = study(tmp_path, "abcdefgh"), quick_options(tmp_path)
    run_batch(plan, options, tmp_path / "undisturbed")
    with Gate(slices=rng.randint(0, SLICES)) as gate:
        monkeypatch.setenv(*gate.variable)
        processes.add_worker()
        processes.add_worker()
        with distributed.Client(scheduler_file=processes.address, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)

            def kill_one() -> bool:
                nonlocal kills
                if kills < KILLS and gate.stopped():
                    processes.kill_worker(rng.randrange(2))
                    processes.add_worker()
                    kills += 1
                    gate.slices += rng.randint(0, 2 * SLICES)
                    if kills == KILLS:
                        gate.open()
                return False

            for number in itertools.count():
                out = tmp_path / f"round-{number}"
                for resume in itertools.chain([False], itertools.repeat(True)):
                    cluster = on_cluster(client)
                    summary = run_batch(plan, options, out, resume=resume, cluster=cluster, should_cancel=kill_one)
                    if summary.succeeded:
                        break
                    assert {case.status for case in summary.not_succeeded} == {"set_aside"}
                check_nothing_is_half(out)
                # What somebody was killed while writing goes when the run is opened again.
                assert run_batch(plan, options, out, resume=True).reused == len(plan.cases)
                check_it_is_as_undisturbed(out, tmp_path / "undisturbed")
                if kills == KILLS:
                    break


@pytest.mark.slow
def test_a_cancelled_run_keeps_what_is_finished(tmp_path: Path, client: Any) -> None:
    plan, options, out = study(tmp_path, "abcd"), quick_options(tmp_path), tmp_path / "out"
    told = Heard()
    summary = run_batch(
        plan, options, out, cluster=on_cluster(client), on_event=told,
        should_cancel=lambda: bool(told.of("case_ended")),
    )  # fmt: skip
    assert summary.cancelled
    assert summary.finished >= 1
    check_nothing_is_half(out)
    assert run_batch(plan, options, out, resume=True).succeeded


def test_a_run_that_waits_for_workers_can_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, options, looks, wait = study(tmp_path, "ab"), quick_options(tmp_path), itertools.count(), distributed.wait

    def counted(*args: Any, **more: Any) -> Any:
        assert next(looks) < 50, "the cancel is not heard"
        return wait(*args, **more)

    monkeypatch.setattr(distributed, "wait", counted)
    with (
        distributed.LocalCluster(
            n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0", local_directory=tmp_path
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        summary = run_batch(plan, options, tmp_path / "out", cluster=on_cluster(client), should_cancel=lambda: True)
    assert summary.cancelled
    assert summary.not_done == 2


@pytest.mark.slow
def test_a_scheduler_that_is_lost_stops_the_run_and_what_is_finished_is_kept(
    tmp_path: Path, processes: Processes
) -> None:
    plan, options, out = study(tmp_path, "abc"), quick_options(tmp_path), tmp_path / "out"
    told = Heard()
    processes.add_worker()
    with distributed.Client(scheduler_file=processes.address, timeout=60) as client:
        client.wait_for_workers(1, timeout=60)

        def should_cancel() -> bool:
            if told.of("case_ended"):
                processes.scheduler.kill()
            return False

        summary = run_batch(plan, options, out, cluster=on_cluster(client), on_event=told, should_cancel=should_cancel)
    assert "scheduler of the cluster is gone" in summary.stopped
    assert not summary.succeeded
    check_nothing_is_half(out)
    again = run_batch(plan, options, out, resume=True)
    assert again.succeeded
    assert again.reused >= 1


@pytest.mark.slow
def test_a_loss_that_the_client_notices_first_is_the_same_loss(
    tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def notices(*_: object, **__: object) -> None:
        raise distributed.CancelledError("scheduler-connection-lost")

    plan, options = study(tmp_path, "a"), quick_options(tmp_path)
    monkeypatch.setattr(distributed, "wait", notices)
    summary = run_batch(plan, options, tmp_path / "out", cluster=on_cluster(client))
    assert "scheduler of the cluster is gone" in summary.stopped


def test_a_cluster_that_nobody_knows_is_refused() -> None:
    for engine in ("dask", "dask://10.0.0.1:8786", "dask-slurm"):
        assert check_engine(engine) == engine
    for engine in ("spark", "dask://", "dask://host", "dask:/host:1", ""):
        with pytest.raises(InputError, match="is no cluster"):
            check_engine(engine)


def test_a_scheduler_that_does_not_answer_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PromptOnceLib.batch.cluster.connect._SECONDS", 0.2)
    plan, options = study(tmp_path, "a"), quick_options(tmp_path)
    with pytest.raises(InputError, match="Nobody answers at dask://127"):
        run_batch(plan, options, tmp_path / "out", cluster=on_cluster("dask://127.0.0.1:9"))

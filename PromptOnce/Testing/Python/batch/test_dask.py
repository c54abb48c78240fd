"""Batches on a Dask cluster of this computer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worker.gate import Gate

from batch.studies import Heard, has_proc, quick_options, study
from batch.test_kills import check_it_is_as_undisturbed, check_nothing_is_half
from batch.test_shared_runs import begun
from PromptOnceLib.batch.cluster.connect import check_engine
from PromptOnceLib.batch.cluster.dask_run import on_cluster
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.errors import InputError

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.usefixtures("_posix"), pytest.mark.skipif(not has_proc(), reason="finds workers in /proc")]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, local_directory=tmp_path
        ) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


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
def test_a_worker_that_is_killed_loses_no_case(tmp_path: Path, client: Any, kills: int) -> None:
    """The cases of a dead worker go to another one at once; one that kills two is set aside."""
    plan, options, out = study(tmp_path, "abc"), quick_options(tmp_path), tmp_path / "out"
    run_batch(plan, options, tmp_path / "alone")
    with Gate(slices=2) as gate:
        client.run(lambda variable: os.environ.update([variable]), gate.variable)
        left = kills

        def should_cancel() -> bool:
            nonlocal left
            if left and gate.stopped():
                left -= 1
                os.kill(process_of(client, 0), signal.SIGKILL)
                client.wait_for_workers(2)
                if not left:
                    gate.open()
            return False

        summary = run_batch(plan, options, out, cluster=on_cluster(client), should_cancel=should_cancel)
    if summary.failed:
        assert kills == 2
        assert summary.not_succeeded[0].status == "set_aside"
        summary = run_batch(plan, options, out, resume=True, cluster=on_cluster(client))
    assert summary.succeeded
    check_nothing_is_half(out)
    check_it_is_as_undisturbed(out, tmp_path / "alone")


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


@pytest.mark.slow
def test_a_scheduler_that_is_lost_stops_the_run_and_what_is_finished_is_kept(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path, "abc"), quick_options(tmp_path), tmp_path / "out"
    told, address = Heard(), tmp_path / "scheduler.json"
    common = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
         "--no-dashboard", "--scheduler-file", address], **common,
    )  # fmt: skip
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", address, "--nthreads", "1",
         "--no-dashboard", "--no-nanny", "--local-directory", tmp_path], **common,
    )  # fmt: skip
    try:
        with distributed.Client(scheduler_file=address, timeout=60) as client:
            client.wait_for_workers(1, timeout=60)

            def should_cancel() -> bool:
                if told.of("case_ended"):
                    scheduler.kill()
                return False

            summary = run_batch(
                plan, options, out, cluster=on_cluster(client), on_event=told, should_cancel=should_cancel
            )
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()
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

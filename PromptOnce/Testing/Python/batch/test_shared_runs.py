"""Several runners on the folder of one run: parts, those who join, and those who are killed."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from worker.gate import Gate

from batch.disturbed import check_it_is_as_undisturbed, check_nothing_is_half
from batch.runner_process import Runner
from batch.studies import SLICES, Heard, has_proc, quick_options, study
from PromptOnceLib.batch.run_folder.journal import read_journals
from PromptOnceLib.batch.run_folder.leases import LEASES, STALE_SECONDS
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.errors import RunFolderError

pytestmark = [pytest.mark.usefixtures("_posix"), pytest.mark.skipif(not has_proc(), reason="finds workers in /proc")]


def begun(out: Path) -> Counter[str]:
    """How often each case went to a worker, of any runner."""
    return Counter(step.case for step in read_journals(out) if step.event == "started")


def time_passes(out: Path) -> None:
    """Leases of those who are gone become old; who lives renews its own later than this."""
    for lease in (out / LEASES).glob("*/[0-9]*"):
        if lease.name.isdigit():
            before = lease.stat().st_mtime - STALE_SECONDS - 1
            os.utime(lease, (before, before))


def test_parts_do_all_cases_once_and_the_last_one_writes_the_end(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path, "abcde"), quick_options(tmp_path), tmp_path / "out"
    first = run_batch(plan, options, out, part=(1, 2))
    assert (first.total, first.finished, first.succeeded) == (3, 3, True)
    assert not (out / "summary.json").exists(), "others are still to come"
    second = run_batch(plan, options, out, part=(2, 2))
    assert (second.total, second.finished, second.reused) == (5, 2, 3)
    assert begun(out) == Counter("abcde")
    assert json.loads((out / "summary.json").read_text())["total"] == 5
    assert (out / "report.html").is_file()
    assert not (out / LEASES).exists()
    run_batch(plan, options, tmp_path / "undisturbed")
    check_it_is_as_undisturbed(out, tmp_path / "undisturbed")
    assert run_batch(plan, options, out, part=(1, 2)).reused == 3, "a part that comes again finds all done"


def test_who_joins_takes_what_nobody_has_and_who_began_waits_for_them(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path, "abcd"), quick_options(tmp_path), tmp_path / "out"
    with Gate(slices=1) as gate:
        leader = Runner(plan, options, out, gate)
        gate.wait_until_stopped()
        told = Heard()
        joined = run_batch(plan, options, out, join=True, on_event=told)
        assert joined.succeeded
        assert joined.finished >= 2, "all but the one under way and the one read ahead"
        assert not (out / "summary.json").exists()
        gate.open()
        summary = leader.end().summary
    assert (summary.total, summary.finished + summary.reused) == (4, 4)
    assert begun(out) == Counter("abcd")
    check_nothing_is_half(out)


def test_a_case_that_failed_elsewhere_has_failed(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path, "ab"), quick_options(tmp_path), tmp_path / "out"
    (tmp_path / "images" / "b.nii.gz").write_bytes(b"nothing")
    assert [item.case for item in run_batch(plan, options, out, part=(2, 2)).not_succeeded] == ["b"]
    told = Heard()
    end = run_batch(plan, options, out, join=True, on_event=told)
    assert [(item.case, item.status) for item in end.not_succeeded] == [("b", "failed")]
    assert begun(out) == Counter("a")


def test_another_plan_or_other_options_cannot_join(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path, "ab"), quick_options(tmp_path), tmp_path / "out"
    run_batch(plan, options, out, part=(1, 2))
    with pytest.raises(RunFolderError, match="another one"):
        run_batch(study(tmp_path / "other", "cd"), options, out, join=True)
    with pytest.raises(RunFolderError, match="hole filling"):
        run_batch(plan, quick_options(tmp_path, fill_hole_area=9), out, part=(2, 2))


def test_a_folder_with_other_files_is_no_place_for_parts(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "letter.txt").touch()
    with pytest.raises(RunFolderError, match="other files"):
        run_batch(study(tmp_path, "ab"), quick_options(tmp_path), out, part=(1, 2))


@pytest.mark.slow
def test_runners_that_are_killed_again_and_again_lose_no_case_and_none_is_there_twice(tmp_path: Path) -> None:
    rng = random.Random(3)
    names = "abcdef"
    plan, options = study(tmp_path, names), quick_options(tmp_path)
    run_batch(plan, options, tmp_path / "undisturbed")
    for number in range(4):
        out = tmp_path / f"round-{number}"
        with Gate(slices=rng.randint(0, SLICES * 2)) as gate:
            runners = [Runner(plan, options, out, gate)]
            gate.wait_until_stopped()
            runners.append(Runner(plan, options, out, gate, join=True))
            gate.let_through(rng.randint(0, SLICES))
            for _ in range(2):
                runners.pop(rng.randrange(len(runners))).kill()
                time_passes(out)
            gate.open()
            for runner in runners:
                runner.end()
        assert run_batch(plan, options, out, resume=True).succeeded
        check_nothing_is_half(out)
        check_it_is_as_undisturbed(out, tmp_path / "undisturbed")
        assert sorted(begun(out)) == list(names)

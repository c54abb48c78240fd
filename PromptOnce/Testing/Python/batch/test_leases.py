"""Which of several runners on one folder has which case, also when one of them is gone."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from PromptOnceLib.batch.run_folder.leases import LEASES, STALE_SECONDS, Leases


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Leases, Leases]]:
    with Leases(tmp_path, "first") as first, Leases(tmp_path, "second") as second:
        yield first, second


def age(folder: Path, case: str, number: int, seconds: float = STALE_SECONDS + 1) -> None:
    """A lease whose holder was last heard of so long ago."""
    path = folder / LEASES / case / str(number)
    before = path.stat().st_mtime - seconds
    os.utime(path, (before, before))


def test_a_case_is_given_once_and_its_end_is_known_to_all(two: tuple[Leases, Leases]) -> None:
    first, second = two
    assert first.take("a") == "taken"
    assert second.take("a") == "elsewhere"
    assert first.holds("a")
    assert not second.holds("a")
    assert second.outcome("a") is None
    first.end("a", "failed", "code", "why")
    assert second.take("a") == "ended"
    found = second.outcome("a")
    assert found is not None
    assert (found.status, found.code, found.message) == ("failed", "code", "why")


def test_a_case_that_was_given_back_can_be_taken_again_and_is_no_death(two: tuple[Leases, Leases]) -> None:
    first, second = two
    for _ in range(4):
        assert first.take("a") == "taken"
        first.end("a", "cancelled")
    assert second.take("a") == "taken"


def test_closing_gives_back_what_is_held(tmp_path: Path) -> None:
    with Leases(tmp_path, "first") as first:
        first.take("a")
    with Leases(tmp_path, "second") as second:
        assert second.take("a") == "taken"


def test_what_a_runner_that_is_gone_had_is_taken_over_and_it_knows_when_it_comes_back(
    tmp_path: Path, two: tuple[Leases, Leases]
) -> None:
    first, second = two
    first.take("a")
    age(tmp_path, "a", 1, STALE_SECONDS - 5)
    assert second.take("a") == "elsewhere"
    age(tmp_path, "a", 1, 10)
    assert second.take("a") == "taken"
    assert second.holds("a")
    assert not first.holds("a")
    first.end("a", "finished")
    assert second.outcome("a") is None, "the case is the second one's"


def test_a_case_that_two_runners_did_not_survive_is_set_aside(tmp_path: Path, two: tuple[Leases, Leases]) -> None:
    first, second = two
    first.take("a")
    age(tmp_path, "a", 1)
    assert second.take("a") == "taken"
    age(tmp_path, "a", 2)
    assert first.take("a") == "set aside"


def test_the_clock_of_the_computer_does_not_matter(
    tmp_path: Path, two: tuple[Leases, Leases], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    first.take("a")
    monkeypatch.setattr("time.time", lambda: 1e10)
    assert second.take("a") == "elsewhere"


def test_a_lease_is_renewed_while_its_holder_lives(tmp_path: Path) -> None:
    with Leases(tmp_path, "first", beat_seconds=0.01) as first, Leases(tmp_path, "second") as second:
        first.take("a")
        path = tmp_path / LEASES / "a" / "1"
        age(tmp_path, "a", 1)
        aged = path.stat().st_mtime
        while path.stat().st_mtime <= aged + STALE_SECONDS / 2:
            assert first.holds("a")  # ends with the next beat
        assert second.take("a") == "elsewhere"


def test_to_begin_anew_keeps_the_leases_of_those_who_live(tmp_path: Path, two: tuple[Leases, Leases]) -> None:
    first, second = two
    for case in ("failed", "gone", "live"):
        first.take(case)
    first.end("failed", "failed")
    age(tmp_path, "gone", 1)
    second.forget()
    assert [second.take(case) for case in ("failed", "gone", "live")] == ["taken", "taken", "elsewhere"]


def test_who_takes_up_a_run_does_not_wait_for_the_one_that_held_it_before(tmp_path: Path) -> None:
    killed = Leases(tmp_path, "first", leads=True)
    killed.take("a")
    with Leases(tmp_path, "second", leads=True) as second:
        second.forget()
        assert second.take("a") == "taken"
    killed.close()


def test_of_many_that_want_a_case_at_once_one_gets_it(tmp_path: Path) -> None:
    cases, runners = [f"case {number}" for number in range(40)], 8
    taken: list[list[str]] = [[] for _ in range(runners)]
    ready = threading.Barrier(runners)

    def run(number: int) -> None:
        with Leases(tmp_path, f"runner {number}") as leases:
            ready.wait()
            for case in cases:
                if leases.take(case) == "taken":
                    taken[number].append(case)
                    leases.end(case, "finished")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(runners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(case for cases_of_one in taken for case in cases_of_one) == sorted(cases)

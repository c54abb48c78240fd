"""The fuzzing finds what it is there to find; and a sample of it finds nothing."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("its child processes are forked", allow_module_level=True)

from fuzz.kinds import KINDS
from fuzz.mutations import cut, damaged, damaged_lines, json_bytes
from fuzz.runner import Attempt, WrongError, fuzz

TESTS = Path(__file__).parents[1]


def _one_of_each(samples: Path) -> Attempt:
    def attempt(rng: random.Random, folder: Path) -> bool:
        number = int(folder.name.rpartition("-")[2])
        (folder / "input").write_text(str(number))
        if number == 1:
            raise WrongError("read as another")
        if number == 2:
            raise KeyError("a field")
        if number == 3:
            os.kill(os.getpid(), signal.SIGSEGV)
        if number == 4:
            signal.pause()
        return number != 5

    return attempt


def test_everything_that_can_go_wrong_is_found_and_named(tmp_path: Path) -> None:
    tally = fuzz("sample", _one_of_each, range(8), tmp_path, seconds=1)
    found = {finding.number: finding for finding in tally.findings}
    assert {number: finding.what for number, finding in found.items()} == {
        1: "wrong",
        2: "uncaught",
        3: "crash",
        4: "hang",
    }
    assert "read as another" in found[1].detail
    assert "KeyError: 'a field' at test_fuzz.py" in found[2].detail
    assert [(found[number].folder / "input").read_text() for number in (1, 2, 3, 4)] == ["1", "2", "3", "4"]
    assert (tally.counts["read"], tally.counts["refused"], tally.counts.total()) == (3, 1, 8)
    assert not (tmp_path / "sample-0").exists()


def test_the_same_seed_makes_the_same_inputs() -> None:
    def inputs(seed: int) -> list[bytes]:
        rng = random.Random(seed)
        document = {"a": [1, {"b": "c"}]}
        made = [
            damaged(bytes(50), rng),
            cut(bytes(50), rng),
            damaged_lines("a: 1\nb: 2", rng).encode("utf-8", "replace"),
        ]
        return [*made, json_bytes(document, rng)]

    assert inputs(1) == inputs(1)
    assert inputs(1) != inputs(2)


@pytest.mark.slow
def test_a_sample_of_every_kind_finds_nothing() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "fuzz", "--count", "60"],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (TESTS.parents[1], TESTS)))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]
    tried = {
        line[0]: tuple(map(int, line[1:]))
        for line in re.findall(r"(\S+): (\d+) inputs, (\d+) read, (\d+)", ended.stdout)
    }
    assert set(tried) == set(KINDS)
    for kind, (count, accepted, refused) in tried.items():
        assert count == 60, kind
        assert accepted, f"nothing of {kind} was accepted: the inputs are too damaged to try much"
        assert refused, kind

"""Real processes: their output, their end, and ending all of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from worker.processes import alive, wait_for_end, wait_until

from PromptOnceLib.processes.runner import SubprocessRunner, kill_tree


class Heard:
    """A runner and what it told."""

    def __init__(self) -> None:
        self.runner = SubprocessRunner()
        self.output = b""
        self.ends: list[int | None] = []

    def start(self, *command: str, **variables: str) -> Heard:
        self.runner.start(command, {**os.environ, **variables}, self.take, self.ends.append)
        return self

    def code(self, code: str, **variables: str) -> Heard:
        return self.start(sys.executable, "-c", code, **variables)

    def until(self, condition: Callable[[], object]) -> Heard:
        def met() -> bool:
            self.runner.pump(0.05)
            return bool(condition())

        assert wait_until(met)
        return self

    def finish(self) -> Heard:
        return self.until(lambda: self.ends)

    def take(self, data: bytes) -> None:
        assert not self.ends, "output after the end"
        self.output += data


def test_output_of_both_streams_arrives_before_the_end() -> None:
    heard = Heard().code("import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(7)").finish()
    assert sorted(heard.output.split()) == [b"err", b"out"]
    assert heard.ends == [7]


def test_the_process_gets_exactly_the_variables_it_is_given_and_no_input() -> None:
    heard = Heard().code("import os, sys; print(os.environ['GIVEN'], repr(sys.stdin.read()))", GIVEN="yes").finish()
    assert heard.output.split() == [b"yes", b"''"]


def test_a_program_that_is_not_there_ends_without_a_status(tmp_path: Path) -> None:
    heard = Heard().start(str(tmp_path / "nothing"))
    assert heard.ends == [None]
    assert b"nothing" in heard.output


def test_the_end_of_one_process_may_start_the_next() -> None:
    heard = Heard()
    command = [sys.executable, "-c", "print('next')"]
    heard.runner.start(
        [sys.executable, "-c", "print('first')"],
        dict(os.environ),
        heard.take,
        lambda status: heard.runner.start(command, dict(os.environ), heard.take, heard.ends.append),
    )
    heard.finish()
    assert heard.output.split() == [b"first", b"next"]
    assert heard.ends == [0]


PARENT_OF_A_CHILD = (
    "import os, subprocess, sys; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True); "
    "print(os.getpid(), child.pid, flush=True); child.wait()"
)


def test_killing_ends_the_children_too_and_nothing_is_told_any_more() -> None:
    heard = Heard().code(PARENT_OF_A_CHILD)
    heard.until(lambda: b"\n" in heard.output)
    processes = [int(number) for number in heard.output.split()]
    assert all(alive(process) for process in processes)
    heard.runner.kill()
    assert all(wait_for_end(process) for process in processes)
    heard.runner.pump(0.1)
    assert heard.ends == []
    heard.runner.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends trees by itself")
def test_a_process_tree_that_is_gone_already_does_not_matter() -> None:
    heard = Heard().code("import os; print(os.getpid())").finish()
    kill_tree(int(heard.output))

"""The worker's process under Qt: lines, timeouts, ends."""

from __future__ import annotations

import os
import sys

import pytest

from PromptOnceLib.errors import WorkerError
from PromptOnceLib.processes.transport import worker_command, worker_environment
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.client import WorkerClient

ECHO = "import sys; [print('said ' + line, end='', flush=True) for line in sys.stdin]"


@pytest.fixture
def start(bench):
    from PromptOnceLib.gui.qt.process_transport import ProcessTransport

    started = []

    def open_transport(code, on_activity=lambda: None):
        started.append(ProcessTransport([sys.executable, "-u", "-c", code], os.environ, on_activity))
        return started[-1]

    yield open_transport
    for transport in started:
        transport.stop(0.1)


def test_lines_go_there_and_back(start):
    transport = start(ECHO)
    transport.write(b"one\ntwo\n")
    assert transport.read_line(20) == b"said one\n"
    assert transport.read_line(20) == b"said two\n"
    assert transport.read_line(0) is None


def test_several_megabytes_are_taken_at_once(start):
    transport = start("import sys; print(len(sys.stdin.readline()), flush=True)")
    transport.write(b"x" * 5_000_000 + b"\n")
    assert transport.read_line(20) == b"5000001\n"


def test_the_event_loop_tells_that_something_was_said(bench, start):
    told = []
    transport = start(ECHO, lambda: told.append(transport.read_line(0)))
    transport.write(b"hello\n")
    bench.wait_until(lambda: b"said hello\n" in told)


def test_what_was_said_before_the_end_is_read_before_the_end_is_told(start):
    transport = start("import sys; print('last words'); print('why', file=sys.stderr); sys.exit(3)")
    assert transport.read_line(20) == b"last words\n"
    with pytest.raises(WorkerError, match="ended unexpectedly") as raised:
        transport.read_line(20)
    assert "exit status 3" in raised.value.detail
    assert "why" in raised.value.detail
    with pytest.raises(WorkerError):
        transport.write(b"too late\n")


def test_a_program_that_does_not_exist_is_named(bench):
    from PromptOnceLib.gui.qt.process_transport import ProcessTransport

    told = []
    transport = ProcessTransport(["/does/not/exist/python"], os.environ, lambda: told.append(1))
    with pytest.raises(WorkerError, match=r"could not be started with /does/not/exist/python"):
        transport.read_line(20)


def test_a_process_that_does_not_listen_is_ended_by_force(start):
    transport = start("import time; print('here', flush=True); time.sleep(600)")
    assert transport.read_line(20) == b"here\n"
    process = transport.process_id
    transport.stop(0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_the_real_worker_answers_through_it(bench):
    from PromptOnceLib.gui.qt.process_transport import ProcessTransport

    client = WorkerClient(lambda: ProcessTransport(worker_command(), worker_environment(), lambda: None), threads=1)
    with client:
        assert client.welcome.protocol == protocol.PROTOCOL_VERSION
        folder = client.folder
        assert folder.is_dir()
    assert not folder.exists()

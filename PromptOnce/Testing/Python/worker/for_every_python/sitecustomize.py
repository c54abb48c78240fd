"""Run at the start of every Python that tests start: what would become a worker becomes a fake or a forked one.

The root conftest.py puts this folder on PYTHONPATH. See worker/fake_process.py and worker/fork_server.py.
"""

import os
import sys

WORKER = ["-u", "-m", "PromptOnceLib.worker"]  # as processes/transport.py has it
FAKE_WORKER = ["-u", "-m", "worker.fake_process"]  # with its own arguments behind


def become_a_forked_worker(address: str, module: str, arguments: list[str]) -> None:
    """Lend the fork server our streams, variables and folder, and end as the worker that it forks ends."""
    import json
    import socket
    from pathlib import Path

    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        here = {"variables": dict(os.environ), "folder": str(Path.cwd())}
        told = json.dumps({"module": module, "arguments": arguments, **here}).encode()
        socket.send_fds(connection, [len(told).to_bytes(4, "big")], [0, 1, 2])
        connection.sendall(told)
        status = connection.recv(1)
    os._exit(status[0] if status else 1)


if sys.orig_argv[1:] == WORKER and "PROMPTONCE_FAKE_WORKER" in os.environ:
    program = os.environ["PROMPTONCE_FAKE_WORKER"]
    os.execv(program, [program])
if sys.orig_argv[1:4] in (WORKER, FAKE_WORKER):
    python, _, address = os.environ.get("PROMPTONCE_FORK_SERVER", "").partition(":")
    if python == sys.prefix:
        become_a_forked_worker(address, sys.orig_argv[3], sys.orig_argv[4:])

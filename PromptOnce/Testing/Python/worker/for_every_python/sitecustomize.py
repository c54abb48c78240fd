"""Run at the start of every Python that tests start: what would become a worker becomes a fake or a forked one, and
what would try to read an image becomes a forked trial.

The root conftest.py puts this folder on PYTHONPATH. See worker/fake_process.py and worker/fork_server.py.
"""

import os
import sys

WORKER = ["-u", "-m", "PromptOnceLib.worker"]  # as processes/transport.py has it
# As processes/trial.py starts them.
TRIALS = tuple(
    ["-m", module] for module in ("PromptOnceLib.imaging.screening.screen", "PromptOnceLib.imaging.dicom.decoding")
)


def become_forked(address: str, arguments: list[str]) -> None:
    """Lend the fork server our streams, variables and folder, and end as the process that it forks ends.

    arguments: the module to run, and what it is told.
    """
    import json
    import socket
    from pathlib import Path

    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        place = {"variables": dict(os.environ), "folder": str(Path.cwd())}
        told = json.dumps({"arguments": arguments, **place}).encode()
        socket.send_fds(connection, [len(told).to_bytes(4, "big")], [0, 1, 2])
        connection.sendall(told)
        status = connection.recv(1)
    os._exit(status[0] if status else 1)


is_worker = sys.orig_argv[1:] == WORKER
if is_worker and "PROMPTONCE_FAKE_WORKER" in os.environ:
    program = os.environ["PROMPTONCE_FAKE_WORKER"]
    os.execv(program, [program])
if is_worker or sys.orig_argv[1:3] in TRIALS:
    python, _, address = os.environ.get("PROMPTONCE_FORK_SERVER", "").partition(":")
    if python == sys.prefix:
        become_forked(address, sys.orig_argv[sys.orig_argv.index("-m") + 1 :])

"""Run at the start of every Python that tests start: what would become a worker becomes a fake or a forked one, and
what would try to read an image becomes a forked trial.

The root conftest.py puts this folder on PYTHONPATH. See worker/fake_process.py and worker/fork_server.py.
"""

import os
import sys

WORKER = ["-u", "-m", "PromptOnceLib.worker"]  # as processes/transport.py has it
FAKE_WORKER = ["-u", "-m", "worker.fake_process"]  # with its own arguments behind
# As processes/trial.py starts them, with their arguments behind.
TRIALS = (["-m", "PromptOnceLib.imaging.screening.screen"], ["-m", "PromptOnceLib.imaging.dicom.decoding"])


def become_forked(address: str, module: str, arguments: list[str]) -> None:
    """Lend the fork server our streams, variables and folder, and end as the process that it forks ends."""
    import _socket  # socket, json and pathlib would take three times as long as all the rest
    from array import array

    connection = _socket.socket(_socket.AF_UNIX)
    connection.connect(address)
    here = {"variables": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109
    told = repr({"module": module, "arguments": arguments, **here}).encode()
    streams = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", [0, 1, 2]))]
    connection.sendmsg([len(told).to_bytes(4, "big")], streams)
    connection.sendall(told)
    status = connection.recv(1)
    os._exit(status[0] if status else 1)


if sys.orig_argv[1:] == WORKER and "PROMPTONCE_FAKE_WORKER" in os.environ:
    program = os.environ["PROMPTONCE_FAKE_WORKER"]
    os.execv(program, [program])
if sys.orig_argv[1:4] in (WORKER, FAKE_WORKER) or sys.orig_argv[1:3] in TRIALS:
    python, _, address = os.environ.get("PROMPTONCE_FORK_SERVER", "").partition(":")
    if python == sys.prefix:
        module, *arguments = sys.orig_argv[sys.orig_argv.index("-m") + 1 :]
        become_forked(address, module, arguments)

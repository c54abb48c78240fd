"""Fixtures shared by all tests."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from worker.fake_process import INSTEAD, fake_python
from worker.fork_server import VARIABLE, forked_workers

# As the worker's environment has it; to be set before torch is imported. OpenMP threads that spin while they wait make
# tests on a busy machine a hundred times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Processes of pytest-xdist share the cores.
_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _PROCESSES > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _PROCESSES)))

# A shell that runs the tests in the background has them ignore Ctrl-C, and so would the programs that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: a busy machine is no error. `make test-slow` chooses the second one.
hypothesis.settings.register_profile("quick", max_examples=20, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=200, deadline=None)
hypothesis.settings.load_profile("quick")

VARIABLES = ["MODELS", "LIBRARY", "ENGINE", "PYTHON", "CONFIG", "MODEL", "DEVICE", "PRECISION"]
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real test images, which are not part of the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real test images are not at {folder}")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user is touched, and starting a worker takes milliseconds (worker/fork_server.py)."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as held:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        for name in VARIABLES:
            patch.delenv(f"PROMPTONCE_{name}", raising=False)
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "worker" / "for_every_python"), prepend=os.pathsep)
        if sys.platform == "linux":
            patch.setenv(VARIABLE, held.enter_context(forked_workers()))
        yield


@pytest.fixture(autouse=True)
def _real_workers_start_by_themselves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The marker real_worker proves the whole way, to a worker process that imports torch."""
    if request.node.get_closest_marker("real_worker") is not None:
        monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def _fake_worker(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers without a model, for tests to which it is all the same what the masks are."""
    if sys.platform == "win32":
        pytest.skip("the fake worker is started by a shell script")
    monkeypatch.setenv(INSTEAD, str(fake_python(tmp_path_factory.mktemp("fake"))))


@pytest.fixture
def closed_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that this user may not enter; the tests may run as root, whom nothing is forbidden."""
    folder = tmp_path / "of somebody else"
    folder.mkdir()

    def forbidden(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *args: Any, **more: Any) -> Any:
            if isinstance(path, (str, Path)) and folder in Path(path).parents:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return original(path, *args, **more)

        return call

    for module, name in ((os, "stat"), (os, "lstat"), (os, "open"), (os, "mkdir"), (os, "unlink"), (io, "open")):
        monkeypatch.setattr(module, name, forbidden(getattr(module, name)))
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs Slicer's nodes."""
    for item in items:
        if {"bench", "scene"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("slicer")

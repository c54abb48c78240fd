"""promptonce engine: a real environment made, tested and removed without the network, and what is said otherwise."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from environment.engine_environments import make_complete
from worker.fake_process import fake_python
from worker.processes import wait_until

from cli.conftest import COMMAND, Run
from PromptOnceLib.environment import engine_python
from PromptOnceLib.environment.installation import layout, requirements


@pytest.fixture(autouse=True)
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the private environment, which does not exist yet."""
    monkeypatch.setenv("PROMPTONCE_ENGINE", str(tmp_path / "engine"))
    return tmp_path / "engine"


# Stands for uv, which is 50 MB: takes the commands of an installation and passes them on to venv and pip.
UV = """#!python
import subprocess, sys
command, *rest = sys.argv[1:]
if command == "venv":
    base, folder = rest[rest.index("--python") + 1], rest[-1]
    sys.exit(subprocess.call([base, "-m", "venv", folder]))
if command == "pip":
    place = rest.index("--python")
    python, names = rest[place + 1], [*rest[1:place], *rest[place + 2 :]]
    if "--torch-backend" in names:
        build = names.index("--torch-backend")
        del names[build : build + 2]
    sys.exit(subprocess.call([python, "-m", "pip", "install", "--disable-pip-version-check", *names]))
"""


def write_wheel(folder: Path, name: str, version: str, files: dict[str, str] | None = None) -> None:
    """A wheel without code of its own."""
    module = name.replace("-", "_").lower()
    info = f"{module}-{version}.dist-info"
    contents = {
        **(files or {}),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={digest(text)},{len(text.encode())}\n" for path, text in contents.items())
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in {**contents, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16  # as a program, where it is one
            wheel.writestr(entry, text)


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def write_locks(wheels: Path, folder: Path) -> None:
    """Lock files of these wheels, as Resources/Locks has them of real ones."""
    folder.mkdir()
    for wheel in wheels.iterdir():
        name, version, *_ = wheel.name.split("-")
        lock = {"setuptools": "build", "wheel": "build", "uv": "uv", "sam2": "sam2", "torch": "torch"}
        checksum = hashlib.sha256(wheel.read_bytes()).hexdigest()
        with (folder / f"{lock.get(name, 'packages')}.txt").open("a") as file:
            file.write(f"{name}=={version} --hash=sha256:{checksum}\n")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index without the network: its wheels are empty, but for uv; sam2 leads to this Python's packages."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    names = [requirement.partition(">=")[0].partition("==")[0] for requirement in requirements()]
    packages = metadata.distribution("torch").locate_file("")
    for name in names:
        lead = {"packages-of-the-tests.pth": f"{packages}\n"} if name == "sam2" else {}
        write_wheel(folder, name, metadata.version(name).partition("+")[0], lead)
    for name in ("setuptools", "wheel"):
        write_wheel(folder, name, "99.0")
    write_wheel(folder, "uv", "99.0", {"uv-99.0.data/scripts/uv": UV})
    write_locks(folder, tmp_path / "locks")
    monkeypatch.setattr(
        "PromptOnceLib.environment.install_plan.resource", lambda *parts: tmp_path.joinpath("locks", parts[-1])
    )
    for variable in list(os.environ):
        if variable.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the program that stands for uv is a script")
def test_an_environment_is_installed_tested_repaired_and_removed(run: Run, engine: Path, wheels: Path) -> None:
    (wheels / "sam2-1.1.0-py3-none-any.whl").rename(wheels / "later")
    failed = run("engine", "install", "--yes", "--quiet")
    assert failed.status == 1
    assert "Getting SAM 2 failed: the package index has no version" in failed.err
    assert str(engine / "install.log") in failed.err
    assert run("engine", "status", "--json").json["state"] == "unfinished"

    (wheels / "later").rename(wheels / "sam2-1.1.0-py3-none-any.whl")
    repaired = run("engine", "repair", "--quiet")
    assert repaired.status == 0, repaired.err
    told = run("engine", "status", "--json").json
    assert told["state"] == "ready"
    assert told["message"] == ""
    assert told["versions"]["sam2"] == "1.1.0"
    assert told["size_bytes"] > 10**6
    assert "ready" in run("engine", "status").out

    tested = run("engine", "test", "--json")
    assert tested.json["missing"] == []
    assert Path(tested.json["executable"]).is_relative_to(engine)
    again = run("engine", "install", "--yes")
    assert again.status == 2
    assert "installed already" in again.err

    assert "was removed" in (removed := run("engine", "remove", "--yes").out)
    assert "MB freed" in removed
    assert not engine.exists()
    assert run("engine", "status", "--json").json["state"] == "absent"


def test_the_python_that_runs_it_can_be_tested(run: Run) -> None:
    words = run("engine", "test", "--own")
    assert words.status == 0
    assert "sam2 1.1.0" in words.out
    assert "The engine works" in words.out


def test_a_python_without_pytorch_is_told_what_it_lacks(run: Run, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "empty"], check=True)
    ended = run("engine", "test", "--python", tmp_path / "empty")
    assert ended.status == 1
    assert "torch" in ended.err
    assert "sam2" in ended.err


@pytest.mark.parametrize("command", ["test", "repair", "remove"])
def test_without_an_environment_there_is_nothing_to_work_on(run: Run, engine: Path, command: str) -> None:
    ended = run("engine", command, *(["--yes"] if command == "remove" else []))
    assert ended.status in (1, 2)
    assert "Traceback" not in ended.err
    assert not engine.exists()


def test_nothing_is_installed_without_a_yes(run: Run, engine: Path) -> None:
    ended = run("engine", "install", "--backend", "cpu")
    assert ended.status == 1
    assert "About 250 MB to download, 1.3 GB on disk" in ended.out
    assert str(engine) in ended.out
    assert not engine.exists()


def test_a_wrong_build_of_pytorch_is_refused(run: Run, engine: Path) -> None:
    ended = run("engine", "install", "--yes", "--backend", "fast")
    assert ended.status == 2
    assert "choose auto, cpu, pypi" in ended.err
    assert not engine.exists()


def test_an_index_that_cannot_be_reached_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody listens there
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    ended = run("engine", "install", "--yes", "--quiet")
    assert ended.status == 1
    assert "Getting the installer uv failed: the package index cannot be reached" in ended.err
    assert "choose an existing Python" in ended.err


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_cancels_and_ends_what_was_started(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        command = [*COMMAND, "engine", "install", "--yes"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            silent.settimeout(60)
            connection, _ = silent.accept()  # now pip waits for an answer that does not come
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=300)
        assert process.returncode == 1
        assert "The installation was cancelled" in told
        assert json.loads((engine / "promptonce-engine.json").read_text())["state"] == "unfinished"
        with connection:
            connection.settimeout(60)
            assert wait_until(lambda: connection.recv(1 << 16) == b""), "pip is gone, so its end of the line is closed"


def test_where_this_python_has_no_engine_the_private_one_or_a_named_one_works(
    run: Run, disk_volume: Path, engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are workers without a model: how they are chosen is what matters."""
    monkeypatch.setattr(engine_python, "missing", lambda names: ["torch>=2.5.1"])
    fake = fake_python(tmp_path)
    command = ("segment", disk_volume, "-o", tmp_path / "result.nii.gz", "--overwrite", "--box", "30,20,60,60")
    refused = run(*command)
    assert refused.status == 1
    assert "`promptonce engine install` installs it; --python names a Python." in refused.err
    assert run(*command, "--python", fake).status == 0
    assert run("batch", disk_volume.parent, "--prompt-from", "reference", "--dry-run").status == 2, ()
    place = layout()
    make_complete(place)
    place.python.unlink()
    place.python.symlink_to(fake)
    done = run(*command)
    assert done.status == 0, done.err
    assert f"This Python has no PyTorch: working with the engine in {engine}." in done.err

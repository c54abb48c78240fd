"""The Python the worker runs with, for each choice of the user."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from environment.engine_environments import make_complete
from PromptOnceLib.environment import engine_python
from PromptOnceLib.environment.engine_python import PYTHON_VARIABLE, Kind, found_interpreter, interpreter
from PromptOnceLib.environment.installation import layout, record_test
from PromptOnceLib.errors import EngineError, EngineMissingError, InputError

SLICER = {"SLICER_HOME": "/opt/Slicer", "PYTHONHOME": "/opt/Slicer/lib/Python", "PATH": "/usr/bin"}


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


def test_the_private_environment_runs_without_slicers_variables(tmp_path: Path) -> None:
    make_complete(layout(tmp_path))
    found = interpreter(Kind.PRIVATE, folder=tmp_path, variables=SLICER)
    assert found.python == layout(tmp_path).python
    assert found.environment == {"PATH": "/usr/bin"}


def test_a_private_environment_that_is_not_ready_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="install it"):
        interpreter(Kind.PRIVATE, folder=tmp_path)
    make_complete(layout(tmp_path))
    record_test(layout(tmp_path), "torch cannot be loaded. Repair the engine.")
    with pytest.raises(EngineError, match="Repair the engine"):
        interpreter(Kind.PRIVATE, folder=tmp_path)


def test_a_python_of_the_user_is_taken_by_its_own_name(tmp_path: Path) -> None:
    real = program(tmp_path / "usr" / "python3.12")
    venv = tmp_path / "venv" / "bin" / "python"
    venv.parent.mkdir(parents=True)
    venv.symlink_to(real)
    for named in (venv, tmp_path / "venv"):
        found = interpreter(Kind.EXISTING, python=named, variables=SLICER)
        assert found.python == venv, "a link to the base Python must not be followed: the environment would be lost"
        assert found.environment == {"PATH": "/usr/bin"}


@pytest.mark.parametrize("place", ["bin/python3", "python.exe"])
def test_the_python_of_an_environment_is_found_wherever_it_lies(tmp_path: Path, place: str) -> None:
    """On Windows conda's environments have it at the top."""
    found = interpreter(Kind.EXISTING, python=program(tmp_path / "env" / place).parents[place.count("/")])
    assert found.python == tmp_path / "env" / place


@pytest.mark.parametrize("named", [None, "", "  "])
def test_no_name_is_told(named: str | None) -> None:
    with pytest.raises(InputError, match="No Python is named"):
        interpreter(Kind.EXISTING, python=named)


def test_what_is_no_program_is_refused(tmp_path: Path, closed_folder: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    for wrong in (tmp_path, tmp_path / "nothing", tmp_path / "notes.txt", closed_folder / "python"):
        with pytest.raises(InputError, match="is no program"):
            interpreter(Kind.EXISTING, python=wrong)


@pytest.mark.parametrize("kind", [Kind.OWN, Kind.EXISTING])
def test_slicers_own_python_keeps_slicers_variables(kind: Kind) -> None:
    found = interpreter(kind, python=sys.executable, variables=SLICER)
    assert found.python == Path(sys.executable)
    assert found.environment == SLICER


def test_an_own_python_without_pytorch_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_python, "requirements", lambda: ["torch>=2.5.1", "no-such-package>=1"])
    with pytest.raises(EngineError, match=r"no no-such-package>=1: install the engine"):
        interpreter(Kind.OWN)


def test_the_own_python_is_found_where_it_has_the_engine() -> None:
    found = found_interpreter()
    assert (found.python, found.notice) == (Path(sys.executable), "")


def test_without_pytorch_the_private_environment_is_found_and_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lacking = ["torch>=2.5.1", "sam2==1.1.0", "iopath>=0.1"]
    monkeypatch.setattr(engine_python, "missing", lambda requirements: lacking)
    monkeypatch.setenv("PROMPTONCE_ENGINE", str(tmp_path / "engine"))
    with pytest.raises(EngineMissingError, match=r"no PyTorch and no SAM 2, and the engine is not installed. Install"):
        found_interpreter()
    place = layout()
    make_complete(place)
    found = found_interpreter(variables={**SLICER, "PROMPTONCE_ENGINE": str(place.folder)})
    assert found.python == place.python
    assert found.environment == {"PATH": "/usr/bin", "PROMPTONCE_ENGINE": str(place.folder)}
    assert str(place.folder) in found.notice
    lacking[:] = ["iopath>=0.1"]
    assert "no iopath>=0.1: working" in found_interpreter().notice
    record_test(place, "torch cannot be loaded.")
    with pytest.raises(EngineMissingError, match="torch cannot be loaded"):
        found_interpreter()


def test_a_python_that_is_named_goes_before_all_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one, other = program(tmp_path / "one" / "bin" / "python"), program(tmp_path / "other" / "bin" / "python")
    monkeypatch.setenv(PYTHON_VARIABLE, str(one))
    assert found_interpreter().python == one
    assert found_interpreter(other.parents[1]).python == other
    with pytest.raises(InputError, match="is no program"):
        found_interpreter(tmp_path / "nothing")

"""Variables for a Python that is not Slicer's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from PromptOnceLib import __version__
from PromptOnceLib.processes import variables
from PromptOnceLib.processes.transport import worker_environment
from PromptOnceLib.processes.variables import clean_environment, in_slicer, with_package

BEFORE = {"HOME": "/home/me", "PATH": "/usr/bin", "LD_LIBRARY_PATH": "/cluster/cuda", "LANG": "de_DE.UTF-8"}
INSIDE = {
    **BEFORE,
    "APPLAUNCHER_LEVEL": "1",
    **{f"APPLAUNCHER_0_{name}": value for name, value in BEFORE.items()},
    "SLICER_HOME": "/opt/Slicer",
    "SLICER_SHARE_DIR": "share/Slicer-5.12",
    "PATH": "/opt/Slicer/bin:/usr/bin",
    "LD_LIBRARY_PATH": "/opt/Slicer/lib/Slicer-5.12:/cluster/cuda",
    "PYTHONHOME": "/opt/Slicer/lib/Python",
    "PYTHONPATH": "/opt/Slicer/bin/Python",
    "QT_PLUGIN_PATH": "/opt/Slicer/lib/QtPlugins",
    "SSL_CERT_FILE": "/opt/Slicer/share/Slicer-5.12/Slicer.crt",
    "ITK_AUTOLOAD_PATH": "/opt/Slicer/lib/ITKFactories",
}


def test_what_was_there_before_slicer_comes_back_exactly() -> None:
    assert clean_environment(INSIDE) == BEFORE


def test_the_level_below_the_first_launcher_counts() -> None:
    nested = {**INSIDE, "APPLAUNCHER_LEVEL": "2", "APPLAUNCHER_1_PATH": "/opt/Slicer/bin:/usr/bin"}
    assert clean_environment(nested) == BEFORE


def test_a_proxy_that_was_set_inside_slicer_is_kept() -> None:
    cleaned = clean_environment({**INSIDE, "HTTPS_PROXY": "http://proxy:3128", "no_proxy": "localhost", "TMP": "/x"})
    assert cleaned == {**BEFORE, "HTTPS_PROXY": "http://proxy:3128", "no_proxy": "localhost"}


def test_a_slicer_without_launcher_loses_its_own_variables() -> None:
    without = {name: value for name, value in INSIDE.items() if not name.startswith("APPLAUNCHER")}
    without["DYLD_LIBRARY_PATH"] = "/opt/Slicer/lib"
    cleaned = clean_environment(without)
    assert cleaned == {"HOME": "/home/me", "PATH": "/usr/bin", "LANG": "de_DE.UTF-8"}


def test_outside_slicer_only_what_belongs_to_another_python_goes() -> None:
    mine = {**BEFORE, "PYTHONPATH": "/mine", "PYTHONHOME": "/mine", "VIRTUAL_ENV": "/venv", "PYTHONUTF8": "1"}
    assert clean_environment(mine) == {**BEFORE, "PYTHONUTF8": "1"}
    assert mine["PYTHONPATH"] == "/mine", "the caller's variables are not changed"


def test_without_an_argument_it_is_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTONCE_OF_THIS_TEST", "1")
    monkeypatch.setenv("PYTHONHOME", "/wrong")
    cleaned = clean_environment()
    assert cleaned["PROMPTONCE_OF_THIS_TEST"] == "1"
    assert "PYTHONHOME" not in cleaned
    monkeypatch.setenv("SLICER_HOME", "/opt/Slicer")
    assert in_slicer()


def test_the_worker_finds_this_package_and_nothing_of_slicer() -> None:
    package_parent = str(Path(__file__).resolve().parents[3])
    assert worker_environment(clean_environment(INSIDE))["PYTHONPATH"] == package_parent
    assert with_package({"PYTHONPATH": "/mine"})["PYTHONPATH"] == package_parent + os.pathsep + "/mine"
    assert worker_environment(INSIDE)["PYTHONPATH"].split(os.pathsep) == [package_parent, "/opt/Slicer/bin/Python"]


def test_an_installed_wheel_shows_another_python_itself_and_none_of_its_neighbours(tmp_path: Path) -> None:
    site, package = tmp_path / "site-packages", Path(variables.__file__).parents[1]
    shutil.copytree(package, site / "PromptOnceLib", ignore=shutil.ignore_patterns("__pycache__", "gui", "engine"))
    shutil.copytree(package.parent / "Resources" / "on_path", site / "PromptOnceLib" / "Resources" / "on_path")
    (site / "numpy.py").write_text("raise SystemExit('a package of the wrong Python')")
    told = "from PromptOnceLib.processes.variables import with_package; print(with_package({})['PYTHONPATH'])"
    path = subprocess.check_output([sys.executable, "-c", told], env={"PYTHONPATH": str(site)}, text=True).strip()
    assert path == str(site / "PromptOnceLib" / "Resources" / "on_path")
    code = "import PromptOnceLib as p, PromptOnceLib.schema as s, numpy; print(p.__version__, s.__file__)"
    shown = subprocess.check_output([sys.executable, "-c", code], env={"PYTHONPATH": path}, text=True).split()
    assert shown == [__version__, str(site / "PromptOnceLib" / "schema.py")]

"""The state of the engine's environment, told from its folder."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from environment.engine_environments import make_complete
from PromptOnceLib.environment import installation
from PromptOnceLib.environment.installation import (
    SAM2,
    TORCH,
    EnvironmentState,
    InstallManifest,
    Layout,
    layout,
    record_test,
    status,
    write_manifest,
)

REPOSITORY = Path(__file__).resolve().parents[4]


@pytest.fixture
def place(tmp_path: Path) -> Layout:
    return layout(tmp_path / "engine")


def test_a_folder_without_a_manifest_holds_no_environment(place: Layout) -> None:
    assert status(place.folder).state is EnvironmentState.ABSENT
    place.venv.mkdir(parents=True)
    found = status(place.folder)
    assert found.state is EnvironmentState.ABSENT
    assert "install it" in found.sentence


def test_a_complete_environment_is_ready(place: Layout) -> None:
    place.folder.mkdir()
    make_complete(place)
    found = status(place.folder)
    assert (found.state, found.sentence, found.ready) == (EnvironmentState.READY, "", True)


def test_an_environment_of_an_earlier_version_is_recognised(place: Layout) -> None:
    place.folder.mkdir()
    make_complete(place)
    earlier = {"method": "venv", "backend": "cpu", **json.loads(place.manifest.read_text(encoding="utf-8"))}
    place.manifest.write_text(json.dumps(earlier), encoding="utf-8")
    assert status(place.folder).ready


def test_an_environment_that_lost_its_python_or_a_package_is_broken(place: Layout) -> None:
    place.folder.mkdir()
    make_complete(place)
    (info,) = place.venv.rglob("sam2-*.dist-info")
    info.rmdir()
    assert (status(place.folder).state, status(place.folder).sentence) == (
        EnvironmentState.BROKEN,
        "The engine has lost sam2: repair it.",
    )
    shutil.rmtree(place.venv)
    assert "Python of the engine is gone" in status(place.folder).sentence


def test_a_python_whose_base_was_uninstalled_is_broken(place: Layout, tmp_path: Path) -> None:
    place.folder.mkdir()
    make_complete(place)
    place.python.unlink()
    place.python.symlink_to(tmp_path / "python-that-was-uninstalled")
    assert status(place.folder).state is EnvironmentState.BROKEN


def test_an_environment_for_other_packages_is_outdated(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    place.folder.mkdir()
    make_complete(place)
    monkeypatch.setattr(installation, "SAM2", "sam2==9.9")
    assert status(place.folder).state is EnvironmentState.OUTDATED
    assert not status(place.folder).ready


@pytest.mark.parametrize("content", [b"", b"{", b'{"state": "fine"}', b"\xff\xfe"])
def test_a_damaged_manifest_makes_a_broken_environment(place: Layout, content: bytes) -> None:
    place.folder.mkdir()
    make_complete(place)
    place.manifest.write_bytes(content)
    assert status(place.folder).state is EnvironmentState.BROKEN


def test_a_failed_test_breaks_a_ready_environment_and_a_passed_one_mends_it(place: Layout) -> None:
    place.folder.mkdir()
    manifest = make_complete(place, versions={"torch": "2.13.0"})
    record_test(place, "torch cannot be loaded.")
    found = status(place.folder)
    assert found.state is EnvironmentState.BROKEN
    assert "torch cannot be loaded." in found.sentence
    record_test(place, "")
    assert status(place.folder).ready
    assert status(place.folder).manifest == manifest


def test_a_test_does_not_complete_an_unfinished_installation(place: Layout) -> None:
    place.folder.mkdir()
    write_manifest(place, InstallManifest())
    record_test(place, "")
    assert status(place.folder).state is EnvironmentState.UNFINISHED


def test_the_folder_is_the_argument_or_the_variable_or_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTONCE_ENGINE", str(tmp_path / "variable"))
    assert layout(tmp_path / "argument").folder == tmp_path / "argument"
    assert layout().folder == tmp_path / "variable"
    monkeypatch.delenv("PROMPTONCE_ENGINE")
    assert layout().folder.parts[-2:] == ("PromptOnce", "engine")


def test_the_environment_gets_what_the_project_names() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert {TORCH, *installation.other_requirements()} <= set(re.findall(r'"([^"]+)"', project))
    (engine,) = re.findall(r"^engine = \[(.+)\]$", project, re.MULTILINE)
    assert set(re.findall(r'"([^"]+)"', engine)) <= set(installation.requirements())
    (in_makefile,) = re.findall(r"^SAM2 := (.+)$", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert in_makefile == SAM2

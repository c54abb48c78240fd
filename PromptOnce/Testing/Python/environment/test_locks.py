"""Where the engine's packages come from: lock files with checksums, and nothing from elsewhere that is not named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from environment.engine_environments import TORCH_STEP, engine_plan
from PromptOnceLib.environment.diagnosis import installation_reason
from PromptOnceLib.environment.installation import SAM2, other_requirements
from PromptOnceLib.resources import resource

LOCKS = {"uv", "build", "packages", "sam2", "torch"}


def locked(name: str) -> list[tuple[Requirement, list[str]]]:
    """The packages of a lock file with their checksums."""
    text = resource("Locks", f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [
        (Requirement(line.split(" --hash")[0]), re.findall(r"--hash=sha256:([0-9a-f]{64})", line)) for line in lines
    ]


@pytest.mark.parametrize("name", sorted(LOCKS))
def test_every_package_of_a_lock_is_one_version_with_checksums(name: str) -> None:
    assert {path.stem for path in resource("Locks", "uv.txt").parent.iterdir()} == LOCKS
    packages = locked(name)
    assert packages
    for requirement, hashes in packages:
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], requirement
        assert hashes, requirement


def test_the_locks_hold_what_is_required() -> None:
    found = [requirement for requirement, _ in locked("packages")]
    for wanted in map(Requirement, other_requirements()):
        versions = [
            next(iter(one.specifier)).version
            for one in found
            if one.name.lower() == wanted.name.lower().replace("_", "-")
        ]
        assert versions, wanted
        assert all(wanted.specifier.contains(version) for version in versions), wanted
    assert [str(requirement) for requirement, _ in locked("sam2")] == [SAM2]
    makefile = (Path(__file__).parents[4] / "Makefile").read_text(encoding="utf-8")
    (torch,) = re.findall(r"^TORCH \?= (.+)$", makefile, re.MULTILINE)
    assert torch in [str(requirement) for requirement, _ in locked("torch")], "run `make lock`"


def test_all_that_is_fetched_is_compared_with_its_checksum_but_builds_of_pytorchs_own_index(tmp_path: Path) -> None:
    for backend, unlocked in (("pypi", set()), ("cu128", {TORCH_STEP})):
        fetching = [step for step in engine_plan(tmp_path, backend=backend).steps if "install" in step.command]
        assert {step.title for step in fetching if "--require-hashes" not in step.command} == unlocked
        for step in fetching:
            file = Path(step.command[-1])
            assert file.parent.name == "Locks" or step.title in unlocked
            assert "--no-build-isolation" in step.command or step is fetching[0] or step.title in unlocked


def test_package_indexes_of_the_environment_are_named_without_passwords(tmp_path: Path) -> None:
    assert engine_plan(tmp_path).sources == ()
    settings = tmp_path / "config" / "uv" / "uv.toml"
    settings.parent.mkdir(parents=True)
    settings.touch()
    variables = {
        "PATH": "/bin",
        "UV_INDEX": "inner=https://jane:secret@inner.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://more.example/simple",
        "PIP_FIND_LINKS": " ",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "APPDATA": str(tmp_path / "config"),
    }
    sentence = engine_plan(tmp_path, variables=variables).sentence
    assert "inner=https://inner.example/simple (UV_INDEX)" in sentence
    assert "https://more.example/simple (PIP_EXTRA_INDEX_URL)" in sentence
    assert str(settings) in sentence
    assert not re.search("jane|secret|FIND_LINKS", sentence)


@pytest.mark.parametrize(
    "said",
    [
        "  Hash mismatch for `sam2==1.1.0`",
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
    ],
)
def test_a_package_with_another_checksum_is_told(said: str) -> None:
    assert "its checksum differs" in installation_reason([said], 1)

"""What goes to the package index: links, addresses, and files that a wheel must have."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from PromptOnceLib.environment.installation import SAM2

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Source"]


def absolute_readme() -> str:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.with_absolute_links((ROOT / "README.md").read_text(encoding="utf-8"), REPOSITORY))


def test_all_links_of_the_readme_are_absolute_and_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)]+)\)", absolute_readme())
    assert links
    raw = REPOSITORY.replace("github.com", "raw.githubusercontent.com") + "/main/"
    for link in links:
        assert link.startswith(("https://", "#")), link
        for start in (raw, f"{REPOSITORY}/blob/main/"):
            if link.startswith(start):
                assert (ROOT / link.removeprefix(start).partition("#")[0]).exists(), link


def test_links_that_are_absolute_already_and_pictures_inside_links_are_kept() -> None:
    text = absolute_readme()
    assert "https://github.com/https" not in text
    assert "](https://www.slicer.org)" in text


def test_the_addresses_are_those_of_one_repository() -> None:
    homepage = re.search(r'EXTENSION_HOMEPAGE "([^"]+)"', (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    assert homepage is not None
    assert all(address.startswith(homepage[1]) for address in PROJECT["urls"].values())


@pytest.mark.parametrize("name", ["cpu", "cuda"])
def test_the_images_for_docker_install_what_make_does(name: str) -> None:
    text = (ROOT / "docker" / f"{name}.Dockerfile").read_text(encoding="utf-8")
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f'"{SAM2}"' in text
    (torch,) = re.findall(r"^TORCH \?= (\S+)$", make, re.MULTILINE)
    assert f'"{torch}"' in text
    for copied in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / path).exists() for path in copied.split())

"""The pages of the documentation: links, commands, code, and that nothing is said twice."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from PromptOnceLib.cli.main import main

ROOT = Path(__file__).resolve().parents[4]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
LINK = re.compile(r"\[[^]]*\]\((?!\w+:)([^)#\s]*)(?:#([\w-]+))?\)")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.name)
def test_links_to_a_heading_find_it(page: Path) -> None:
    for target, anchor in LINK.findall(text_of(page)):
        if anchor:
            place = (page.parent / target).resolve() if target else page
            assert anchor in anchors(place), f"{target}#{anchor}"


def test_the_readme_is_short() -> None:
    assert len(text_of(README).splitlines()) <= 120


def test_no_paragraph_is_said_twice() -> None:
    seen: dict[str, str] = {}
    for page in (README, *PAGES):
        prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
        for paragraph in re.split(r"\n\s*\n|\n(?=[*|] )", prose):
            words = " ".join(paragraph.split())
            if len(words) > 120:
                assert words not in seen, f"{page.name} and {seen[words]}: {words[:60]}"
                seen[words] = page.name


def commands() -> Iterator[tuple[str, list[str]]]:
    """The commands that pages show, each with the words behind "promptonce"."""
    for page in (README, *PAGES):
        for block in re.findall(r"^ *```\n(.*?)^ *```", text_of(page), re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                found = re.match(r"\s*(?:\S*/)?promptonce (.*)", line.partition(" # ")[0])
                if found:
                    yield page.name, found[1].split()


@pytest.mark.parametrize(("page", "words"), [*commands()], ids=lambda value: " ".join(value) if value else "")
def test_commands_and_their_options_exist(page: str, words: list[str]) -> None:
    command: click.Command = main
    context = click.Context(command)
    while isinstance(command, click.Group):
        word = words.pop(0)
        found = command.get_command(context, word)
        assert found is not None, f"{page}: {word}"
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if re.match(r"--?[a-z]", word)} <= known


@pytest.mark.slow
def test_the_code_on_the_page_about_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text_of(ROOT / "docs" / "python.md"), re.DOTALL):
        exec(block, names)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"lung.nrrd", "lung.png", "lung.seg.nrrd", "lung.seg.nrrd.bak"}
    result = names["result"]
    assert result.dice(names["organs"] == 1) > 0.8


@pytest.mark.slow
def test_the_code_in_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["sample", "chest"]).exit_code == 0
    (block,) = re.findall(r"```python\n(.*?)```", text_of(README), re.DOTALL)
    names: dict[str, object] = {}
    exec(block, names)
    assert names["result"].dice() > 0.9
    assert (tmp_path / "lungs.seg.nrrd").is_file()


@pytest.mark.slow
def test_the_pages_are_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings_handlers")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path / "site")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "site" / "notebooks" / "segment-and-correct.html").is_file()
    assert "Parameters" in (tmp_path / "site" / "python.html").read_text(encoding="utf-8")

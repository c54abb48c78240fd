"""The examples in the docstrings of what scripts use are run, in an empty folder."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import PromptOnceLib as po
from PromptOnceLib import batch, seeds

MODULES = ["api.corrections", "api.images", "api.segment", "api.session", "batch.scripts", "seeds.scripts"]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    finder, runner = doctest.DocTestFinder(exclude_empty=True), doctest.DocTestRunner()
    told: list[str] = []
    for test in finder.find(import_module(f"PromptOnceLib.{name}")):
        runner.run(test, out=told.append)
    assert runner.summarize(verbose=False).attempted
    assert runner.failures == 0, "".join(told)


def test_every_verb_says_what_it_takes_and_gives() -> None:
    verbs = {**vars_of(po), **vars_of(batch), **vars_of(seeds)}
    for name in ("segment", "read", "volume", "phantom", "match_seeds", "review", "correct", "run"):
        for section in ("Parameters", "Returns"):
            assert f"{section}\n    ---" in verbs[name].__doc__, name
    assert all(verb.__doc__ for verb in verbs.values())


def vars_of(package: object) -> dict[str, object]:
    return {name: getattr(package, name) for name in package.__all__}

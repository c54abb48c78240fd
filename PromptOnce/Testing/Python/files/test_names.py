"""Names and files that the libraries below would stumble over."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import PromptChoice, Selection
from PromptOnceLib.environment.engine_python import Kind, interpreter
from PromptOnceLib.errors import InputError, ManifestError
from PromptOnceLib.files.folders import user_folder
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.prompt import read_prompt
from PromptOnceLib.seeds.archive import import_seeds
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.segmentation.result import read_csv

SEED = PromptChoice(kind="seed", name="s")
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes among files on Windows")


@pytest.mark.parametrize(
    "ask",
    [
        lambda name: user_folder("models", "PROMPTONCE_MODELS", name),
        lambda name: resolve_model(f"{name}/a.pt", "sam2:a.yaml"),
        lambda name: resolve_model(__file__, name),
        lambda name: interpreter(Kind.EXISTING, python=name),
        lambda name: make_plan(Selection(source=Path(name), prompt=SEED)),
        lambda name: make_plan(Selection(source=Path(), prompt=PromptChoice(kind="file", name=name))),
    ],
    ids=["folder", "checkpoint", "configuration", "python", "input", "prompt"],
)
def test_a_user_who_does_not_exist(ask: Callable[[str], object]) -> None:
    with pytest.raises(InputError, match=r"~nobody-here.*no user of that name"):
        ask("~nobody-here")


def test_a_user_who_does_not_exist_in_a_manifest(tmp_path: Path) -> None:
    manifest = tmp_path / "cases.csv"
    manifest.write_text("image,prompt\n~nobody-here/a.nii,~nobody-here/p.json\n")
    with pytest.raises(ManifestError) as error:
        make_plan(Selection(source=manifest))
    assert error.value.message.count("no user of that name") == 2


@posix
@pytest.mark.parametrize(
    "read",
    [
        read_prompt,
        read_csv,
        lambda path: import_seeds(path, SeedLibrary(path.parent / "library")),
        lambda path: make_plan(Selection(source=path, prompt=SEED)),
    ],
    ids=["prompt", "table", "seeds", "manifest"],
)
def test_devices_and_pipes_are_never_read(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match="not an ordinary file"):
        read(tmp_path / "pipe.csv")


@posix
def test_devices_in_a_manifest_are_named_by_line(tmp_path: Path) -> None:
    manifest = tmp_path / "cases.csv"
    manifest.write_text("image,prompt,reference\n/dev/zero,/dev/zero,/dev/zero\n")
    with pytest.raises(ManifestError) as error:
        make_plan(Selection(source=manifest))
    assert error.value.message.count("not an ordinary file") == 3

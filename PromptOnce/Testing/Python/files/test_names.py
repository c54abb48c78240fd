"""Names and files that the libraries below would stumble over."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest

from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import PromptChoice, Selection
from PromptOnceLib.cases.outputs import Outputs
from PromptOnceLib.cli.options.seed import _StartSlice
from PromptOnceLib.cli.terminal import SliceRange
from PromptOnceLib.environment.engine_python import Kind, interpreter
from PromptOnceLib.errors import InputError, ManifestError, SegmentationFileError
from PromptOnceLib.files.folders import user_folder
from PromptOnceLib.imaging.image_file import check_readable
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.markups_file import read_markups
from PromptOnceLib.prompts.prompt import read_prompt
from PromptOnceLib.seeds.archive import import_seeds
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.segmentation.io import Segment, write_segmentation
from PromptOnceLib.segmentation.reference import parse_reference, read_reference
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
        read_markups,
        read_csv,
        lambda path: import_seeds(path, SeedLibrary(path.parent / "library")),
        lambda path: make_plan(Selection(source=path, prompt=SEED)),
    ],
    ids=["prompt", "markups", "table", "seeds", "manifest"],
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


LONG = "x" * 256
DIGITS = "9" * 5000


@pytest.mark.parametrize(
    "ask",
    [
        lambda name: check_readable(Path(name)),
        lambda name: read_volume(name),
        lambda name: Outputs(Path(f"{name}.nii.gz")).check([]),
        lambda name: resolve_model(name),
        lambda name: resolve_model(f"{name}.pt", "sam2:a.yaml"),
        lambda name: read_reference(*parse_reference(name)[:1], Geometry((1, 1, 1))),
        read_prompt,
        lambda name: make_plan(Selection(source=Path(name), prompt=SEED)),
    ],
    ids=["image", "volume", "output", "model", "checkpoint", "reference", "prompt", "manifest"],
)
def test_a_name_that_no_file_can_have(ask: Callable[[str], object]) -> None:
    with pytest.raises(InputError):
        ask(LONG)


def test_the_longest_name_that_a_file_can_have(tmp_path: Path) -> None:
    path = tmp_path / f"{'x' * (255 - len('.nii.gz'))}.nii.gz"
    Outputs(path).check([])
    write_segmentation(path, [np.ones((1, 2, 2))], [Segment("a", (1, 0, 0))], Geometry((2, 2, 1)))
    assert read_volume(path).array.shape == (1, 2, 2)


def test_numbers_of_thousands_of_digits(tmp_path: Path) -> None:
    with pytest.raises(SegmentationFileError, match="too many digits"):
        parse_reference(f"a.nii:{DIGITS}")
    many = ",".join(map(str, range(1, 500)))
    assert parse_reference(f"a.nii:{many}")[1] == tuple(range(1, 500))
    manifest = tmp_path / "cases.csv"
    manifest.write_text(f"image,slice\n,{DIGITS}\n")
    with pytest.raises(ManifestError, match="not the number of a slice"):
        make_plan(Selection(source=manifest, prompt=SEED))
    for kind in (SliceRange(), _StartSlice()):
        for text in (DIGITS, f"{DIGITS}:{DIGITS}"):
            with pytest.raises(click.BadParameter):
                kind.convert(text, None, None)

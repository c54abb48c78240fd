"""Manifests: tables as spreadsheets write them, and every kind of mistake with its line and column."""

from __future__ import annotations

from pathlib import Path

import pytest
from imaging.dicom_files import PATIENT, write_series

from batch.studies import write_disk_prompt, write_image
from PromptOnceLib.batch.planning.manifest import read_manifest
from PromptOnceLib.batch.planning.plan import PlannedCase, PromptChoice
from PromptOnceLib.errors import ManifestError

AUTO = PromptChoice(kind="auto")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images, a reference and a prompt."""
    for name in ("a.nii.gz", "b, c.nii.gz", "a_ref.nii.gz"):
        write_image(tmp_path / name)
    write_disk_prompt(tmp_path / "prompt.json")
    return tmp_path


def read(folder: Path, text: str | bytes, prompt: PromptChoice | None = AUTO) -> list[PlannedCase]:
    path = folder / "study.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_manifest(path, prompt, seed_problem=problem)


def problem(name: str) -> str | None:
    return None if name in ("lungs GE", "liver") else f'There is no seed "{name}".'


def mistakes(folder: Path, text: str | bytes, prompt: PromptChoice | None = AUTO) -> list[str]:
    with pytest.raises(ManifestError) as error:
        read(folder, text, prompt)
    return [line.strip() for line in error.value.message.splitlines()]


def test_the_volume_of_an_image_is_named_in_its_column(folder: Path) -> None:
    first, second = read(folder, "image,volume\na.nii.gz,echo 2\na.nii.gz,\n")
    assert (first.volume, second.volume) == ("echo 2", None)


def test_every_column_is_understood(folder: Path) -> None:
    cases = read(
        folder,
        "image,case,reference,seed,prompt,window,axis,slice,group\n"
        'a.nii.gz,first,"a_ref.nii.gz:1,2",lungs GE,,lung,axial,3,CT 1\n'
        '"b, c.nii.gz",,,,prompt.json,,,,\n'
        "a.nii.gz,third,a_ref.nii.gz,,reference,40/400,k,,\n",
    )
    first, second, third = cases
    assert [case.name for case in cases] == ["first", "b-c", "third"]
    assert first.reference == f"{folder / 'a_ref.nii.gz'}:1,2"
    assert (first.window, first.axis, first.slice, first.group) == ("lung", "axial", 3, "CT 1")
    assert first.prompt == PromptChoice(kind="seed", name="lungs GE")
    assert second.prompt == PromptChoice(kind="file", name=str(folder / "prompt.json"))
    assert (second.image, second.files) == (folder / "b, c.nii.gz", (folder / "b, c.nii.gz",))
    assert third.prompt.kind == "reference"


def test_a_reference_in_the_table_is_prompted_by_the_strategy_of_all(folder: Path) -> None:
    text = "image,reference,prompt\na.nii.gz,a_ref.nii.gz,reference\na.nii.gz,a_ref.nii.gz,\n"
    by_box = PromptChoice(kind="reference", strategy="S5")
    assert [case.prompt for case in read(folder, text, by_box)] == [by_box, by_box]
    assert read(folder, text)[0].prompt == PromptChoice(kind="reference")


def test_the_home_folder_may_be_written_short(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    (case,) = read(folder, "image,reference,prompt\n~/a.nii.gz,~/a_ref.nii.gz:1,~/prompt.json\n")
    assert (case.image, case.reference) == (folder / "a.nii.gz", f"{folder / 'a_ref.nii.gz'}:1")


@pytest.mark.parametrize(
    "text",
    [
        "image,case\na.nii.gz,x\n",
        "\ufeffimage,case\r\na.nii.gz,x\r\n",
        "Image;Case\na.nii.gz;x",
        "image\tcase\n\n  a.nii.gz \tx\n\n",
        '"image","case"\n"a.nii.gz","x"\n',
        "image,case\na.nii.gz,x\n".encode("utf-16"),
    ],
)
def test_tables_are_read_as_programs_write_them(folder: Path, text: str | bytes) -> None:
    cases = read(folder, text)
    assert [(case.name, case.prompt) for case in cases] == [("x", AUTO)]


@pytest.mark.parametrize(
    ("row", "place", "words"),
    [
        ("nothing.nii.gz,,,,,,,,", "line 2, column 1 (image)", "does not exist"),
        (",x,,,,,,,", "line 2, column 1 (image)", "no image"),
        ("a.nii.gz,x/y,,,,,,,", "line 2, column 2 (case)", '"x-y" could'),
        ("a.nii.gz,,nothing.nii.gz,,,,,,", "line 2, column 3 (reference)", "does not exist"),
        ('a.nii.gz,,"a_ref.nii.gz:,",,,,,,', "line 2, column 3 (reference)", "not a reference"),
        ("a.nii.gz,,,lungs EG,,,,,", "line 2, column 4 (seed)", 'There is no seed "lungs EG"'),
        ("a.nii.gz,,,liver,prompt.json,,,,", "line 2, column 5 (prompt)", "not both"),
        ("a.nii.gz,,,,nothing.json,,,,", "line 2, column 5 (prompt)", "cannot be opened"),
        ("a.nii.gz,,,,a.nii.gz,,,,", "line 2, column 5 (prompt)", "not a text file"),
        ("a.nii.gz,,,,reference,,,,", "line 2, column 3 (reference)", "none is named"),
        ("a.nii.gz,,,,,sunglasses,,,", "line 2, column 6 (window)", "not a window"),
        ("a.nii.gz,,,,,,diagonal,,", "line 2, column 7 (axis)", "not an axis"),
        ("a.nii.gz,,,,,,,-1,", "line 2, column 8 (slice)", "not the number of a slice"),
        ("a.nii.gz,,,,prompt.json,,,3,", "line 2, column 8 (slice)", "brings its slice"),
        ("a.nii.gz,,", "line 2:", "has 3 fields, the headings are 9"),
        ('a.nii.gz,"x,,,,,,,', "line 2:", "cannot be read"),
    ],
)
def test_a_mistake_in_a_line_is_told_with_its_place(folder: Path, row: str, place: str, words: str) -> None:
    found = mistakes(folder, f"image,case,reference,seed,prompt,window,axis,slice,group\n{row}\n")
    assert found[0] == "study.csv holds 1 mistake; nothing was started:"
    assert found[1].startswith(place)
    assert words in found[1]
    assert len(found) == 2


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines(folder: Path) -> None:
    found = mistakes(
        folder,
        'case,image,seed,windo\nx,nothing.nii.gz,none,lung\nX,a.nii.gz,liver,lung\n"y\ny",a.nii.gz,,\nz,,,\n',
    )
    assert [line.split(":")[0] for line in found[1:]] == [
        "line 1, column 4 (windo)",
        "line 2, column 2 (image)",
        "line 2, column 3 (seed)",
        "line 3, column 1 (case)",
        "line 4, column 1 (case)",
        "line 6, column 2 (image)",
    ]
    assert "Is window meant?" in found[1]
    assert "already the case of line 2" in found[4]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("image\n", "no line with an image"),
        ("case,group\nx,y\n", "the column image is missing"),
        ("image,image\na.nii.gz,a.nii.gz\n", "stands here twice"),
        (b"image\nb\xfcro.nii.gz\n", "line 2: not UTF-8"),
        (b"\x89PNG\0\0", "not"),
        ("a.nii.gz\n", "the column image is missing"),
    ],
)
def test_a_table_that_is_none_is_refused(folder: Path, text: str | bytes, words: str) -> None:
    assert words in "\n".join(mistakes(folder, text))


def test_a_case_without_any_prompt_is_a_mistake(folder: Path) -> None:
    assert "has no prompt" in mistakes(folder, "image\na.nii.gz\n", prompt=None)[1]


def test_hundreds_of_mistakes_are_cut_short(folder: Path) -> None:
    found = mistakes(folder, "image\n" + "nothing.nii.gz\n" * 300)
    assert found[0].startswith("study.csv holds 300 mistakes")
    assert found[-1] == "and 280 more"


def test_a_dicom_series_without_a_name_gets_a_neutral_one(folder: Path) -> None:
    write_series(folder / PATIENT, [0, 2, 4])
    cases = read(folder, f"image,case\n{PATIENT},\n{PATIENT},chest\n")
    assert [case.name for case in cases] == ["series-001", "chest"]
    assert all(case.dicom and len(case.files) == 3 for case in cases)


def test_an_image_may_be_segmented_twice(folder: Path) -> None:
    cases = read(folder, "image,seed\na.nii.gz,liver\na.nii.gz,lungs GE\n")
    assert len({case.name for case in cases}) == 2

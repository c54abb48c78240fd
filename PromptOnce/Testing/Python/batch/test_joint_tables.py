"""The papers' tables of a run; the papers' own figures come out of their own per-slice results."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from PromptOnceLib.batch.run_folder.joint_tables import (
    METRICS,
    joint_raw_data,
    joint_results,
    results,
    summary_of,
    write_joint_tables,
)
from PromptOnceLib.segmentation.result import SliceResult

PUBLISHED = {
    # subset: mean and standard deviation of Jaccard and of Dice, to the digits printed
    "1-all": ("0.914493", "0.122624", "0.949448", "0.093036"),
    "2-coronacases": ("0.918944", "0.114656", "0.952709", "0.085469"),
    "3-radiopaedia": ("0.902746", "0.140918", "0.940843", "0.110141"),
}


def row(index: int, dice: float | None, jaccard: float | None, reference_area: int | None) -> SliceResult:
    return SliceResult(index, True, 10, 0.9, 0.9, dice, jaccard, reference_area)


def cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def one_file(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def published_images(folder: Path) -> list[tuple[str, list[SliceResult]]]:
    """The per-slice results of the papers; a slice without values held no reference."""
    images = []
    for image in sorted(path for path in folder.iterdir() if path.is_dir()):
        lines = cells(one_file(image, "raw_data_*.csv"))[1:]
        table = [
            row(int(index), float(dice), float(jaccard), 1) if dice else row(int(index), None, None, 0)
            for index, jaccard, dice in lines
        ]
        images.append((image.name, table))
    return images


def assert_same_table(made: list[list[str]], published: list[list[str]]) -> None:
    """Same texts; numbers equal but for the last of their 16 digits, where the papers' sum in another order."""
    assert [line[0] for line in made] == [line[0] for line in published]
    assert made[0] == published[0]
    for ours, theirs in zip(made[1:], published[1:], strict=True):
        assert [cell == "" for cell in ours] == [cell == "" for cell in theirs]
        numbers = [[float(cell) for cell in line[1:] if cell] for line in (ours, theirs)]
        assert numbers[0] == pytest.approx(numbers[1], rel=2e-15)


@pytest.mark.parametrize("subset", PUBLISHED)
def test_the_papers_statistics_come_out_of_the_papers_slices(shared_data: Path, subset: str) -> None:
    folder = shared_data / "paper_results" / subset
    images = published_images(folder)
    slices = [item for _, table in images for item in table]
    jaccard, dice = (summary_of(slices, metric) for metric in METRICS)
    assert jaccard is not None
    assert dice is not None
    printed = tuple(f"{value:.6f}" for value in (jaccard.mean, jaccard.std, dice.mean, dice.std))
    assert printed == PUBLISHED[subset]
    assert_same_table(results(images), cells(one_file(folder, "results_*.csv")))
    assert_same_table(joint_results(images), cells(one_file(folder, "joint_results_*.csv")))
    assert_same_table(joint_raw_data(images), cells(one_file(folder, "joint_raw_data_*.csv")))


@pytest.mark.parametrize("subset", PUBLISHED)
def test_the_papers_statistics_of_every_volume_come_out_too(shared_data: Path, subset: str) -> None:
    folder = shared_data / "paper_results" / subset
    images = published_images(folder)
    assert len(images) >= 10
    for name, table in images:
        assert_same_table(results([(name, table)]), cells(one_file(folder / name, "results_*.csv")))


def test_slices_without_reference_have_empty_cells_even_where_a_mask_is_drawn() -> None:
    table = joint_raw_data([("a", [row(0, 0.0, 0.0, 0), row(1, 0.5, 1 / 3, 7)])])
    assert table == [["image", "slice", "jaccard", "dice"], ["a", "0", "", ""], ["a", "1", repr(1 / 3), "0.5"]]
    assert joint_results([("a", [row(0, 0.0, 0.0, 0), row(1, 0.5, 1 / 3, 7)])])[1][5:7] == ["", "0.5"]


def test_slices_that_nobody_computed_are_left_out() -> None:
    not_computed = SliceResult(1, False, None, None, None, None, None)
    summary = summary_of([row(0, 0.5, 0.4, 7), not_computed], "dice")
    assert summary is not None
    assert (summary.count, summary.mean) == (1, 0.5)


def test_images_without_a_reference_are_listed_without_statistics(tmp_path: Path) -> None:
    paths = write_joint_tables(tmp_path, [("a", [row(0, None, None, None)])])
    assert [path.name for path in paths] == ["joint_raw_data.csv", "joint_results.csv", "results.csv"]
    assert cells(paths[1])[1] == ["a", "1", *[""] * 8]
    assert cells(paths[2]) == [["metric", "min", "max", "avg", "std"], ["jaccard", *[""] * 4], ["dice", *[""] * 4]]


def test_a_run_without_results_has_tables_with_titles_only(tmp_path: Path) -> None:
    paths = write_joint_tables(tmp_path, [])
    assert [len(cells(path)) for path in paths] == [1, 1, 3]

"""The papers' published results of SAM go through our statistics and give what the papers print."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.printed import DRAWINGS, NO_MORE_TRAINING, PRINTED, PROMPT_ONCE, PrintedValue
from PromptOnceLib.studies.published import read_published
from PromptOnceLib.studies.rows import SliceRow
from PromptOnceLib.studies.statistics.summary import box_statistics, summary

pytest.importorskip("scipy.stats", reason="scipy is not installed")

POINTS = 0.0001  # a hundredth of a percent: the papers print two digits
CASES = {"all": 20, "Coronacases": 10, "Radiopaedia": 10}
SLICES = {"Coronacases": 2156, "Radiopaedia": 817, "Montgomery": 138}  # with lungs
DRAWN_MEANS = {  # dashed lines of the boxes of SAM 2
    ("all", "jaccard"): 0.9294,
    ("Coronacases", "jaccard"): 0.9328,
    ("Radiopaedia", "jaccard"): 0.9204,
    ("Montgomery", "jaccard"): 0.8777,
    ("all", "dice"): 0.9613,
    ("Coronacases", "dice"): 0.9635,
    ("Radiopaedia", "dice"): 0.9557,
    ("Montgomery", "dice"): 0.9340,
}


def printed(group: str, arm: str, metric: str, source: str = "") -> PrintedValue:
    found = [
        value
        for value in PRINTED
        if (value.study, value.group, value.arm, value.metric) == ("sam-vs-sam2", group, arm, metric)
        and value.source.startswith(source)
    ]
    assert len(found) == 1, f"{group}, {arm}, {metric}: {found}"
    return found[0]


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> tuple[SliceRow, ...]:
    folder = shared_data / "paper_results" / "1-all"
    if not folder.is_dir():
        pytest.skip(f"the published results are not at {folder}")
    (path,) = folder.glob("joint_raw_data_*.csv")
    return read_published(path)


def values(rows: tuple[SliceRow, ...], group: str, metric: str) -> list[float | None]:
    return [getattr(row, metric) for row in rows if group in ("all", row.group)]


def test_the_published_rows_are_the_volumes_of_the_paper(rows: tuple[SliceRow, ...]) -> None:
    assert len(rows) == 3520
    assert sum(row.dice is not None for row in rows) == 2973
    for group, cases in CASES.items():
        of_group = [row for row in rows if group in ("all", row.group)]
        assert len({row.case for row in of_group}) == cases
        assert sum(row.slices for row in of_group if row.slice == 0) == len(of_group)
    assert rows[0].case == "coronacases_001"


@pytest.mark.parametrize("metric", ["jaccard", "dice"])
def test_all_slices_give_table_1_of_no_more_training(rows: tuple[SliceRow, ...], metric: str) -> None:
    found, paper = summary(values(rows, "all", metric)), printed("all", "sam", metric, NO_MORE_TRAINING)
    assert (found.n, found.missing) == (2973, 547)
    assert found.mean is not None
    assert found.sd is not None
    # In printed digits: of Jaccard 12.26 comes out, one in the last digit more than the paper's 12.25.
    assert (round(found.mean, 4), round(found.sd, 4)) == pytest.approx((paper.value, paper.sd), abs=1.01 * POINTS)
    for ending, value in (("_min", found.minimum), ("_max", found.maximum)):
        assert value == pytest.approx(printed("all", "sam", metric + ending).value, abs=POINTS)


@pytest.mark.parametrize("metric", ["jaccard", "dice"])
@pytest.mark.parametrize("group", ["all", "Coronacases", "Radiopaedia"])
def test_our_boxes_are_those_of_the_published_drawing(rows: tuple[SliceRow, ...], group: str, metric: str) -> None:
    found = box_statistics(values(rows, group, metric))
    assert found is not None
    for ending, value in (("_q1", found.q1), ("_median", found.median), ("_q3", found.q3)):
        assert value == pytest.approx(printed(group, "sam", metric + ending, DRAWINGS).value, abs=POINTS)


@pytest.mark.parametrize("metric", ["jaccard", "dice"])
@pytest.mark.parametrize("group", ["Coronacases", "Radiopaedia"])
def test_the_groups_give_what_table_2_says_of_sam(rows: tuple[SliceRow, ...], group: str, metric: str) -> None:
    """Prompt Once ran SAM once more: its mean, spread and maximum are these, not its minimum of Coronacases."""
    found, paper = summary(values(rows, group, metric)), printed(group, "sam", metric, PROMPT_ONCE)
    assert (found.mean, found.sd) == pytest.approx((paper.value, paper.sd), abs=3 * POINTS)
    assert found.maximum == pytest.approx(printed(group, "sam", f"{metric}_max", PROMPT_ONCE).value, abs=POINTS)
    if group == "Radiopaedia":
        assert found.minimum == pytest.approx(printed(group, "sam", f"{metric}_min", PROMPT_ONCE).value, abs=POINTS)


@pytest.mark.parametrize("metric", ["jaccard", "dice"])
def test_table_3_prints_the_mean_of_the_groups_means(rows: tuple[SliceRow, ...], metric: str) -> None:
    means = [summary(values(rows, group, metric)).mean for group in ("Coronacases", "Radiopaedia")]
    paper = printed("mean of groups", "sam", metric, PROMPT_ONCE).value
    assert np.mean(np.array(means, dtype=float)) == pytest.approx(paper, abs=POINTS)


@pytest.mark.parametrize("metric", ["jaccard", "dice"])
def test_what_is_drawn_of_sam_2_is_what_its_tables_print(metric: str) -> None:
    """No results of SAM 2 by slice were published: what can be checked is that drawings and tables are of one run."""
    means = {group: printed(group, "sam2", metric, PROMPT_ONCE).value for group in SLICES}
    for group, mean in means.items():
        assert DRAWN_MEANS[group, metric] == pytest.approx(mean, abs=5 * POINTS)
    lungs = ("Coronacases", "Radiopaedia")
    all_slices = np.average([means[group] for group in lungs], weights=[SLICES[group] for group in lungs])
    assert DRAWN_MEANS["all", metric] == pytest.approx(all_slices, abs=5 * POINTS)
    assert np.mean([means[group] for group in lungs]) == pytest.approx(
        printed("mean of groups", "sam2", metric, PROMPT_ONCE).value, abs=POINTS
    )


def test_a_file_of_one_volume_is_named_after_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "image_radiopaedia_10_85902_1" / "raw_data_2023.csv"
    path.parent.mkdir()
    path.write_text("slice,jaccard,dice,sam_score,set_image_time,predict_image_time\n0,,,,,\n1,0.5,0.6,0.9,1.5,0.1\n")
    empty, full = read_published(path)
    assert (empty.case, empty.group, empty.slices) == ("radiopaedia_10_85902_1", "Radiopaedia", 2)
    assert (empty.dice, empty.reference_pixels, empty.prompted) == (None, 0, False)
    assert (full.jaccard, full.dice, full.predicted_iou) == (0.5, 0.6, 0.9)
    assert (full.embed_seconds, full.prompt_seconds, full.reference_pixels) == (1.5, 0.1, 1)


@pytest.mark.parametrize(
    "text", ["", "metric,min,max\n", "slice,jaccard,dice\n0,91.4,94.9\n", "slice,jaccard,dice\n0,a,b\n"]
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "raw_data.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"raw_data\.csv"):
        read_published(path)


def test_every_printed_value_stands_once_from_a_source_and_in_its_range() -> None:
    keys = [(value.study, value.group, value.arm, value.metric) for value in PRINTED]
    assert len(set(keys)) == len(keys)
    for value in PRINTED:
        assert value.source
        if value.metric.split("_")[0] in ("jaccard", "dice") and not value.metric.endswith("_t"):
            assert -0.1 < value.value <= 1
        assert value.sd is None or 0 < value.sd < 0.2

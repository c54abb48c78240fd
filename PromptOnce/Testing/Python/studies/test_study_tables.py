"""The tables of a study: numbers for programs, words for readers, and the papers' values beside them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from PromptOnceLib.errors import EmptyArmError
from PromptOnceLib.segmentation.shape.measures import SliceShape
from PromptOnceLib.studies.design import ArmComparison, StudyArm, StudyDesign
from PromptOnceLib.studies.presets import preset
from PromptOnceLib.studies.published import read_published
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.tables.arm_findings import moved_prompts
from PromptOnceLib.studies.tables.arm_values import DICE, HAUSDORFF, JACCARD, pairs_of, values_of
from PromptOnceLib.studies.tables.comparison_tables import compared_pairs, paired_tests_table, size_table
from PromptOnceLib.studies.tables.printed_table import StudyValues, printed_table
from PromptOnceLib.studies.tables.result_tables import (
    against_table,
    results_table,
    state_of_the_art_table,
    times_table,
)
from PromptOnceLib.studies.tables.strategy_tables import attributes_table, moved_table, strategies_table
from PromptOnceLib.studies.tables.study_table import Cell, StudyTable, TableColumn, write_tables
from PromptOnceLib.studies.tables.wording import p_value, signed
from studies.sample_arms import arm

stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")

SAM, SAM2 = arm("sam"), arm("sam2", loss=0.03, seed=1)
MINUS = "\N{MINUS SIGN}"


def line(table: StudyTable, **wanted: Cell) -> dict[str, Cell]:
    """The only row whose cells are these."""
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, row, strict=True)) for row in table.rows]
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    assert len(found) == 1, f"{wanted}: {len(found)} rows"
    return found[0]


def test_results_are_statistics_of_the_slices_of_a_group_and_of_all_groups() -> None:
    table = results_table([SAM, SAM2], [JACCARD, DICE])
    row = line(table, group="Radiopaedia", arm="sam2", measure="Dice score (%)")
    values = values_of(SAM2, DICE, "Radiopaedia")
    assert (row["cases"], row["slices"]) == (3, 66)
    assert [row[key] for key in ("min", "median", "max", "avg", "std")] == pytest.approx(
        [values.min(), np.median(values), values.max(), values.mean(), values.std(ddof=1)]
    )
    assert line(table, group="all groups", arm="sam", measure="Jaccard index (%)")["slices"] == 132
    assert "all groups" not in [row[0] for row in results_table([arm("one", groups=("A",))], [DICE]).rows]


def test_the_second_arm_stands_with_its_differences_from_the_first() -> None:
    table = against_table(SAM, SAM2, [DICE])
    first, second = values_of(SAM, DICE, "Coronacases"), values_of(SAM2, DICE, "Coronacases")
    assert [row[0] for row in table.rows] == ["Minimum", "Maximum", "Average", "Std Dev"]
    average = line(table, statistic="Average")
    assert average["coronacases_dice"] == pytest.approx(second.mean())
    assert average["coronacases_dice_delta"] == pytest.approx(second.mean() - first.mean())
    assert line(table, statistic="Std Dev")["coronacases_dice_delta"] == pytest.approx(
        second.std(ddof=1) - first.std(ddof=1)
    )


def test_paired_tests_count_slices_and_cases() -> None:
    table = paired_tests_table(compared_pairs([(SAM, SAM2)], [JACCARD, DICE]))
    assert len(table.rows) == 8
    measure = "Dice score (points)"
    pairs = pairs_of(SAM, SAM2, DICE, "Coronacases")
    slices = line(table, group="Coronacases", measure=measure, counted="slices")
    t = stats.ttest_rel(pairs.b, pairs.a)
    assert (slices["n"], slices["t"], slices["p"]) == (66, pytest.approx(t.statistic), pytest.approx(t.pvalue))
    assert slices["equality"] == "rejected"
    cases = line(table, group="Coronacases", measure=measure, counted="cases")
    means = pairs.by_case()
    assert cases["n"] == 3
    assert cases["p"] == pytest.approx(stats.ttest_rel(means.b, means.a).pvalue)
    p_values = [row[10] for row in table.rows if row[4] == "slices"]
    assert max(p_values) <= max(row[11] for row in table.rows if row[4] == "slices")  # type: ignore[type-var]


def test_a_measure_that_an_arm_has_not_is_left_out_of_its_comparisons_alone() -> None:
    near = replace(SAM2, rows=tuple(replace(row, hausdorff_mm=None) for row in SAM2.rows))
    found = compared_pairs([(SAM, SAM2), (SAM, near)], [DICE, HAUSDORFF])
    assert [(one.group, one.measure.key) for one in found[4:]] == [("Coronacases", "dice"), ("Radiopaedia", "dice")]
    assert len(found) == 6


def test_size_goes_with_dice_and_with_what_an_arm_gains() -> None:
    table = size_table([SAM], [(SAM, SAM2)])
    rows = [row for row in SAM.rows if row.group == "Coronacases" and row.dice is not None]
    sizes = [row.reference_pixels for row in rows]
    own = line(table, group="Coronacases", value="Dice score of sam")
    assert own["pearson"] == pytest.approx(stats.pearsonr(sizes, [row.dice for row in rows]).statistic)
    gain = line(table, group="Coronacases", value="Dice score: sam2 less sam")
    differences = pairs_of(SAM, SAM2, DICE, "Coronacases").differences
    assert gain["pearson"] == pytest.approx(stats.pearsonr(sizes, differences).statistic)
    assert gain["spearman"] == pytest.approx(stats.spearmanr(sizes, differences).statistic)


def test_trained_models_stand_beside_the_arms_of_their_group() -> None:
    table = state_of_the_art_table([SAM, SAM2], [DICE], {("Radiopaedia", "dice"): ("Owais et al.", 98.66)})
    assert [row[0] for row in table.rows] == ["Radiopaedia", "Radiopaedia"]
    assert line(table, arm="sam2")["delta"] == pytest.approx(values_of(SAM2, DICE, "Radiopaedia").mean() - 98.66)


def test_times_are_those_that_were_measured() -> None:
    bare = replace(SAM, name="bare", rows=tuple(replace(r, embed_seconds=None, prompt_seconds=None) for r in SAM.rows))
    table = times_table([SAM, bare])
    assert [row[0] for row in table.rows] == ["sam"]
    row = line(table, arm="sam")
    assert row["prompt_seconds"] == pytest.approx(0.06)
    assert row["load_seconds"] == 1.5


def strategies_study() -> tuple[StudyDesign, list[ArmRows]]:
    arms = [
        StudyArm(name="m-S2", strategy="S2"),
        StudyArm(name="m-S5", strategy="S5"),
        StudyArm(name="m-S5-moved", strategy="S5", jitter=(10, 20)),
        StudyArm(name="m-S5-moved-again", strategy="S5", jitter=(10, 20), random_seed=1),
    ]
    design = StudyDesign(name="mine", arms=tuple(arms))
    names = ("S2", "S5", "S5, 10-20 pixels", "S5, 10-20 pixels")  # as the rows of a run call them
    rows = [arm(one.name, strategy=names[i], seed=i, loss=0.05 + 0.02 * i) for i, one in enumerate(arms)]
    return design, rows


def test_moved_prompts_lose_what_their_strategy_has_more_without() -> None:
    design, arms = strategies_study()
    (moved,) = moved_prompts(design, arms)
    assert (moved.strategy, moved.shift) == ("S5", (10, 20))
    losses = [values_of(arms[1], DICE).mean() - values_of(one, DICE).mean() for one in arms[2:]]
    assert moved.drops == pytest.approx(tuple(losses))
    row = line(moved_table([moved]), shift="10-20")
    assert (row["draws"], row["S5"]) == (2, pytest.approx(np.mean(losses)))
    with pytest.raises(EmptyArmError, match="no arm has them unmoved"):
        moved_prompts(design, [arms[0], arms[2]])


def test_moved_prompts_are_compared_under_their_own_window_and_not_averaged_over_methods() -> None:
    wide, narrow = StudyArm(name="wide", strategy="S5"), StudyArm(name="narrow", strategy="S5", window="lung")
    moved = StudyArm(name="moved", strategy="S5", jitter=(10, 20))
    narrowly = moved.model_copy(update={"name": "narrowly", "window": "lung"})
    rows = {one.name: arm(one.name, strategy="S5", seed=i) for i, one in enumerate((wide, narrow, moved, narrowly))}
    (loss,) = moved_prompts(StudyDesign(name="mine", arms=(wide, moved, narrow)), [*rows.values()][:3])
    assert loss.drops == pytest.approx((values_of(rows["wide"], DICE).mean() - values_of(rows["moved"], DICE).mean(),))
    with pytest.raises(EmptyArmError, match="no common mean"):
        moved_prompts(StudyDesign(name="mine", arms=(wide, narrow, moved, narrowly)), [*rows.values()])


def test_strategies_are_columns() -> None:
    _, arms = strategies_study()
    row = line(strategies_table(arms[:2], [DICE]), group="Coronacases")
    assert (row["S2"], row["S5"]) == tuple(values_of(one, DICE, "Coronacases").mean() for one in arms[:2])


def test_attributes_are_correlated_by_ranks(rng: np.random.Generator) -> None:
    known = [row for row in SAM.rows if row.dice is not None]
    shapes = {
        (row.case, row.slice): SliceShape(row.reference_pixels, rng.random(), rng.random() * 90, rng.random() * 20)
        for row in known
    }
    row = line(attributes_table([SAM, arm("other", groups=("elsewhere",))], shapes), arm="sam")
    aspects = [shapes[one.case, one.slice].aspect_ratio for one in known]
    assert row["slices"] == len(known)
    assert row["aspect_ratio"] == pytest.approx(stats.spearmanr(aspects, [one.dice for one in known]).statistic)


def test_files_have_all_digits_for_programs_and_few_for_readers(tmp_path: Path) -> None:
    columns = (
        TableColumn("name", "Name"),
        TableColumn("gain", "Gain | more", "difference"),
        TableColumn("p", "p", "p"),
    )
    table = StudyTable("some", "Some table", "A note.", columns, (("a|b", -1.23456, 4.72e-19), ("c", None, 0.25)))
    paths = write_tables(tmp_path, [table])
    assert [path.name for path in paths] == ["some.csv", "some.md"]
    with paths[0].open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["name", "gain", "p"], ["a|b", "-1.23456", "4.72e-19"], ["c", "", "0.25"]]
    assert paths[1].read_text(encoding="utf-8").splitlines() == [
        "**Some table**",
        "",
        "| Name | Gain \\| more | p |",
        "| --- | ---: | ---: |",
        f"| a\\|b | {MINUS}1.23 | 4.7\N{MULTIPLICATION SIGN}10⁻¹⁹ |",
        "| c | \N{EN DASH} | 0.250 |",
        "",
        "A note.",
    ]


def test_a_zero_has_no_minus() -> None:
    assert signed(-0.001) == "+0.00"
    assert p_value(0.0) == "below 10⁻³⁰⁰"


def published(shared_data: Path) -> ArmRows:
    folder = shared_data / "paper_results" / "1-all"
    if not folder.is_dir():
        pytest.skip(f"the published results are not at {folder}")
    (path,) = folder.glob("joint_raw_data_*.csv")
    return ArmRows("sam", "sam_l", "each-slice", "paper", read_published(path), None)


def test_the_papers_own_rows_give_the_printed_values(shared_data: Path) -> None:
    table = printed_table(StudyValues(preset("sam-vs-sam2"), [published(shared_data)]))
    # The minima of table 2, SAM 2's less the difference, are not those of the published rows.
    kept = [row for row in table.rows if not (row[0] == "Coronacases" and str(row[2]).endswith("minimum"))]
    differences = [row[5] for row in kept]
    assert len(kept) > 30
    assert {row[0] for row in kept} == {"Coronacases", "Radiopaedia", "all", "mean of groups"}
    assert max(abs(float(value)) for value in differences if value is not None) < 0.0101


def test_printed_values_are_compared_with_those_of_the_same_arms_and_groups() -> None:
    design = preset("sam-vs-sam2")
    table = printed_table(StudyValues(design, [SAM, SAM2]))
    row = line(table, group="Coronacases", arm="sam2", value="Dice score, average")
    mean = values_of(SAM2, DICE, "Coronacases").mean()
    assert (row["printed"], row["here"]) == (pytest.approx(96.35), pytest.approx(mean))
    assert row["difference"] == pytest.approx(mean - 96.35)
    pairs = pairs_of(SAM, SAM2, DICE, "Coronacases")
    t = line(table, group="Coronacases", value="Dice score, t of the paired test")
    assert t["here"] == pytest.approx(stats.ttest_rel(pairs.a, pairs.b).statistic)
    assert line(table, group="Coronacases", value="Dice score, p of the paired test")["difference"] is None
    assert "Montgomery" not in {row[0] for row in table.rows}
    only = printed_table(StudyValues(design, [arm("sam", groups=("Coronacases",))]))
    assert {row[0] for row in only.rows} == {"Coronacases"}


def test_a_study_of_one_s_own_has_no_printed_values() -> None:
    design = StudyDesign(
        name="mine",
        arms=(StudyArm(name="sam"), StudyArm(name="sam2")),
        comparisons=(ArmComparison(first="sam", second="sam2"),),
    )
    assert printed_table(StudyValues(design, [SAM, SAM2])).rows == ()


def test_printed_losses_and_correlations_have_their_own_beside_them(rng: np.random.Generator) -> None:
    design = preset("strategies")
    arms = [arm("sam_b-S2", strategy="S2"), arm("sam_b-S2-moved-0-10", strategy="S2", loss=0.08)]
    shapes = {
        (row.case, row.slice): SliceShape(row.reference_pixels, rng.random(), rng.random() * 90, rng.random() * 20)
        for row in arms[0].rows
    }
    moved = moved_prompts(design, arms)
    table = printed_table(StudyValues(design, arms, moved, shapes))
    loss = line(table, arm="sam_b-S2-moved-0-10", value="Dice score, loss by moved prompts")
    assert (loss["printed"], loss["here"]) == (pytest.approx(2.67), pytest.approx(moved[0].drops[0]))
    assert line(table, arm="sam_b-S2", value="partial rank correlation with size")["printed"] == pytest.approx(0.236)

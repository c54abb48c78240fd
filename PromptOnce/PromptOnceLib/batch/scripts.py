"""Batches for scripts: `po.batch.run(...)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from PromptOnceLib.batch.cluster.dask_run import on_cluster
from PromptOnceLib.batch.events import BatchSummary
from PromptOnceLib.batch.planning.make_plan import check_unnamed, make_plan, plan_images
from PromptOnceLib.batch.planning.plan import BatchOptions, Method, OutputFormat, PromptChoice, Selection
from PromptOnceLib.batch.report import REPORT
from PromptOnceLib.batch.report.run_results import RunResults, read_run
from PromptOnceLib.batch.running.case_prompts import PromptSources
from PromptOnceLib.batch.running.run_batch import OnEvent, run_batch
from PromptOnceLib.errors import InputError
from PromptOnceLib.files.names import expanded
from PromptOnceLib.imaging.in_memory import volume_in_memory
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.prompts.strategies.slice_prompts import Strategy, check_prompted
from PromptOnceLib.schema import from_script
from PromptOnceLib.seeds.apply import Start
from PromptOnceLib.seeds.fit import By, Fit
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp
from PromptOnceLib.segmentation.ways import Between


@dataclass(frozen=True, eq=False)
class BatchResults:
    """A run's folder.

    Attributes
    ----------
    folder : Path
        With a folder for each case in ``cases``, tables and report.
    summary : BatchSummary or None
        How the cases ended, where the run was made just now.
    """

    folder: Path
    summary: BatchSummary | None = None

    @property
    def report(self) -> Path:
        """The report: a page for a browser that says which cases to look at first."""
        return self.folder / REPORT

    @property
    def results(self) -> RunResults:
        """Record and cases as the folder holds them now."""
        return read_run(self.folder)

    @property
    def table(self) -> Any:
        """One row a case: a ``pandas.DataFrame`` where pandas is installed, else a list of dicts.

        Columns: case, group, state ("fine", "look", "failed", "not-done"), millilitres, dice, jaccard (of the volume),
        look_at (the slice to look at), review ("none", "accepted", "corrected"), message (why there is no result).
        """
        rows = []
        for case in self.results.cases:
            record, failure = case.record, case.failure
            figures = None if record is None else record.figures
            rows.append(
                {
                    "case": case.name,
                    "group": case.group,
                    "state": case.state,
                    "millilitres": None if figures is None else figures.volume,
                    "dice": None if figures is None else figures.dice,
                    "jaccard": None if figures is None else figures.jaccard,
                    "look_at": None if record is None else record.look_first.slice,
                    "review": None if record is None else record.review.state,
                    "message": "" if failure is None else failure.message,
                }
            )
        try:
            return import_module("pandas").DataFrame(rows)
        except ImportError:
            return rows


def run(
    images: str | Path | Sequence[Any],
    output: str | Path,
    *,
    seed: str | None = None,
    target: str = "",
    prompt: str | Path | None = None,
    prompt_from_reference: bool = False,
    strategy: Strategy = "paper",
    reference: str | None = None,
    names: Sequence[str] | None = None,
    method: Method = "propagate",
    jitter: tuple[int, int] | None = None,
    random_seed: int = 0,
    position: float | None = None,
    fewest_pixels: int = 1,
    distances: bool = False,
    axis: str = "auto",
    window: str = "auto",
    start: Start = "central",
    by: By = "prompt",
    fit: Fit | None = None,
    library: str | Path | None = None,
    model: str | Path = "auto",
    config: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    workers: int = 1,
    formats: Sequence[OutputFormat] = ("seg.nrrd",),
    early_stop: bool = False,
    zoom: Zoom = "auto",
    between: Between = "track",
    clean_up: CleanUp = "connected",
    round_trip: bool = False,
    python: str | Path | None = None,
    resume: bool = False,
    part: tuple[int, int] | None = None,
    engine: Any = None,
    on_event: OnEvent | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> BatchResults:
    """Segment many images into a folder, one after the other, from one prompt, and wait for it.

    Parameters
    ----------
    images : path, or sequence of paths, Volumes, arrays, SimpleITK or nibabel images
        A folder, searched with its subfolders; a manifest (CSV or TSV); or a list. Files and folders of DICOM may stand
        beside images that are in memory.
    output : str or Path
        A new or empty folder, or with ``resume`` that of a run.
    seed : str, optional
        A seed's name, or "auto" for the one that suits each image best and marks ``target``.
    prompt : str or Path, optional
        A saved prompt (JSON, or markups of 3D Slicer) in place of a seed.
    prompt_from_reference : bool, optional
        Box and points of each image's reference, as the papers do, in place of a seed.
    strategy : str, optional
        Of prompts from references: "paper", or "S2" to "S6" as ``segment`` takes them.
    reference : str, optional
        Pattern of the references in a folder, such as "{case}_lung.nii.gz:1,2".
    names : sequence of str, optional
        Of the cases of a list, each another one: letters, digits, ".", "-" and "_".
    method : str, optional
        "propagate" from one slice or, with ``prompt_from_reference``, prompt "each-slice" that holds the reference.
    jitter, random_seed : (int, int), int, optional
        Move prompts from references by so many pixels, from and to; and the start of all random numbers.
    position : float, optional
        Where in its stack, from 0 to 1, the slice is whose reference prompts a propagation; by default the centre.
    fewest_pixels : int, optional
        Of a slice's reference, for "each-slice": slices with fewer are not prompted.
    distances : bool, optional
        Keep the Hausdorff distance of each slice to its reference, in mm.
    axis, window, model, config, device, precision, early_stop, zoom, between, clean_up, python
        As ``segment`` and ``Session`` take them.
    start, by, fit, library
        Of seeds: where they take over, "prompt" or "mask", "stretch" or "millimetres", and the folder of the library.
    workers : int, optional
        Cases at the same time, each with a model of its own.
    formats : sequence of str, optional
        Of the segmentations: "seg.nrrd", "nii.gz" or both.
    round_trip : bool, optional
        Carry every result back to where it came from: a figure that needs no reference, for about twice the time.
    resume : bool, optional
        Go on with the run in the folder. What is finished, accepted or corrected is not computed again.
    part : (int, int), optional
        Number of this part, from 1, and how many there are: only this share of the cases is done, beside other
        computers that do theirs in the same folder.
    engine : str or distributed.Client, optional
        A Dask cluster that computes the cases: "dask", "dask://HOST:PORT" or "dask-slurm".
    on_event : callable, optional
        Is told everything that happens; see ``PromptOnceLib.batch.events``.
    should_cancel : callable, optional
        Is asked often; once it returns True the run ends, and finished cases are kept.

    Returns
    -------
    BatchResults
        A case that failed raises nothing: ``summary`` and ``table`` name it.

    Raises
    ------
    InputError
        And its children where nothing can begin: no images, no prompt, a folder that holds something else.

    Examples
    --------
    >>> import PromptOnceLib as po
    >>> chest, organs = po.phantom(slices=6)
    >>> with po.Session(device="cpu") as s:
    ...     s.set_image(chest, window="lung")
    ...     preview = s.box(40, 65, 121, 188, name="right lung")
    ...     seed = s.save_seed("lung", frame_confirmed=True, round_trip=False, library="seeds")
    >>> next_patient, organs = po.phantom(1, slices=6)
    >>> run = po.batch.run([next_patient], "run", seed="lung", library="seeds", device="cpu")
    >>> run.summary.succeeded, run.report.name
    (True, 'report.html')
    """
    choice = prompt_choice(seed, target, prompt, prompt_from_reference, strategy)
    selection = Selection(prompt=choice, references=reference, window=window, axis=axis)
    options = from_script(
        BatchOptions,
        method=method,
        jitter=jitter,
        random_seed=random_seed,
        position=position,
        fewest_pixels=fewest_pixels,
        distances=distances,
        model=str(model),
        config=None if config is None else Path(config),
        device=device,
        precision=precision,
        workers=workers,
        formats=tuple(formats),
        early_stop=early_stop,
        zoom=zoom,
        between=between,
        clean_up=clean_up,
        start=start,
        by=by,
        fit=fit or "auto",
        library=None if library is None else expanded(library).absolute(),
        round_trip=round_trip,
        python=None if python is None else Path(python),
    )
    volumes: dict[str, Volume] = {}
    seed_problem = PromptSources(SeedLibrary(options.library)).seed_problem
    if isinstance(images, str | Path):
        source = selection.model_copy(update={"source": Path(images)})
        check_unnamed(names)
        plan = make_plan(source, seed_problem)
    else:
        plan, volumes = plan_images([_image(item) for item in images], selection, names, seed_problem)
    folder = expanded(output).absolute()
    told, cancelled = on_event or (lambda event: None), should_cancel or (lambda: False)
    summary = run_batch(
        plan,
        options,
        folder,
        resume=resume,
        part=part,
        cluster=None if engine is None else on_cluster(engine),
        volumes=volumes,
        on_event=told,
        should_cancel=cancelled,
    )
    return BatchResults(folder, summary)


def open_results(folder: str | Path) -> BatchResults:
    """The results of a run that was made before. Raises RunFolderError for any other folder."""
    found = BatchResults(expanded(folder).absolute())
    read_run(found.folder)
    return found


def prompt_choice(
    seed: str | None, target: str, prompt: str | Path | None, of_reference: bool, strategy: Strategy = "paper"
) -> PromptChoice | None:
    """Where the prompts of a batch come from, as scripts and Slicer's console say it; None where nothing is said.

    Raises InputError for several, and for a strategy that is none or does not go with them.
    """
    check_prompted(strategy)
    if strategy != "paper" and not of_reference:
        raise InputError("A prompt strategy goes with prompts from references alone.")
    if sum((seed is not None, prompt is not None, of_reference)) > 1:
        raise InputError("Name a seed, a prompt file or the references as the source of the prompts, not several.")
    if seed is not None:
        auto = seed.lower() == "auto"
        return PromptChoice(kind="auto", name=target) if auto else PromptChoice(kind="seed", name=seed)
    if prompt is not None:
        return PromptChoice(kind="file", name=str(expanded(prompt).absolute()))
    return PromptChoice(kind="reference", strategy=strategy) if of_reference else None


def _image(item: Any) -> Path | Volume:
    if isinstance(item, str | Path):
        return Path(item)
    return item if isinstance(item, Volume) else volume_in_memory(item)

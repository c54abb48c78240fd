"""Batches from Python's console: a folder, a manifest, files or volume nodes, with or without waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from PromptOnceLib.batch.background import BatchRequest
from PromptOnceLib.batch.client import BatchJob, StartBatch
from PromptOnceLib.batch.file_names import is_run_folder
from PromptOnceLib.batch.planning.make_plan import check_unnamed, plan_images
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, OutputFormat, PromptChoice, Selection
from PromptOnceLib.batch.running.case_prompts import PromptSources
from PromptOnceLib.batch.scripts import prompt_choice
from PromptOnceLib.errors import RunFolderError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.files.names import expanded
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.mrml.logic.seeds import SeedLogic
from PromptOnceLib.mrml.logic.worker_access import WAIT, WorkerAccess
from PromptOnceLib.mrml.volumes import read_volume_node
from PromptOnceLib.prompts.strategies.slice_prompts import Strategy
from PromptOnceLib.schema import from_script
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp
from PromptOnceLib.segmentation.ways import Between

_VOLUMES = ".volumes"
"""Folder in a run's folder for volumes that came from the scene: resuming and reviewing need them."""

OnBatch = Callable[[BatchJob], object]


class BatchLogic:
    """Part of Console."""

    def __init__(self, worker: WorkerAccess, seeds: SeedLogic, start_batch: StartBatch, on_batch: OnBatch) -> None:
        self._worker, self._seeds = worker, seeds
        self._start_batch, self._on_batch = start_batch, on_batch
        self._batches: list[BatchJob] = []

    def close(self) -> None:
        """End batches that are under way; what they have finished is kept."""
        for job in self._batches:
            job.close()

    def runBatch(  # noqa: N802
        self,
        input: str | Path | Sequence[Any] | Any,
        output: str | Path,
        *,
        seed: str | None = None,
        target: str = "",
        prompt: str | Path | None = None,
        promptFromReference: bool = False,  # noqa: N803
        strategy: Strategy = "paper",
        reference: str | None = None,
        names: Sequence[str] | None = None,
        axis: str = "auto",
        window: str = "auto",
        model: str = "auto",
        modelConfig: str | Path | None = None,  # noqa: N803
        device: str = "auto",
        precision: str = "auto",
        workers: int = 1,
        formats: Sequence[OutputFormat] = ("seg.nrrd",),
        earlyStop: bool = False,  # noqa: N803
        zoom: Zoom = "auto",
        between: Between = "track",
        cleanUp: CleanUp = "connected",  # noqa: N803
        resume: bool = False,
        engine: str | None = None,
        wait: bool = True,
        onProgress: OnBatch | None = None,  # noqa: N803
        onFinished: OnBatch | None = None,  # noqa: N803
    ) -> BatchJob:
        """Segment many images into a folder, in a process of its own; no dialog is ever shown.

        input: a folder, a manifest (CSV or TSV), or a list of files, DICOM folders and volume nodes; or one node. The
        voxels of nodes are kept in the output folder, which resuming and reviewing need. seed: a seed's name, or "auto"
        for the one of the library that suits each image best and marks the target; or prompt: a prompt file; or
        promptFromReference: box and points from each reference, as the papers do, or by the strategy, "S2" to "S6". A
        manifest may say it case by case.
        reference: pattern such as "{case}_lung.nii.gz", for a folder. names: of the cases of a list; without it nodes
        are called volume-1 and so on, so that no name of a patient gets into file names. earlyStop, zoom, between,
        cleanUp: as segmentVolume takes them. resume: go on with the run in the output folder. engine: a Dask cluster
        that computes the cases, "dask", "dask://HOST:PORT" or "dask-slurm"; Slicer's Python needs the package
        distributed for it.

        wait=True returns when it is over, the application staying alive, and raises what ended it early; a case that
        failed raises nothing, job.summary names it. wait=False returns at once: onProgress is called with the job
        after everything that happens, onFinished at the end; job.cancel() ends it. What is finished is always kept.

        Raises InputError and its children for what cannot be run.
        """
        choice = prompt_choice(seed, target, prompt, promptFromReference, strategy)
        options = from_script(
            BatchOptions,
            model=model,
            config=None if modelConfig is None else Path(modelConfig),
            device=device,
            precision=precision,
            workers=workers,
            formats=tuple(formats),
            early_stop=earlyStop,
            zoom=zoom,
            between=between,
            clean_up=cleanUp,
        )
        folder = expanded(output).absolute()
        plan, selection = None, None
        if isinstance(input, str | Path):
            check_unnamed(names)
            source = expanded(input).absolute()
            selection = Selection(source=source, prompt=choice, references=reference, window=window, axis=axis)
        else:
            items = list(input) if isinstance(input, list | tuple) else [input]
            if is_run_folder(folder) and not resume:
                raise RunFolderError(f"{folder} holds a run already. Go on with it (resume=True), or choose another.")
            common = Selection(prompt=choice, references=reference, window=window, axis=axis)
            plan = self._plan_of_list(items, common, names, folder, options)
        request = BatchRequest(
            plan=plan, selection=selection, options=options, folder=folder, resume=resume, engine=engine
        )
        job = BatchJob(self._start_batch, request, onProgress, onFinished)
        self._batches = [other for other in self._batches if not other.finished] + [job]
        self._on_batch(job)
        if not wait:
            self._worker.keep_pumping(job.pump)
            return job
        try:
            while job.pump(WAIT):
                self._worker.process_events()
        except BaseException:
            job.close()
            raise
        if job.error is not None:
            raise job.error
        return job

    def _plan_of_list(
        self, items: list[Any], common: Selection, names: Sequence[str] | None, folder: Path, options: BatchOptions
    ) -> BatchPlan:
        """Plan for files and nodes. What only the scene knows of a node, its scanner and modality, is used here."""
        images = [Path(item) if isinstance(item, str | Path) else read_volume_node(item) for item in items]
        seed_problem = PromptSources(self._seeds.library()).seed_problem
        plan, volumes = plan_images(images, common, names, seed_problem)  # before any voxels are written
        cases = []
        for number, (item, case) in enumerate(zip(items, plan.cases, strict=True), start=1):
            volume = volumes.get(case.name)
            if volume is None:
                cases.append(case)
                continue
            path = folder / _VOLUMES / f"volume-{number}.nrrd"
            known = {
                "image": path,
                "files": (path,),
                "prompt": self._prompt_for(item, volume, common, options),
                "modality": volume.modality,
                "file_window": volume.file_window,
            }
            _write_volume(path, volume)
            cases.append(case.model_copy(update=known))
        return plan.model_copy(update={"cases": tuple(cases)})

    def _prompt_for(self, node: Any, volume: Volume, common: Selection, options: BatchOptions) -> PromptChoice | None:
        choice = common.prompt
        if choice is None or choice.kind != "auto":
            return choice
        files = resolve_model(options.model, options.config)
        found = self._seeds.choose(node, volume, common.axis, choice.name, files, options.device)
        return PromptChoice(kind="seed", name=found.seed.id)


def _write_volume(path: Path, volume: Volume) -> None:
    """Voxels and grid alone: nothing of the patient."""
    image = sitk.GetImageFromArray(volume.array)
    image.SetSpacing(volume.geometry.spacing)
    image.SetOrigin(volume.geometry.origin)
    image.SetDirection(volume.geometry.direction)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{path.parent} cannot be made: {error.strerror or error}.", repr(error)) from error
    with replacing(path, ".nrrd", RunFolderError) as temporary:
        sitk.WriteImage(image, str(temporary))

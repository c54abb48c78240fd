"""promptonce batch: a folder or a list of images from one prompt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from PromptOnceLib.batch.file_names import is_run_folder
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, PlannedCase, PromptChoice, Selection
from PromptOnceLib.batch.running.case_prompts import PromptSources
from PromptOnceLib.cli.batch_progress import BatchProgress, summary_in_words
from PromptOnceLib.cli.options.common import early_stop_option, fill_holes_option, mask_options, python_option
from PromptOnceLib.cli.options.seed import by_option, fit_option, library_option, start_option, target_option
from PromptOnceLib.cli.terminal import FAILED, CtrlC
from PromptOnceLib.errors import InputError
from PromptOnceLib.seeds.library import SeedLibrary

EXAMPLES = """
\b
Examples:
  Every image of a folder from one seed of the library:
    promptonce batch images/ --seed "lungs GE" -o run/
  Box and points from each case's reference, as in the papers, and Dice against it:
    promptonce batch study/ --prompt-from reference --reference "{case}_lung.nii.gz:1,2" -o run/
  A manifest, a table with the columns image, volume, case, reference, seed or prompt, window, axis, slice, group:
    promptonce batch study.csv --seed auto -o run/
  What would be done; then go on after an interruption:
    promptonce batch images/ --seed auto --dry-run
    promptonce batch -o run/ --resume
  On another computer that sees the same folders, at the same time; a task of a job array:
    promptonce batch -o run/ --join
    promptonce batch images/ --seed auto -o run/ --part 3/20
"""

# Options of the command by the name of the field they fill.
_OF_SELECTION = {"images": "images", "reference": "references", "window": "window", "axis": "axis"}
_OF_OPTIONS = {
    **{name: name for name in BatchOptions.model_fields},
    "model_name": "model",
    "fill_holes": "fill_hole_area",
    "library_folder": "library",
}


def _part(_context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """I/N, the I-th of N shares, from 1."""
    if value is None:
        return None
    number, _, count = value.partition("/")
    if number.isdecimal() and count.isdecimal() and len(count) < 7 and 1 <= int(number) <= int(count):
        return int(number), int(count)
    raise click.BadParameter(
        f"{value[:20]} is no part of a batch: for example 3/20, the third of twenty.", param=parameter
    )


@click.command(epilog=EXAMPLES)
@click.argument("source", metavar="[INPUT]", type=click.Path(path_type=Path), required=False)
@click.option("--seed", metavar="NAME|auto", help="A seed of the library, or for each image the one that fits best.")
@target_option
@start_option
@by_option
@fit_option
@library_option
@click.option(
    "--prompt",
    "prompt_file",
    type=click.Path(path_type=Path),
    help="A prompt saved as JSON, or markups of 3D Slicer (.mrk.json).",
)
@click.option(
    "--prompt-from", type=click.Choice(["reference"]), help="Take box and points from each reference's central slice."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--images", metavar="PATTERN", help="Take only these files, for example {case}_ct.nii.gz.")
@click.option(
    "--reference",
    metavar="PATTERN[:LABEL,...]",
    help="The reference of an image, for example {case}_lung.nii.gz or labels/{case}.nii.gz:1,2.",
)
@click.option("--window", default="auto", show_default=True, help="As for promptonce segment.")
@click.option("--axis", default="auto", show_default=True, help="As for promptonce segment.")
@fill_holes_option
@early_stop_option
@mask_options
@click.option(
    "--model",
    "model_name",
    default="nano",
    show_default=True,
    help="A name of `promptonce models list`, or a checkpoint file.",
)
@click.option("--config", type=click.Path(path_type=Path), help="Configuration of a checkpoint file.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--precision", default="auto", show_default=True, help="auto, float32, bfloat16 or float16.")
@python_option
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Cases at the same time, each in a process with a model of its own, on a GPU of its own where there are any.",
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(["seg.nrrd", "nii.gz"]),
    multiple=True,
    default=("seg.nrrd",),
    show_default=True,
    help="Of the segmentation files; may be repeated.",
)
@click.option(
    "--round-trip",
    is_flag=True,
    help="Carry every result back to where it came from and compare: a figure that needs no reference, for about twice "
    "the time.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in the folder; what is not named stays as it was.")
@click.option(
    "--join",
    is_flag=True,
    help="Work beside others, here or on other computers, on the run in the folder; may begin and end at any time.",
)
@click.option(
    "--part",
    callback=_part,
    metavar="I/N",
    help="Only this share of the cases, for job arrays: all parts get the same command and the same folder.",
)
@click.option(
    "--engine",
    metavar="CLUSTER",
    help="Have a Dask cluster compute the cases: dask (--workers processes), dask://SCHEDULER:PORT, or dask-slurm.",
)
@click.option("--gpus", type=click.IntRange(1, 64), help="With dask-slurm: up to so many jobs, each with one GPU.")
@click.option("--dry-run", is_flag=True, help="List the cases and end.")
@click.option("--quiet", is_flag=True, help="No progress and no notices.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else on standard output.")
@click.pass_context
def batch(
    context: click.Context,
    /,
    source: Path | None,
    seed: str | None,
    target: str | None,
    prompt_file: Path | None,
    prompt_from: str | None,
    output: Path | None,
    resume: bool,
    join: bool,
    part: tuple[int, int] | None,
    engine: str | None,
    gpus: int | None,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
    **_: Any,
) -> None:
    """Segment all images of INPUT, one after the other, from one prompt.

    INPUT is a folder, searched with its subfolders, or a manifest, a CSV or TSV table with a line for every image. What
    is finished stays, however the run ends; --resume does the rest. Each case gets a folder with segmentation, table,
    contact sheet and record.

    \b
    Exit status: 0 all cases have results, 1 some have none or the run was cancelled, 2 bad input.
    """
    from PromptOnceLib.batch.cluster.connect import SLURM, check_engine
    from PromptOnceLib.batch.cluster.dask_run import on_cluster
    from PromptOnceLib.batch.planning.make_plan import make_plan
    from PromptOnceLib.batch.run_folder.open_run import read_recorded
    from PromptOnceLib.batch.running.run_batch import run_batch

    if output is None and not dry_run:
        raise InputError("Name a folder for the results with -o.")
    selection, options = Selection(), BatchOptions()
    if join and (resume or source is not None or dry_run):
        raise InputError("--join takes the cases of the run in the folder: leave out INPUT, --resume and --dry-run.")
    if (resume or join) and output is not None and is_run_folder(output):
        recorded = read_recorded(output)
        selection, options = recorded.plan.selection, recorded.options
    selection = selection.model_copy(update=_named(context, _OF_SELECTION))
    options = BatchOptions.model_validate({**options.model_dump(), **_named(context, _OF_OPTIONS)})
    if gpus is not None and engine != SLURM:
        raise InputError("--gpus goes with --engine dask-slurm.")
    cluster = None if engine is None else on_cluster(check_engine(engine), _jobs(gpus))
    if gpus is not None:
        options = options.model_copy(update={"workers": gpus})
    prompt = _prompt(seed, target, prompt_file, prompt_from)
    if source is not None:
        selection = selection.model_copy(update={"source": source})
    if prompt is not None:
        selection = selection.model_copy(update={"prompt": prompt})
    if join and output is not None:
        plan = read_recorded(output).plan
    else:
        plan = make_plan(selection, PromptSources(SeedLibrary(options.library)).seed_problem)
    if dry_run:
        _list(plan, as_json)
        return
    assert output is not None
    progress = BatchProgress(len(plan.cases), quiet)
    with CtrlC() as interrupt:
        interrupt.gentle = True
        told = False

        def cancelled() -> bool:
            nonlocal told
            if interrupt.requested and not told:
                told = True
                progress.say("Cancelling; finished cases are kept. Press Ctrl-C again to stop at once.")
            return interrupt.requested

        try:
            summary = run_batch(
                plan,
                options,
                output,
                resume=resume,
                join=join,
                part=part,
                cluster=cluster,
                on_event=progress.show,
                should_cancel=cancelled,
            )
        finally:
            progress.end()
    if as_json:
        click.echo(json.dumps({"output": str(output), **summary.model_dump(mode="json")}))
    elif not quiet:
        click.echo(summary_in_words(summary))
    if not summary.succeeded:
        context.exit(FAILED)


def _jobs(gpus: int | None) -> dict[str, Any]:
    """What each SLURM job asks for."""
    if gpus is None:
        return {}
    return {"job_extra_directives": ["--gres=gpu:1"], "worker_extra_args": ["--resources", "GPU=1"]}


def _named(context: click.Context, fields: dict[str, str]) -> dict[str, Any]:
    """Options that stand on the command line, by the fields they fill: what is not named stays as it was."""
    return {
        field: context.params[name]
        for name, field in fields.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }


def _prompt(
    seed: str | None, target: str | None, prompt_file: Path | None, prompt_from: str | None
) -> PromptChoice | None:
    if [seed, prompt_file, prompt_from].count(None) < 2:
        raise InputError("Give one prompt: --seed, --prompt or --prompt-from reference.")
    automatic = seed is not None and seed.lower() == "auto"
    if target is not None and not automatic:
        raise InputError("--target goes with --seed auto.")
    if automatic:
        return PromptChoice(kind="auto", name=target or "")
    if seed is not None:
        return PromptChoice(kind="seed", name=seed)
    if prompt_file is not None:
        return PromptChoice(kind="file", name=str(prompt_file))
    return PromptChoice(kind="reference") if prompt_from is not None else None


def _list(plan: BatchPlan, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([case.model_dump(mode="json", exclude={"files"}) for case in plan.cases]))
        return
    for notice in plan.notices:
        click.echo(notice, err=True)
    for case in plan.cases:
        click.echo(_describe(case))
    click.echo(f"{len(plan.cases)} cases", err=True)


def _describe(case: PlannedCase) -> str:
    prompt = f"{case.prompt.kind} {case.prompt.name}".strip()
    image = f"{case.image} ({len(case.files)} files)" if case.dicom else str(case.image)
    reference = f"  reference {case.reference}" if case.reference else ""
    return f"{case.name}  {image}  prompt: {prompt}{reference}"

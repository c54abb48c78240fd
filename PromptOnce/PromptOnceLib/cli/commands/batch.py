"""promptonce batch: a folder or a list of images from one prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from PromptOnceLib.batch.file_names import is_run_folder
from PromptOnceLib.batch.planning.plan import BatchOptions, PromptChoice, Selection
from PromptOnceLib.batch.running.case_prompts import PromptSources
from PromptOnceLib.cli import completed_names
from PromptOnceLib.cli.batch_progress import BatchProgress, list_plan, summary_in_words
from PromptOnceLib.cli.options.common import (
    axis_option,
    early_stop_option,
    fill_holes_option,
    json_option,
    mask_options,
    model_options,
    quiet_option,
    window_option,
)
from PromptOnceLib.cli.options.prompt import strategy_option
from PromptOnceLib.cli.options.seed import by_option, fit_option, library_option, start_option, target_option
from PromptOnceLib.cli.terminal import FAILED, CtrlC
from PromptOnceLib.errors import InputError
from PromptOnceLib.prompts.strategies.slice_prompts import Strategy
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
@click.option(
    "--seed",
    metavar="NAME|auto",
    shell_complete=completed_names.seeds,
    help="A seed of the library; auto takes the one that fits each image best.",
)
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
@strategy_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--images", metavar="PATTERN", help="Take only these files, for example {case}_ct.nii.gz.")
@click.option(
    "--reference",
    metavar="PATTERN[:LABEL[=NAME],...]",
    help="The reference of an image: {case}_lung.nii.gz beside it; labels/{case}.nii.gz:1,2 in the folder of the "
    "images, beside that folder, or in the current folder; or an absolute path. With names, an object for each name.",
)
@click.option("--name", help="Name of the object in the references, if their labels have no names.")
@window_option
@axis_option
@fill_holes_option
@early_stop_option
@mask_options
@model_options
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Number of cases computed at the same time. Each worker loads its own model, on its own GPU if there are "
    "several.",
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(["seg.nrrd", "nii.gz"]),
    multiple=True,
    default=("seg.nrrd",),
    show_default=True,
    help="Format of the segmentation files; may be repeated.",
)
@click.option(
    "--round-trip",
    is_flag=True,
    help="Propagate every result back to where it came from and compare: a figure that needs no reference; takes "
    "about twice the time.",
)
@click.option(
    "--resume", is_flag=True, help="Go on with the run in the folder; options that you do not give stay as they were."
)
@click.option(
    "--join",
    is_flag=True,
    help="Take part in the run in the folder, together with other programs here or on other computers; may begin and "
    "end at any time.",
)
@click.option(
    "--part",
    callback=_part,
    metavar="I/N",
    help="Compute only this share of the cases, for job arrays: give all parts the same command and the same folder.",
)
@click.option(
    "--engine",
    metavar="CLUSTER",
    help="Have a Dask cluster compute the cases: dask (--workers processes), dask://SCHEDULER:PORT, or dask-slurm.",
)
@click.option(
    "--gpus", type=click.IntRange(1, 64), help="With dask-slurm: the largest number of jobs, each with one GPU."
)
@click.option("--dry-run", is_flag=True, help="List the cases and stop.")
@quiet_option
@json_option
@click.pass_context
def batch(
    context: click.Context,
    /,
    source: Path | None,
    seed: str | None,
    target: str | None,
    prompt_file: Path | None,
    prompt_from: str | None,
    strategy: Strategy,
    name: str | None,
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

    INPUT is a folder, searched with its subfolders, or a manifest, a CSV or TSV table with a row for every image.
    Finished cases are kept, however the run ends; --resume does the rest. Each case gets a folder with segmentation,
    table, contact sheet and record.

    \b
    Exit status: 0 all cases have results, 1 some have none or the run was cancelled, 2 bad input.
    """
    from PromptOnceLib.batch.cluster.connect import SLURM, check_engine
    from PromptOnceLib.batch.cluster.dask_run import on_cluster
    from PromptOnceLib.batch.planning.make_plan import make_plan
    from PromptOnceLib.batch.report import REPORT
    from PromptOnceLib.batch.run_folder.open_run import read_recorded
    from PromptOnceLib.batch.running.run_batch import run_batch
    from PromptOnceLib.cli.json_reports import BatchReport

    if output is None and not dry_run:
        raise InputError("Name a folder for the results with -o.")
    selection, options = Selection(), BatchOptions()
    if join and (resume or source is not None or dry_run):
        raise InputError("--join takes the cases of the run in the folder: leave out INPUT, --resume and --dry-run.")
    if (resume or join) and output is not None and is_run_folder(output):
        recorded = read_recorded(output)
        selection, options = recorded.plan.selection, recorded.options
    selection = selection.model_copy(update=_named(context, _OF_SELECTION, resume or join))
    options = BatchOptions.model_validate({**options.model_dump(), **_named(context, _OF_OPTIONS, resume or join)})
    if gpus is not None and engine != SLURM:
        raise InputError("--gpus goes with --engine dask-slurm.")
    cluster = None if engine is None else on_cluster(check_engine(engine), _jobs(gpus))
    if gpus is not None:
        options = options.model_copy(update={"workers": gpus})
    prompt = _prompt(seed, target, prompt_file, prompt_from, name, strategy)
    if source is not None:
        selection = selection.model_copy(update={"source": source})
    if prompt is not None:
        selection = selection.model_copy(update={"prompt": prompt})
    if join and output is not None:
        plan = read_recorded(output).plan
    else:
        plan = make_plan(selection, PromptSources(SeedLibrary(options.library)).seed_problem)
    if dry_run:
        list_plan(plan, as_json)
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
    page = output / REPORT if (output / REPORT).is_file() else None
    if as_json:
        report = BatchReport(output=str(output), report=None if page is None else str(page), **dict(summary))
        click.echo(report.model_dump_json())
    elif not quiet:
        click.echo(summary_in_words(summary, page))
    if not summary.succeeded:
        context.exit(FAILED)


def _jobs(gpus: int | None) -> dict[str, Any]:
    """What each SLURM job asks for."""
    if gpus is None:
        return {}
    return {"job_extra_directives": ["--gres=gpu:1"], "worker_extra_args": ["--resources", "GPU=1"]}


def _named(context: click.Context, fields: dict[str, str], resume: bool) -> dict[str, Any]:
    """Options that are chosen, by the fields they fill: what is not named stays as it was.

    A run that is taken up again keeps its own options where only the environment or a file of settings says otherwise.
    """
    kept = {ParameterSource.DEFAULT, *({ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT_MAP} if resume else ())}
    return {
        field: context.params[name]
        for name, field in fields.items()
        if name in context.params and context.get_parameter_source(name) not in kept
    }


def _prompt(
    seed: str | None,
    target: str | None,
    prompt_file: Path | None,
    prompt_from: str | None,
    name: str | None,
    strategy: Strategy,
) -> PromptChoice | None:
    from PromptOnceLib.batch.scripts import prompt_choice

    if [seed, prompt_file, prompt_from].count(None) < 2:
        raise InputError("Give one prompt: --seed, --prompt or --prompt-from reference.")
    if name is not None and prompt_from is None:
        raise InputError("--name goes with --prompt-from reference: seeds and prompts name their objects themselves.")
    if strategy != "paper" and prompt_from is None:
        raise InputError("--strategy goes with --prompt-from reference.")
    if target is not None and (seed is None or seed.lower() != "auto"):
        raise InputError("--target goes with --seed auto.")
    choice = prompt_choice(seed, target or "", prompt_file, prompt_from is not None, strategy)
    return choice.model_copy(update={"name": name}) if choice is not None and name else choice

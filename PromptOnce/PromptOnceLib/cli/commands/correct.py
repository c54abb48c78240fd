"""promptonce correct: settle one slice of a result, and propagate again what it touches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from PromptOnceLib.cli.options.common import (
    ModelOptions,
    axis_option,
    json_option,
    keep_out_option,
    model_options,
    quiet_option,
    volume_option,
    window_option,
)
from PromptOnceLib.cli.options.marks import MarkOptions, mark_options
from PromptOnceLib.cli.options.prompt import labels
from PromptOnceLib.cli.terminal import CommandWithPoints, Reporter
from PromptOnceLib.cli.worker_session import WorkerSession
from PromptOnceLib.errors import InputError
from PromptOnceLib.prompts.prompt import ObjectPrompt, encode_mask

if TYPE_CHECKING:
    from PromptOnceLib.cases.correction import SavedResult

EXAMPLES = """
\b
Examples:
  The mask of slice 31 leaks: give a box and a point outside the object; the slices up to the next fixed ones follow:
    promptonce correct chest.nii.gz lungs.seg.nrrd --slice 31 --box 40,60,300,280 --negative 175,170
  The object has ended by slice 52, but the mask goes on:
    promptonce correct chest.nii.gz lungs.seg.nrrd --slice 52 --absent
  Slice 40 is right as it is and stays so from now on:
    promptonce correct chest.nii.gz lungs.seg.nrrd --slice 40 --accept
"""


@click.command(cls=CommandWithPoints, epilog=EXAMPLES)
@click.argument("image", type=click.Path(path_type=Path))
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--slice", "index", type=click.IntRange(min=0), required=True, help="The slice to correct.")
@volume_option
@click.option("--object", "name", metavar="NAME", help="The object to correct, if the result holds several.")
@mark_options
@click.option(
    "--mask",
    "mask_file",
    type=click.Path(path_type=Path),
    metavar="FILE[:LABEL]",
    help="A segmentation on the image's grid whose mask on this slice is taken as it is.",
)
@click.option("--absent", is_flag=True, help="The object is neither on this slice nor beyond it.")
@click.option("--accept", is_flag=True, help="Keep the slice as it is; nothing is computed.")
@click.option(
    "--right",
    "right",
    type=click.IntRange(min=0),
    multiple=True,
    help="Slices that are right as they are; for results without stored prompts, such as label maps.",
)
@keep_out_option
@axis_option
@window_option
@model_options
@quiet_option
@json_option
def correct(
    image: Path,
    result: Path,
    index: int,
    volume_name: str | None,
    name: str | None,
    marks: MarkOptions,
    mask_file: Path | None,
    absent: bool,
    accept: bool,
    right: tuple[int, ...],
    keep_out: str | None,
    axis: str,
    window: str,
    model: ModelOptions,
    quiet: bool,
    as_json: bool,
) -> None:
    """Correct one slice of RESULT, a segmentation of IMAGE, and propagate again up to the next fixed slices.

    Slices that were prompted, corrected or accepted are fixed; everything beyond them stays as it is. RESULT is
    overwritten, and the file as it was before the first correction is kept beside it as RESULT.bak. In the folder of a
    batch, RESULT itself stays; corrected.seg.nrrd is written beside it, and the run's record and report mention it.
    """
    from PromptOnceLib.batch.corrections import CaseCorrection
    from PromptOnceLib.cases.correction import read_saved_result, write_saved_result
    from PromptOnceLib.cli.json_reports import CorrectReport
    from PromptOnceLib.imaging.read import read_volume
    from PromptOnceLib.workflows.correct import correctable, steps_of_saved_correction

    if [marks.marked, mask_file is not None, absent, accept].count(True) != 1:
        raise InputError(
            "Give one correction: --box, --positive and --negative, or --mask FILE, or --absent, or --accept."
        )
    reporter = Reporter(quiet, as_json)
    volume, notices = read_volume(image, volume_name), list[str]()
    of_run = CaseCorrection.of(result)
    source = result if of_run is None else of_run.source(result)
    saved = read_saved_result(volume, source, axis, window, right)
    chosen = _object(saved, name)
    others = None if keep_out is None else labels(keep_out, volume, notices)
    for notice in (*saved.notices, *notices):
        reporter.say(notice)
    drawn: ObjectPrompt | None = None
    if mask_file is not None:
        drawn = _drawn(saved, mask_file, index)
    elif marks.marked:
        drawn = _by_hand(saved, marks, index)
    elif absent:
        drawn = correctable(saved).without(chosen)
    computed = 0 if accept else correctable(saved).touched(chosen, index)
    with WorkerSession(model.files(), model.device, model.precision, reporter, python=model.python) as work:
        corrected = work.go(steps_of_saved_correction(saved, chosen, index, drawn, others), "Correcting", "slice")
    written = result if of_run is None else of_run.target
    told = write_saved_result(source, corrected, None if source == written else written)
    if of_run is not None:
        told += of_run.note()
        of_run.renew_report()
    for notice in told:
        reporter.say(notice)
    if as_json:
        report = CorrectReport(
            output=str(written),
            object=chosen,
            slice=index,
            state="accepted" if accept else "corrected",
            slices=computed,
            fixed=list(corrected.prompts.object(chosen).indices),
        )
        click.echo(report.model_dump_json())
    else:
        what = "accepted" if accept else f"corrected, {computed} slices propagated again"
        reporter.say(f"Slice {index} of {chosen}: {what}. Wrote {written}")


def _object(saved: SavedResult, name: str | None) -> str:
    if name is not None:
        return saved.prompts.object(name).name
    names = [item.name for item in saved.prompts.objects]
    if len(names) > 1:
        raise InputError(f"The result holds several objects: name one with --object: {', '.join(names)}.")
    return names[0]


def _by_hand(saved: SavedResult, marks: MarkOptions, index: int) -> ObjectPrompt:
    marked = marks.one("object")
    if isinstance(marked, ObjectPrompt):
        return marked
    return marked.on_slice(saved.case.volume.geometry, saved.case.axis.axis, index).objects[0]


def _drawn(saved: SavedResult, mask_file: Path, index: int) -> ObjectPrompt:
    from PromptOnceLib.imaging.stack import check_slice, slices_along
    from PromptOnceLib.segmentation.reference import parse_reference, read_reference

    path, labels = parse_reference(str(mask_file))
    array = read_reference(path, saved.case.volume.geometry, labels)
    slices = slices_along(array, saved.case.axis.axis)
    check_slice(index, len(slices))
    if not slices[index].any():
        raise InputError(
            f"{path.name} holds nothing on slice {index}. Where the object is not on the slice, say so with --absent."
        )
    return ObjectPrompt(mask=encode_mask(slices[index] > 0))

"""promptonce segment-pictures: a folder of X-rays or other single pictures from seeds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from PromptOnceLib.cli.options.common import ModelOptions, json_option, model_options, quiet_option, window_option
from PromptOnceLib.cli.options.outputs import overwrite_option
from PromptOnceLib.cli.options.seed import fit_options, library_option
from PromptOnceLib.cli.terminal import FAILED, Reporter
from PromptOnceLib.cli.worker_session import WorkerSession
from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import failure_sentence
from PromptOnceLib.seeds.apply import SeedSource
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.segmentation.segment import segments_of
from PromptOnceLib.worker.protocol import SliceDone

if TYPE_CHECKING:
    from PromptOnceLib.workflows.pictures import PictureResult, PictureSetOutcome

EXAMPLES = """
\b
Examples:
  All X-rays of a folder from one seed, as one sequence:
    promptonce segment-pictures xrays/ --seed "lungs X-ray" -o masks/
  Each by itself, so that none depends on the others:
    promptonce segment-pictures xrays/ --seed "lungs X-ray" -o masks/ --each
"""


@dataclass
class _Writer:
    """Writes each result as it comes: <name>.seg.nrrd or <name>.nii.gz in a folder."""

    folder: Path
    ending: str
    names: dict[Path, str]
    seed: Seed
    reporter: Reporter
    written: list[dict[str, Any]] = field(default_factory=list)

    def target(self, image: Path) -> Path:
        """Where the result of a picture goes."""
        return self.folder / f"{self.names[image]}.{self.ending}"

    def take(self, result: PictureResult) -> None:
        from PromptOnceLib.segmentation.io import write_segmentation

        picture = result.picture
        target = self.target(picture.path)
        segments = segments_of(self.seed.record.objects)
        masks = [result.in_volume_order(index) for index in range(len(segments))]
        notices = [*picture.notices, *write_segmentation(target, masks, segments, picture.geometry)]
        for notice in notices:
            self.reporter.say(f"{picture.path.name}: {notice}")
        presence, predicted_iou = list(result.presence), list(result.predicted_iou)
        self.written.append(
            {
                "image": str(picture.path),
                "output": str(target),
                "presence": presence,
                "predicted_iou": predicted_iou,
                "notices": notices,
            }
        )
        event = SliceDone(
            id=0,
            slice=result.done - 1,
            done=result.done,
            total=result.total,
            presence=presence,
            predicted_iou=predicted_iou,
        )
        self.reporter.progress(event, "Segmenting", "picture")


@click.command("segment-pictures", epilog=EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", "seed_names", metavar="NAME", multiple=True, required=True, help="A seed; may be repeated.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the results.")
@click.option(
    "--each", is_flag=True, help="Segment each picture directly after the seed, instead of all as one sequence."
)
@click.option("--images", metavar="PATTERN", help="Take only these files, for example {case}_pa.png.")
@click.option(
    "--format",
    "ending",
    type=click.Choice(["seg.nrrd", "nii.gz"]),
    default="seg.nrrd",
    show_default=True,
    help="Format of the segmentation files.",
)
@fit_options[0]
@fit_options[1]
@window_option
@model_options
@overwrite_option
@library_option
@quiet_option
@json_option
@click.pass_context
def segment_pictures(
    context: click.Context,
    folder: Path,
    seed_names: tuple[str, ...],
    output: Path,
    each: bool,
    images: str | None,
    ending: str,
    by: Any,
    fit: Any,
    window: str,
    model: ModelOptions,
    overwrite: bool,
    library_folder: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Segment all X-rays, or other pictures without slices, of FOLDER from a seed.

    They may have different sizes; each result is on its own picture's grid. In one sequence, later pictures profit from
    earlier ones and suffer from their mistakes. A picture that cannot be read is reported and left out.

    \b
    Exit status: 0 all pictures have results, 1 some have none or it was cancelled, 2 bad input.
    """
    from PromptOnceLib.batch.planning.scan_folder import find_images
    from PromptOnceLib.cases.outputs import check_targets
    from PromptOnceLib.workflows.pictures import segment_pictures as segment_set

    library, reporter = SeedLibrary(library_folder), Reporter(quiet, as_json)
    seeds = tuple(library.get(name) for name in seed_names)
    found = find_images(folder, images, notify=reporter.say)
    _make_folder(output)
    writer = _Writer(output, ending, {image.image: image.name for image in found}, seeds[0], reporter)
    check_targets(map(writer.target, writer.names), overwrite=overwrite)
    with WorkerSession(model.files(), model.device, model.precision, reporter, python=model.python) as work:
        segmenter = work.segmenter
        try:
            outcome = segment_set(
                segmenter,
                [image.image for image in found],
                SeedSource(seeds, by=by, fit=fit),
                writer.take,
                "alone" if each else "sequence",
                window,
                reporter.say,
                work.cancelled("Cancelling; finished pictures are kept. Press Ctrl-C again to stop at once."),
            )
        finally:
            reporter.end()
    for path, error in outcome.skipped:
        reporter.say(f"Left out {path.name}: {error.message}")
    if as_json:
        click.echo(json.dumps(_report(writer, outcome, work.model)))
    else:
        reporter.say(f"{outcome.done} of {len(found)} pictures segmented. Results are in {output}.")
    if outcome.cancelled or outcome.skipped:
        context.exit(FAILED)


def _report(writer: _Writer, outcome: PictureSetOutcome, model: str) -> dict[str, Any]:
    return {
        "output": str(writer.folder),
        "seed": writer.seed.name,
        "objects": list(outcome.objects),
        "model": model,
        "device": outcome.device,
        "pictures": writer.written,
        "skipped": [
            {"image": str(path), "code": error.code, "message": error.message} for path, error in outcome.skipped
        ],
        "cancelled": outcome.cancelled,
    }


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(failure_sentence(path, error), repr(error)) from error

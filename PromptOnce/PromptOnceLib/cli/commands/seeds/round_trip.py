"""promptonce seeds round-trip: how far a seed can be trusted."""

from __future__ import annotations

import json
from pathlib import Path

import click

from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.cli import completed_names
from PromptOnceLib.cli.commands.seeds.format import record_report
from PromptOnceLib.cli.options.common import ModelOptions, json_option, model_options, quiet_option, volume_option
from PromptOnceLib.cli.options.seed import library_option
from PromptOnceLib.cli.seed_checks import applied_report, trip_of_seed
from PromptOnceLib.cli.terminal import Reporter
from PromptOnceLib.cli.worker_session import WorkerSession
from PromptOnceLib.errors import CancelledError, SeedError
from PromptOnceLib.seeds.apply import SeedSource
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.reliability import trust_sentence
from PromptOnceLib.worker.segmenter import Settings


@click.command("round-trip")
@click.argument("name", shell_complete=completed_names.seeds)
@click.argument("image", type=click.Path(path_type=Path), required=False)
@volume_option
@click.option("--store", is_flag=True, help="Keep the figure as the seed's own.")
@model_options
@library_option
@quiet_option
@json_option
def round_trip(
    name: str,
    image: Path | None,
    volume_name: str | None,
    store: bool,
    model: ModelOptions,
    library_folder: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Tell how far the seed NAME can be trusted: the Dice after a round trip, which needs no reference.

    With IMAGE: from the seed through that image and back to the seed's own frame. Without IMAGE: the figure that was
    found when the seed was saved.
    """
    from PromptOnceLib.imaging.read import read_volume

    library = SeedLibrary(library_folder)
    seed = library.get(name)
    if image is None:
        if store:
            raise SeedError("--store keeps the figure of a round trip through an image: name one.")
        click.echo(json.dumps(record_report(seed.record)) if as_json else trust_sentence(seed.record.round_trip))
        return
    source, volume = SeedSource((seed,)), read_volume(image, volume_name)
    case = prepare_case(volume, source)
    reporter = Reporter(quiet, as_json)
    with WorkerSession(model.files(), model.device, model.precision, reporter, python=model.python) as work:
        run = work.run(case, Settings())
        if run.cancelled:
            raise CancelledError("Cancelled: the round trip has no result.")
        figures = trip_of_seed(work, source, run)
    report = applied_report(figures)
    if store:
        record = figures.record(run.model)
        if record is None:
            raise SeedError("The round trip has no figure that could be kept.")
        library.edit(seed.id, round_trip=record)
    click.echo(report.model_dump_json() if as_json else report.sentence)

"""promptonce seeds list, match and show."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np

from PromptOnceLib.cli import completed_names
from PromptOnceLib.cli.commands.seeds.format import in_a_line, in_full, record_report
from PromptOnceLib.cli.options.common import (
    ModelOptions,
    axis_option,
    json_option,
    model_options,
    quiet_option,
    volume_option,
)
from PromptOnceLib.cli.options.outputs import overwrite_option
from PromptOnceLib.cli.options.seed import library_option, scanner_option, seed_search, with_scanner
from PromptOnceLib.cli.terminal import CommandWithPoints, Reporter
from PromptOnceLib.cli.worker_session import WorkerSession
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.matching import Match
from PromptOnceLib.seeds.picture import write_seed_picture


@click.command("list")
@click.option("--trash", is_flag=True, help="List the deleted seeds instead.")
@library_option
@json_option
def list_command(trash: bool, library_folder: Path | None, as_json: bool) -> None:
    """List all seeds of the library."""
    library = SeedLibrary(library_folder)
    listing = library.trashed() if trash else library.list()
    if as_json:
        report = {
            "library": str(library.folder),
            "seeds": [record_report(seed.record) for seed in listing.seeds],
            "notices": list(listing.notices),
        }
        click.echo(json.dumps(report))
        return
    for notice in listing.notices:
        click.echo(notice, err=True)
    for seed in listing.seeds:
        click.echo(in_a_line(seed.record))
    if not listing.seeds:
        click.echo(f"There is no seed in {library.folder / 'trash' if trash else library.folder}.", err=True)


@click.command(cls=CommandWithPoints)
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--target", help="What is to be segmented.")
@volume_option
@axis_option
@scanner_option
@model_options
@library_option
@quiet_option
@json_option
def match(
    image: Path,
    volume_name: str | None,
    target: str | None,
    axis: str,
    scanner: tuple[tuple[str, str], ...],
    model: ModelOptions,
    library_folder: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """List the library's seeds by how well they fit IMAGE, best first, with reasons.

    Scanner, grid and target count first. Where several seeds can be used, their frames are compared with the slice of
    IMAGE on which they would start, by the model's image encoder.
    """
    from PromptOnceLib.imaging.read import read_volume

    volume = with_scanner(read_volume(image, volume_name), scanner)
    library, reporter = SeedLibrary(library_folder), Reporter(quiet, as_json)
    search = seed_search(library, volume, axis, target, scanner)
    with WorkerSession(model.files(), model.device, model.precision, reporter, python=model.python) as work:
        ranking = work.go(search.steps(work.files), "Comparing", "frame")
    if as_json:
        report = {
            "library": str(library.folder),
            "matches": [_match_report(found) for found in ranking.matches],
            "notices": list(ranking.notices),
        }
        click.echo(json.dumps(report))
        return
    for notice in ranking.notices:
        reporter.say(notice)
    for found in ranking.matches:
        score = f"{found.score:.2f}" if found.usable else "   -"
        click.echo(f"{score}  {found.seed.name}: {', '.join(found.reasons)}")
    if not ranking.matches:
        reporter.say(f"There is no seed in {library.folder}.")


@click.command()
@click.argument("name", shell_complete=completed_names.seeds)
@click.option("--picture", type=click.Path(path_type=Path), help="Write the frame with the masks' contours, a PNG.")
@overwrite_option
@library_option
@json_option
def show(name: str, picture: Path | None, overwrite: bool, library_folder: Path | None, as_json: bool) -> None:
    """Show everything that is known about the seed NAME."""
    from PromptOnceLib.cases.outputs import check_targets

    check_targets([picture], overwrite=overwrite)
    seed = SeedLibrary(library_folder).get(name)
    if picture is not None:
        write_seed_picture(seed, picture)
    if as_json:
        click.echo(json.dumps({**record_report(seed.record), "picture": None if picture is None else str(picture)}))
        return
    click.echo(in_full(seed.record))
    for item, mask in zip(seed.record.objects, seed.masks, strict=True):
        click.echo(f"         {item.name}: {np.count_nonzero(mask)} pixels")
    if picture is not None:
        click.echo(f"Wrote {picture}")


def _match_report(found: Match) -> dict[str, object]:
    return {
        "name": found.seed.name,
        "id": found.seed.id,
        "score": found.score,
        "usable": found.usable,
        "reasons": list(found.reasons),
    }

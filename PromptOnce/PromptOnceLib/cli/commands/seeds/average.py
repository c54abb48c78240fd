"""promptonce seeds average: an artificial seed."""

from __future__ import annotations

import json
from pathlib import Path

import click

from PromptOnceLib.cli.commands.seeds.format import in_full, record_report
from PromptOnceLib.cli.options.common import json_option
from PromptOnceLib.cli.options.seed import library_option
from PromptOnceLib.seeds.average import mean_seed
from PromptOnceLib.seeds.library import SeedLibrary


@click.command()
@click.argument("names", metavar="NAME NAME...", nargs=-1, required=True)
@click.option("-o", "--output", "new_name", metavar="NAME", required=True, help="Name of the new seed.")
@library_option
@json_option
def average(names: tuple[str, ...], new_name: str, library_folder: Path | None, as_json: bool) -> None:
    """Average several seeds of one scanner into a new seed (experimental).

    Frames are averaged, a pixel belongs to the mask where most masks have it, and the prompt is selected from this mask
    as the papers do. Judge it by `promptonce seeds round-trip` on an image of that scanner before you rely on it.
    """
    library = SeedLibrary(library_folder)
    record = library.save(mean_seed([library.get(name) for name in names], new_name)).record
    click.echo(json.dumps(record_report(record)) if as_json else in_full(record))

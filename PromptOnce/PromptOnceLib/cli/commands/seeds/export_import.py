"""promptonce seeds export and import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from PromptOnceLib.cli.options.common import json_option
from PromptOnceLib.cli.options.outputs import overwrite_option
from PromptOnceLib.cli.options.seed import library_option
from PromptOnceLib.errors import SeedError
from PromptOnceLib.seeds.archive import export_seeds, import_seeds
from PromptOnceLib.seeds.library import SeedLibrary


@click.command("export")
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A ZIP file.")
@click.option("--all", "everything", is_flag=True, help="All seeds of the library.")
@overwrite_option
@library_option
@json_option
def export_command(
    names: tuple[str, ...],
    output: Path,
    everything: bool,
    overwrite: bool,
    library_folder: Path | None,
    as_json: bool,
) -> None:
    """Write seeds to a ZIP file, to share them. Their frames are pictures of patients, without names."""
    from PromptOnceLib.cases.outputs import check_targets

    if everything == bool(names):
        raise SeedError("Name the seeds to export, or take --all.")
    if output.suffix.lower() != ".zip":
        raise SeedError(f"{output.name}: an export is a ZIP file. Choose a name that ends in .zip.")
    check_targets([output], error=SeedError, overwrite=overwrite)
    library = SeedLibrary(library_folder)
    chosen = library.list().seeds if everything else tuple(library.get(name) for name in names)
    export_seeds(chosen, output)
    if as_json:
        click.echo(json.dumps({"output": str(output), "seeds": [seed.name for seed in chosen]}))
    else:
        click.echo(f"Wrote {output}: {', '.join(seed.name for seed in chosen)}.")


@click.command("import")
@click.argument("path", metavar="ZIP", type=click.Path(path_type=Path))
@click.option(
    "--on-conflict",
    type=click.Choice(["refuse", "skip", "rename"]),
    default="refuse",
    show_default=True,
    help="What to do if the library already holds a seed of that name.",
)
@library_option
@json_option
def import_command(path: Path, on_conflict: Any, library_folder: Path | None, as_json: bool) -> None:
    """Add the seeds of an exported ZIP file: all of them, or none if one is invalid."""
    saved = import_seeds(path, SeedLibrary(library_folder), on_conflict)
    if as_json:
        click.echo(json.dumps({"added": [seed.name for seed in saved.added], "skipped": list(saved.skipped)}))
        return
    for seed in saved.added:
        click.echo(f"Added {seed.name}.")
    for name in saved.skipped:
        click.echo(f"Left out {name}: there is one already.")

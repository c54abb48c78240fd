"""promptonce models: which models there are, and getting their checkpoints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from PromptOnceLib.cli import completed_names
from PromptOnceLib.cli.remedies import with_remedy
from PromptOnceLib.cli.terminal import CtrlC
from PromptOnceLib.errors import ModelError
from PromptOnceLib.models import checkpoints
from PromptOnceLib.models.default_model import choose_model, default_model
from PromptOnceLib.models.registry import load_registry

folder_option = click.option(
    "--folder", type=click.Path(path_type=Path), help="Folder of the checkpoints [default: `promptonce models path`]."
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress.")
_USUAL_LICENCE = "Apache-2.0"


@click.group()
def models() -> None:
    """List, download, choose and check models.

    \b
    Examples:
      promptonce models list
      promptonce models download tiny
      promptonce models use tiny
      promptonce models verify
    """


@models.command("list")
@folder_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_models(folder: Path | None, as_json: bool) -> None:
    """List all models, their size, and whether they are on this computer; a star marks the default."""
    found = []
    taken = default_model(load_registry().models, folder).name
    for entry in load_registry().entries():
        status = checkpoints.status(entry, folder)
        found.append(
            {
                "name": entry.name,
                "title": entry.title,
                "present": status.complete,
                "default": entry.name == taken,
                "megabytes": entry.megabytes,
                "image_size": entry.image_size,
                "path": str(status.path),
                "licence": entry.licence,
                "description": entry.description,
            }
        )
    if as_json:
        click.echo(json.dumps(found))
        return
    for model in found:
        where = "here" if model["present"] else "to download"
        size = "" if model["megabytes"] is None else f"{model['megabytes']} MB"
        star = "*" if model["default"] else " "
        licence = "" if model["licence"] == _USUAL_LICENCE else f" Licence: {model['licence']}."
        click.echo(f"{star} {model['name']:<23} {where:<12} {size:>7}  {model['description']}{licence}")


@models.command()
@click.argument("name", required=False)
@click.option("--best", is_flag=True, help="Forget the choice: take the best model on this computer.")
@folder_option
def use(name: str | None, best: bool, folder: Path | None) -> None:
    """Make the model NAME the default."""
    if (name is None) != best:
        raise click.UsageError("Give the name of a model, or --best.")
    choose_model(None if name is None else load_registry().get(name), folder)
    click.echo(default_model(load_registry().models, folder).name)


@models.command()
@click.argument("name", shell_complete=completed_names.models)
@folder_option
@quiet_option
def download(name: str, folder: Path | None, quiet: bool) -> None:
    """Download the checkpoint of the model NAME; an interrupted download continues where it stopped.

    The licence of its weights is shown before.
    """
    from PromptOnceLib.models.download import download as download_checkpoint

    entry = load_registry().get(name)
    if not quiet or not entry.is_free_for_any_use:
        click.echo(f"{entry.title}, {entry.megabytes} MB. Licence of the weights: {entry.licence}.", err=True)
    with _Bytes(name, quiet) as progress, CtrlC() as interrupt:
        interrupt.gentle = True
        path = download_checkpoint(entry, folder, progress.update, lambda: interrupt.requested)
    click.echo(str(path))


@models.command()
@click.argument("names", nargs=-1)
@folder_option
@quiet_option
def verify(names: tuple[str, ...], folder: Path | None, quiet: bool) -> None:
    """Compare the checkpoints on this computer, NAMES or all of them, with their SHA-256."""
    registry = load_registry()
    wanted = [registry.get(name) for name in names] or [
        entry for entry in registry.entries() if checkpoints.status(entry, folder).present
    ]
    failed: list[ModelError] = []
    for entry in wanted:
        try:
            with _Bytes(entry.name, quiet) as progress:
                checkpoints.verify(entry, folder, progress.update)
            click.echo(f"{entry.name}: as it should be")
        except ModelError as error:
            failed.append(error)
    for other in failed[:-1]:
        click.echo(with_remedy(other), err=True)
    if failed:
        raise failed[-1]


@models.command()
@click.argument("name", required=False)
@folder_option
def path(name: str | None, folder: Path | None) -> None:
    """Print the folder of the checkpoints, or the file of the model NAME."""
    if name is None:
        click.echo(str(checkpoints.checkpoints_folder(folder)))
    else:
        click.echo(str(checkpoints.checkpoint_path(load_registry().get(name), folder)))


@models.command()
@click.argument("name", shell_complete=completed_names.models)
@folder_option
def delete(name: str, folder: Path | None) -> None:
    """Remove the checkpoint of the model NAME from this computer."""
    freed = checkpoints.delete(load_registry().get(name), folder)
    click.echo(f"{name}: {freed / 1e6:.0f} MB freed")


class _Bytes:
    """A progress bar in bytes."""

    def __init__(self, name: str, quiet: bool) -> None:
        self._bar: tqdm[Any] = tqdm(
            desc=name, unit="B", unit_scale=True, unit_divisor=1000, disable=quiet, file=sys.stderr, leave=False
        )

    def __enter__(self) -> _Bytes:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def update(self, done: int, total: int | None) -> None:
        self._bar.total = total
        self._bar.update(done - self._bar.n)

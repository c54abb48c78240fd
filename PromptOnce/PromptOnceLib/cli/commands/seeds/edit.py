"""promptonce seeds rename, edit, delete, restore and empty-trash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from PromptOnceLib.cli import completed_names
from PromptOnceLib.cli.commands.seeds.format import in_full, record_report
from PromptOnceLib.cli.options.common import json_option
from PromptOnceLib.cli.options.seed import library_option
from PromptOnceLib.errors import SeedError
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.seed import SeedRecord

word_options = (
    click.option("--target", help="What is segmented, for example lungs."),
    click.option("--author", help="Who made the seed."),
    click.option("--licence", help="On which terms the seed may be used by others."),
    click.option("--note", help="Anything else worth knowing; no names or numbers of patients."),
)


def with_words(function: Any) -> Any:
    """Add the options for the texts of a seed."""
    for option in reversed(word_options):
        function = option(function)
    return function


@click.command()
@click.argument("name", shell_complete=completed_names.seeds)
@click.argument("new_name")
@library_option
@json_option
def rename(name: str, new_name: str, library_folder: Path | None, as_json: bool) -> None:
    """Give the seed NAME the name NEW_NAME."""
    record = SeedLibrary(library_folder).rename(name, new_name)
    _say(record, as_json, f'The seed is now called "{record.name}".')


@click.command()
@click.argument("name", shell_complete=completed_names.seeds)
@with_words
@click.option("--scanner-name", help="What you call the scanner.")
@library_option
@json_option
def edit(name: str, library_folder: Path | None, as_json: bool, **words: str | None) -> None:
    """Change what is written about the seed NAME; an empty text removes it.

    Frame, prompt and masks of a seed never change: save a new one.
    """
    given = {key: text for key, text in words.items() if text is not None}
    if not given:
        raise SeedError("Say what is to be changed: --target, --author, --licence, --note or --scanner-name.")
    record = SeedLibrary(library_folder).edit(name, **given)
    _say(record, as_json, in_full(record))


@click.command()
@click.argument("name", shell_complete=completed_names.seeds)
@library_option
@json_option
def delete(name: str, library_folder: Path | None, as_json: bool) -> None:
    """Move the seed NAME to the library's trash."""
    record = SeedLibrary(library_folder).delete(name)
    _say(record, as_json, f'"{record.name}" is in the trash; promptonce seeds restore brings it back.')


@click.command()
@click.argument("name", shell_complete=completed_names.seeds)
@library_option
@json_option
def restore(name: str, library_folder: Path | None, as_json: bool) -> None:
    """Bring the seed NAME back from the trash."""
    record = SeedLibrary(library_folder).restore(name)
    _say(record, as_json, f'"{record.name}" is back.')


@click.command("empty-trash")
@library_option
@json_option
def empty_trash(library_folder: Path | None, as_json: bool) -> None:
    """Remove the seeds in the trash for good."""
    count = SeedLibrary(library_folder).empty_trash()
    click.echo(json.dumps({"removed": count}) if as_json else f"{count} seeds removed for good.")


def _say(record: SeedRecord, as_json: bool, sentence: str) -> None:
    click.echo(json.dumps(record_report(record)) if as_json else sentence)

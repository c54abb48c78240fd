"""promptonce seeds: the library of seeds."""

from __future__ import annotations

import click

from PromptOnceLib.cli.commands.seeds.average import average
from PromptOnceLib.cli.commands.seeds.edit import delete, edit, empty_trash, rename, restore
from PromptOnceLib.cli.commands.seeds.export_import import export_command, import_command
from PromptOnceLib.cli.commands.seeds.list_match_show import list_command, match, show
from PromptOnceLib.cli.commands.seeds.round_trip import round_trip
from PromptOnceLib.cli.commands.seeds.save import save


@click.group()
def seeds() -> None:
    """Prompts that serve the next patient: save them, choose among them, hand them on.

    A seed is a prompted slice with the mask that was accepted there. `promptonce segment --seed NAME` puts it before
    the slices of another image, which then needs no prompt of its own.
    """


for command in (
    save,
    list_command,
    match,
    show,
    rename,
    edit,
    export_command,
    import_command,
    delete,
    restore,
    empty_trash,
    round_trip,
    average,
):
    seeds.add_command(command)

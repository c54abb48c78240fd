"""promptonce seeds: the library of seeds."""

from __future__ import annotations

import click

from PromptOnceLib.cli.lazy_group import LazyGroup, Place

PLACES = {
    "average": Place(
        f"{__name__}.average:average", "Average several seeds of one scanner into a new seed (experimental)."
    ),
    "delete": Place(f"{__name__}.edit:delete", "Move the seed NAME to the library's trash."),
    "edit": Place(f"{__name__}.edit:edit", "Change what is written about the seed NAME; an empty text removes it."),
    "empty-trash": Place(f"{__name__}.edit:empty_trash", "Remove the seeds in the trash for good."),
    "export": Place(f"{__name__}.export_import:export_command", "Write seeds to a ZIP file, to share them."),
    "import": Place(
        f"{__name__}.export_import:import_command",
        "Add the seeds of an exported ZIP file: all of them, or none if one is invalid.",
    ),
    "list": Place(f"{__name__}.list_match_show:list_command", "List all seeds of the library."),
    "match": Place(
        f"{__name__}.list_match_show:match",
        "List the library's seeds by how well they fit IMAGE, best first, with reasons.",
    ),
    "rename": Place(f"{__name__}.edit:rename", "Give the seed NAME the name NEW_NAME."),
    "restore": Place(f"{__name__}.edit:restore", "Bring the seed NAME back from the trash."),
    "round-trip": Place(
        f"{__name__}.round_trip:round_trip",
        "Tell how far the seed NAME can be trusted: the Dice after a round trip, which needs no reference.",
    ),
    "save": Place(f"{__name__}.save:save", "Segment one slice of IMAGE from a prompt and keep it as the seed NAME."),
    "show": Place(f"{__name__}.list_match_show:show", "Show everything that is known about the seed NAME."),
}


@click.group(cls=LazyGroup, places=PLACES)
def seeds() -> None:
    """Save, find and share seeds: prompts that serve the next patient.

    A seed is a prompted slice with the mask that was accepted there. `promptonce segment --seed NAME` puts it before
    the slices of another image, which then needs no prompt of its own.
    """

"""promptonce study: the papers' studies, and one's own."""

from __future__ import annotations

import click

from PromptOnceLib.cli.lazy_group import LazyGroup, Place

PLACES = {
    "design": Place(
        f"{__name__}.list_design:design_command",
        "Write the study NAME as a TOML file with a comment for every setting, to make one's own study of it.",
    ),
    "list": Place(f"{__name__}.list_design:list_command", "All studies of the papers, their arms and their data."),
    "run": Place(
        f"{__name__}.run_study:run_command",
        "Run STUDY, a name of `promptonce study list` or a TOML file, on one's data, or go on with it.",
    ),
}


@click.group(cls=LazyGroup, places=PLACES)
def study() -> None:
    """Compare models, methods and prompts on images with references: the papers' studies, and one's own.

    A study is a set of arms, each a way to segment the same cases; it ends with tables, statistics, figures and a page
    that puts the papers' printed values beside one's own.
    """

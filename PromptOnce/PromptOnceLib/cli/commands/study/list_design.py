"""promptonce study list and design: which studies there are, and one as a file to change."""

from __future__ import annotations

import json
from pathlib import Path

import click

from PromptOnceLib.cli import completed_names
from PromptOnceLib.cli.options.common import json_option
from PromptOnceLib.cli.options.outputs import overwrite_option


@click.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """All studies of the papers, their arms and their data."""
    from PromptOnceLib.studies.presets import PRESETS

    if as_json:
        click.echo(json.dumps([design.model_dump(mode="json") for design in PRESETS.values()]))
        return
    for design in PRESETS.values():
        click.echo(f"{design.name}\n  {design.title}\n  data: {', '.join(design.sets)}")
        models = ", ".join(dict.fromkeys(arm.model for arm in design.arms))
        click.echo(f"  {len(design.arms)} arms with the models {models}\n")


@click.command(
    "design",
    epilog="""
\b
Examples:
  promptonce study design sam-vs-sam2 -o mine.toml
  promptonce study run mine.toml -o study/
""",
)
@click.argument("name", metavar="NAME", shell_complete=completed_names.studies)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file [default: printed].")
@overwrite_option
def design_command(name: str, output: Path | None, overwrite: bool) -> None:
    """Write the study NAME as a TOML file with a comment for every setting, to make one's own study of it."""
    from PromptOnceLib.cases.outputs import check_targets
    from PromptOnceLib.studies.design_file import design_text, write_design
    from PromptOnceLib.studies.presets import preset

    design = preset(name)
    if output is None:
        click.echo(design_text(design), nl=False)
        return
    check_targets([output], overwrite=overwrite)
    write_design(output, design)

"""promptonce review: which slices of a result to look at first."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from PromptOnceLib.cli.options.common import json_option, quiet_option
from PromptOnceLib.cli.terminal import Reporter

if TYPE_CHECKING:
    from PromptOnceLib.cases.slice_review import SliceReview

EXAMPLES = """
\b
Examples:
  The ten slices to look at first, then the worst of them corrected:
    promptonce review lungs.seg.nrrd --first 10
    promptonce correct chest.nii.gz lungs.seg.nrrd --slice 31 --box 40,60,300,280
"""


@click.command(epilog=EXAMPLES)
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--object", "name", metavar="NAME", help="Only this object.")
@click.option("--first", type=click.IntRange(min=1), metavar="N", help="Only the first N slices.")
@quiet_option
@json_option
def review(result: Path, name: str | None, first: int | None, quiet: bool, as_json: bool) -> None:
    """List the slices of RESULT, a .seg.nrrd file that PromptOnce wrote, with those to check first at the top.

    The confidence estimates how well a slice's mask fits, 0 to 1. Prompted, corrected and accepted slices come last.
    """
    from PromptOnceLib.cases.recorded_result import read_recorded_result
    from PromptOnceLib.cases.slice_review import review_recorded

    recorded = read_recorded_result(result)
    reporter = Reporter(quiet)
    for notice in recorded.notices:
        reporter.say(notice)
    slices = review_recorded(recorded, name)[:first]
    if as_json:
        click.echo(json.dumps({"result": str(result), "slices": [asdict(one) for one in slices]}))
    else:
        click.echo(_in_words(slices))


def _in_words(slices: list[SliceReview]) -> str:
    width = max(len(one.object) for one in slices)
    lines = [f"{'object':{max(width, 6)}}  slice  state         confidence    area  why"]
    for one in slices:
        sure = "" if one.confidence is None else f"{one.confidence:.2f}"
        why = "; ".join(one.reasons)
        line = f"{one.object:{max(width, 6)}}  {one.slice:5}  {one.state:12}  {sure:>10}  {one.area:6}  {why}"
        lines.append(line.rstrip())
    return "\n".join(lines)

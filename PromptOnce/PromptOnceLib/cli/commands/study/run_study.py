"""promptonce study run: all arms of a study, and what they say together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from PromptOnceLib.cli import completed_names
from PromptOnceLib.cli.options.common import json_option, python_option, quiet_option
from PromptOnceLib.cli.terminal import FAILED, CtrlC

if TYPE_CHECKING:
    from PromptOnceLib.batch.events import Event
    from PromptOnceLib.studies.design import StudyArm
    from PromptOnceLib.studies.run_study import StudyOutcome

EXAMPLES = """
\b
Examples:
  The comparison of Prompt Once, section 4.1, on both of its data sets:
    promptonce study run sam-vs-sam2 --data covid-19-ct=COVID/ --data montgomery=MontgomerySet/ -o study/
  The same with other models, on the first three cases of each group:
    promptonce study run sam-vs-sam2 --data COVID/ --model sam=sam_b --model sam2=tiny --limit 3 -o study/
  One's own study, see promptonce study design; the same line again goes on after an interruption:
    promptonce study run mine.toml -o study/
"""


@click.command("run", epilog=EXAMPLES)
@click.argument("study", metavar="STUDY", shell_complete=completed_names.studies)
@click.option(
    "--data",
    metavar="[SET=]FOLDER",
    multiple=True,
    help="The study's images and references; may be repeated. Without SET the data sets of the study are tried.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for everything.")
@click.option(
    "--model",
    "models",
    metavar="[ARM=]MODEL",
    multiple=True,
    help="Another model for all arms, or for those called ARM or ARM-...; may be repeated.",
)
@click.option("--limit", type=click.IntRange(1), help="At most so many cases of each group.")
@click.option(
    "--device", default="auto", envvar="PROMPTONCE_DEVICE", show_default=True, help="auto, cpu, cuda, cuda:N or mps."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Cases at the same time, each in a process with a model of its own.",
)
@python_option
@quiet_option
@json_option
@click.pass_context
def run_command(
    context: click.Context,
    study: str,
    data: tuple[str, ...],
    output: Path,
    models: tuple[str, ...],
    limit: int | None,
    device: str,
    workers: int,
    python: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run STUDY, a name of `promptonce study list` or a TOML file, on one's data, or go on with it.

    Every arm is a batch in a folder of its own, which the same command takes up again after an interruption. At the end
    stand tables, figures and index.html.

    \b
    Exit status: 0 all cases of all arms have results, 1 some have none or it was cancelled, 2 bad input.
    """
    from PromptOnceLib.cli.json_reports import study_report
    from PromptOnceLib.studies.arm_plans import StudyMachine
    from PromptOnceLib.studies.choose_design import choose_design
    from PromptOnceLib.studies.run_study import run_study

    design = choose_design(study, data, models)
    progress = StudyProgress(quiet)
    with CtrlC() as interrupt:
        interrupt.gentle = True
        try:
            outcome = run_study(
                design,
                output,
                StudyMachine(device, workers, python),
                limit,
                say=progress.say,
                on_arm=progress.begin,
                on_event=progress.show,
                should_cancel=lambda: progress.cancelling(interrupt.requested),
            )
        finally:
            progress.end()
    if as_json:
        click.echo(study_report(outcome).model_dump_json())
    elif not quiet:
        click.echo(_in_words(outcome))
    if not outcome.succeeded:
        context.exit(FAILED)


class StudyProgress:
    """The progress of one arm after the other, each shown as a batch's; see BatchProgress."""

    def __init__(self, quiet: bool) -> None:
        from PromptOnceLib.cli.batch_progress import BatchProgress

        self._quiet, self._told = quiet, False
        self._arm = BatchProgress(0, quiet)

    def begin(self, arm: StudyArm, number: int, count: int, cases: int) -> None:
        """The next arm."""
        from PromptOnceLib.cli.batch_progress import BatchProgress

        self.end()
        self._arm = BatchProgress(cases, self._quiet)
        self.say(f"Arm {number} of {count}: {arm.name} ({arm.model}, {arm.method}, {arm.strategy}), {cases} cases")

    def show(self, event: Event) -> None:
        """Take in an event of the arm's run."""
        self._arm.show(event)

    def say(self, text: str) -> None:
        """A line that stays."""
        self._arm.say(text)

    def cancelling(self, requested: bool) -> bool:
        """Whether it is to be cancelled, which is told once."""
        if requested and not self._told:
            self._told = True
            self.say("Cancelling; finished cases are kept. Press Ctrl-C again to stop at once.")
        return requested

    def end(self) -> None:
        """Close the line that lives."""
        self._arm.end()


def _in_words(outcome: StudyOutcome) -> str:
    lines = []
    for name, summary in outcome.arms.items():
        done = summary.finished + summary.reused
        before = f", {summary.reused} from before" if summary.reused else ""
        lines.append(f"{name}: {done} of {summary.total} cases have results{before}.")
        failed = [item for item in summary.not_succeeded if item.status in ("failed", "set_aside")]
        lines += [f"  {item.case}: {item.message}" for item in failed]
        if summary.stopped:
            lines.append(f"  The run stopped. {summary.stopped}")
    if outcome.cancelled:
        lines.append("Cancelled; the same command goes on.")
    if outcome.page is not None:
        lines.append(f"Report: {outcome.page}")
    return "\n".join(lines)

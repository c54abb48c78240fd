"""promptonce finetune: a model trained further on a user's own images and references."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from PromptOnceLib.cli.options.common import (
    ExactModelOptions,
    axis_option,
    exact_model_options,
    json_option,
    quiet_option,
    window_option,
)
from PromptOnceLib.cli.options.outputs import overwrite_option
from PromptOnceLib.cli.terminal import Reporter
from PromptOnceLib.cli.worker_session import WorkerSession
from PromptOnceLib.models.model_card import TrainingSettings, card_path

if TYPE_CHECKING:
    from PromptOnceLib.models.model_card import ModelCard
    from PromptOnceLib.worker.messages.finetuning import EpochDone

EXAMPLES = """
\b
Examples:
  A folder of images with a label map beside each; labels 1 and 2 are one object:
    promptonce finetune study/ --reference "{case}_lung.nii.gz:1,2" --window lung --model tiny -o lungs.pt
  Left and right apart, and cases kept aside that are looked at before and after, and for nothing else:
    promptonce finetune study/ --reference "{case}_lung.nii.gz" --label 1 --label 2 --test 0.2 -o lungs.pt
  A manifest, a table with the columns image, reference and, where patients have several images, group:
    promptonce finetune study.csv --model medsam2 --device cuda -o liver.pt
  The result needs no configuration:
    promptonce segment next.nii.gz --box 40,65,121,188 --model lungs.pt -o next.seg.nrrd
"""
_DEFAULTS = TrainingSettings()


@click.command(epilog=EXAMPLES)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The checkpoint, .pt or .pth.")
@click.option(
    "--reference",
    metavar="PATTERN[:LABEL[=NAME],...]",
    help="The reference of an image of a folder, as of `promptonce batch`.",
)
@click.option("--images", metavar="PATTERN", help="Take only these files, for example {case}_ct.nii.gz.")
@click.option(
    "--label",
    "labels",
    metavar="LABEL,...",
    multiple=True,
    help="Labels that are one object; may be repeated [default: each label is one].",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 10_000),
    default=_DEFAULTS.epochs,
    show_default=True,
    help="How often all slices are learned from, at most.",
)
@click.option(
    "--learning-rate", type=click.FloatRange(0, 1, min_open=True), default=_DEFAULTS.learning_rate, show_default=True
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, 1024),
    default=_DEFAULTS.batch_size,
    show_default=True,
    help="Masks a step.",
)
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=_DEFAULTS.validation,
    show_default=True,
    help="Share of the cases that the best epoch is chosen by.",
)
@click.option(
    "--test",
    type=click.FloatRange(0, 1, max_open=True),
    default=_DEFAULTS.test,
    show_default=True,
    help="Share of the cases that are only looked at before and after.",
)
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    default=_DEFAULTS.patience,
    show_default=True,
    help="End after so many epochs without a better one.",
)
@click.option(
    "--jitter",
    type=click.FloatRange(0, 0.5),
    default=_DEFAULTS.jitter,
    show_default=True,
    help="How far the sides of boxes are moved, in parts of their width and height.",
)
@click.option(
    "--blend",
    type=click.FloatRange(0, 1, min_open=True),
    default=_DEFAULTS.blend,
    show_default=True,
    help="Share of the trained weights in the result, the rest being those from before: 1 is best for images like "
    "these, less forgets less of others.",
)
@click.option(
    "--random-seed",
    type=click.IntRange(0, 2**32 - 1),
    default=_DEFAULTS.random_seed,
    show_default=True,
    help="Of the split, the order of the slices and the jitter.",
)
@axis_option
@window_option
@exact_model_options
@overwrite_option
@quiet_option
@json_option
def finetune(
    data: Path,
    output: Path,
    reference: str | None,
    images: str | None,
    labels: tuple[str, ...],
    axis: str,
    window: str,
    model: ExactModelOptions,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
    **of_training: Any,
) -> None:
    """Train the mask decoder of a model further on the images and references of DATA, with boxes as prompts.

    DATA is a folder of images with references, or a manifest. Encoders stay as they are. Learned from are all slices on
    which an object has at least 50 pixels; the split is by case, or by group where a manifest names groups. The best
    epoch by the validation cases is written, with a card beside it that holds figures and settings but no names of
    cases. Where no epoch is better than the model as it was, nothing is written.

    \b
    Exit status: 0 written, 1 cancelled, failed or no better, 2 bad input.
    """
    from PromptOnceLib.batch.training_cases import plan_training, read_training_cases
    from PromptOnceLib.cli.json_reports import FineTuneReport
    from PromptOnceLib.workflows.finetune import CANCELLED, Watching, check_before
    from PromptOnceLib.workflows.finetune import finetune as train

    settings, reporter = TrainingSettings(**of_training), Reporter(quiet, as_json)
    plan = plan_training(data, settings, reference, images, labels, axis, window)
    files = model.files()
    check_before(files, output, overwrite)
    with WorkerSession(files, model.device, "float32", reporter, python=model.python) as work:
        segmenter = work.segmenter

        def say_epoch(epoch: EpochDone) -> None:
            best = ", the best so far" if epoch.best else ""
            reporter.say(f"Epoch {epoch.epoch}: loss {epoch.loss:.4f}, Dice of the validation {epoch.dice:.4f}{best}.")

        reading, training = reporter.counter("Reading", "case"), reporter.counter("Training", "step")

        def train_on(done: int, total: int) -> None:
            if done == 1:
                reporter.end()
            training(done, total)

        watching = Watching(train_on, say_epoch, reporter.say, work.cancelled(f"{CANCELLED} Wait a moment."))
        cases = read_training_cases(plan, reporter.say, reading)
        try:
            card = train(segmenter, work.files, cases, settings, output, watching)
        finally:
            reporter.end()
    if as_json:
        report = FineTuneReport(**dict(card), output=str(output), card=str(card_path(output)))
        click.echo(report.model_dump_json())
    elif not quiet:
        click.echo(_in_words(card, output))


def _in_words(card: ModelCard, output: Path) -> str:
    lines = []
    for item in card.figures:
        lines.append(
            f"{item.role.capitalize()}, {item.masks} masks of {item.cases} cases: Dice {item.before.mean:.4f} before, "
            f"{item.after.mean:.4f} after, gain {item.gain.mean:+.4f} (95 % interval over {item.over} "
            f"{item.gain.low:+.4f} to {item.gain.high:+.4f})."
        )
    lines.append(f"Epoch {card.best_epoch} of {card.epochs} is the best. Wrote {output} and {card_path(output).name}.")
    return "\n".join(lines)

"""Groups of options that several commands share; a command gets each group as one object."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from PromptOnceLib.cli import completed_names
from PromptOnceLib.models.registry import ModelFiles, resolve_model

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def grouped(name: str, group: type[Any], options: Sequence[Decorator]) -> Decorator:
    """Decorator that adds options to a command and hands their values over as one argument `name`.

    group: dataclass whose fields are called like the options' values.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **values: Any) -> Any:
            fields = {field.name: values.pop(field.name) for field in dataclasses.fields(group)}
            return function(*arguments, **values, **{name: group(**fields)})

        for option in reversed(options):
            option(call)
        return call

    return decorate


@dataclass(frozen=True)
class ModelOptions:
    """Which model, and where it runs."""

    model_name: str
    config: Path | None
    device: str
    precision: str
    python: Path | None

    @property
    def inputs(self) -> list[Path]:
        """Files that are named, which no output may replace."""
        return [Path(self.model_name), *([] if self.config is None else [self.config])]

    def files(self) -> ModelFiles:
        """The model's files. Raises ModelError."""
        return resolve_model(self.model_name, self.config)


python_option = click.option(
    "--python",
    type=click.Path(path_type=Path),
    help="Python with PyTorch and SAM 2 [default: PROMPTONCE_PYTHON, else this one, else that of `promptonce engine`].",
)

model_options = grouped(
    "model",
    ModelOptions,
    [
        click.option(
            "--model",
            "model_name",
            default="auto",
            envvar="PROMPTONCE_MODEL",
            show_default=True,
            shell_complete=completed_names.models,
            help="A name of `promptonce models list`, auto for the one chosen there or else the best one on this "
            "computer, or a checkpoint file.",
        ),
        click.option(
            "--model-config", "config", type=click.Path(path_type=Path), help="Configuration of a checkpoint file."
        ),
        click.option(
            "--device",
            default="auto",
            envvar="PROMPTONCE_DEVICE",
            show_default=True,
            help="auto, cpu, cuda, cuda:N or mps.",
        ),
        click.option(
            "--precision",
            default="auto",
            envvar="PROMPTONCE_PRECISION",
            show_default=True,
            help="auto, float32 (exact), bfloat16 or float16.",
        ),
        python_option,
    ],
)

volume_option = click.option(
    "--volume",
    "volume_name",
    metavar="N|NAME",
    help="Which volume, where a DICOM file, folder or archive holds several (phases, echoes, magnitude and phase).",
)
window_option = click.option(
    "--window",
    default="auto",
    shell_complete=completed_names.windows,
    show_default=True,
    help="auto, lung, soft-tissue, bone, ..., LEVEL/WIDTH, file, full, percentile, paper[:WINDOW].",
)
axis_option = click.option(
    "--axis",
    default="auto",
    show_default=True,
    shell_complete=completed_names.axes,
    help="auto, i, j, k, axial, sagittal or coronal.",
)
keep_out_option = click.option(
    "--keep-out",
    metavar="FILE[:LABEL,...]",
    help="Segments that the object must not reach into; points on them are negative ones on the prompted slice.",
)
fill_holes_option = click.option(
    "--fill-holes",
    type=click.IntRange(min=0),
    default=0,
    metavar="AREA",
    help="Fill holes up to this area in SAM 2's low-resolution mask [default: 0].",
)
early_stop_option = click.option(
    "--early-stop",
    is_flag=True,
    help="Stop a pass (forward or backward) where the object has ended, after several slices without it; not for "
    "objects in several pieces.",
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress and no notices.")
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else on standard output."
)

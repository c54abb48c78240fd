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
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.models.registry import ModelFiles, resolve_model
from PromptOnceLib.prompts.zoom import zoom_from_text
from PromptOnceLib.segmentation.pieces.clean_up import CLEAN_UPS
from PromptOnceLib.segmentation.ways import BETWEENS

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
class ExactModelOptions:
    """Which model, and where it runs, in float32."""

    model_name: str
    config: Path | None
    device: str
    python: Path | None

    @property
    def inputs(self) -> list[Path]:
        """Files that are named, which no output may replace."""
        return [Path(self.model_name), *([] if self.config is None else [self.config])]

    def files(self) -> ModelFiles:
        """The model's files. Raises ModelError."""
        return resolve_model(self.model_name, self.config)


@dataclass(frozen=True)
class ModelOptions(ExactModelOptions):
    """Which model, where it runs, and how exactly."""

    precision: str


python_option = click.option(
    "--python",
    type=click.Path(path_type=Path),
    help="Python with PyTorch and SAM 2 [default: PROMPTONCE_PYTHON, else this one, else that of `promptonce engine`].",
)

_MODEL_AND_DEVICE = [
    click.option(
        "--model",
        "model_name",
        default="auto",
        envvar="PROMPTONCE_MODEL",
        show_default=True,
        shell_complete=completed_names.models,
        help="A name from `promptonce models list`; auto, which takes the model chosen with `promptonce models "
        "use` or else the best one on this computer; or a checkpoint file.",
    ),
    click.option(
        "--model-config",
        "config",
        type=click.Path(path_type=Path),
        help="Configuration of a checkpoint file; one of `promptonce finetune` needs none.",
    ),
    click.option(
        "--device",
        default="auto",
        envvar="PROMPTONCE_DEVICE",
        show_default=True,
        help="auto, cpu, cuda, cuda:N or mps.",
    ),
]
exact_model_options = grouped("model", ExactModelOptions, [*_MODEL_AND_DEVICE, python_option])
model_options = grouped(
    "model",
    ModelOptions,
    [
        *_MODEL_AND_DEVICE,
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
    help="Which volume to take if a DICOM file, folder or archive holds several (phases, echoes, magnitude and phase).",
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
    help="Segments that the object must not enter; points on them become negative points on the prompted slice.",
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


class _ZoomType(click.ParamType):  # type: ignore[type-arg]
    name = "auto|off|FACTOR"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Zoom:
        try:
            return zoom_from_text(str(value))
        except InputError as error:
            self.fail(error.message, param, ctx)


zoom_option = click.option(
    "--zoom",
    type=_ZoomType(),
    default="auto",
    show_default=True,
    help="How much of a slice the network sees: auto, a crop around an object that is small on the slice; off, the "
    "whole slice; or a crop FACTOR times as long as the object.",
)
between_option = click.option(
    "--between",
    type=click.Choice(BETWEENS),
    default="track",
    show_default=True,
    help="Between prompted slices: track the object, or interpolate its boxes and segment each slice by itself, from "
    "the first box to the last; or both, and keep what either finds there.",
)
clean_up_option = click.option(
    "--clean-up",
    type=click.Choice(CLEAN_UPS),
    default="connected",
    show_default=True,
    help="Which pieces of a mask stay: those that touch the mask of a prompted slice, the largest, or all.",
)


def mask_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How masks come about, for every command that propagates."""
    return zoom_option(between_option(clean_up_option(command)))


quiet_option = click.option("--quiet", is_flag=True, help="No progress and no notices.")
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else on standard output."
)

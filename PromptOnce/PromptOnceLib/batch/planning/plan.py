"""What a batch is asked to do: its cases and options, as they cross processes and as the run's folder keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.prompts.strategies.slice_prompts import Strategy
from PromptOnceLib.schema import StrictModel
from PromptOnceLib.seeds.apply import OLD_STARTS
from PromptOnceLib.seeds.fit import By, Fit
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp
from PromptOnceLib.segmentation.ways import Between

OutputFormat = Literal["seg.nrrd", "nii.gz"]
Method = Literal["propagate", "each-slice"]
"""From one prompted slice through the stack, or every slice that holds the reference prompted by itself."""


class PromptChoice(StrictModel):
    """Where a case's prompt comes from.

    kind: "seed", an entry of the seed library called `name`; "auto", the entry
    that fits the case best, and marks the target `name` where one is named; "file", the
    prompt file at the path `name`; "reference", box and points from the case's reference on its central slice, as the
    papers do, of one object called `name`, or of those that the reference names. strategy: of a reference, the rule by
    which box and points are taken.
    """

    kind: Literal["seed", "auto", "file", "reference"]
    name: str = ""
    strategy: Strategy = "paper"

    @model_validator(mode="after")
    def _is_named_where_it_has_to_be(self) -> PromptChoice:
        if self.kind in ("seed", "file") and not self.name:
            raise ValueError(f"a prompt choice of the kind {self.kind} does not go with the name {self.name!r}")
        if self.strategy != "paper" and self.kind != "reference":
            raise ValueError(f"a prompt choice of the kind {self.kind} does not go with the strategy {self.strategy}")
        return self


class PlannedCase(StrictModel):
    """One image and how to segment it.

    name: unique in the plan whatever the case of its letters, and a possible folder name on every system. image: a file
    or folder that `read_volume` takes; None for a volume that is handed over in memory. files: all files the image is
    made of, to recognise that it has changed. dicom: whether these are DICOM, whose folders may be called after
    patients. volume: which of several in the image, by number or name, as `read_volume` takes it. reference:
    FILE[:LABEL,...] or None. window, axis, slice: as `prepare_case` takes them. modality, file_window: as Volume has
    them, where they are known and the files do not tell. group: the report draws cases of one
    group together. notices: what the planning has to say about it.
    """

    name: str
    image: Path | None
    files: tuple[Path, ...] = ()
    dicom: bool = False
    volume: str | None = None
    reference: str | None = None
    prompt: PromptChoice
    window: str = "auto"
    axis: str = "auto"
    slice: int | None = Field(default=None, ge=0)
    modality: str = ""
    file_window: tuple[float, float] | None = None
    group: str = ""
    notices: tuple[str, ...] = ()


class Selection(StrictModel):
    """What the user named: where the cases are and how their prompts are chosen.

    source: folder or manifest; None for a list of images. prompt: of every case for which a manifest does not say
    otherwise; a folder needs one. images, references: patterns for a folder, see `find_images`. window, axis: of every
    case for which a manifest does not say otherwise.
    """

    source: Path | None = None
    prompt: PromptChoice | None = None
    images: str | None = None
    references: str | None = None
    window: str = "auto"
    axis: str = "auto"


class BatchPlan(StrictModel):
    """The cases in the order in which they are begun."""

    selection: Selection
    cases: tuple[PlannedCase, ...]
    notices: tuple[str, ...] = ()


class BatchOptions(StrictModel):
    """What is the same for all cases.

    method: "each-slice" takes the prompts of all slices from the case's reference. jitter: pixels, from and to, by
    which prompts of references are moved; random_seed: of these moves and of random points. position: of the slice
    whose reference prompts a propagation, from 0 to 1 in its stack, or the nearest that holds the reference; None for
    the central slice. fewest_pixels: slices whose reference is smaller are not prompted by "each-slice". distances:
    whether the table of slices has the Hausdorff distance to the reference. model, config, device, precision: as
    `resolve_model` and the worker take them; a run that goes on keeps the model that it began with, where that is
    "auto". early_stop: whether a pass stops where the object has ended. zoom, between, clean_up: as `Settings` takes
    them. workers: processes that segment at the same time, each with a model of its own. formats: of the segmentation
    files, at least one. start: slice where a seed takes over, the central one, the one most similar to the seed's
    frame, the most confident one, or one by its index; a case's own slice goes before it. by, fit: as SeedSource takes
    them, "auto" being the default fit. library: folder of the seeds, None for the user's. round_trip: whether every
    result is carried back to where it came from, and compared with that. python: the interpreter of the workers, None
    for the one that runs the batch.
    """

    method: Method = "propagate"
    jitter: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None = None
    random_seed: int = Field(default=0, ge=0)
    position: float | None = Field(default=None, ge=0, le=1)
    fewest_pixels: int = Field(default=1, ge=1)
    distances: bool = False
    model: str = "auto"
    config: Path | None = None
    device: str = "auto"
    precision: str = "auto"
    fill_hole_area: int = Field(default=0, ge=0)
    early_stop: bool = False
    zoom: Zoom = "auto"
    between: Between = "track"
    clean_up: CleanUp = "connected"
    workers: int = Field(default=1, ge=1, le=64)
    formats: tuple[OutputFormat, ...] = Field(default=("seg.nrrd",), min_length=1)
    start: Annotated[int, Field(ge=0)] | Literal["central", "similar", "confident"] = "central"
    by: By = "prompt"
    fit: Literal["auto"] | Fit = "auto"
    library: Path | None = None
    round_trip: bool = False
    python: Path | None = None

    @field_validator("start", mode="before")
    @classmethod
    def _start_in_todays_words(cls, value: object) -> object:
        return OLD_STARTS.get(value, value) if isinstance(value, str) else value


class RecordedPlan(StrictModel):
    """What a run's folder keeps of plan and options, so that the run can be taken up again or repeated."""

    version: Literal[1] = 1
    plan: BatchPlan
    options: BatchOptions

    @model_validator(mode="before")
    @classmethod
    def _goes_on_as_it_began(cls, data: object) -> object:
        """Runs from before there were these options are gone on with as they began, not with the defaults of now."""
        if isinstance(data, dict) and isinstance(data.get("options"), dict):
            return {**data, "options": {"zoom": "off", "clean_up": "all", **data["options"]}}
        return data

    @model_validator(mode="before")
    @classmethod
    def _before_there_was_zoom(cls, value: object) -> object:
        """Runs of older versions saw whole slices and cleaned nothing up; their finished cases stay finished."""
        if isinstance(value, dict) and isinstance(value.get("options"), dict) and "zoom" not in value["options"]:
            return {**value, "options": {**value["options"], "zoom": "off", "clean_up": "all"}}
        return value

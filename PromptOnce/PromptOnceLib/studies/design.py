"""What a study is asked to find out: its data, its arms, and which of them are compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from PromptOnceLib.batch.planning.case_names import is_safe
from PromptOnceLib.batch.planning.checks import axis_problem, window_problem
from PromptOnceLib.batch.planning.plan import Method
from PromptOnceLib.prompts.strategies.slice_prompts import Strategy
from PromptOnceLib.schema import StrictModel

Metric = Literal["jaccard", "dice", "hausdorff"]


def _arm_name(name: str) -> str:
    if not is_safe(name):
        raise ValueError("must be usable as the name of a folder")
    return name


def _window(text: str) -> str:
    problem = window_problem(text)
    if problem is not None:
        raise ValueError(problem)
    return text


def _axis(text: str) -> str:
    problem = axis_problem(text)
    if problem is not None:
        raise ValueError(problem)
    return text


ArmName = Annotated[str, AfterValidator(_arm_name)]
WindowText = Annotated[str, AfterValidator(_window)]
AxisText = Annotated[str, AfterValidator(_axis)]
Pixels = Annotated[int, Field(ge=0, le=10_000)]


class StudyData(StrictModel):
    """Images with references. set: name of a data set, see studies.datasets. folder: where it lies, or a CSV file."""

    set: str
    folder: Path


class StudyArm(StrictModel):
    """One way to segment all cases.

    model: by name, or a checkpoint; config: of that one, "" where it needs none. method: every slice that holds the
    reference prompted by itself, or one slice and the rest propagated. strategy: how prompts are made of the reference,
    see prompts.strategies. jitter: pixels, from and to, by which prompts are moved at random; random_seed: of these and
    of random points. position: where the prompted slice of a propagation lies in its stack, from 0 to 1. shared_seed:
    the prompted slice of a group's first case stands before the stacks of all others, in place of a prompt of their own
    (Prompt Once, section 4.2). window: "" for that of the case's group. precision: as the worker takes it.
    """

    name: ArmName
    model: str = Field(default="auto", min_length=1)
    config: str = ""
    method: Method = "each-slice"
    strategy: Strategy = "paper"
    jitter: tuple[Pixels, Pixels] | None = None
    random_seed: int = Field(default=0, ge=0)
    position: float = Field(default=0.5, ge=0, le=1)
    shared_seed: bool = False
    window: WindowText | Literal[""] = ""
    precision: str = "auto"

    @model_validator(mode="after")
    def _goes_together(self) -> StudyArm:
        if self.jitter is not None and self.jitter[0] > self.jitter[1]:
            raise ValueError(f"{self.name}: a jitter goes from the smaller to the larger number of pixels")
        if self.method == "propagate" and self.strategy == "S1":
            raise ValueError(f"{self.name}: S1 has no prompt that could be propagated")
        if self.method == "each-slice" and (self.shared_seed or self.position != 0.5):
            raise ValueError(f"{self.name}: a shared seed and a position belong to the method propagate")
        if self.shared_seed and (self.strategy != "paper" or self.jitter is not None):
            raise ValueError(f"{self.name}: a shared seed is made with the strategy paper, and without a jitter")
        return self


class ArmComparison(StrictModel):
    """Two arms, paired slice by slice: how much `second` gains on `first`."""

    first: str
    second: str


class StudyDesign(StrictModel):
    """A study.

    name: of a preset, or the user's own. title: for the report. data: may be empty in a preset, whose data are named
    when it is run; sets: the data sets that it is made for; groups: by data set, those groups of its cases that are
    taken, where not all are. window: of all cases but those of groups named in
    `windows`. axis: of the slices. pictures_as_stack: the pictures of a group become the slices of one stack, as large
    as the network's input. metrics: what is tested and drawn. attributes: whether size, contrast, aspect and outline of
    the reference are measured, and correlated with Dice. fewest_pixels: slices with a smaller reference are left out.
    """

    version: Literal[1] = 1
    name: ArmName
    title: str = ""
    sets: tuple[str, ...] = ("folder",)
    data: tuple[StudyData, ...] = ()
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    window: WindowText = "auto"
    windows: dict[str, WindowText] = Field(default_factory=dict)
    axis: AxisText = "auto"
    pictures_as_stack: bool = False
    arms: tuple[StudyArm, ...] = Field(min_length=1)
    comparisons: tuple[ArmComparison, ...] = ()
    metrics: tuple[Metric, ...] = Field(default=("jaccard", "dice"), min_length=1)
    attributes: bool = False
    fewest_pixels: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _arms_are_known(self) -> StudyDesign:
        names = [arm.name.casefold() for arm in self.arms]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two arms are called {twice}")
        for pair in self.comparisons:
            for name in (pair.first, pair.second):
                if name not in [arm.name for arm in self.arms]:
                    raise ValueError(f"the comparison of {name}: there is no such arm")
            if pair.first == pair.second:
                raise ValueError(f"{pair.first} is compared with itself")
        return self

    @property
    def slice_axis(self) -> str:
        """The axis of the slices; of pictures put together, the one along which they were."""
        return "k" if self.pictures_as_stack else self.axis

    def window_of(self, arm: StudyArm, group: str) -> str:
        """The window of a group's cases in an arm."""
        return arm.window or self.group_window(group)

    def group_window(self, group: str) -> str:
        """The window of a group's cases; groups in any case of their letters."""
        folded = {name.casefold(): window for name, window in self.windows.items()}
        return folded.get(group.casefold(), self.window)

    def arm(self, name: str) -> StudyArm:
        """The arm of this name, which there is."""
        return next(arm for arm in self.arms if arm.name == name)

    def with_models(self, models: Sequence[tuple[str, str]]) -> StudyDesign:
        """The same with other models: pairs of an arm, "" for all, and a model; later ones go before earlier ones.

        An arm is named by its name, or by that up to a hyphen: "sam2" is also "sam2-shared-seed".
        """
        chosen = self.arms
        for name, model in models:
            chosen = tuple(
                arm.model_copy(update={"model": model, "config": ""}) if _means(name, arm.name) else arm
                for arm in chosen
            )
        return self.model_copy(update={"arms": chosen})


def _means(name: str, arm: str) -> bool:
    return not name or arm == name or arm.startswith(f"{name}-")

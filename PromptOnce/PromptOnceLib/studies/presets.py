"""The papers' studies, ready to be run on the papers' data or on one's own.

Prompt Once, Segment Everything (Gutiérrez et al., Algorithms 2025), sections 4.1 to 4.3; Segment Anything Model for
Medical Images? (Huang et al., MedIA 2024). Arms and groups are called as in studies.printed, where their printed values
are. Slices are those that the files store one after the other, axis k, as in the papers' code.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.design import ArmComparison, StudyArm, StudyDesign

_SAM = StudyArm(name="sam", model="sam_l", precision="float32")  # as upstream runs it
_SAM2 = StudyArm(name="sam2", model="large")
_SINGLE = StudyArm(name="sam2-single-prompt", model="large", method="propagate")
_SHARED = StudyArm(name="sam2-shared-seed", model="large", method="propagate", shared_seed=True)

_PAPER_WINDOWS = {"Coronacases": "paper:-650/1500", "Radiopaedia": "paper", "Montgomery": "paper", "MR": "paper"}
"""Section 3.4: of the volumes only Coronacases have to be windowed; every slice is stretched by itself."""


def _pairs(*names: tuple[str, str]) -> tuple[ArmComparison, ...]:
    return tuple(ArmComparison(first=first, second=second) for first, second in names)


def _strategy_arms() -> tuple[StudyArm, ...]:
    """All strategies with the smallest and the largest SAM, and those with a prompt moved by hands of three kinds."""
    numbers = range(1, 7)
    plain = [
        StudyArm.model_validate({"name": f"{model}-S{number}", "model": model, "strategy": f"S{number}"})
        for model in ("sam_b", "sam_h")
        for number in numbers
    ]
    moved = [
        StudyArm.model_validate(
            {
                "name": f"sam_b-S{number}-moved-{low}-{high}",
                "model": "sam_b",
                "strategy": f"S{number}",
                "jitter": (low, high),
            }
        )
        for low, high in ((0, 10), (10, 20), (20, 30))
        for number in numbers
        if number > 1
    ]
    return (*plain, *moved)


def _strategies() -> StudyDesign:
    arms = _strategy_arms()
    moved = [(arm.name.partition("-moved")[0], arm.name) for arm in arms if arm.jitter is not None]
    models = [(f"sam_b-S{number}", f"sam_h-S{number}") for number in range(1, 7)]
    steps = [(f"sam_b-S{number}", f"sam_b-S{number + 1}") for number in range(1, 6)]
    return StudyDesign(
        name="strategies",
        title="Ways to prompt: everything, points, boxes (Huang et al.)",
        sets=("covid-19-ct", "montgomery", "amos", "folder", "csv"),
        windows=_PAPER_WINDOWS,
        axis="k",
        window="paper",
        arms=arms,
        comparisons=_pairs(*models, *steps, *moved),
        metrics=("dice", "jaccard", "hausdorff"),
        attributes=True,
        fewest_pixels=50,
    )


_DESIGNS = (
    StudyDesign(
        name="sam-vs-sam2",
        title="SAM against SAM 2, every slice prompted (Prompt Once, section 4.1)",
        sets=("covid-19-ct", "montgomery", "folder", "csv"),
        windows=_PAPER_WINDOWS,
        axis="k",
        arms=(_SAM, _SAM2),
        comparisons=_pairs(("sam", "sam2")),
    ),
    StudyDesign(
        name="single-prompt",
        title="One prompt for each volume (Prompt Once, section 4.2)",
        sets=("covid-19-ct", "folder", "csv"),
        windows=_PAPER_WINDOWS,
        axis="k",
        arms=(
            _SAM,
            _SINGLE,
            _SINGLE.model_copy(update={"name": "sam2-at-a-quarter", "position": 0.25}),
            _SINGLE.model_copy(update={"name": "sam2-at-three-quarters", "position": 0.75}),
        ),
        comparisons=_pairs(
            ("sam", "sam2-single-prompt"),
            ("sam2-single-prompt", "sam2-at-a-quarter"),
            ("sam2-single-prompt", "sam2-at-three-quarters"),
        ),
    ),
    StudyDesign(
        name="shared-seed",
        title="One prompt for a whole set of volumes (Prompt Once, figures 13 and 14)",
        sets=("covid-19-ct", "folder", "csv"),
        windows=_PAPER_WINDOWS,
        axis="k",
        arms=(_SINGLE, _SHARED),
        comparisons=_pairs(("sam2-single-prompt", "sam2-shared-seed")),
    ),
    StudyDesign(
        name="xrays-as-sequence",
        title="Independent X-rays as one sequence from a single prompt (Prompt Once, section 3.5)",
        sets=("montgomery", "folder", "csv"),
        window="paper",
        pictures_as_stack=True,
        arms=(_SAM2, _SINGLE),
        comparisons=_pairs(("sam2", "sam2-single-prompt")),
    ),
    StudyDesign(
        name="modalities",
        title="Another organ and modality: the spleen in MR (Prompt Once, section 4.3)",
        sets=("amos", "folder", "csv"),
        groups={"amos": ("MR",)},
        windows=_PAPER_WINDOWS,
        axis="k",
        arms=(_SAM, _SAM2, _SINGLE, _SHARED),
        comparisons=_pairs(("sam", "sam2"), ("sam2", "sam2-single-prompt"), ("sam2-single-prompt", "sam2-shared-seed")),
    ),
    _strategies(),
)

PRESETS: Mapping[str, StudyDesign] = {design.name: design for design in _DESIGNS}
"""By name, in the order in which they are listed."""


def preset(name: str) -> StudyDesign:
    """The study of this name. Raises InputError that names the known ones."""
    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(name, PRESETS, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    raise InputError(f"There is no study called {name[:40]}.{meant} There are: {', '.join(PRESETS)}; or name a file.")

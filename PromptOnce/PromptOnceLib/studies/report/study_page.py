"""The page of a study as one HTML file that needs no other file and no network."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from PromptOnceLib.batch.report.page import counted, page_environment, page_parts
from PromptOnceLib.models.default_model import demonstration_note
from PromptOnceLib.models.registry import load_registry
from PromptOnceLib.studies.design import StudyArm, StudyDesign
from PromptOnceLib.studies.figures.style import StudyFigure
from PromptOnceLib.studies.presets import PRESETS
from PromptOnceLib.studies.report.contents import StudyContents
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.tables.arm_values import group_title, groups_of, rows_of

TABLES, FIGURES = "tables", "figures"
"""Folders beside the page."""

_METHODS = {"each-slice": "every slice prompted by itself", "propagate": "one prompt, propagated through the volume"}
_STRATEGIES = {
    "paper": "box, a point for each part, a negative point (Prompt Once)",
    "S1": "everything, best mask by Dice",
    "S2": "1 point",
    "S3": "5 points",
    "S4": "5 positive and 5 negative points",
    "S5": "box",
    "S6": "box and 1 point",
}


@dataclass(frozen=True)
class ShownFigure:
    """A figure in the page. uri: the drawing as SVG."""

    number: int
    name: str
    title: str
    caption: str
    uri: str


def study_page(
    design: StudyDesign,
    arms: Sequence[ArmRows],
    contents: StudyContents,
    facts: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
) -> str:
    """The whole page. facts: names and values of how it was run; notes: further sentences for the caveats."""
    printed = [table for table in contents.tables if table.name == "printed"]
    return (
        page_environment()
        .get_template("study.html")
        .render(
            **page_parts(),
            title=design.title or design.name,
            subtitle=_subtitle(arms),
            facts=[*_data_facts(design, arms), *facts],
            arms=[_arm_line(design.arm(arm.name), arm) for arm in arms],
            printed=printed,
            tables=[table for table in contents.tables if table not in printed],
            figures=[_shown(number, one) for number, one in enumerate(contents.figures, start=1)],
            caveats=[*_caveats(design, arms, bool(printed)), *contents.left_out, *notes],
            tables_folder=TABLES,
            figures_folder=FIGURES,
        )
    )


def _shown(number: int, one: StudyFigure) -> ShownFigure:
    uri = "data:image/svg+xml;base64," + base64.b64encode(one.svg).decode("ascii")
    return ShownFigure(number, one.name, one.title, one.caption, uri)


def _subtitle(arms: Sequence[ArmRows]) -> str:
    cases = {(row.group, row.case) for arm in arms for row in arm.rows}
    slices = {(row.group, row.case, row.slice) for arm in arms for row in arm.rows if row.dice is not None}
    return (
        f"{counted(len(arms), 'arm')} · {counted(len(cases), 'case')} · {counted(len(slices), 'slice')} with reference"
    )


def _data_facts(design: StudyDesign, arms: Sequence[ArmRows]) -> list[tuple[str, str]]:
    """Of the data no paths, which can name people: the data sets by name, and the groups."""
    groups = []
    for group in groups_of(arms):
        rows = [row for arm in arms for row in rows_of(arm, group)]
        cases, slices = {row.case for row in rows}, {(row.case, row.slice) for row in rows if row.dice is not None}
        groups.append(f"{group_title(group)}: {counted(len(cases), 'case')}, {counted(len(slices), 'slice')}")
    fewest = design.fewest_pixels
    return [
        ("Study", design.name),
        ("Data", ", ".join(item.set for item in design.data)),
        ("Groups", "; ".join(groups)),
        ("Grey values", "; ".join(f"{group_title(group)}: {_window(design, group)}" for group in groups_of(arms))),
        ("Left out", f"slices with fewer than {fewest} pixels of the reference" if fewest > 1 else ""),
    ]


def _window(design: StudyDesign, group: str) -> str:
    """The windows of a group's cases in all arms."""
    return ", ".join(dict.fromkeys(f"window {design.window_of(arm, group)}" for arm in design.arms))


def _arm_line(arm: StudyArm, rows: ArmRows) -> tuple[str, ...]:
    """Name, model, method, prompt, cases."""
    prompt = _STRATEGIES.get(arm.strategy, arm.strategy)
    if arm.jitter is not None:
        prompt += f", moved by {arm.jitter[0]} to {arm.jitter[1]} pixels"
    method = _METHODS[arm.method]
    if arm.shared_seed:
        method = "the prompt of each group's first case, propagated through all others"
    elif arm.method == "propagate":
        method += f", from position {arm.position:g} of 0 to 1"
    return (arm.name, rows.model, method, prompt, str(len({(row.group, row.case) for row in rows.rows})))


def _caveats(design: StudyDesign, arms: Sequence[ArmRows], has_printed: bool) -> list[str]:
    models = list(dict.fromkeys(arm.model for arm in arms))
    found = [note for model in models if (note := demonstration_note(load_registry().models, model))]
    if has_printed:
        found += _other_models(design, arms)
    found += [
        "Slices of one volume are alike. Intervals and tests that count slices take them for independent and promise "
        "too much; the papers do the same. Those that count cases do not.",
        "Prompts were made from the references, so they lie better than those of most users.",
    ]
    if any(arm.strategy == "S1" for arm in arms):
        found.append("S1 chooses its mask by the reference: it says what the model could find, not what a user gets.")
    missing = [arm.name for arm in design.arms if arm.name not in {one.name for one in arms}]
    if missing:
        found.append(f"Without any result, and therefore not on this page: {', '.join(missing)}.")
    return found


def _other_models(design: StudyDesign, arms: Sequence[ArmRows]) -> list[str]:
    """Arms of a study of the papers that ran with another model than the papers'."""
    preset = PRESETS.get(design.name)
    papers = {} if preset is None else {arm.name: arm.model for arm in preset.arms}
    others: dict[tuple[str, str], list[str]] = {}
    for arm in arms:
        if arm.name in papers and arm.model != papers[arm.name]:
            others.setdefault((arm.model, papers[arm.name]), []).append(arm.name)
    if not others:
        return []
    found = ", ".join(
        f"{names[0] if len(names) == 1 else f'{len(names)} arms'} with {model} instead of {theirs}"
        for (model, theirs), names in others.items()
    )
    return [f"Not the papers' models, so their values cannot be expected here: {found}."]

"""The report as one HTML page that needs no other file and no network, from the templates in Resources/Report."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from PromptOnceLib.batch.priority import LOOK
from PromptOnceLib.batch.report.box_plots import box_plots
from PromptOnceLib.batch.report.case_view import (
    DASH,
    case_facts,
    case_files,
    number,
    shown_columns,
    thumbnail,
    time_of_day,
)
from PromptOnceLib.batch.report.cases_table import CASES_TABLE
from PromptOnceLib.batch.report.curves import curves
from PromptOnceLib.batch.report.run_results import RunResults
from PromptOnceLib.batch.run_folder.joint_tables import JOINT_RAW_DATA, JOINT_RESULTS, RESULTS
from PromptOnceLib.models.default_model import demonstration_note
from PromptOnceLib.models.registry import load_registry
from PromptOnceLib.resources import resource

# What a reader may want to know of the options; others hold paths, which can name people.
_SHOWN_OPTIONS = (
    "device",
    "precision",
    "fill_hole_area",
    "early_stop",
    "zoom",
    "between",
    "clean_up",
    "workers",
    "formats",
)


def report_page(run: RunResults) -> str:
    """The whole page. It is made to be handed on: of the records' paths none is in it, of messages what they say."""
    template = page_environment().get_template("report.html")
    return template.render(
        **page_parts("report.js"),
        subtitle=_subtitle(run),
        tiles=_tiles(run),
        outcome=_outcome(run),
        model_note=demonstration_note(load_registry().models, run.record.model.name),
        plots=box_plots(run.cases),
        cases=sorted(run.cases, key=lambda case: -case.urgency),
        columns=shown_columns(run.cases),
        tables=(CASES_TABLE, RESULTS, JOINT_RESULTS, JOINT_RAW_DATA),
        grouped=any(case.group for case in run.cases),
        run_facts=_run_facts(run),
    )


@cache
def page_environment() -> Environment:
    """The templates in Resources/Report, every text in them escaped; one for all pages, as templates are compiled."""
    environment = Environment(
        loader=FileSystemLoader(resource("Report")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.globals.update(thumbnail=thumbnail, case_facts=case_facts, case_files=case_files)
    environment.globals.update(curves=curves, dash=DASH, look_score=LOOK)
    return environment


def page_parts(script_name: str = "") -> dict[str, str | Markup]:
    """What every page has: style, script ("" for none), and the policy that lets nothing else be loaded or run."""
    style = resource("Report", "report.css").read_text(encoding="utf-8")
    script = resource("Report", script_name).read_text(encoding="utf-8") if script_name else ""
    # Nothing is loaded from anywhere, and nothing runs but our own style and script.
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )
    return {"policy": policy, "style": Markup(style), "script": Markup(script)}


def counted(count: int, word: str) -> str:
    """Such as "1 case" and "3 cases"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")


def _subtitle(run: RunResults) -> str:
    day = (run.record.ended or run.record.started)[:10]
    return " · ".join(part for part in (day, counted(len(run.cases), "case"), f"model {run.record.model.name}") if part)


def _tiles(run: RunResults) -> list[dict[str, str]]:
    """The figures on top of the page; style is a class of the style sheet."""
    dice, volume = run.dice, run.median_millilitres
    tiles = [
        ("segmented", str(len(run.done)), f"of {counted(len(run.cases), 'case')}", ""),
        ("failed", str(len(run.failed)), "without a result", "bad" if run.failed else ""),
        ("to look at", str(run.to_look_at), "and not yet reviewed", "high" if run.to_look_at else ""),
    ]
    if run.not_done:
        tiles.insert(2, ("not done", str(run.not_done), "the run was not finished", "bad"))
    if dice is not None:
        spread = f"{dice.min:.3f} to {dice.max:.3f}, {counted(dice.count, 'case')}"
        tiles.append(("mean Dice", number(dice.mean, 3), spread, ""))
    if volume is not None:
        tiles.append(("median volume", f"{volume:.4g} ml", "of the results", ""))
    return [dict(zip(("name", "value", "more", "style"), tile, strict=True)) for tile in tiles]


def _outcome(run: RunResults) -> str:
    """The run in two sentences."""
    done = counted(len(run.done), "case")
    if not run.failed and not run.not_done:
        first = f"All {done} were segmented." if len(run.done) != 1 else "The case was segmented."
    else:
        first = f"{done} of {len(run.cases)} {'was' if len(run.done) == 1 else 'were'} segmented."
    if run.to_look_at == 0:
        return f"{first} The figures point at no case in particular; they cannot say that all are right."
    return f"{first} Begin with the {counted(run.to_look_at, 'case')} whose figures are unusual: they are on top."


def _run_facts(run: RunResults) -> list[tuple[str, str]]:
    record = run.record
    options = [(name, record.options.get(name)) for name in _SHOWN_OPTIONS]
    shown = [f"{name.replace('_', ' ')} {_as_text(value)}" for name, value in options if value not in (None, "")]
    return [
        ("Prompt", _as_text(record.options.get("prompt") or "")),
        ("Model", record.model.name),
        ("SHA-256 of the model", record.model.sha256),
        ("Seeds", ", ".join(f"{seed.name} {seed.id[:12]}".strip() for seed in record.seeds)),
        ("Options", ", ".join(shown)),
        ("Computer", record.machine),
        ("Versions", ", ".join(f"{name} {version}" for name, version in record.versions.items())),
        ("Started", time_of_day(record.started)),
        ("Ended", time_of_day(record.ended)),
    ]


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

"""The table of cases: one line a case to sort by, and its details folded away below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PromptOnceLib.batch.priority import LOOK
from PromptOnceLib.batch.report.case_details import case_details
from PromptOnceLib.batch.report.html import DASH, element, number, text
from PromptOnceLib.batch.report.run_results import CaseResult
from PromptOnceLib.batch.report.thumbnails import thumbnail
from PromptOnceLib.batch.run_folder.case_folder import THUMBNAIL_LOOK
from PromptOnceLib.batch.run_folder.records import CaseRecord

_REVIEWS = {"none": "not yet", "accepted": "accepted", "corrected": "corrected"}


@dataclass(frozen=True)
class _Column:
    """name: its title. first: "ascending" or "descending", the order of the first click. value: None sorts last."""

    name: str
    first: str
    value: Callable[[CaseRecord], float | None]
    digits: int = 2


_NUMBERS = (
    _Column("Lowest presence", "ascending", lambda record: record.look_first.lowest_presence),
    _Column("Lowest predicted IoU", "ascending", lambda record: record.look_first.lowest_predicted_iou),
    _Column("Largest jump of area", "descending", lambda record: record.look_first.largest_jump),
    _Column("Round trip", "ascending", lambda record: record.identity.round_trip),
    _Column("Dice", "ascending", lambda record: record.figures.dice, 3),
    _Column("Volume in ml", "descending", lambda record: record.figures.volume, 1),
)


def case_table(cases: Sequence[CaseResult]) -> str:
    """The table, in the order "look here first"; a column that no case has a value for is left out."""
    columns = [
        c for c in _NUMBERS if any(case.record is not None and c.value(case.record) is not None for case in cases)
    ]
    grouped = any(case.group for case in cases)
    titles = [("Case", "ascending", "name")]
    titles += [("Group", "ascending", "group")] if grouped else []
    titles += [("Look here first", "descending", "urgency")]
    titles += [(column.name, column.first, "number") for column in columns]
    titles += [("Reviewed", "ascending", "review")]
    head = element(
        "th", element("span", "Picture", class_="hidden"), scope="col", role="columnheader", class_="picture"
    )
    head += "".join(_title(*title) for title in titles)
    caption = element("caption", "All cases. A click on a title sorts by it.", class_="hidden")
    ordered = sorted(cases, key=lambda case: -case.urgency)
    bodies = "".join(_case(case, columns, grouped) for case in ordered)
    heading = element("thead", element("tr", head, role="row"), role="rowgroup")
    # The style sheet lays the lines out by itself; the roles keep it a table for screen readers.
    return element("table", caption + heading + bodies, id="cases", role="table")


def _title(name: str, first: str, css_class: str) -> str:
    """A column's title. The table comes sorted by "Look here first"."""
    sort = "descending" if name == "Look here first" else "none"
    button = element("button", text(name), type="button", data_first=first)
    return element("th", button, scope="col", role="columnheader", class_=css_class, aria_sort=sort)


def _case(case: CaseResult, columns: Sequence[_Column], grouped: bool) -> str:
    record = case.record
    cells = [_picture(case), _name(case)]
    if grouped:
        cells.append(_cell("Group", text(case.group), case.group, "group"))
    cells.append(_cell("Look here first", _urgency(case), f"{case.urgency:.4f}", "urgency"))
    for column in columns:
        value = None if record is None else column.value(record)
        key = "" if value is None else repr(value)
        cells.append(_cell(column.name, number(value, column.digits), key, "number"))
    review = "" if record is None else record.review.state
    cells.append(_cell("Reviewed", text(_REVIEWS.get(review, DASH)), review, "review"))
    line = element("tr", "".join(cells), role="row")
    if record is not None:
        inside = element("td", case_details(case, record), colspan=len(cells) - 1, role="cell")
        line += element("tr", inside, role="row", class_="more")
    searched = f"{case.name} {case.group} {_state(case)}".lower()
    return element("tbody", line, role="rowgroup", data_search=searched, data_state=_state(case))


def _state(case: CaseResult) -> str:
    if case.record is None:
        return "failed" if case.failure is not None else "not-done"
    return "look" if case.to_look_at else "fine"


def _picture(case: CaseResult) -> str:
    """The cell with the slice to look at; it stands beside both lines of the case."""
    if case.record is None:
        return element("td", role="cell", class_="picture")
    described = f"{case.name}, slice {case.record.look_first.slice} with the contour of the result"
    image = thumbnail(case.folder / THUMBNAIL_LOOK, described, "look")
    return element("td", image, role="cell", class_="picture", rowspan=2)


def _name(case: CaseResult) -> str:
    return element("th", text(case.name), scope="row", role="rowheader", class_="name", data_sort=case.name)


def _urgency(case: CaseResult) -> str:
    """The score with its reason; a failure with its sentence."""
    if case.failure is not None:
        label = "set aside" if case.failure.status == "set_aside" else "failed"
        return element("b", label, class_="badge bad") + element("span", text(case.failure.message), class_="reason")
    if case.record is None:
        return element("b", "not done", class_="badge bad") + element("span", "the run ended before", class_="reason")
    look = case.record.look_first
    high = look.score >= LOOK
    badge = element("b", f"{100 * look.score:.0f}", class_="badge high" if high else "badge")
    where = f", slice {look.slice}" if look.doubts else ""
    return badge + element("span", text(look.reason + where), class_="reason")


def _cell(title: str, content: str, key: str, css_class: str) -> str:
    return element("td", content, role="cell", data_label=title, data_sort=key, class_=css_class)

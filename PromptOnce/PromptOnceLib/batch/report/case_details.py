"""What unfolds below a case: curves, the prompted slice, quality flags and facts."""

from __future__ import annotations

from PromptOnceLib.batch.report.curves import curves
from PromptOnceLib.batch.report.html import element, facts, number, text
from PromptOnceLib.batch.report.run_results import CaseResult
from PromptOnceLib.batch.report.thumbnails import thumbnail
from PromptOnceLib.batch.run_folder.case_folder import THUMBNAIL_SEED
from PromptOnceLib.batch.run_folder.records import CaseRecord
from PromptOnceLib.segmentation.metrics import Summary


def case_details(case: CaseResult, record: CaseRecord) -> str:
    """A details element with everything about one case."""
    look = record.look_first
    # A seed of another image carries the prompt itself; what is shown is the slice where it began.
    role = "the prompt" if record.identity.seed is None else "where the seed began"
    picture = thumbnail(case.folder / THUMBNAIL_SEED, f"{case.name}, slice {record.seed_slice}, {role}", "seed")
    # The script shows the slice to look at here too, larger, from the picture in the line above.
    pictures = element(
        "figure", element("figcaption", f"Slice {look.slice}: look here"), class_="look-slice", hidden=True
    )
    pictures += element("figure", picture + element("figcaption", f"Slice {record.seed_slice}: {role}"))
    parts = [
        element("div", pictures, class_="pictures"),
        element("div", curves(case.rows, record.seed_slice, look.slice), class_="charts"),
        element("div", _doubts(record) + _facts(record) + _notices(record)),
    ]
    summary = element("summary", f"Curves and figures{element('span', f' of {text(case.name)}', class_='hidden')}")
    return element("details", summary + element("div", "".join(parts), class_="panel"))


def _doubts(record: CaseRecord) -> str:
    doubts = record.look_first.doubts
    if not doubts:
        return element("p", "Nothing strange in the figures of this case.")
    items = "".join(
        element("li", text(f"{item.reason}{'' if item.slice is None else f', slice {item.slice}'}")) for item in doubts
    )
    return element("h4", "Where to look, the strangest first") + element("ol", items)


def _facts(record: CaseRecord) -> str:
    figures, identity = record.figures, record.identity
    agreement = f"{number(figures.dice, 4)} / {number(figures.jaccard, 4)}" if figures.dice is not None else ""
    seed = "" if identity.seed is None else f"{identity.seed.name} {identity.seed.id[:12]}".strip()
    return facts(
        [
            ("Objects", ", ".join(record.objects)),
            ("Volume", "" if figures.volume is None else f"{figures.volume:.2f} ml"),
            ("Dice / Jaccard of the volume", agreement),
            ("Dice by slice", _spread(figures.dice_per_slice)),
            ("Slices computed", f"{figures.computed_slices} of {figures.slices}, along {record.axis}"),
            ("Window", record.window),
            ("Seed", seed),
            ("Time", f"{record.seconds:.1f} s on {record.device}{identity.precision and f', {identity.precision}'}"),
            ("Finished", record.finished.replace("T", " ").replace("+00:00", " UTC")),
            ("Reviewed", f"{record.review.state}, {record.review.day}" if record.review.day else ""),
        ]
    )


def _spread(summary: Summary | None) -> str:
    if summary is None:
        return ""
    spread = "" if summary.std is None else f" ± {summary.std:.4f}"
    return f"{summary.mean:.4f}{spread}, from {summary.min:.4f} to {summary.max:.4f} ({summary.count} slices)"


def _notices(record: CaseRecord) -> str:
    if not record.notices:
        return ""
    items = "".join(element("li", text(notice)) for notice in record.notices)
    return element("h4", "Notices") + element("ul", items)

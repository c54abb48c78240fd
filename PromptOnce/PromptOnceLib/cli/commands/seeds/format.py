"""Seeds in words and as JSON."""

from __future__ import annotations

from typing import Any

from PromptOnceLib.seeds.reliability import trust_sentence
from PromptOnceLib.seeds.seed import SeedRecord


def record_report(record: SeedRecord) -> dict[str, Any]:
    """Everything seed.json says, with plane, worst figure and trust."""
    trip = record.round_trip
    return {
        **record.model_dump(mode="json"),
        "plane": record.plane,
        "worst_dice": None if trip is None else trip.worst,
        "trust": None if trip is None else trip.trust,
    }


def in_a_line(record: SeedRecord) -> str:
    """Name, what it marks, where, on which scanner, and how far it can be trusted."""
    trip = "no round trip" if record.round_trip is None else f"{record.round_trip.trust} {record.round_trip.worst:.3f}"
    parts = (marked(record), f"{record.plane} {record.modality}".strip(), scanner(record), trip, str(record.date))
    return f"{record.name}  ({record.id[:8]})  " + "  ".join(part for part in parts if part)


def in_full(record: SeedRecord) -> str:
    """A line for each thing that is known."""
    rows, columns = record.shape
    spacing = " x ".join(f"{mm:.3g}" for mm in record.spacing)
    window = record.window
    lines = {
        "name": f"{record.name} ({record.id})",
        "marks": ", ".join(item.name for item in record.objects),
        "target": record.target,
        "frame": f"{rows} x {columns} pixels, {record.plane}, rows towards {record.orientation.rows}, columns towards "
        f"{record.orientation.columns}, {spacing} mm",
        "slice": "a picture" if record.is_picture else f"{record.slice} of {record.slices}",
        "window": f"{window.name} ({window.lower:g} to {window.upper:g})",
        "scanner": scanner(record),
        "model": record.model.name,
        "mean of": f"{record.mean_of} seeds" if record.mean_of else "",
        "saved": f"{record.date}, PromptOnce {record.software}",
        "author": record.author,
        "licence": record.licence,
        "note": record.note,
        "trust": trust_sentence(record.round_trip),
    }
    return "\n".join(f"{key:<8} {value}" for key, value in lines.items() if value)


def marked(record: SeedRecord) -> str:
    """The target, or the objects where it was not named."""
    return record.target or ", ".join(item.name for item in record.objects)


def scanner(record: SeedRecord) -> str:
    """The scanner by the user's name for it and by its tags, "" where nothing is known."""
    tags = [] if record.scanner is None else [record.scanner.manufacturer, record.scanner.model]
    return ", ".join(part for part in (record.scanner_name, " ".join(tag for tag in tags if tag)) if part)

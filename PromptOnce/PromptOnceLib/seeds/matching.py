"""Which seeds of a library suit a volume, in which order, and why.

A seed cannot be used where its frame lies in another plane, where it marks another target than the one asked for, where
it was made on another modality, or where one of the two is a single picture and the other a slice of a volume.

The score of a usable seed is the sum of three parts, each 0 to 1 before its weight:

* scanner, weight 0.5: the names that the user gave to both scanners, equal or not, where both have one; else the share
  of DICOM tags (model, manufacturer, station, body part, kernel, sequence, series, thickness, by weight) that agree
  among those known on both sides; 0.3 where nothing is known, which is better than another scanner and worse than the
  same one.
* grid, weight 0.3: the geometric mean of three ratios, smaller by larger: pixel spacing, slice spacing and field of
  view; so one that is wholly different is not made up for by the others. For pictures, whose pixel size is often not
  known, the ratio of their proportions.
* similarity of the frames, weight 0.2: cosine of their features, below 0 taken as 0; 0.5 where it was not computed.

So the same scanner goes before another one whatever the similarity, and similarity decides among seeds of one scanner.
Equal scores: the newer seed first, then by name and id.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.orientation import FrameOrientation, turn_between
from PromptOnceLib.imaging.scanner import XRAY_MODALITIES, Scanner
from PromptOnceLib.imaging.stack import pixel_spacing
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.seeds.seed import Seed, SeedRecord

_WEIGHTS = {"scanner": 0.5, "grid": 0.3, "similarity": 0.2}
_UNKNOWN_SCANNER = 0.3
_UNKNOWN_LIKENESS = 0.5
_SAME = 0.95  # ratio from which two spacings are called the same

_TAG_WEIGHTS = {
    "model": 4,
    "manufacturer": 2,
    "kernel": 2,
    "sequence": 2,
    "station": 1,
    "body_part": 1,
    "series_description": 1,
    "slice_thickness": 1,
}
_IDENTITY = {"manufacturer", "model", "station"}


@dataclass(frozen=True, eq=False)
class Match:
    """A seed with its score, 0 to 1, and the reasons for it as short phrases; an unusable one has the score 0."""

    seed: Seed
    score: float
    reasons: tuple[str, ...]
    usable: bool


def rank(
    seeds: Iterable[Seed],
    volume: Volume,
    axis: int,
    target: str | None = None,
    scanner_name: str = "",
    similarity: Mapping[str, float] | None = None,
) -> list[Match]:
    """All seeds, the most suitable first, unusable ones last; the module's docstring explains the score.

    axis: array axis of the volume's slices. target: what is to be segmented, None for anything. scanner_name: what the
    user calls the volume's scanner. similarity: cosine of each seed's frame and the volume's, by seed id.
    """
    matches = [_match(seed, volume, axis, target, scanner_name, (similarity or {}).get(seed.id)) for seed in seeds]
    return sorted(matches, key=_order)


def best_of(matches: Sequence[Match]) -> Match:
    """The first of ranked matches. Raises SeedError, with the reasons, where none can be used."""
    if matches and matches[0].usable:
        return matches[0]
    why = f" ({'; '.join(matches[0].reasons)})" if matches else ": it is empty"
    raise SeedError(f"The seed library holds no seed that fits this image{why}. Save a seed for such images.")


def _order(match: Match) -> tuple[bool, float, int, str, str]:
    record = match.seed.record
    return not match.usable, -match.score, -record.date.toordinal(), record.name.casefold(), record.id


def _match(
    seed: Seed, volume: Volume, axis: int, target: str | None, scanner_name: str, similarity: float | None
) -> Match:
    record = seed.record
    obstacles = _obstacles(record, volume, axis, target)
    if obstacles:
        return Match(seed, 0.0, obstacles, usable=False)
    of_scanner, scanner_reason = _scanner_agreement(record, volume.scanner, scanner_name)
    of_grid, grid_reasons = _grid_agreement(record, volume, axis)
    reasons = [scanner_reason, *grid_reasons]
    of_similarity = _UNKNOWN_LIKENESS
    if similarity is not None and math.isfinite(similarity):
        of_similarity = min(1.0, max(0.0, similarity))
        reasons.append(f"similarity of the frames {similarity:.2f}")
    if record.round_trip is not None and record.round_trip.trust == "poor":
        reasons.append(f"poor round trip (Dice {record.round_trip.worst:.2f})")
    score = _WEIGHTS["scanner"] * of_scanner + _WEIGHTS["grid"] * of_grid + _WEIGHTS["similarity"] * of_similarity
    return Match(seed, round(score, 6), tuple(reasons), usable=True)


def _obstacles(record: SeedRecord, volume: Volume, axis: int, target: str | None) -> tuple[str, ...]:
    plane = FrameOrientation.of(volume.geometry, axis).plane
    picture = volume.geometry.shape[axis] == 1
    found = []
    if record.plane != plane:
        found.append(f"other plane: {record.plane}, not {plane}")
    if target and target.strip().casefold() not in _targets(record):
        found.append(f"other target: {record.target or ', '.join(item.name for item in record.objects)}")
    if record.modality and volume.modality and _kind(record.modality) != _kind(volume.modality):
        found.append(f"other modality: {record.modality}, not {volume.modality}")
    if record.is_picture != picture:
        found.append("a single picture, not a slice" if record.is_picture else "a slice, not a single picture")
    return tuple(found)


def _targets(record: SeedRecord) -> set[str]:
    return {record.target.casefold(), *(item.name.casefold() for item in record.objects)}


def _kind(modality: str) -> str:
    return "X-ray" if modality in XRAY_MODALITIES else modality


def _scanner_agreement(record: SeedRecord, scanner: Scanner | None, name: str) -> tuple[float, str]:
    if record.scanner_name and name:
        if _same_words(record.scanner_name, name):
            return 1.0, f"same scanner ({record.scanner_name})"
        return 0.0, f"other scanner ({record.scanner_name})"
    ours = {} if record.scanner is None else record.scanner.model_dump()
    theirs = {} if scanner is None else scanner.model_dump()
    known = [tag for tag in _TAG_WEIGHTS if ours.get(tag) and theirs.get(tag)]
    if not known:
        return _UNKNOWN_SCANNER, "scanner not known"
    different = [tag for tag in known if not _same_words(str(ours[tag]), str(theirs[tag]))]
    share = 1 - sum(_TAG_WEIGHTS[tag] for tag in different) / sum(_TAG_WEIGHTS[tag] for tag in known)
    return share, _scanner_reason(ours, set(known), different)


def _scanner_reason(ours: Mapping[str, object], known: set[str], different: list[str]) -> str:
    if _IDENTITY & set(different):
        return "other scanner: " + " ".join(str(ours[tag]) for tag in sorted(_IDENTITY & known))
    what = "same scanner" if _IDENTITY & known else "scanner not known"
    if not different:
        return f"{what}, same protocol"
    return f"{what}, other {', '.join(tag.replace('_', ' ') for tag in different)}"


def _grid_agreement(record: SeedRecord, volume: Volume, axis: int) -> tuple[float, list[str]]:
    size = [count for other, count in enumerate(volume.geometry.shape) if other != axis]
    rows, columns, slices = pixel_spacing(volume.geometry, axis)
    if record.is_picture:
        turn = turn_between(record.orientation, FrameOrientation.of(volume.geometry, axis))
        seed_rows, seed_columns = turn.of_spacing((float(record.shape[0]), float(record.shape[1])))
        ratio = _ratio(seed_rows / seed_columns, size[0] / size[1])
        return ratio, ["same proportions" if ratio >= _SAME else "other proportions of height and width"]
    # Rows and columns are taken as one, because the turn may exchange them.
    pixel, seed_pixel = math.sqrt(rows * columns), math.sqrt(record.spacing[0] * record.spacing[1])
    field = pixel * math.sqrt(size[0] * size[1])
    seed_field = seed_pixel * math.sqrt(record.shape[0] * record.shape[1])
    pairs = {"spacing": (seed_pixel, pixel), "slice spacing": (record.spacing[2], slices)}
    reasons = [_compared(what, *pair) for what, pair in pairs.items()]
    ratios = [_ratio(*pair) for pair in (*pairs.values(), (seed_field, field))]
    if ratios[-1] < _SAME:
        reasons.append(_compared("field of view", seed_field, field, digits=0))
    return math.prod(ratios) ** (1 / len(ratios)), reasons


def _compared(what: str, ours: float, theirs: float, digits: int = 2) -> str:
    if _ratio(ours, theirs) >= _SAME:
        return f"same {what}"
    return f"{what} {ours:.{digits}f} against {theirs:.{digits}f} mm"


def _ratio(a: float, b: float) -> float:
    return min(a, b) / max(a, b)


def _same_words(a: str, b: str) -> bool:
    return a.casefold().split() == b.casefold().split()

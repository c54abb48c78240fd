"""Records of single segments: as 3D Slicer keeps them, where segments are renamed, moved and removed one by one.

A segment carries a record of its own, of one object, which counts for it whatever its name is now. Older versions wrote
one record of all objects with the first segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from PromptOnceLib.cases.correction_record import TAG, CorrectionRecord

_BY_OBJECT = ("presence", "predicted_iou", "check_numbers")
"""Fields of a record with a row for each object."""


def own_record(tags: Sequence[str | None], names: Sequence[str], place: int) -> CorrectionRecord | None:
    """What is known of the segment at a place: a record of one object with its name of now; None where nothing is.

    tags: the record of each segment as text, None where it carries none. names: of the segments, in the same order.
    Raises SegmentationFileError for a tag that cannot be read.
    """
    own = tags[place]
    if own is not None:
        record = CorrectionRecord.from_tag(own)
        if len(record.prompts.objects) == 1:
            return _renamed(record, names[place])
    for tag in filter(None, tags):
        record = CorrectionRecord.from_tag(tag)
        for number, item in enumerate(record.prompts.objects):
            if len(record.prompts.objects) > 1 and item.name == names[place]:
                return record_of_object(record, number)
    return None


def record_of_segments(tags: Sequence[str | None], names: Sequence[str]) -> CorrectionRecord | None:
    """One record of all segments of which something is known; None where nothing is known of any.

    Those that were made along another axis than the first one, or on another number of slices, are left out. Raises as
    `own_record`.
    """
    found = [record for place in range(len(names)) if (record := own_record(tags, names, place)) is not None]
    if not found:
        return None
    first = found[0]
    fitting = [r for r in found if (r.axis, len(r.presence[0])) == (first.axis, len(first.presence[0]))]
    return joined_record(first, fitting)


def joined_record(like: CorrectionRecord, records: Sequence[CorrectionRecord]) -> CorrectionRecord:
    """One record of the objects of several, one after the other; all else it says is that of `like`."""
    rows = {name: tuple(row for record in records for row in getattr(record, name)) for name in _BY_OBJECT}
    objects = tuple(item for record in records for item in record.prompts.objects)
    if len(rows["check_numbers"]) < len(objects):
        rows["check_numbers"] = ()  # of an older version, which knew none
    crops = {name: crop for record in records for name, crop in record.crops.items()}
    prompts = like.prompts.model_copy(update={"objects": objects})
    ways = {item.name: record.ways_of(item.name) for record in records for item in record.prompts.objects}
    return like.model_copy(update={**rows, "crops": crops, "ways": ways, "prompts": prompts})


def tags_of(record: CorrectionRecord) -> list[dict[str, str]]:
    """The tags of the segments of a file, in the order of the record's objects: each the record of its own object."""
    return [{TAG: record_of_object(record, number).to_tag()} for number in range(len(record.prompts.objects))]


def record_of_object(record: CorrectionRecord, number: int) -> CorrectionRecord:
    """The record of one of its objects."""
    item = record.prompts.objects[number]
    alone = {name: getattr(record, name)[number : number + 1] for name in _BY_OBJECT}
    crops = {name: crop for name, crop in record.crops.items() if name == item.name}
    prompts = record.prompts.model_copy(update={"objects": (item,)})
    own = {"crops": crops, **asdict(record.ways_of(item.name)), "ways": {}, "prompts": prompts}
    return record.model_copy(update={**alone, **own})


def _renamed(record: CorrectionRecord, name: str) -> CorrectionRecord:
    (item,) = record.prompts.objects
    prompts = record.prompts.model_copy(update={"objects": (item.model_copy(update={"name": name}),)})
    crops = {name: record.crops[item.name]} if item.name in record.crops else {}
    return record.model_copy(update={"crops": crops, "prompts": prompts})

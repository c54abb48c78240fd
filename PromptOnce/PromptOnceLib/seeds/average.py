"""An artificial seed: the mean of several seeds of one scanner (Prompt Once, future work)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib import __version__
from PromptOnceLib.errors import SeedError
from PromptOnceLib.prompts.from_mask import prompt_from_mask
from PromptOnceLib.seeds.fit import SeedPicture, to_field_of_view, turned
from PromptOnceLib.seeds.seed import Seed, SeedObject, SeedRecord


def mean_seed(seeds: Sequence[Seed], name: str, date: dt.date | None = None) -> Seed:
    """The mean frame of two or more seeds with the masks that most of them share; `mean_of` of its record says so.

    The others are turned like the first, brought to its field of view in mm, then scaled to its pixels. Grey values
    are averaged, a mask pixel is set where more than half of the seeds have it, and the prompt is the papers', selected
    from this mask. What differs between the seeds (scanner, modality) is left empty; the frame counts as confirmed
    where those of all seeds are. Objects are matched by name; a single object whatever its name.

    Raises SeedError for fewer than two seeds, another plane, window or object, and where no majority is left.
    """
    if len(seeds) < 2:
        raise SeedError("An artificial seed is the mean of two or more seeds. Choose more.")
    first = seeds[0].record
    for seed in seeds[1:]:
        _check_window(first, seed.record)
    pictures = [_on_grid(seed, first) for seed in seeds]
    frame = np.rint(np.mean([picture.frame for picture in pictures], axis=0)).astype(np.uint8)
    masks = []
    for item in first.objects:
        votes = np.sum([_mask_of(picture, item.name, len(first.objects)) for picture in pictures], axis=0)
        masks.append(2 * votes > len(seeds))
    record = first.changed(
        id=uuid.uuid4().hex,
        name=name,
        objects=[_object(item, mask) for item, mask in zip(first.objects, masks, strict=True)],
        mean_of=len(seeds),
        date=date or dt.datetime.now().astimezone().date(),
        software=__version__,
        round_trip=None,
        note="",
        modality=first.modality if all(seed.record.modality == first.modality for seed in seeds) else "",
        scanner=first.scanner if all(seed.record.scanner == first.scanner for seed in seeds) else None,
        scanner_name=first.scanner_name if all(s.record.scanner_name == first.scanner_name for s in seeds) else "",
        frame_confirmed=all(seed.record.frame_confirmed for seed in seeds),
    )
    return Seed(record, frame, tuple(masks))


def _check_window(first: SeedRecord, other: SeedRecord) -> None:
    if not first.window.maps_like(other.window):
        raise SeedError(
            f'The seeds "{first.name}" and "{other.name}" were made under different windows ({first.window.name}, '
            f"{other.window.name}): their grey values have no common mean. Choose seeds of one window."
        )


def _on_grid(seed: Seed, first: SeedRecord) -> SeedPicture:
    """The seed's frame and masks on the pixels of the first seed; boxes and points are not scaled."""
    rows, columns = first.shape
    picture = turned(seed, first.orientation)
    picture = to_field_of_view(picture, (rows * first.spacing[0], columns * first.spacing[1]))
    frame = _scaled(picture.frame, first.shape)
    masks = tuple(_scaled(np.where(mask, 255, 0).astype(np.uint8), first.shape) >= 128 for mask in picture.masks)
    return SeedPicture(seed.name, frame, masks, picture.objects, (first.spacing[0], first.spacing[1]))


def _scaled(pixels: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    if pixels.shape == shape:
        return pixels
    return np.array(Image.fromarray(pixels).resize((shape[1], shape[0]), Image.Resampling.BILINEAR))


def _mask_of(picture: SeedPicture, name: str, wanted: int) -> NDArray[np.bool_]:
    found = {item.name.casefold(): mask for item, mask in zip(picture.objects, picture.masks, strict=True)}
    if name.casefold() in found:
        return found[name.casefold()]
    if wanted == 1 == len(found):
        return picture.masks[0]
    raise SeedError(f'The seed "{picture.name}" does not mark "{name}". Choose seeds of the same objects.')


def _object(item: SeedObject, mask: NDArray[np.bool_]) -> SeedObject:
    if not mask.any():
        raise SeedError(
            f'The seeds do not agree where "{item.name}" is: nothing is left. Choose seeds that are more alike.'
        )
    prompt = prompt_from_mask(mask.astype(np.uint8), name=item.name).prompt
    return item.model_copy(update={"box": prompt.box, "points": prompt.points})

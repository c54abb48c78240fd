"""Which objects of a phantom a clip asks for: hard kinds oftener than they come, and none that nobody can see."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from training.phantoms.canvas import Array, Target
from training.pool import Phantom
from training.prompting import is_hollow, is_in_parts
from training.visibility import can_be_seen, hole_can_be_seen

Kind = Callable[[Array], bool]
Rng = np.random.Generator

HOLLOW_SHARE = 0.25  # of still images, which show a hollow object and ask for those first
PARTS_SHARE, PARTS_SHARE_CLIPS = 0.5, 0.25  # of still images and of clips, likewise for objects of several parts


def asked_first(frames: int, rng: Rng) -> Kind | None:
    """What a clip asks for first: objects of a kind that is hard to prompt, or None for any."""
    hollow, parts = (HOLLOW_SHARE, PARTS_SHARE) if frames == 1 else (0.0, PARTS_SHARE_CLIPS)
    kind = rng.random()
    if kind < hollow:
        return is_hollow
    return is_in_parts if kind < hollow + parts else None


@cache
def targets_like(kind: Kind, phantom: Phantom) -> list[Target]:
    """The targets that are of a kind on their fullest slice."""
    different = dict.fromkeys(phantom.targets)
    return [t for t in different if kind(np.isin(phantom.labels[phantom.area(t).argmax()], t))]


def some(targets: list[Target], count: int, rng: Rng) -> list[Target]:
    """Up to so many different ones, in random order."""
    different = list(dict.fromkeys(targets))
    return [different[i] for i in rng.permutation(len(different))[:count]]


def seen_targets(
    targets: list[Target], frame: Array, labels: Array, count: int, rng: Rng, first: Kind | None
) -> list[Target]:
    """Up to `count` different targets, in random order, that can be seen on the frame."""
    different = list(dict.fromkeys(targets))
    # Weights of repeated targets count here too, or small organs would crowd out those asked for most.
    weights = np.array([targets.count(t) for t in different], float)
    order = rng.choice(len(different), len(different), replace=False, p=weights / weights.sum())

    @cache
    def mask_of(i: int) -> Array:
        return np.isin(labels, different[i])

    if first is not None:
        order = sorted(order, key=lambda i: not first(mask_of(i)))
    seen: list[Target] = []
    for i in order:
        if len(seen) < count and can_be_seen(frame, mask_of(i)) and hole_can_be_seen(frame, mask_of(i)):
            seen.append(different[i])
    return seen

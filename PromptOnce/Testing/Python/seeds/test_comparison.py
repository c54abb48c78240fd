"""Which frames are described for the similarity of seeds and a volume, and what is kept of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.stack import make_stack
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.seeds.similarity import Comparison

SHA = "0" * 64


def volume(turned: bool = False) -> Volume:
    """Slices brighter from front to back, stored upside down when turned."""
    array = np.tile(np.arange(12, dtype=np.int16)[:, None] * 10, (5, 1, 8))
    if not turned:
        return Volume(array, Geometry((8, 12, 5), (1, 1, 3)))
    upside_down = np.ascontiguousarray(array[:, ::-1])
    return Volume(upside_down, Geometry((8, 12, 5), (1, 1, 3), direction=(1, 0, 0, 0, -1, 0, 0, 0, 1)))


def seed(name: str, upper: float = 110, turned: bool = False) -> Seed:
    image = volume(turned)
    stack = make_stack(image, 0, Window(0, upper, "full" if upper == 110 else f"0 to {upper:g}"))
    prompt = Prompt(axis=0, slice=2, objects=(ObjectPrompt(box=Box(x0=1, y0=1, x1=5, y1=5)),))
    mask = np.zeros(stack.frames.shape[1:], dtype=bool)
    mask[1:5, 1:5] = True
    return make_seed(image, stack, prompt, [mask], name=name, frame_confirmed=True)


def described(frames: tuple[np.ndarray, ...]) -> np.ndarray:
    """Stands for the image encoder: equal for equal frames alone."""
    return np.stack([np.append(frame[:, 0], 1).astype(np.float32) for frame in frames])


@pytest.fixture
def library(tmp_path: Path) -> SeedLibrary:
    return SeedLibrary(tmp_path)


def test_the_volume_is_turned_and_windowed_as_each_seed_is(library: SeedLibrary) -> None:
    seeds = [seed("same"), seed("turned", turned=True), seed("other window", upper=55)]
    comparison = Comparison.of(library, seeds, volume(), 0, SHA)
    assert len(comparison.frames) == 6
    for drawn, of_volume in zip(seeds, comparison.frames[3:], strict=True):
        np.testing.assert_array_equal(drawn.frame, of_volume)
    found = comparison.take(described(comparison.frames))
    assert found == pytest.approx({one.id: 1.0 for one in seeds})


def test_seeds_that_lie_alike_share_a_frame_of_the_volume(library: SeedLibrary) -> None:
    assert len(Comparison.of(library, [seed("one"), seed("two")], volume(), 0, SHA).frames) == 3


def test_descriptors_of_seeds_are_kept_for_the_same_model_only(library: SeedLibrary) -> None:
    one = library.save(seed("one"))
    first = Comparison.of(library, [one], volume(), 0, SHA)
    similarity = first.take(described(first.frames))
    again = Comparison.of(library, [one], volume(), 0, SHA)
    assert again.missing == ()
    assert len(again.frames) == 1
    assert again.take(described(again.frames)) == similarity
    assert len(Comparison.of(library, [one], volume(), 0, "1" * 64).frames) == 2
    assert len(Comparison.of(library, [one], volume(), 0, None).frames) == 2


def test_a_seed_of_another_plane_cannot_be_compared(library: SeedLibrary) -> None:
    with pytest.raises(SeedError, match="axial"):
        Comparison.of(library, [seed("one")], volume(), 1, SHA)

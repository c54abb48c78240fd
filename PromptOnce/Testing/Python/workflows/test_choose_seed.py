"""Which seed `auto` means: one ranking, along the main viewing plane first, with similarity where several fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from doors.questions import DIRECTION, SPACING, disks, seed_of

from PromptOnceLib.errors import InputError, SeedError
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.workflows.choose_seed import SeedSearch
from PromptOnceLib.workflows.steps import EmbeddingStep

FRAMES = disks(k4=40, k5=40, k6=40)
CORONAL = seed_of("coronal", FRAMES, 30, axis=1)
AXIAL, OTHER = seed_of("axial", FRAMES), seed_of("other", FRAMES)


def search(folder: Path, *seeds: Seed, **question: str) -> SeedSearch:
    library = SeedLibrary(folder / "library")
    library.save_all(seeds)
    slices, rows, columns = FRAMES.shape
    volume = Volume(FRAMES, Geometry((columns, rows, slices), SPACING, direction=DIRECTION))
    return SeedSearch(library, library.list(), volume, **question)


def test_the_main_plane_goes_first_and_another_one_only_where_no_seed_fits_it(tmp_path: Path) -> None:
    both = search(tmp_path / "both", CORONAL, AXIAL).ranking()
    assert ([seed.name for seed in both.usable], both.axis) == (["axial"], 0)
    alone = search(tmp_path / "alone", CORONAL).ranking()
    assert ([seed.name for seed in alone.usable], alone.axis) == (["coronal"], 1)
    chosen = search(tmp_path / "chosen", CORONAL, axis="k").ranking()
    assert (chosen.usable, chosen.axis) == ((), 0)
    with pytest.raises(SeedError, match="other plane: coronal, not axial"):
        chosen.choice()
    with pytest.raises(InputError, match="not an axis"):
        search(tmp_path / "wrong", axis="up").ranking()


def test_one_seed_needs_no_comparison_and_several_are_compared(tmp_path: Path) -> None:
    with pytest.raises(StopIteration) as end:
        next(search(tmp_path / "one", AXIAL, CORONAL).steps_of_choice(None))
    assert end.value.value.seed.name == "axial"
    assert end.value.value.notices == (
        'The seed "axial" was taken: scanner not known, same spacing, same slice spacing.',
    )

    steps = search(tmp_path / "two", AXIAL, OTHER).steps_of_choice(None)
    step = next(steps)
    assert isinstance(step, EmbeddingStep)
    assert (step.stack, len(step.frames)) == (None, 3)
    axial, other, volume = np.eye(3, dtype=np.float32)
    with pytest.raises(StopIteration) as end:
        steps.send(np.stack([axial, volume * 0.9 + other * 0.1, volume]))
    assert end.value.value.seed.name == "other"
    assert "similarity of the frames 0.99" in end.value.value.notices[0]


def test_the_target_counts_and_a_broken_entry_is_told(tmp_path: Path) -> None:
    asked = search(tmp_path, AXIAL, target="liver")
    assert asked.ranking().usable == ()
    (tmp_path / "library" / AXIAL.id / "frame.png").write_bytes(b"no picture")
    listing = asked.library.list()
    broken = SeedSearch(asked.library, listing, asked.volume)
    assert "left out" in broken.ranking().notices[0]
    with pytest.raises(SeedError, match="it is empty"):
        broken.ranking().choice()

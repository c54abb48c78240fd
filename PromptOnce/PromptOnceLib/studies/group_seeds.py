"""One prompt for a whole group of cases: that of its first case, kept as a seed of the study's own library.

Prompt Once, section 4.2, figures 13 and 14: the prompted slice of a set's first volume stands before both halves of
every other volume.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PromptOnceLib.batch.planning.case_names import distinct_names
from PromptOnceLib.batch.running.case_prompts import seed_fingerprint
from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.errors import InputError, SeedError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.segmentation.segment import Labels
from PromptOnceLib.studies.study_cases import ReadyCase, Say, labels_of


def seed_names(cases: Sequence[ReadyCase]) -> dict[str, str]:
    """What the seeds of the cases' groups are called in the study's library, by group."""
    return distinct_names((case.group for case in cases), "all")


def check_shared(cases: Sequence[ReadyCase]) -> None:
    """Raise InputError for a group in which nobody is left that a seed could be shared with."""
    groups = [case.group for case in cases]
    alone = next((group for group in groups if groups.count(group) < 2), None)
    if alone is not None:
        of_group = f" in the group {alone}" if alone else ""
        raise InputError(f"A shared seed takes two cases or more{of_group}: its own is not segmented with it.")


def keep_seed(first: ReadyCase, name: str, library: Path, window: str, axis: str, say: Say) -> Seed:
    """The seed of a group, made of its first case's central slice and reference; one that is the same is kept.

    name: of the seed, from seed_names.

    Raises InputError and its children where the case cannot be read or its reference is empty.
    """
    volume = read_volume(first.image)
    labels = labels_of(first, volume.geometry, say)
    case = prepare_case(volume, Labels(labels), axis, None, window, labels)
    prompt = case.prompt
    assert case.reference is not None
    assert isinstance(prompt, Prompt)
    mask = case.reference[prompt.slice]
    # The frame lies in the study's own folder, beside the results made of the same images.
    seed = make_seed(volume, case.stack, prompt, [mask], name=name, frame_confirmed=True)
    seeds = SeedLibrary(library)
    try:
        kept = seeds.get(name)
    except SeedError:
        return seeds.save(seed)
    if seed_fingerprint(kept) == seed_fingerprint(seed):
        return kept
    seeds.delete(name)
    seeds.empty_trash()
    return seeds.save(seed)

"""Which seed of a library `auto` means for a volume: the one rule of the command line, batches, console and panel.

Seeds are ranked by `seeds.matching` along one axis of the volume: the axis that is asked for or, where that is "auto",
the one of the main viewing plane; where no seed of the library can be used along it, the first other axis along which
one can. A seed can be used for its own plane alone, so the plane of the seed that is taken decides the axis of the case
when the user said "auto", as `prepare_case` has it.

Where two seeds or more can be used, their frames are compared with the volume's central slice by the model's image
encoder, and the similarity goes into the ranking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PromptOnceLib.imaging.stack import parse_axis
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.seeds.library import Listing, SeedLibrary
from PromptOnceLib.seeds.matching import Match, best_of, rank
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.seeds.similarity import Comparison
from PromptOnceLib.workflows.steps import EmbeddingStep, Steps, embedded


@dataclass(frozen=True, eq=False)
class SeedChoice:
    """The seed that is taken, and what the user is told of it."""

    seed: Seed
    notices: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The seeds of a library as they suit a volume along an array axis, the best first.

    notices: about entries of the library that cannot be read.
    """

    matches: tuple[Match, ...]
    axis: int
    notices: tuple[str, ...] = ()

    @property
    def usable(self) -> tuple[Seed, ...]:
        """The seeds that can be used, the best first."""
        return tuple(match.seed for match in self.matches if match.usable)

    def choice(self) -> SeedChoice:
        """The best seed. Raises SeedError, with the reasons, where none can be used."""
        best = best_of(self.matches)
        return SeedChoice(best.seed, (*self.notices, taken_sentence(best)))


@dataclass(frozen=True, eq=False)
class SeedSearch:
    """A volume that needs a seed.

    listing: of the library, as it was read. axis: as parse_axis takes it. target: what is to be segmented, None or ""
    for anything. scanner_name: what the user calls the volume's scanner, "" where that is not known.
    """

    library: SeedLibrary
    listing: Listing = field(repr=False)
    volume: Volume
    axis: str = "auto"
    target: str | None = None
    scanner_name: str = ""

    def ranking(self, similarity: Mapping[str, float] | None = None) -> Ranking:
        """The ranking; similarity: of the seeds' frames and the volume's, by seed id, as far as it is known.

        Raises InputError for what is no axis.
        """
        first = parse_axis(self.axis, self.volume.geometry).axis
        free = self.axis.strip().lower() == "auto"
        rankings = []
        for axis in (first, *(other for other in range(3) if free and other != first)):
            matches = rank(self.listing.seeds, self.volume, axis, self.target, self.scanner_name, similarity)
            ranking = Ranking(tuple(matches), axis, self.listing.notices)
            if ranking.usable:
                return ranking
            rankings.append(ranking)
        return rankings[0]

    def comparison(self, files: ModelFiles | None) -> Comparison | None:
        """What has to be embedded before similarity can decide; None where fewer than two seeds can be used.

        files: of the model that will embed the frames; None where it is not known, then nothing is kept.
        """
        ranking = self.ranking()
        if len(ranking.usable) < 2:
            return None
        key = None if files is None else files.encoder_key
        return Comparison.of(self.library, ranking.usable, self.volume, ranking.axis, key)

    def steps(self, files: ModelFiles | None) -> Steps[Ranking]:
        """The ranking, with the similarity of the frames where several seeds can be used."""
        comparison = self.comparison(files)
        if comparison is None:
            return self.ranking()
        found = yield from embedded(EmbeddingStep(frames=comparison.frames))
        return self.ranking(comparison.take(found))

    def steps_of_choice(self, files: ModelFiles | None) -> Steps[SeedChoice]:
        """The seed that suits the volume best. Raises SeedError, with the reasons, where none can be used."""
        ranking = yield from self.steps(files)
        return ranking.choice()


def taken_sentence(match: Match) -> str:
    """Which seed was taken, and why."""
    return f'The seed "{match.seed.name}" was taken: {", ".join(match.reasons)}.'

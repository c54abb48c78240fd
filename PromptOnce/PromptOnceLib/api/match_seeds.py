"""Which seeds of a library suit an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PromptOnceLib.api.images import Image, any_volume
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.matching import Match
from PromptOnceLib.workflows.choose_seed import SeedSearch


def match_seeds(
    image: Image,
    *,
    target: str | None = None,
    scanner_name: str = "",
    axis: str = "auto",
    spacing: Sequence[float] | None = None,
    library: str | Path | None = None,
) -> list[Match]:
    """The seeds of a library as they suit an image, the best first.

    Parameters
    ----------
    image : path, Volume, array, SimpleITK.Image or nibabel image
        As ``segment`` takes it; ``spacing`` belongs to an array.
    target : str, optional
        Only seeds that mark this can be used.
    scanner_name : str, optional
        What you call the image's scanner, where its file does not say.
    axis : str, optional
        Along which the slices lie, as ``segment`` takes it.
    library : str or Path, optional
        Folder of the seeds; without it PROMPTONCE_LIBRARY, or one in the user's data folder.

    Returns
    -------
    list of Match
        Each with ``seed``, ``score`` (0 to 1), ``reasons`` (short phrases) and ``usable``. The frames are not compared,
        which ``segment(seed="auto")`` does where several seeds can be used.

    Raises
    ------
    InputError
        And its children for what is no image or no axis.
    """
    there = SeedLibrary(library)
    search = SeedSearch(there, there.list(), any_volume(image, spacing), axis, target, scanner_name)
    return list(search.ranking().matches)

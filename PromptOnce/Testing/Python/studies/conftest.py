"""Fixtures of the tests of studies."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

from PromptOnceLib.studies.figures import style


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture(autouse=True, scope="module")
def _coarse() -> Iterator[None]:
    """Pictures of few dots: a test needs no print."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "as_png", partial(style.as_png, dots=40))
        yield

"""The pytest fixture `bench`; a test folder that wants it imports it in its conftest.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bench.boot import boot
from bench.errors import BenchUnavailableError


@pytest.fixture
def bench() -> Iterator[Any]:
    """A bench.session.Bench with an empty scene; skips where the bench cannot run, saying why."""
    try:
        boot()
    except BenchUnavailableError as reason:
        pytest.skip(str(reason))
    from bench.session import Bench

    session = Bench()
    yield session
    session.close()

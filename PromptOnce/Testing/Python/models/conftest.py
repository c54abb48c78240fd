"""Fixtures of the tests of core."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.checkpoint_server import CheckpointServer, serving
from models.downloads import CONTENT


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server(no_proxy: None) -> Iterator[CheckpointServer]:
    with serving(CheckpointServer(CONTENT)) as running:
        yield running

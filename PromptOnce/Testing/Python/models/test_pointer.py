"""Models of a hub: SHA-256 and size come from its pointer, and are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.checkpoint_server import CheckpointServer, serving
from models.downloads import CHANGED, CONTENT, cut_once, entry_for, names
from PromptOnceLib.errors import CheckpointError, DownloadError
from PromptOnceLib.models.checkpoints import check_before_use, delete, status, verify
from PromptOnceLib.models.download import download
from PromptOnceLib.models.model_entry import ModelEntry
from PromptOnceLib.models.pointer import pinned, pointer_path


def pointer_to(content: bytes) -> bytes:
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


@pytest.fixture
def hub(no_proxy: None) -> Iterator[CheckpointServer]:
    """The server of the pointer."""
    with serving(CheckpointServer(pointer_to(CONTENT))) as running:
        yield running


@pytest.fixture
def entry(server: CheckpointServer, hub: CheckpointServer) -> ModelEntry:
    return entry_for(server, pointer=hub.url, sha256=None, bytes=None, about_megabytes=1)


def test_what_the_pointer_says_is_checked_and_kept(entry: ModelEntry, hub: CheckpointServer, tmp_path: Path) -> None:
    path = download(entry, tmp_path)
    assert path.read_bytes() == CONTENT
    assert names(tmp_path) == {"model.pt", "model.pt.pointer", "model.pt.checked"}
    known = pinned(entry, path)
    assert (known.sha256, known.bytes) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    hub.status = 500  # nobody is asked again
    assert check_before_use(entry, tmp_path) == path
    assert download(entry, tmp_path) == path
    assert status(entry, tmp_path).complete


def test_a_file_that_is_not_what_the_pointer_says_is_not_kept(
    entry: ModelEntry, server: CheckpointServer, tmp_path: Path
) -> None:
    server.content = CHANGED
    with pytest.raises(DownloadError, match="SHA-256 is wrong"):
        download(entry, tmp_path)
    assert "model.pt" not in names(tmp_path)


def test_a_file_that_changes_later_is_noticed(entry: ModelEntry, tmp_path: Path) -> None:
    path = download(entry, tmp_path)
    path.write_bytes(CHANGED)
    with pytest.raises(CheckpointError, match="is not the model"):
        check_before_use(entry, tmp_path)


@pytest.mark.parametrize(
    "content", [b"<html>Log in</html>", CONTENT[:5000], b"", b"oid sha256:12\nsize 3\n", pointer_to(b"x")[:-4]]
)
def test_without_a_pointer_nothing_is_downloaded(
    entry: ModelEntry, hub: CheckpointServer, server: CheckpointServer, tmp_path: Path, content: bytes
) -> None:
    hub.content = content
    with pytest.raises(DownloadError, match="does not say what the file"):
        download(entry, tmp_path)
    assert server.requests == []
    assert "model.pt.pointer" not in names(tmp_path)


def test_without_a_connection_the_sentence_says_so(entry: ModelEntry, hub: CheckpointServer, tmp_path: Path) -> None:
    gone = entry.model_copy(update={"pointer": "http://127.0.0.1:9/pointer"})
    with pytest.raises(DownloadError, match="no connection to the server"):
        download(gone, tmp_path)


def test_a_copied_file_is_used_once_it_is_known_what_it_should_be(
    entry: ModelEntry, server: CheckpointServer, tmp_path: Path
) -> None:
    (tmp_path / "model.pt").write_bytes(CONTENT)
    with pytest.raises(CheckpointError, match=r"copy model\.pt\.pointer beside it"):
        verify(entry, tmp_path)
    download(entry, tmp_path)
    assert server.requests == []
    (tmp_path / "other").mkdir()
    for name in ("model.pt", "model.pt.pointer"):
        (tmp_path / "other" / name).write_bytes((tmp_path / name).read_bytes())
    assert verify(entry, tmp_path / "other").read_bytes() == CONTENT


def test_an_interrupted_download_goes_on(entry: ModelEntry, server: CheckpointServer, tmp_path: Path) -> None:
    cut_once(server, entry, tmp_path)
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, "bytes=400000-"]


def test_the_hub_may_keep_large_files_on_another_host(
    entry: ModelEntry, server: CheckpointServer, no_proxy: None, tmp_path: Path
) -> None:
    with serving(CheckpointServer(b"", status=302, location=server.url)) as front:
        moved = entry.model_copy(update={"url": front.url})
        cut_once(server, moved, tmp_path)
        assert download(moved, tmp_path).read_bytes() == CONTENT
        assert front.requests == [None, "bytes=400000-"]


def test_it_is_not_followed_for_ever_nor_to_another_kind_of_address(
    entry: ModelEntry, server: CheckpointServer, no_proxy: None, tmp_path: Path
) -> None:
    with serving(CheckpointServer(b"", status=302)) as front:
        moved = entry.model_copy(update={"url": front.url})
        front.location = front.url
        with pytest.raises(DownloadError, match="302"):
            download(moved, tmp_path)
        assert len(front.requests) == 5
        front.location = "ftp://127.0.0.1/model.pt"
        with pytest.raises(DownloadError, match="could not be downloaded"):
            download(moved, tmp_path)


def test_models_without_a_pointer_are_not_looked_for_elsewhere(
    server: CheckpointServer, no_proxy: None, tmp_path: Path
) -> None:
    front = CheckpointServer(b"", status=302, location=server.url)
    with serving(front), pytest.raises(DownloadError, match="302"):
        download(entry_for(front, CONTENT), tmp_path)
    assert server.requests == []


def test_the_pointer_goes_away_with_the_model(entry: ModelEntry, tmp_path: Path) -> None:
    path = download(entry, tmp_path)
    assert pointer_path(path).is_file()
    delete(entry, tmp_path)
    assert names(tmp_path) == set()

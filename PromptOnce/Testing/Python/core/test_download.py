"""Downloading a checkpoint from a server on the loopback address that can fail in every way we know."""

from __future__ import annotations

import errno
import hashlib
import io
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from core.checkpoint_server import CheckpointServer, serving
from PromptOnceLib.core.checkpoints import origin_path, part_path, status
from PromptOnceLib.core.download import download
from PromptOnceLib.core.errors import CancelledError, DownloadError, PromptOnceError
from PromptOnceLib.core.model_entry import ModelEntry
from PromptOnceLib.core.registry import load_registry

CONTENT = random.Random(0).randbytes(1_000_000)
CHANGED = random.Random(1).randbytes(len(CONTENT))
CUT = 400_000


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[CheckpointServer]:
    with serving(CheckpointServer(CONTENT)) as running:
        yield running


def entry_for(server: CheckpointServer, content: bytes = CONTENT, **fields: Any) -> ModelEntry:
    values = {
        "name": "tiny",
        "url": server.url,
        "file": "model.pt",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "config": "sam2.1_hiera_t.yaml",
        "image_size": 1024,
        "licence": "Apache-2.0",
        "description": "A model for tests.",
    }
    return ModelEntry.model_validate({**values, **fields})


def cut_once(server: CheckpointServer, entry: ModelEntry, folder: Path) -> DownloadError:
    """Start a download that the server cuts, and let the server work again."""
    server.cut_after = CUT
    with pytest.raises(DownloadError) as caught:
        download(entry, folder)
    server.cut_after = None
    return caught.value


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_download_puts_the_checked_file_in_its_place_and_leaves_nothing_else(
    server: CheckpointServer, tmp_path: Path
) -> None:
    entry = entry_for(server)
    seen: list[tuple[int, int | None]] = []
    path = download(entry, tmp_path / "new folder", lambda done, total: seen.append((done, total)))
    assert path == tmp_path / "new folder" / "model.pt"
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == {"model.pt", "model.pt.checked"}
    assert status(entry, path.parent).checked
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)


def test_after_a_cut_only_the_rest_is_asked_for(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    error = cut_once(server, entry, tmp_path)
    assert "start the download again to continue" in error.message
    assert not (tmp_path / "model.pt").exists()
    kept = part_path(tmp_path / "model.pt").stat().st_size
    assert 0 < kept <= CUT
    assert status(entry, tmp_path).part_bytes == kept
    seen: list[int] = []
    assert download(entry, tmp_path, lambda done, _: seen.append(done)).read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={kept}-"]
    assert seen[0] == kept
    assert names(tmp_path) == {"model.pt", "model.pt.checked"}


def test_several_cuts_are_all_continued(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    cut_once(server, entry, tmp_path)
    assert download(entry, tmp_path).read_bytes() == CONTENT
    first, second, third = server.requests
    assert first is None
    assert second is not None
    assert third is not None
    assert int(third[6:-1]) > int(second[6:-1])


def test_a_date_serves_where_the_server_gives_no_etag(server: CheckpointServer, tmp_path: Path) -> None:
    server.etag, server.last_modified = None, "Sat, 28 Sep 2024 00:00:00 GMT"
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests[1] is not None


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_firm_mark_of_its_version_a_file_is_downloaded_from_the_start(
    server: CheckpointServer, tmp_path: Path, etag: str | None
) -> None:
    server.etag = etag
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, None]


def test_a_server_that_ignores_range_starts_again_from_zero(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    server.ranges = False
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 2


@pytest.mark.parametrize("obeys_if_range", [True, False])
def test_a_file_that_changed_on_the_server_is_not_mixed_with_the_old_one(
    server: CheckpointServer, tmp_path: Path, obeys_if_range: bool
) -> None:
    cut_once(server, entry_for(server), tmp_path)
    server.content, server.etag, server.obeys_if_range = CHANGED, '"version-2"', obeys_if_range
    assert download(entry_for(server, CHANGED), tmp_path).read_bytes() == CHANGED


def test_what_another_address_left_is_not_continued(server: CheckpointServer, tmp_path: Path) -> None:
    cut_once(server, entry_for(server), tmp_path)
    moved = entry_for(server, url=server.url + "?moved")
    assert download(moved, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, None]


def test_a_part_longer_than_the_file_is_thrown_away(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    with part_path(tmp_path / "model.pt").open("ab") as part:
        part.write(bytes(len(CONTENT)))
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, None]


def test_a_range_that_the_server_cannot_satisfy_starts_again_from_zero(
    server: CheckpointServer, tmp_path: Path
) -> None:
    entry = entry_for(server, bytes=None, about_megabytes=1)
    cut_once(server, entry, tmp_path)
    with part_path(tmp_path / "model.pt").open("ab") as part:
        part.write(bytes(len(CONTENT)))
    too_long = status(entry, tmp_path).part_bytes
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={too_long}-", None]


def test_a_part_that_is_complete_is_checked_without_asking_the_server(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    part_path(tmp_path / "model.pt").write_bytes(CONTENT)
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_file_with_a_wrong_hash_is_not_kept(server: CheckpointServer, tmp_path: Path) -> None:
    server.content = CHANGED
    with pytest.raises(DownloadError, match=r"SHA-256 is wrong.*Nothing was kept"):
        download(entry_for(server), tmp_path)
    assert names(tmp_path) == set()


def test_an_answer_of_another_length_is_refused_before_it_is_downloaded(
    server: CheckpointServer, tmp_path: Path
) -> None:
    server.content = b"<html>Please log in to the hospital's network</html>"
    with pytest.raises(DownloadError, match=r"52 bytes instead of 1000000.*login page"):
        download(entry_for(server), tmp_path)
    assert names(tmp_path) == set()


def test_an_endless_answer_is_given_up(server: CheckpointServer, tmp_path: Path) -> None:
    server.content, server.length = CONTENT * 20, False
    seen: list[int] = []
    with pytest.raises(DownloadError, match="SHA-256 is wrong"):
        download(entry_for(server), tmp_path, lambda done, _: seen.append(done))
    assert seen[-1] < 2 * len(CONTENT)
    assert names(tmp_path) == set()


def test_a_download_of_unknown_length_works_and_says_so(server: CheckpointServer, tmp_path: Path) -> None:
    server.length = False
    entry = entry_for(server, bytes=None, about_megabytes=1)
    totals: set[int | None] = set()
    assert download(entry, tmp_path, lambda _, total: totals.add(total)).read_bytes() == CONTENT
    assert totals == {None}


def test_without_a_server_the_error_says_which_file_to_copy_where(tmp_path: Path) -> None:
    with serving(CheckpointServer(CONTENT)) as gone:
        entry = entry_for(gone)
    with pytest.raises(DownloadError) as caught:
        download(entry, tmp_path)
    assert "no connection" in caught.value.message
    assert f"copy the file model.pt into the folder {tmp_path}" in caught.value.message
    assert names(tmp_path) == set()


def test_a_server_that_does_not_answer_in_time_is_reported(server: CheckpointServer, tmp_path: Path) -> None:
    server.hold, server.content = Event(), CONTENT
    try:
        with pytest.raises(DownloadError, match="start the download again to continue"):
            download(entry_for(server), tmp_path, timeout=(5, 0.2))
    finally:
        server.hold.set()
    assert status(entry_for(server), tmp_path).part_bytes > 0


@pytest.mark.parametrize(
    ("code", "sentence"),
    [(404, "no file for the model tiny any more"), (500, "try again later"), (403, "refuses to deliver")],
)
def test_an_error_of_the_server_is_explained_with_the_way_by_hand(
    server: CheckpointServer, tmp_path: Path, code: int, sentence: str
) -> None:
    server.status = code
    with pytest.raises(DownloadError, match=sentence) as caught:
        download(entry_for(server), tmp_path)
    assert f"({code})" in caught.value.message
    assert f"into the folder {tmp_path}" in caught.value.message
    assert names(tmp_path) == set()


def test_an_error_of_the_server_leaves_the_interrupted_download_alone(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    server.status = 500
    with pytest.raises(DownloadError):
        download(entry, tmp_path)
    server.status = 200
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests[1] is not None
    assert server.requests[2] == server.requests[1]


def test_a_redirection_to_another_host_is_not_followed(server: CheckpointServer, tmp_path: Path) -> None:
    with serving(CheckpointServer(CONTENT)) as other:
        server.status, server.location = 302, other.url
        with pytest.raises(DownloadError, match="302"):
            download(entry_for(server), tmp_path)
        assert other.requests == []


def test_a_cancelled_download_can_be_continued(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    arrived = 0

    def progress(done: int, _: int | None) -> None:
        nonlocal arrived
        arrived = done

    with pytest.raises(CancelledError):
        download(entry, tmp_path, progress, cancel=lambda: arrived > CUT)
    assert names(tmp_path) == {"model.pt.part", "model.pt.part.json"}
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={arrived}-"]


def test_a_file_copied_by_hand_is_checked_and_taken(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    (tmp_path / "model.pt").write_bytes(CONTENT)
    assert download(entry, tmp_path) == tmp_path / "model.pt"
    assert status(entry, tmp_path).checked
    assert server.requests == []


def test_a_wrong_file_copied_by_hand_is_replaced_only_by_the_right_one(
    server: CheckpointServer, tmp_path: Path
) -> None:
    entry = entry_for(server)
    (tmp_path / "model.pt").write_bytes(b"wrong")
    cut_once(server, entry, tmp_path)
    assert (tmp_path / "model.pt").read_bytes() == b"wrong"
    assert download(entry, tmp_path).read_bytes() == CONTENT


def test_a_second_download_of_the_same_model_is_refused_while_the_first_runs(
    server: CheckpointServer, tmp_path: Path
) -> None:
    entry = entry_for(server)
    server.hold = Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(download, entry, tmp_path)
        try:
            assert server.half_sent.wait(10)
            with pytest.raises(DownloadError, match="is being downloaded already"):
                download(entry, tmp_path)
        finally:
            server.hold.set()
        assert first.result(10).read_bytes() == CONTENT
    assert len(server.requests) == 1


def full_disk_after(size: int) -> type[io.BufferedWriter]:
    class FullDisk(io.BufferedWriter):
        written = 0

        def write(self, data: Any) -> int:
            if self.written + len(data) > size:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.written += len(data)
            return super().write(data)

    return FullDisk


def test_a_full_disk_is_named_and_the_download_can_be_continued(
    server: CheckpointServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = entry_for(server)
    original = Path.open
    full_disk = full_disk_after(CUT)

    def open_on_full_disk(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if self.suffix == ".part" and mode in ("wb", "ab"):
            return full_disk(io.FileIO(self, mode))
        return original(self, mode, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_on_full_disk)
        with pytest.raises(DownloadError, match=r"disk is full.*needs 1 MB"):
            download(entry, tmp_path)
    kept = status(entry, tmp_path).part_bytes
    assert 0 < kept <= CUT
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={kept}-"]


def test_a_folder_that_cannot_be_made_is_named(server: CheckpointServer, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match="cannot be written to the folder"):
        download(entry_for(server), tmp_path / "models")
    assert server.requests == []


def test_a_damaged_side_file_means_starting_again(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    origin_path(tmp_path / "model.pt").write_text("not json")
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, None]


def test_the_embedded_model_is_never_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nano = load_registry().get("nano").model_copy(update={"sha256": None, "bytes": None})
    monkeypatch.setattr("PromptOnceLib.core.checkpoints.resource", lambda *parts: tmp_path / parts[-1])
    with pytest.raises(PromptOnceError, match="install PromptOnce again"):
        download(nano)
    (tmp_path / "nano.pt").write_bytes(b"weights")
    assert download(nano) == tmp_path / "nano.pt"

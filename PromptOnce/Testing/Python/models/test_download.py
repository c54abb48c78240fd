"""Downloads of a checkpoint that arrive: at once, continued after a cut, or started again."""

from __future__ import annotations

import json
import socket
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from models.checkpoint_server import CheckpointServer
from models.downloads import CHANGED, CONTENT, CUT, cut_once, entry_for, names
from PromptOnceLib.errors import CancelledError, DownloadError, PromptOnceError
from PromptOnceLib.models.checkpoints import origin_path, part_path, status
from PromptOnceLib.models.download import download
from PromptOnceLib.models.model_entry import ModelEntry
from PromptOnceLib.models.registry import load_registry

pytestmark = pytest.mark.usefixtures("no_proxy")


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
    too_long = part_path(tmp_path / "model.pt").stat().st_size
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={too_long}-", None]


def test_a_part_that_is_complete_is_checked_without_asking_the_server(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    part_path(tmp_path / "model.pt").write_bytes(CONTENT)
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_download_of_unknown_length_works_and_says_so(server: CheckpointServer, tmp_path: Path) -> None:
    server.length = False
    entry = entry_for(server, bytes=None, about_megabytes=1)
    totals: set[int | None] = set()
    assert download(entry, tmp_path, lambda _, total: totals.add(total)).read_bytes() == CONTENT
    assert totals == {None}


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


def test_a_damaged_side_file_means_starting_again(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    origin_path(tmp_path / "model.pt").write_text("not json")
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, None]


def test_the_embedded_model_is_never_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nano = load_registry().get("nano").model_copy(update={"sha256": None, "bytes": None})
    monkeypatch.setattr("PromptOnceLib.models.checkpoints.resource", lambda *parts: tmp_path / parts[-1])
    with pytest.raises(PromptOnceError, match="install PromptOnce again"):
        download(nano)
    (tmp_path / "nano.pt").write_bytes(b"weights")
    assert download(nano) == tmp_path / "nano.pt"


def cancelled_while_waiting(server: CheckpointServer, entry: ModelEntry, folder: Path) -> None:
    """Cancel a download while the server holds back the rest of its answer."""
    server.hold = Event()
    try:
        with pytest.raises(CancelledError, match="is kept"):
            download(entry, folder, cancel=server.half_sent.is_set)
    finally:
        server.hold.set()
    server.hold, server.drips = None, False


@pytest.mark.parametrize("drips", [True, False])
def test_a_cancel_does_not_wait_for_the_server_and_keeps_every_byte(
    server: CheckpointServer, tmp_path: Path, drips: bool
) -> None:
    server.drips = drips
    entry = entry_for(server)
    # The server waits longer than the test: only a cancel that does not wait for it ends this.
    cancelled_while_waiting(server, entry, tmp_path)
    part = part_path(tmp_path / "model.pt").read_bytes()
    assert part
    assert CONTENT.startswith(part)
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={len(part)}-"]


def test_a_cancel_does_not_wait_for_the_first_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        entry = entry_for(CheckpointServer(CONTENT, port=silent.getsockname()[1]))
        asked = iter([False, False, True])
        with pytest.raises(CancelledError):
            download(entry, tmp_path, cancel=lambda: next(asked))


def test_a_part_from_the_start_never_replaces_a_longer_one(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    part = part_path(tmp_path / "model.pt")
    before = part.read_bytes()
    assert before
    server.partial, server.ranges, server.cut_after = True, False, 100
    with pytest.raises(DownloadError, match="only a part"):
        download(entry, tmp_path)
    assert part.read_bytes() == before
    server.partial, server.ranges, server.cut_after = False, True, None
    assert download(entry, tmp_path).read_bytes() == CONTENT


def test_a_server_without_ranges_never_shortens_what_is_there(server: CheckpointServer, tmp_path: Path) -> None:
    entry = entry_for(server)
    cut_once(server, entry, tmp_path)
    part = part_path(tmp_path / "model.pt")
    before = part.read_bytes()
    server.ranges, server.cut_after = False, 100
    with pytest.raises(DownloadError):
        download(entry, tmp_path)
    assert part.read_bytes() == before
    server.cut_after = None
    assert download(entry, tmp_path).read_bytes() == CONTENT


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets few users make links")
@pytest.mark.parametrize("ending", ["part", "part.json", "checked", "lock"])
def test_links_are_not_followed(server: CheckpointServer, tmp_path: Path, ending: str) -> None:
    somebodys = tmp_path / "somebodys"
    somebodys.write_bytes(b"precious")
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / f"model.pt.{ending}").symlink_to(somebodys)
    assert download(entry_for(server), folder).read_bytes() == CONTENT
    assert somebodys.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "\u00b2"},
        {"Content-Length": "-5"},
        {"Content-Length": "9" * 5000},
        {"Content-Length": "10, 10"},
        {"Content-Range": "bytes 9-5/abc"},
        {"ETag": "\u00e9" * 300},
        {"ETag": '"' + "x" * 5000 + '"'},
        {"Content-Encoding": "gzip"},
    ],
)
def test_odd_headers_end_in_the_file_or_in_a_sentence(
    server: CheckpointServer, tmp_path: Path, headers: dict[str, str]
) -> None:
    server.headers = headers
    entry = entry_for(server)
    for cut in (CUT, None):
        server.cut_after = cut
        with suppress(DownloadError):
            assert download(entry, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("validator", ["\u4e00", "a\r\nb", "", "x" * 5000])
def test_an_odd_side_file_is_no_header(server: CheckpointServer, tmp_path: Path, validator: str) -> None:
    entry = entry_for(server)
    part_path(tmp_path / "model.pt").write_bytes(CONTENT[:CUT])
    origin_path(tmp_path / "model.pt").write_text(json.dumps({"url": server.url, "validator": validator}))
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None]

"""Downloads of a checkpoint that fail: what is said, and what stays in the folder."""

from __future__ import annotations

import errno
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from models.checkpoint_server import CheckpointServer, serving
from models.downloads import CHANGED, CONTENT, CUT, cut_once, entry_for, names
from PromptOnceLib.errors import DownloadError
from PromptOnceLib.models.checkpoints import part_path
from PromptOnceLib.models.download import download

pytestmark = pytest.mark.usefixtures("no_proxy")


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
    assert part_path(tmp_path / "model.pt").stat().st_size > 0


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


def test_certificates_that_are_not_there_or_not_trusted_are_told(
    server: CheckpointServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = entry_for(server, url=server.url.replace("http:", "https:"))  # which the server does not speak
    with pytest.raises(DownloadError, match=r"not trusted.*REQUESTS_CA_BUNDLE"):
        download(entry, tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "hospital.pem"))
    with pytest.raises(DownloadError, match=r"not trusted.*REQUESTS_CA_BUNDLE"):
        download(entry, tmp_path)


def test_a_proxy_that_lets_nothing_through_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(CheckpointServer(CONTENT)) as gone:
        entry = entry_for(gone, url="https://models.invalid/model.pt")
        monkeypatch.setenv("HTTPS_PROXY", gone.url)
        with pytest.raises(DownloadError, match=r"proxy of your network.*HTTPS_PROXY"):
            download(entry, tmp_path)


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
    kept = part_path(tmp_path / "model.pt").stat().st_size
    assert 0 < kept <= CUT
    assert download(entry, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={kept}-"]


def test_a_folder_that_cannot_be_made_is_named(server: CheckpointServer, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match="cannot be written to the folder"):
        download(entry_for(server), tmp_path / "models")
    assert server.requests == []

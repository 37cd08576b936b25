import hashlib
import threading
from pathlib import Path

import pytest

from jtransfer.nets.weights.download import cache_folder, download
from jtransfer.nets.weights.error import WeightsError
from tests.nets.file_server import FileServer

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with FileServer(CONTENT).running() as server:
        yield server


def test_a_file_is_fetched_once(server, tmp_path):
    folder = tmp_path / "a" / "b"
    file = download(server.url, folder, sha256=SHA256)
    assert file == folder / "net.bin"
    assert file.read_bytes() == CONTENT
    assert download(server.url, folder, sha256=SHA256) == file
    assert server.asked == [None]
    assert list(folder.iterdir()) == [file]


@pytest.mark.parametrize("length", [True, False])
def test_the_first_digits_of_a_hash_are_enough(server, tmp_path, length):
    server.length = length
    assert download(server.url, tmp_path, sha256=SHA256[:8]).read_bytes() == CONTENT


def test_a_cut_connection_is_resumed(server, tmp_path):
    server.cut = 100_000
    with pytest.raises(WeightsError, match=r"ended after 100,000 of 256,000 bytes.*net\.bin\.part"):
        download(server.url, tmp_path, sha256=SHA256)
    assert [path.name for path in tmp_path.iterdir()] == ["net.bin.part"]
    assert download(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]
    assert [path.name for path in tmp_path.iterdir()] == ["net.bin"]


def test_a_server_that_cannot_resume_sends_all(server, tmp_path):
    (tmp_path / "net.bin.part").write_bytes(CONTENT[:1000])
    server.ranges = False
    assert download(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]


def test_a_part_that_is_the_whole_is_taken(server, tmp_path):
    """As when the process was killed just before the file got its name."""
    (tmp_path / "net.bin.part").write_bytes(CONTENT)
    assert download(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == ["bytes=256000-"]


@pytest.mark.parametrize("part", [b"of another version", CONTENT + b"too long"])
def test_a_part_of_something_else_is_fetched_anew(server, tmp_path, part):
    (tmp_path / "net.bin.part").write_bytes(part)
    assert download(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(part)}-", None]


def test_a_wrong_hash_is_refused_and_nothing_kept(server, tmp_path):
    server.content = b"something else"
    with pytest.raises(WeightsError, match=f"SHA-256 .*, expected {SHA256}; it was thrown away"):
        download(server.url, tmp_path, sha256=SHA256)
    assert list(tmp_path.iterdir()) == []


def test_a_connection_cut_unannounced_is_not_taken_for_the_end(server, tmp_path):
    """Without a length only the hash tells."""
    server.length, server.cut = False, 1000
    with pytest.raises(WeightsError, match="thrown away"):
        download(server.url, tmp_path, sha256=SHA256)
    assert list(tmp_path.iterdir()) == []


def test_other_bytes_than_asked_for_are_not_appended(server, tmp_path):
    (tmp_path / "net.bin.part").write_bytes(CONTENT[:1000])
    server.shift = 5
    with pytest.raises(WeightsError, match="follows byte 1,000, the server gave 'bytes 1005-"):
        download(server.url, tmp_path, sha256=SHA256)
    assert download(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-", None]


def test_two_at_once_fetch_it_once(server, tmp_path):
    server.delay = 0.2
    threads = [
        threading.Thread(target=download, args=(server.url, tmp_path), kwargs={"sha256": SHA256})
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == [None]
    assert (tmp_path / "net.bin").read_bytes() == CONTENT


def test_no_such_address_says_what_to_do(server, tmp_path):
    with pytest.raises(WeightsError, match=r"404.*Without a network.*put it there as .*missing"):
        download(server.url.replace("net.bin", "missing"), tmp_path, sha256=SHA256)


def test_no_network_says_what_to_do(tmp_path):
    url = "http://127.0.0.1:9/net.bin"  # nothing listens there
    with pytest.raises(WeightsError, match=r"could not be fetched .* or give its path"):
        download(url, tmp_path, sha256=SHA256)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a full disk on Linux")
def test_a_full_disk_is_said(server, tmp_path):
    (tmp_path / "net.bin.part").symlink_to("/dev/full")
    with pytest.raises(WeightsError, match="No space left on device"):
        download(server.url, tmp_path, sha256=SHA256)
    assert not (tmp_path / "net.bin").exists()


def test_a_folder_that_cannot_be_made_is_said(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match=r"could not be fetched .*file"):
        download(server.url, tmp_path / "file" / "cache", sha256=SHA256)


def test_the_cache_is_in_the_home_or_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("JTRANSFER_CACHE", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "jtransfer"
    monkeypatch.setenv("JTRANSFER_CACHE", "~/elsewhere")
    assert cache_folder() == tmp_path / "elsewhere"

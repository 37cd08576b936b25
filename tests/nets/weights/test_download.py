import hashlib
import os
import shutil
import threading
from pathlib import Path

import pytest

from jtransfer.nets.weights.download import cache_folder, download
from jtransfer.nets.weights.error import WeightsError
from tests.nets.file_server import FileServer

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def files(folder: Path) -> list[str]:
    """What is in a folder, besides its lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


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
    assert files(folder) == ["net.bin"]


@pytest.mark.parametrize("length", [True, False])
def test_the_first_digits_of_a_hash_are_enough(server, tmp_path, length):
    server.length = length
    assert download(server.url, tmp_path, sha256=SHA256[:8]).read_bytes() == CONTENT


def test_a_cut_connection_is_resumed(server, tmp_path):
    server.cut = 100_000
    with pytest.raises(WeightsError, match=r"ended after 100,000 of 256,000 bytes.*net\.bin\.part"):
        download(server.url, tmp_path, sha256=SHA256)
    assert files(tmp_path) == ["net.bin.part"]
    assert download(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]
    assert files(tmp_path) == ["net.bin"]


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
    assert files(tmp_path) == []


def test_a_connection_cut_unannounced_is_not_taken_for_the_end(server, tmp_path):
    """Without a length only the hash tells."""
    server.length, server.cut = False, 1000
    with pytest.raises(WeightsError, match="thrown away"):
        download(server.url, tmp_path, sha256=SHA256)
    assert files(tmp_path) == []


def test_other_bytes_than_asked_for_are_not_appended(server, tmp_path):
    (tmp_path / "net.bin.part").write_bytes(CONTENT[:1000])
    server.shift = 5
    with pytest.raises(
        WeightsError, match=r"follows byte 1,000 was asked for, 'bytes 1005-.* came"
    ):
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


def test_a_full_disk_is_said(server, tmp_path, monkeypatch):
    """As where other programs write at the same time; what has arrived is kept."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(
            WeightsError, match=r"cannot be kept as .*net\.bin \(.*File too large\)"
        ):
            download(server.url, tmp_path, sha256=SHA256)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files(tmp_path) == ["net.bin.part"]
    assert download(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked[0] is None
    assert server.asked[1] is not None


@pytest.mark.parametrize("claims", [10**18, 40 * 2**30])
def test_a_size_that_is_claimed_is_refused_before_it_comes(server, tmp_path, claims, monkeypatch):
    server.claims = claims
    usage = shutil.disk_usage(tmp_path)._replace(free=50 * 2**30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(WeightsError, match=r"gives .*iB, and 50\.0 GiB are free in .* 32\.0 GiB"):
        download(server.url, tmp_path, sha256=SHA256)
    assert files(tmp_path) == []


def test_a_disk_without_the_room_is_said(server, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=255_999))
    with pytest.raises(WeightsError, match=r"gives 250\.0 KiB, and 250\.0 KiB are free"):
        download(server.url, tmp_path, sha256=SHA256)
    (tmp_path / "net.bin.part").write_bytes(CONTENT[:1])
    assert download(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT


def test_a_server_that_never_ends_does_not_fill_the_disk(server, tmp_path, monkeypatch):
    monkeypatch.setattr("jtransfer.nets.weights.fetch._LARGEST", 1_000_000)
    server.length, server.endless = False, True
    with pytest.raises(WeightsError, match=r"gives 1\.0 MiB, and .* expected at most 976\.6 KiB"):
        download(server.url, tmp_path, sha256=SHA256)
    server.endless = False
    assert (tmp_path / "net.bin.part").stat().st_size <= 1_000_000


@pytest.mark.parametrize("scheme", ["file", "ftp", "data", "jar"])
def test_redirects_leave_the_web_nowhere(server, tmp_path, scheme):
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    server.redirect = f"{scheme}://{secret}"
    with pytest.raises(WeightsError, match=r"could not be fetched \(HTTP Error 302.*Try again"):
        download(server.url, tmp_path / "cache", sha256=SHA256)
    assert files(tmp_path / "cache") == []


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://127.0.0.1/net.bin", "/net.bin", "", "http://", "http://[::"],
)
def test_addresses_that_are_not_of_the_web_are_refused(tmp_path, url):
    with pytest.raises(WeightsError, match=r"is no address of the web; .* begins with http"):
        download(url, tmp_path, sha256=SHA256)


@pytest.mark.parametrize("last", ["", "..", "a/..", ".lock", "a\\b", "C:evil", "a b", "?a=b"])
def test_addresses_whose_last_part_is_no_name_are_refused(tmp_path, last):
    with pytest.raises(WeightsError, match="which names no file; expected the address of a file"):
        download(f"http://127.0.0.1:9/{last}", tmp_path / "cache", sha256=SHA256)
    assert files(tmp_path) == []


@pytest.mark.parametrize("sha256", ["", "ab", "not hexadecimal", SHA256 + "0", SHA256.upper()])
def test_a_hash_that_would_tell_nothing_is_refused(server, tmp_path, sha256):
    with pytest.raises(WeightsError, match="expected 8 to 64 hexadecimal digits"):
        download(server.url, tmp_path, sha256=sha256)
    assert server.asked == []


@pytest.mark.parametrize("wrong", [b"", CONTENT[:-1], b"\x01" + CONTENT[1:]])
def test_a_file_of_another_hash_is_fetched_anew(server, tmp_path, wrong):
    (tmp_path / "net.bin").write_bytes(wrong)
    assert download(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == [None]
    # What comes then does not replace it unless it is right.
    (tmp_path / "net.bin").write_bytes(wrong)
    server.content = b"<html>Sign in</html>"
    with pytest.raises(WeightsError, match=r"gave an HTML page with SHA-256 .* thrown away"):
        download(server.url, tmp_path, sha256=SHA256)
    assert (tmp_path / "net.bin").read_bytes() == wrong


@pytest.mark.parametrize("name", ["net.bin", "net.bin.part"])
@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_not_waited_for(server, tmp_path, name, kind):
    place = tmp_path / name
    place.mkdir() if kind == "folder" else os.mkfifo(place)
    says = {
        "net.bin": rf"net\.bin is a {kind}.*; expected a file of SHA-256 {SHA256}, or none",
        "net.bin.part": r"cannot be kept as .*net\.bin \(.*no regular file: '.*net\.bin\.part'\)",
    }[name]
    with pytest.raises(WeightsError, match=says):
        download(server.url, tmp_path, sha256=SHA256)
    assert server.asked == []


def test_a_folder_that_cannot_be_made_or_written_is_said(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match=r"cannot be kept as .*Not a directory.*JTRANSFER_CACHE"):
        download(server.url, tmp_path / "file" / "cache", sha256=SHA256)
    # A folder that may only be read serves what is in it.
    (tmp_path / "net.bin").write_bytes(CONTENT)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("jtransfer.nets.weights.download.sole_writer", refuse)
    assert download(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    (tmp_path / "net.bin").unlink()
    with pytest.raises(WeightsError, match=r"cannot be kept as .*Permission denied.* permissions"):
        download(server.url, tmp_path, sha256=SHA256)


def test_the_cache_is_in_the_home_or_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("JTRANSFER_CACHE", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "jtransfer"
    monkeypatch.setenv("JTRANSFER_CACHE", "~/elsewhere")
    assert cache_folder() == tmp_path / "elsewhere"

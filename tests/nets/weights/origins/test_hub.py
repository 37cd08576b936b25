"""The hub, as a cache on disk and as a server on this machine."""

import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.origins import hub as module
from jtransfer.nets.weights.origins.hub import Hub

COMMIT = "0123456789" * 4
CONTENT = b"weights of a net"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PINNED, NEWEST = Hub("toy/net", COMMIT, SHA256), Hub("toy/net")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub, with nobody to ask."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def fill(cache):
    """Lay the file out as the hub's own program does: a blob, a snapshot of links, a ref."""
    folder = cache / "models--toy--net"
    for name in ("blobs", f"snapshots/{COMMIT}", "refs"):
        (folder / name).mkdir(parents=True)
    (folder / "blobs" / SHA256).write_bytes(CONTENT)
    (folder / "snapshots" / COMMIT / "model.safetensors").symlink_to(f"../../blobs/{SHA256}")
    (folder / "refs" / "main").write_text(COMMIT)


@contextmanager
def serving(commit=COMMIT):
    """A hub that has the file; yields its address and the paths that are asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append(self.path)
            known = self.path.startswith("/toy/net/resolve/")
            self.send_response(200 if known else 404)
            if not known:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("X-Repo-Commit", commit)
            self.send_header("ETag", f'"{SHA256}"')
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()

        def do_GET(self):
            self.do_HEAD()
            self.wfile.write(CONTENT)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_is_in_the_cache_is_taken_without_a_network(cache, capsys):
    fill(cache)
    for hub in (PINNED, NEWEST):
        assert hub.at_hand(cache)
        assert hub.fetch(cache).read_bytes() == CONTENT
    assert capsys.readouterr().out == f"toy/net: commit {COMMIT}, whatever is newest\n"
    other = Hub("toy/net", "f" * 40)
    assert not other.at_hand(cache)


@pytest.mark.parametrize("hub", [PINNED, NEWEST])
def test_offline_the_command_that_would_get_it_is_said(cache, hub):
    assert not hub.at_hand(cache)
    revision = f" --revision {COMMIT}" if hub.revision else ""
    command = f"`hf download toy/net model.safetensors{revision}`"
    with pytest.raises(WeightsError, match=f"toy/net at .*HF_HUB_OFFLINE.*{command}"):
        hub.fetch(cache)


def test_a_server_is_asked_for_the_pinned_commit_once(cache, monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with serving() as (address, asked):
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        assert PINNED.fetch(cache).read_bytes() == CONTENT
        assert set(asked) == {f"/toy/net/resolve/{COMMIT}/model.safetensors"}
        count = len(asked)
        assert PINNED.fetch(cache).read_bytes() == CONTENT
        assert len(asked) == count
        with pytest.raises(WeightsError, match="toy/other at its newest commit cannot be fetched"):
            Hub("toy/other").fetch(cache)


def test_without_the_extra_the_sentence_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert not PINNED.at_hand(tmp_path)
    with pytest.raises(
        WeightsError, match=r"needs `pip install 'jtransfer\[hub\]'`; .*hf download"
    ):
        PINNED.fetch(tmp_path)


@pytest.mark.parametrize("revision", ["main", "v1.0", "0123", "G" * 40])
def test_what_moves_is_no_revision(revision):
    with pytest.raises(WeightsError, match="expected a commit of 40 hexadecimal digits"):
        Hub("toy/net", revision)


def test_only_safetensors():
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin of toy/net; expected a \.safeten"):
        Hub("toy/net", COMMIT, file="pytorch_model.bin")

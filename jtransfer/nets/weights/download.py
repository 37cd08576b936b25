"""Fetching files into a cache: resumed where the connection broke, checked before they count."""

import hashlib
import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from jtransfer.files.kinds import HEAD, kind_of
from jtransfer.files.locking import sole_writer
from jtransfer.files.reading import open_regular, reading
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.fetch import fetch_rest, on_the_web


def cache_folder() -> Path:
    """Where downloads are kept: `JTRANSFER_CACHE`, by default `~/.cache/jtransfer`."""
    return Path(os.environ.get("JTRANSFER_CACHE") or "~/.cache/jtransfer").expanduser()


def download(url: str, folder: Path, *, sha256: str) -> Path:
    """Fetch a file unless it is there, with progress on stderr.

    What has arrived is kept in `<file>.part`, and the next call goes on from there if the server
    can; the file gets its own name once it is whole and its hash is right. The hash of a file that
    is there is checked at every call (a second for 600 MB), and one of another hash is replaced.

    Args:
      url: the address, of http or https; the file is called as its last part.
      folder: where to keep it; made if it is not there.
      sha256: of the file, in hexadecimal; all digits or at least the first eight.

    Returns:
      The file's path.

    Raises:
      WeightsError: if the address or the hash is none, if the file cannot be fetched or written
        whole, is larger than the room on the disk, or its hash is another.
    """
    file = folder / _name(url)
    if not re.fullmatch(r"[0-9a-f]{8,64}", sha256):
        raise WeightsError(
            f"the SHA-256 of {url} is given as {sha256!r}; expected 8 to 64 hexadecimal digits in "
            "lower case, without which nothing tells what the server sends"
        )
    if _is_right(file, sha256):
        return file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with sole_writer(folder):
            # Another process may have fetched it meanwhile.
            if not _is_right(file, sha256):
                _fetch(url, file, sha256)
    except OSError as error:
        raise WeightsError(
            f"{url} cannot be kept as {file} ({error}). See to the room and the permissions there, "
            "choose another folder by JTRANSFER_CACHE, or fetch it elsewhere and give its path"
        ) from error
    return file


def _name(url: str) -> str:
    """What the file is called, which is nothing that means another place."""
    if not on_the_web(url):
        raise WeightsError(
            f"{url} is no address of the web; expected one that begins with http:// or https://. "
            "For a file of your own give its path"
        )
    name = PurePosixPath(urlsplit(url).path).name
    if not re.fullmatch(r"[\w%+~@=-][\w.%+~@=-]*", name):
        raise WeightsError(
            f"{url} ends in {name!r}, which names no file; expected the address of a file, such as "
            "https://example.org/net.pth"
        )
    return name


def _is_right(file: Path, sha256: str) -> bool:
    """Whether the file is there with the right hash."""
    expected = f"a file of SHA-256 {sha256}, or none"
    with reading(file, expected, error=WeightsError, damaged="Remove it"):
        return file.exists() and _sha256(file).startswith(sha256)


def _fetch(url: str, file: Path, sha256: str) -> None:
    """Fetch the file, from where an earlier call stopped."""
    part = file.with_name(f"{file.name}.part")
    resumed = fetch_rest(url, part)
    if resumed and not _sha256(part).startswith(sha256):
        # What was there was of another version, or damaged.
        part.unlink()
        fetch_rest(url, part)
    found = _sha256(part)
    if not found.startswith(sha256):
        with open_regular(part) as stream:
            kind = kind_of(stream.read(HEAD)) or "a file"
        part.unlink()
        raise WeightsError(
            f"{url} gave {kind} with SHA-256 {found}, expected {sha256}; it was thrown away. Try "
            "again, and if this stays, do not trust the address"
        )
    os.replace(part, file)


def _sha256(file: Path) -> str:
    with open_regular(file) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

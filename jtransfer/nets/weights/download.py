"""Fetching files into a cache: resumed where the connection broke, checked before they count."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from tqdm import tqdm

from jtransfer.nets.weights.error import WeightsError

_SECONDS_OF_SILENCE = 30
_CHUNK = 1 << 16


def cache_folder() -> Path:
    """Where downloads are kept: `JTRANSFER_CACHE`, by default `~/.cache/jtransfer`."""
    return Path(os.environ.get("JTRANSFER_CACHE") or "~/.cache/jtransfer").expanduser()


def download(url: str, folder: Path, *, sha256: str) -> Path:
    """Fetch a file unless it is there, with progress on stderr.

    What has arrived is kept in `<file>.part`, and the next call goes on from there if the server
    can; the file gets its own name once it is whole and its hash is right.

    Args:
      url: the address; the file is called as its last part.
      folder: where to keep it; made if it is not there.
      sha256: of the file, in hexadecimal; all digits or the first ones.

    Returns:
      The file's path.

    Raises:
      WeightsError: if the file cannot be fetched or written whole, or its hash is another.
    """
    file = folder / Path(urlsplit(url).path).name
    if file.exists():
        return file
    part = file.with_name(f"{file.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _sole_writer(folder):
            if file.exists():  # another process has fetched it meanwhile
                return file
            resumed = _fetch_rest(url, part)
            if resumed and not _sha256(part).startswith(sha256):
                # What was there was of another version, or damaged.
                part.unlink()
                _fetch_rest(url, part)
            found = _sha256(part)
            if not found.startswith(sha256):
                part.unlink()
                raise WeightsError(
                    f"{url} gave a file with SHA-256 {found}, expected {sha256}; it was thrown "
                    "away. Try again, and if this stays, do not trust the address"
                )
            os.replace(part, file)
    except (OSError, HTTPException) as error:
        raise WeightsError(
            f"{url} could not be fetched ({error}). Try again: what has arrived is kept in {part}. "
            f"Without a network, fetch it elsewhere and put it there as {file}, or give its path"
        ) from error
    return file


def _fetch_rest(url: str, part: Path) -> bool:
    """Fetch what `part` lacks; whether anything was there before and has been kept."""
    there = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"Range": f"bytes={there}-"} if there else {})
    try:
        response = urlopen(request, timeout=_SECONDS_OF_SILENCE)
    except HTTPError as error:
        if there and error.code == 416:  # nothing lies behind what is there
            return True
        raise
    with response:
        resumed = response.status == 206
        given = response.headers.get("Content-Range", "")
        if resumed and not given.startswith(f"bytes {there}-"):
            part.unlink()  # so that the next try asks for all
            raise HTTPException(f"asked for what follows byte {there:,}, the server gave {given!r}")
        start = there if resumed else 0
        total = None if response.length is None else start + response.length
        with (
            part.open("ab" if resumed else "wb") as stream,
            tqdm(
                desc=part.stem, initial=start, total=total, unit="B", unit_scale=True, disable=None
            ) as bar,
        ):
            while chunk := response.read(_CHUNK):
                stream.write(chunk)
                bar.update(len(chunk))
    size = part.stat().st_size
    if total is not None and size < total:
        raise HTTPException(f"the connection ended after {size:,} of {total:,} bytes")
    return resumed


@contextmanager
def _sole_writer(folder: Path) -> Iterator[None]:
    """Wait until no other process downloads into the folder; a killed one leaves it free."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

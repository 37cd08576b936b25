"""One request for what is missing of a file; the server's and the network's errors in words."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from tqdm import tqdm

from jtransfer.files.memory import in_units
from jtransfer.files.reading import open_regular
from jtransfer.nets.weights.error import WeightsError

_SECONDS_OF_SILENCE = 30
_CHUNK = 1 << 16
_LARGEST = 1 << 35  # bytes: more than any weights that are read here


def fetch_rest(url: str, part: Path) -> bool:
    """Fetch what a file lacks of what is at an address.

    Returns:
      Whether anything was there before and has been kept.

    Raises:
      WeightsError: if the server or the network fails, or what comes is larger than the room.
      OSError: if the disk does.
    """
    there = 0
    if part.exists():
        with open_regular(part) as stream:
            there = stream.seek(0, os.SEEK_END)
    request = Request(url, headers={"Range": f"bytes={there}-"} if there else {})
    with _network_errors(url, part):
        try:
            response = build_opener(_Redirects).open(request, timeout=_SECONDS_OF_SILENCE)
        except HTTPError as error:
            error.close()  # it is an answer too, and keeps the connection
            if there and error.code == 416:  # nothing lies behind what is there
                return True
            raise
    with response:
        resumed = response.status == 206
        given = response.headers.get("Content-Range", "")
        if resumed and not given.startswith(f"bytes {there}-"):
            part.unlink()  # so that the next try asks for all
            with _network_errors(url, part):
                raise HTTPException(f"what follows byte {there:,} was asked for, {given!r} came")
        start = there if resumed else 0
        total = None if response.length is None else start + response.length
        _require_room(url, start, total, part)
        with (
            part.open("ab" if resumed else "wb") as stream,
            tqdm(
                desc=part.stem, initial=start, total=total, unit="B", unit_scale=True, disable=None
            ) as bar,
        ):
            for chunk in _chunks(response, url, part):
                start += len(chunk)
                _require_room(url, start, None, part)
                stream.write(chunk)
                bar.update(len(chunk))
    if total is not None and start < total:
        with _network_errors(url, part):
            raise HTTPException(f"the connection ended after {start:,} of {total:,} bytes")
    return resumed


def _chunks(response: HTTPResponse, url: str, part: Path) -> Iterator[bytes]:
    while True:
        with _network_errors(url, part):
            chunk = response.read(_CHUNK)
        if not chunk:
            return
        yield chunk


def _require_room(url: str, start: int, total: int | None, part: Path) -> None:
    """Refuse what a server claims, or sends without end, before the disk is full of it."""
    free = shutil.disk_usage(part.parent).free
    lacking = total is not None and total - start > free
    if lacking or (total or start) > _LARGEST:
        raise WeightsError(
            f"{url} gives {in_units(total or start)}, and {in_units(free)} are free in "
            f"{part.parent}; expected at most {in_units(_LARGEST)}, and room for it. Make room, "
            "choose another folder by JTRANSFER_CACHE, or do not trust the address"
        )


class _Redirects(HTTPRedirectHandler):
    """Redirects to other places of the web; urllib would follow them to ftp as well."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if not on_the_web(newurl):
            raise HTTPError(newurl, code, "redirected to what is not on the web", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def _network_errors(url: str, part: Path) -> Iterator[None]:
    """Say what to do where the network is at fault, or the server; the disk's errors are others."""
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        raise WeightsError(
            f"{url} could not be fetched ({error}). Try again: what has arrived is kept in {part}. "
            f"Without a network, fetch it elsewhere and put it there as {part.with_suffix('')}, or "
            "give its path"
        ) from error


def on_the_web(url: str) -> bool:
    """Whether an address is of http or https."""
    try:
        address = urlsplit(url)
    except ValueError:
        return False
    return address.scheme in ("http", "https") and bool(address.netloc)

"""A web server of one file, on this machine, that can be as bad as real ones."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What is served, and what was asked for.

    Attributes:
      content: of the file.
      ranges: whether a part can be asked for.
      length: whether the length is said beforehand.
      cut: bytes of an answer after which the connection breaks, once.
      delay: seconds before an answer.
      shift: by how many bytes a part begins too late.
      claims: the length that is said, if it is not the content's.
      redirect: where a request is sent to instead.
      endless: whether the content is sent over and over.
      url: the address.
      asked: the `Range` of each request, None for all.
    """

    content: bytes
    ranges: bool = True
    length: bool = True
    cut: int | None = None
    delay: float = 0.0
    shift: int = 0
    claims: int | None = None
    redirect: str = ""
    endless: bool = False
    url: str = ""
    asked: list[str | None] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator["FileServer"]:
        """Serve, until left."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/models/net.bin"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        this = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                wanted = self.headers["Range"]
                this.asked.append(wanted)
                time.sleep(this.delay)
                if self.path != "/models/net.bin":
                    return self.send_error(404)
                if this.redirect:
                    self.send_response(302)
                    self.send_header("Location", this.redirect)
                    return self.end_headers()
                start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
                if not this.ranges:
                    start = 0
                size = len(this.content)
                if start and start >= size:
                    return self.send_error(416)
                start += this.shift if start else 0
                self.send_response(206 if start else 200)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
                if this.length:
                    self.send_header("Content-Length", str(this.claims or size - start))
                self.end_headers()
                end, this.cut = size if this.cut is None else start + this.cut, None
                self.wfile.write(this.content[start:end])
                with suppress(ConnectionError):
                    while this.endless:
                        self.wfile.write(this.content)

            def log_message(self, *_):
                """Silent."""

        return Handler

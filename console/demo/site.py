"""The site that the demonstration scrapes: a small web server on 127.0.0.1 that answers like the real web.

`python -m console.demo.site` prints its address on the first line of standard output and serves until it is ended.

A page is `/<kind>/<name>`. What it answers depends on its path and on how often it was asked for, and on nothing else.
`POST /hooks/<user>` takes deliveries; `GET /seen` tells in JSON what was asked for so far.
"""

from __future__ import annotations

import html
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FIRST_EDITION = 1_767_225_600
"""When edition 0 of each page was last modified (epoch seconds); every edition is an hour later."""

HUGE = 8 * 1024 * 1024
BLOCK = 64 * 1024
MAX_BODY = 1024 * 1024
NEVER_ROUTED = "http://192.0.2.1/"
"""An address kept for documentation, in place of one inside a private network."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page says: a status, a body and headers, after `delay` seconds. `filler` bytes follow a body of unknown length."""

    status: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "text/html; charset=utf-8"
    delay: float = 0.0
    filler: int = 0


def news(name: str, visit: int) -> Answer:
    """A page that is new every fourth time; it has an ETag."""
    edition = visit // 4
    return _page(f"News of {name}", name, edition, (("ETag", f'"news-{edition}"'),))


def prices(name: str, visit: int) -> Answer:
    """A page that is new every second time; it says when it was last modified."""
    edition = visit // 2
    return _page(
        f"Prices of {name}", name, edition, (("Last-Modified", formatdate(FIRST_EDITION + 3600 * edition, usegmt=True)),)
    )


def about(name: str, visit: int) -> Answer:
    """A page that never changes."""
    return _page(f"About {name}", name, 0, (("ETag", '"about"'), ("Last-Modified", formatdate(FIRST_EDITION, usegmt=True))))


def plain(name: str, visit: int) -> Answer:
    """A page that never changes, and that has nothing by which it could be asked for conditionally."""
    return _page(f"Notes of {name}", name, 0)


def slow(name: str, visit: int) -> Answer:
    """A page that takes its time, and every twelfth time more of it than anybody waits."""
    return _page(f"Archive of {name}", name, visit // 6, delay=25.0 if visit % 12 == 7 else 0.4 + 0.3 * (visit % 3))


def busy(name: str, visit: int) -> Answer:
    """A page that every third time asks for patience first."""
    if visit % 3 == 1:
        return Answer(429, "<title>Too many requests</title>", (("Retry-After", str(1 + visit // 3 % 2)),))
    return _page(f"Offers of {name}", name, visit // 5)


def flaky(name: str, visit: int) -> Answer:
    """A page whose server breaks for two requests of every five, and heals."""
    return (
        Answer(500, "<title>Internal server error</title>")
        if visit % 5 in (1, 2)
        else _page(f"Board of {name}", name, visit // 5)
    )


def down(name: str, visit: int) -> Answer:
    """A page whose server is out of order."""
    return Answer(503, "<title>Service unavailable</title>")


def gone(name: str, visit: int) -> Answer:
    """A page that was there twice and was then taken away for good."""
    return _page(f"Farewell of {name}", name, 0) if visit < 2 else Answer(410, "<title>Gone</title>")


def missing(name: str, visit: int) -> Answer:
    """A page that never was."""
    return Answer(404, "<title>Not found</title>")


def moved(name: str, visit: int) -> Answer:
    """A page that lives elsewhere on this site."""
    return Answer(302, headers=(("Location", f"/news/{name}"),))


def inside(name: str, visit: int) -> Answer:
    """A page that leads to an address where no scraper should go."""
    return Answer(302, headers=(("Location", NEVER_ROUTED),))


def huge(name: str, visit: int) -> Answer:
    """A page that does not end within any sensible size."""
    return Answer(200, f"<title>Everything about {name}</title>", filler=HUGE)


def picture(name: str, visit: int) -> Answer:
    """No page at all."""
    return Answer(200, "\x89PNG\r\n\x1a\n", content_type="image/png")


KINDS: Mapping[str, Callable[[str, int], Answer]] = {
    page.__name__: page
    for page in (news, prices, about, plain, slow, busy, flaky, down, gone, missing, moved, inside, huge, picture)
}


@dataclass
class Seen:
    """What the site was asked for since it started."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    visits: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    hooks: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)

    def visit(self, path: str) -> int:
        """How often `path` was asked for before; counts this time."""
        with self.lock:
            self.visits[path] += 1
            return self.visits[path] - 1

    def deliver(self, path: str, key: str) -> int:
        """Take a delivery with its idempotency key, or refuse it, every fourth one of a user: the status to answer."""
        with self.lock:
            self.hooks[path] += 1
            if self.hooks[path] % 4 == 2:
                return 503
            self.accepted[key] += 1
            return 200

    def answered(self, status: int) -> None:
        """Count one answer."""
        with self.lock:
            self.statuses[status] += 1

    def told(self) -> dict[str, object]:
        """The counts: requests for pages, answers by status, deliveries accepted, and how many of these came more than once."""
        with self.lock:
            return {
                "requests": self.visits.total(),
                "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
                "hooks": {
                    "received": self.hooks.total(),
                    "accepted": self.accepted.total(),
                    "repeated": sum(count - 1 for count in self.accepted.values()),
                },
            }


class Site(ThreadingHTTPServer):
    """The server, on a port of 127.0.0.1 that nobody else uses."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen = Seen()

    @property
    def address(self) -> str:
        """The URL of its root, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        if self.path == "/seen":
            self._send(Answer(200, json.dumps(self.server.seen.told()), content_type="application/json"), counted=False)
            return
        path = self.path.partition("?")[0]
        kind, _, name = path.strip("/").partition("/")
        page = KINDS.get(kind)
        if page is None or not name:
            self._send(Answer(404, "<title>Not found</title>"))
            return
        answer = page(html.escape(name), self.server.seen.visit(path))
        time.sleep(answer.delay)
        self._send(Answer(304, headers=answer.headers) if _unchanged(answer, self.headers) else answer)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            self._send(Answer(413), counted=False)
            return
        self.rfile.read(int(length))
        if not self.path.startswith("/hooks/"):
            self._send(Answer(404))
            return
        key = self.headers.get("Idempotency-Key") or f"{self.path} {self.server.seen.hooks.total()}"
        self._send(Answer(self.server.seen.deliver(self.path, key)), counted=False)

    def _send(self, answer: Answer, *, counted: bool = True) -> None:
        if counted:
            self.server.seen.answered(answer.status)
        body = answer.body.encode("latin-1" if answer.content_type.startswith("image/") else "utf-8")
        try:
            self.send_response(answer.status)
            for header, value in answer.headers:
                self.send_header(header, value)
            if answer.status != 304:
                self.send_header("Content-Type", answer.content_type)
            if answer.filler:
                self.close_connection = True
                self.send_header("Connection", "close")
            elif answer.status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if answer.status != 304:
                self.wfile.write(body)
            for block in _blocks(answer.filler):
                self.wfile.write(block)
        except (ConnectionError, TimeoutError):
            # The client has read enough, or has stopped waiting.
            self.close_connection = True


def _page(title: str, name: str, edition: int, headers: tuple[tuple[str, str], ...] = (), delay: float = 0.0) -> Answer:
    items = "".join(f'<li><a href="/news/{name}?item={edition * 3 + n}">Item {edition * 3 + n}</a></li>' for n in range(3))
    body = f"<!doctype html><title>{title}</title><h1>{title}</h1><p>Edition {edition}.</p><ul>{items}</ul>"
    return Answer(200, body, headers, delay=delay)


def _unchanged(answer: Answer, asked: Message) -> bool:
    """Whether the client holds this very edition already."""
    headers = dict(answer.headers)
    for validator, condition in (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")):
        if answer.status == 200 and asked.get(condition) and validator in headers:
            return asked[condition] == headers[validator]
    return False


def _blocks(size: int) -> Iterator[bytes]:
    for _ in range(size // BLOCK):
        yield b"." * BLOCK


def main() -> None:
    """Serve until ended."""
    with Site() as site:
        sys.stdout.write(f"{site.address}\n")
        sys.stdout.flush()
        site.serve_forever()


if __name__ == "__main__":
    main()

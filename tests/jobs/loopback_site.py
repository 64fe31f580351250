"""A web server on 127.0.0.1 that answers each path as a test says, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """Without `length` the body ends where the connection does. `body` may be endless."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    type: str = "text/html; charset=utf-8"


class Site(ThreadingHTTPServer):
    """`answers` maps a path to what is answered, or to what answers the nth request for it (from 0)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer | Callable[[Asked, int], Answer]] = {}
        self.asked: list[Asked] = []
        self.ended = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def page(self, path: str, text: str, **headers: str) -> str:
        """Answer `path` with a small page from now on, and return its URL."""
        body = f"<title>{path}</title><p>{text}</p>".encode()
        self.answers[path] = Answer(body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return self.url(path)

    def drip(self) -> Iterator[bytes]:
        """A byte now and then, for as long as the client and the site last."""
        while not self.ended.wait(0.02):
            yield b"."

    def answer(self, asked: Asked) -> Answer:
        found = self.answers.get(asked.path, Answer(404))
        earlier = sum(1 for other in self.asked if other.path == asked.path)
        self.asked.append(asked)
        return found(asked, earlier) if callable(found) else found

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is what many of the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Site
    timeout = 30

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.answer(Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(answer.status)
        if answer.type:
            self.send_header("Content-Type", answer.type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for part in [answer.body] if isinstance(answer.body, bytes) else answer.body:
            self.wfile.write(part)
            self.wfile.flush()

    do_POST = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on the tests' screen."""


@contextmanager
def serving() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            site.ended.set()
            site.shutdown()
            thread.join()

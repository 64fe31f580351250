"""One exchange with the web, bounded: a GET that gives a page's bytes, and a POST that gives nothing back.

Every error is one line that begins with the host and holds neither user info nor path nor query, where secrets live:
PermanentError when trying again cannot help, else answers.Unavailable or RetryAfter.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import httpcore
import httpx

from jobs import settings
from jobs.errors import PermanentError
from jobs.web.answers import Unavailable, failure
from jobs.web.deadline import Deadline, DeadlineBackend
from jobs.web.guard import GuardedBackend
from jobs.web.transport import BackendTransport

HEADERS = {
    "User-Agent": "tq-console",
    "Accept": "text/html, application/xhtml+xml, application/xml;q=0.9, application/json;q=0.9, text/plain;q=0.8",
    # The one coding that is decoded here, under a limit.
    "Accept-Encoding": "gzip",
}
TYPES = frozenset(
    {"text/html", "application/xhtml+xml", "text/plain", "text/json", "text/xml", "application/json", "application/xml"}
)
MAX_HEADER = 500

_exchanging: ContextVar[bool] = ContextVar("exchanging", default=False)
# httpx logs whole URLs, whatever secrets they hold; the lines of other users of httpx stay.
logging.getLogger("httpx").addFilter(lambda record: not _exchanging.get())


@dataclass(frozen=True, slots=True)
class Limits:
    """`total` seconds for a whole exchange with its redirects, `wait` seconds for the next byte, `size` bytes of an answer
    as sent and as decoded, `redirects` followed."""

    total: float = 15.0
    wait: float = 10.0
    size: int = 2_000_000
    redirects: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Validators:
    """What an earlier answer of `url` said by which it can be asked for again, if it changed."""

    url: str
    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as it came. `url` is where it was found in the end, without user info; `charset` is what its header says."""

    url: str
    content_type: str
    charset: str | None
    body: bytes = field(repr=False)
    etag: str = ""
    last_modified: str = ""


def get(
    url: str,
    known: Validators | None = None,
    *,
    limits: Limits = LIMITS,
    backend: httpcore.NetworkBackend | None = None,
) -> Fetched | None:
    """The page at `url`, or None when it is still the one that `known` describes.

    `backend` makes the connections (default: to public addresses and the networks that the settings allow).
    """
    with _client(limits, backend) as client:
        request = _request(client, "GET", url)
        for _ in range(limits.redirects + 1):
            _ask_conditionally(request, known)
            with _exchange(client, request) as response:
                if response.next_request is None:
                    return _page(response, limits)
                # Followed by hand: httpx would read the whole body of a redirect, however long.
                request = response.next_request
    raise PermanentError(f"{_host(request.url)}: more than {limits.redirects} redirects")


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    limits: Limits = LIMITS,
    backend: httpcore.NetworkBackend | None = None,
) -> None:
    """Send `body` to `url`. Any 2xx is success and its body is not read; a redirect is not followed, and fails."""
    with _client(limits, backend) as client:
        request = _request(client, "POST", url, headers, body)
        with _exchange(client, request) as response:
            if not response.is_success:
                raise failure(response, _host(request.url), time.time())


@contextmanager
def _client(limits: Limits, backend: httpcore.NetworkBackend | None) -> Iterator[httpx.Client]:
    connections = backend or GuardedBackend(settings.current().allowed_networks)
    transport = BackendTransport(DeadlineBackend(connections, Deadline(limits.total)))
    with httpx.Client(
        transport=transport, headers=HEADERS, timeout=limits.wait, trust_env=False, follow_redirects=False
    ) as client:
        yield client


def _request(
    client: httpx.Client, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> httpx.Request:
    try:
        return client.build_request(method, url, headers=headers, content=body)
    except (httpx.InvalidURL, ValueError):
        raise PermanentError("the URL is invalid; correct it") from None


@contextmanager
def _exchange(client: httpx.Client, request: httpx.Request) -> Iterator[httpx.Response]:
    """The answer to one request, its body not read, with every error told in our words."""
    host = _host(request.url)
    if request.url.scheme not in ("http", "https") or not request.url.host or not 0 < (request.url.port or 80) < 65_536:
        raise PermanentError(f"{host}: the URL is no http or https URL; correct it")
    ours = _exchanging.set(True)
    try:
        response = client.send(request, stream=True)
        try:
            yield response
        finally:
            response.close()
    except httpcore.TimeoutException:
        raise Unavailable(f"{host}: did not answer in time") from None
    except httpcore.LocalProtocolError:
        raise PermanentError(f"{host}: no valid request can be made of the URL; correct it") from None
    except httpcore.RemoteProtocolError:
        raise Unavailable(f"{host}: broke the HTTP protocol or hung up") from None
    except httpcore.NetworkError as error:
        raise Unavailable(f"{host}: {_reason(error)}") from None
    except (httpx.RemoteProtocolError, httpx.InvalidURL):
        raise PermanentError(f"{host}: redirects to an invalid URL") from None
    except zlib.error:
        raise Unavailable(f"{host}: sent gzip that cannot be unpacked") from None
    finally:
        _exchanging.reset(ours)


def _ask_conditionally(request: httpx.Request, known: Validators | None) -> None:
    # Validators belong to the one URL that gave them, which may be the last of several redirects.
    conditions = (known.etag, known.last_modified) if known and _without_secrets(request.url) == known.url else ("", "")
    for header, value in zip(("If-None-Match", "If-Modified-Since"), conditions, strict=True):
        request.headers.pop(header, None)
        if value:
            request.headers[header] = value


def _page(response: httpx.Response, limits: Limits) -> Fetched | None:
    host = _host(response.request.url)
    asked = {"if-none-match", "if-modified-since"} & set(response.request.headers)
    if response.status_code == httpx.codes.NOT_MODIFIED and asked:
        return None
    if response.status_code not in (httpx.codes.OK, httpx.codes.NON_AUTHORITATIVE_INFORMATION):
        raise failure(response, host, time.time())
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type not in TYPES and not (content_type.startswith("application/") and content_type.endswith(("+json", "+xml"))):
        named = ascii(content_type)[1:60].rstrip("'") or "no type"
        raise PermanentError(f"{host}: sent {named}; HTML, plain text, JSON and XML are read")
    return Fetched(
        url=_without_secrets(response.request.url),
        content_type=content_type,
        charset=response.charset_encoding,
        body=_body(response, host, limits.size),
        etag=_validator(response, "ETag"),
        last_modified=_validator(response, "Last-Modified"),
    )


def _body(response: httpx.Response, host: str, limit: int) -> bytes:
    """The body, unpacked under the limit: httpx would unpack a chunk to a thousand times its size before anybody could look."""
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise PermanentError(f"{host}: sent the coding {ascii(coding)[:40]}, which was not asked for")
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if "gzip" in coding else None
    too_large = PermanentError(f"{host}: is larger than {limit / 1_000_000:g} MB")
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced[:20]) > limit:
        raise too_large
    body, received = bytearray(), 0
    for chunk in response.iter_raw():
        received += len(chunk)
        # One byte above the limit tells that it is passed; 0 would mean no limit at all.
        body += unpack.decompress(chunk, limit + 1 - len(body)) if unpack else chunk
        if max(received, len(body)) > limit:
            raise too_large
    if unpack and received and not unpack.eof:
        raise Unavailable(f"{host}: sent gzip that ends too early")
    return bytes(body)


def _validator(response: httpx.Response, header: str) -> str:
    """A header to be sent back as it came; none when it is too long, or not plain enough for that."""
    value = str(response.headers.get(header, ""))
    return value if len(value) <= MAX_HEADER and value.isascii() and value.isprintable() else ""


def _without_secrets(url: httpx.URL) -> str:
    return str(url.copy_with(username="", password="", fragment=None))


def _host(url: httpx.URL) -> str:
    host = url.host[:80] or "the URL"
    return f"{host}:{url.port}" if url.port else host


def _reason(error: Exception) -> str:
    """The system's words for a failed connection, without its numbers."""
    text = " ".join(str(error).split())
    return text.partition("] ")[2][:100] or text[:100] or "the connection failed"

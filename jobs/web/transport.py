"""httpx over a network backend of our own: no proxies, no environment, nothing but what the backend connects to."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import lru_cache

import httpcore
import httpx


class BackendTransport(httpx.BaseTransport):
    """Sends requests over connections that `backend` makes. Raises httpcore's errors, and whatever `backend` raises."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """The certificate authorities, read once in a process."""
    return httpx.create_ssl_context(trust_env=False)

"""URLs, fit to be shown: without users, passwords and queries."""

from __future__ import annotations

import re

MASK = "…"

_WHOLE = re.compile(r"(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<rest>.*)", re.DOTALL)
_URL = re.compile(
    r"(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.-]*://)"
    r"(?P<authority>[^\s/?#]*?)(?P<path>/[^\s?#]*?)?(?P<query>[?#]\S*?)?"
    r"(?=['\"<>()\[\],.;:]*(?:\s|$))"
)
_HOST = re.compile(r"(\[[^\]]*\]|[^:\s]*)(:\d+)?")


def mask_url(url: str) -> str:
    """`url` without its user, its password and its query: `rediss://ann:pw@cache-1:6380/0?x=y` → `rediss://…@cache-1:6380/0`.

    Where a password that was not escaped could reach into the host or the path, those are left out as well.
    """
    scheme, separator, rest = url.partition("://")
    found = _WHOLE.fullmatch(rest)
    if not separator or found is None:
        return "the URL"
    _, at, host = found["authority"].rpartition("@")
    path = found["path"] or ""
    if "@" in path + found["rest"] or not _HOST.fullmatch(host):
        return f"{scheme}://…"
    return f"{scheme}://{'…@' if at else ''}{host}{path}"


def masked(text: str) -> str:
    """`text` with `…` for the user, password, query and fragment of every URL in it."""
    return _URL.sub(_without_secrets, text)


def _without_secrets(url: re.Match[str]) -> str:
    _, at, host = url["authority"].rpartition("@")
    path, query = url["path"] or "", url["query"] or ""
    # `user:pass/word@host` reads as a host with a strange port, and an error that cuts long values may end inside a password.
    doubtful = ":" in url["authority"] and "@" in path + query
    if doubtful or not _HOST.fullmatch(host) or (not path and host.endswith(MASK)):
        return url["scheme"] + MASK
    return url["scheme"] + (MASK + at if at else "") + host + path + (query[0] + MASK if query else "")

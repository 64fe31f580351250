"""URLs, fit to be shown: without users, passwords and queries, and without the paths of webhooks."""

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

BEFORE_URL = 60
"""Characters before a URL in which is_hook looks."""

_HOOK_HOST = re.compile(r"(?:web)?hooks?\d*\.|[\w-]+\.webhook\.office\.com|api\.telegram\.org", re.IGNORECASE)
_HOOK = re.compile(r"web[-_ ]?hook", re.IGNORECASE)


def is_hook(before: str) -> bool:
    """Whether the text before a URL says, in its line, that it is a webhook's."""
    return _HOOK.search(before.rpartition("\n")[2]) is not None


def mask_webhook(url: str) -> str:
    """`url` as mask_url has it, and without its path, which is as good as a password: `https://hooks.example/…`."""
    shown = mask_url(url) if url else ""
    scheme, separator, rest = shown.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}{separator}{host}/{MASK}" if path else shown


def masked_webhooks(text: str) -> str:
    """`text` in which each URL is a webhook's, as mask_webhook has it."""
    return _URL.sub(lambda url: mask_webhook(url[0]), text)


def _path(host: str, path: str) -> str:
    """A path as it is shown: not at all where a webhook has its secret in it."""
    hidden = _HOOK_HOST.match(host) or any("hook" in part.lower() for part in path.split("/")[:-1])
    return f"/{MASK}" if hidden and path.strip("/") else path


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
    return f"{scheme}://{'…@' if at else ''}{host}{_path(host, path)}"


def masked(text: str) -> str:
    """`text` with `…` for the user, password, query and fragment of every URL in it, and for the path of a webhook's."""
    return _URL.sub(_without_secrets, text)


def _without_secrets(url: re.Match[str]) -> str:
    _, at, host = url["authority"].rpartition("@")
    path, query = url["path"] or "", url["query"] or ""
    # `user:pass/word@host` reads as a host with a strange port, and an error that cuts long values may end inside a password.
    doubtful = ":" in url["authority"] and "@" in path + query
    if doubtful or not _HOST.fullmatch(host) or (not path and host.endswith(MASK)):
        return url["scheme"] + MASK
    if is_hook(url.string[max(0, url.start() - BEFORE_URL) : url.start()]):
        return mask_webhook(url[0])
    return url["scheme"] + (MASK + at if at else "") + host + _path(host, path) + (query[0] + MASK if query else "")

"""The user directory: who the application works for, in Redis, searched by prefix without a scan.

`jobs.set_user` (schedules.py) writes a user together with the user's schedules; this file holds the record and its rules.
"""

from __future__ import annotations

import ipaddress
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import ResponseError

from jobs import keys, tiers
from jobs.cadence import zone_of
from jobs.errors import InvalidCadence, InvalidUser, UnknownUser
from jobs.utf8 import is_utf8

MAX_ID_BYTES = 256
MAX_SOURCES = 20
MAX_URL_LENGTH = 2_048
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_PLAIN_URL = re.compile(rf"https?://(?:{_LABEL}\.)*(?![0-9]){_LABEL}(:[0-9]{{1,4}})?([/?#][!-~]*)?\Z")
"""What nearly every URL looks like, and what needs no closer look."""
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)*(?![0-9]){_LABEL}\.?")
_SPACE = re.compile(r"[\s\x00-\x20\x7f-\x9f\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
PAGE = 500


@dataclass(frozen=True, slots=True)
class User:
    """One user. `id` is any string of 1 to 256 bytes in the normal form NFC, without control characters, and without
    spaces at its ends; `zone` is an IANA name; `sources` are the
    http(s) URLs to scrape; `webhook` is where changes are delivered, or empty."""

    id: str
    tier: str
    zone: str = "UTC"
    sources: tuple[str, ...] = ()
    webhook: str = field(default="", repr=False)
    active: bool = True


def validate(user: User, known_tiers: Mapping[str, tiers.Tier] | None = None) -> User:
    """`user` as it is, or InvalidUser in one line that names the field."""
    problem = _id_problem(user.id)
    if problem:
        raise InvalidUser(problem)
    known = tiers.current() if known_tiers is None else known_tiers
    if user.tier not in known:
        raise InvalidUser(f"tier {_short(user.tier)} is unknown; use one of {', '.join(known)}")
    try:
        zone_of(user.zone)
    except InvalidCadence as error:
        raise InvalidUser(str(error)) from None
    if len(user.sources) > MAX_SOURCES:
        raise InvalidUser(f"{len(user.sources)} sources; at most {MAX_SOURCES}")
    for source in user.sources:
        _check_url(source, "source")
    if user.webhook:
        _check_url(user.webhook, "webhook")
    return user


def get(connection: Redis, user_id: str) -> User:
    """The user of that id. Raises UnknownUser."""
    found = get_many(connection, [user_id])[0]
    if found is None:
        raise UnknownUser(f"user {_short(user_id)} is not in the directory; `tq-console users list` shows who is")
    return found


def get_many(connection: Redis, ids: list[str]) -> list[User | None]:
    """The users of those ids in one round trip, None for each that is not there, or is no hash."""
    with connection.pipeline(transaction=False) as pipe:
        for user_id in ids:
            pipe.hgetall(keys.USER + user_id)
        replies = pipe.execute(raise_on_error=False)
    return [_restore(user_id, raw) for user_id, raw in zip(ids, replies, strict=True)]


def known(connection: Redis, ids: Sequence[str]) -> list[bool]:
    """Whether there is anything of each user, readable or not, in one round trip."""
    with connection.pipeline(transaction=False) as pipe:
        for user_id in ids:
            pipe.exists(keys.USER + user_id)
        return [reply == 1 for reply in pipe.execute()]


def search(connection: Redis, prefix: str = "", limit: int = 50, after: str | None = None) -> list[str]:
    """Up to `limit` ids that begin with `prefix`, in the order of their bytes, past `after`: one ZRANGEBYLEX.

    A member that is not UTF-8 is nobody's id, and is passed over; one more trip is made for each lot of them.
    """
    start = prefix.encode()
    low = b"(" + after.encode() if after is not None and after.encode() >= start else b"[" + start
    high = b"[" + start + b"\xff" if start else b"+"
    ids: list[str] = []
    while True:
        found = cast(list[bytes], connection.zrangebylex(keys.USERS, low, high, start=0, num=limit - len(ids)))
        ids += [member.decode() for member in found if is_utf8(member)]
        if not found or len(ids) >= limit:
            return ids
        low = b"(" + found[-1]


def every_id(connection: Redis, page: int = PAGE) -> Iterator[str]:
    """Every id of the directory, a page at a time."""
    after: str | None = None
    while ids := search(connection, "", page, after):
        yield from ids
        after = ids[-1]


def count(connection: Redis) -> int:
    """How many users the directory holds."""
    return int(connection.zcard(keys.USERS))


def _restore(user_id: str, raw: object) -> User | None:
    """The user of a raw hash, None when it is empty or no hash. Raises what the server said that is not about this one key."""
    if isinstance(raw, Exception) and not (isinstance(raw, ResponseError) and "WRONGTYPE" in str(raw)):
        raise raw
    if not isinstance(raw, dict) or not raw:
        return None
    text = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in raw.items()}
    return User(
        id=user_id,
        tier=text.get("tier", ""),
        zone=text.get("zone", "UTC"),
        sources=_sources(text.get("sources", "[]")),
        webhook=text.get("webhook", ""),
        active=text.get("active", "1") == "1",
    )


def _sources(text: str) -> tuple[str, ...]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return ()
    return tuple(str(source) for source in found) if isinstance(found, list) else ()


def _id_problem(user_id: str) -> str:
    if not user_id or not user_id.strip():
        return "the id is empty"
    if _CONTROL.search(user_id):
        return f"id {_short(user_id)} has a control character"
    if user_id != user_id.strip():
        return f"id {_short(user_id)} begins or ends with a space"
    if not unicodedata.is_normalized("NFC", user_id):
        return f"id {_short(user_id)} is not in the normal form NFC, so another id could look the same"
    try:
        size = len(user_id.encode())
    except UnicodeEncodeError:
        return f"id {_short(user_id)} is no text"
    return f"id {_short(user_id)} has {size} bytes; at most {MAX_ID_BYTES}" if size > MAX_ID_BYTES else ""


def _check_url(url: str, what: str) -> None:
    if _PLAIN_URL.match(url) and len(url) <= MAX_URL_LENGTH:
        return
    if len(url) > MAX_URL_LENGTH:
        raise InvalidUser(f"{what} {_short(_without_secrets(url))} has {len(url)} characters; at most {MAX_URL_LENGTH}")
    if _SPACE.search(url):
        shown = _short(_without_secrets(url))
        raise InvalidUser(f"{what} {shown} has a space or a control character; write a space as %20")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidUser(f"{what} {_short(_without_secrets(url))} is no URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidUser(f"{what} {_short(_without_secrets(url))} is no http or https URL")
    if not _is_host(host):
        raise InvalidUser(f"{what} {_short(_without_secrets(url))}: its host is no host name and no IP address")


def _is_host(host: str) -> bool:
    """Whether that is the name of a host, of any script, or an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return True
    try:
        name = host.encode("idna").decode()
    except UnicodeError:
        return False
    return len(name) <= 253 and _HOST_NAME.fullmatch(name) is not None


def _without_secrets(url: str) -> str:
    """`url` without user, password and query, however malformed it is."""
    return re.sub(r"^([^/?#]*//)?[^/?#]*@", r"\1…@", url.partition("?")[0])


def _short(value: str) -> str:
    """`value` quoted for an error: escaped, so that no control character leaves, and cut."""
    quoted = ascii(value) if not value.isprintable() else repr(value)
    return quoted if len(quoted) <= 60 else quoted[:56] + "…" + quoted[-1]

"""An incident bundle as one document: a job, a group of failures, a queue or a user with all that explains it, fit to be given
to others.

Texts bear no secrets (secrets.py): what readers have masked is masked again. Each part of the document is bounded, whatever was
read: what comes last in a part is left out first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from console.model.activity import OperationRow
from console.model.cause_words import words
from console.model.failure_groups import Group
from console.model.job import JobDetail
from console.model.masking import MASK
from console.model.pages import JobRow
from console.model.payload import BigInt, Call, Cut, Long, Many, Name, Pairs, Thing, Undecodable
from console.model.plain import plain
from console.model.queries import JobQuery, UserQuery, ViewQuery
from console.model.schedules import UserPage
from console.model.secrets import DEFAULT, Secrets, masked_call, masked_payload, masked_text
from console.model.status import Problem, QueueStatus, Refused, SchedulerStatus, ServerInfo
from console.model.text import decoded
from console.model.why.reasons import Reason
from console.model.workers import WorkerRow

MAX_PART: Final = 400_000
MAX_PAYLOAD: Final = 100_000
"""Characters of a part, and of one call, meta or result in it. Each value counts as EACH more than it has."""

EACH: Final = 24
MAX_TEXT: Final = 20_000
"""Characters of one text: of a longer one the beginning and the end are kept."""

MAX_ITEMS: Final = 100
MAX_ATTEMPTS: Final = 10
MAX_NAME: Final = 60
MAX_KEY: Final = 200
LEFT_OUT: Final = "… left out"

INSTANTS: Final = ("at", "as_of", "slot", "next_slots", "undo_until")
"""Fields that are instants, beside those that end with `_at`."""

_PAYLOAD = (BigInt, Cut, Long, Many, Name, Pairs, Thing, Undecodable)
_AT: Final = {
    **dict.fromkeys(("finished", "failed", "stopped"), "kept_until"),
    **dict.fromkeys(("scheduled", "retrying"), "due_at"),
    **dict.fromkeys(("deferred", "ready", "canceled", "rate limited"), "there_since"),
    "started": "trusted_until",
}
"""What the score of a job in its list says (pages.JobRow.at), by its state."""

_PLAIN_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a bundle is about: a job by its id, a queue by its name, or a user by its id, as Redis has them; or a group of
    failures by its fingerprint."""

    kind: Literal["job", "group", "queue", "user"]
    name: bytes


@dataclass(frozen=True, slots=True)
class Incident:
    """What was read of `subject` from `as_of` on. `queues` are those that it is in, or for which it waits; `queue_why` is why
    the first of them does not go on. `failed` are the newest failed jobs of a queue, a user or a group, whole; `listed` is what
    is next in a queue and what failed in it, or what failed last of a group. `window` says among how many failures the group
    was found. `audit` is what was done around it, `versions` is by program."""

    as_of: float
    subject: Subject
    why: tuple[Reason, ...]
    server: ServerInfo
    versions: Mapping[str, str]
    job: JobDetail | None = None
    user: UserPage | None = None
    group: Group | None = None
    window: str = ""
    queues: tuple[QueueStatus, ...] = ()
    queue_why: tuple[Reason, ...] = ()
    listed: tuple[JobRow, ...] = ()
    failed: tuple[JobDetail, ...] = ()
    workers: tuple[WorkerRow, ...] = ()
    schedulers: tuple[SchedulerStatus, ...] = ()
    problems: tuple[Problem, ...] = ()
    audit: tuple[OperationRow, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def missing(self) -> str:
        """Why there is nothing to tell of it, empty where there is."""
        return next((reason.message for reason in self.why if reason.code.startswith("no_such_")), "")


def subject(query: ViewQuery) -> Subject | None:
    """What a bundle of a screen is about, None where it is about nothing of which there is one."""
    match query:
        case JobQuery():
            return Subject("job", query.id)
        case UserQuery():
            return Subject("user", query.id.encode("utf-8", "surrogateescape"))
    return None


def folder_name(incident: Incident, secrets: Secrets = DEFAULT) -> str:
    """`incident-job-<id>-20260301T031200Z`: letters, digits, dots, dashes and underscores."""
    said = _PLAIN_NAME.sub("_", masked_text(decoded(incident.subject.name), secrets))[:MAX_NAME].strip("._-")
    at = datetime.fromtimestamp(incident.as_of, UTC).strftime("%Y%m%dT%H%M%SZ")
    return "-".join(filter(None, ("incident", incident.subject.kind, said, at)))


def document(incident: Incident, secrets: Secrets = DEFAULT) -> dict[str, Any]:
    """`incident` as JSON has it: texts, finite numbers, booleans, null, lists and objects. Instants are ISO 8601 in UTC,
    durations seconds. The attempts of a job are the last ones, the newest first."""

    def told(value: Any) -> Any:
        return _Telling(secrets).value(value)

    return {
        "incident": {
            "subject": incident.subject.kind,
            "name": told(incident.subject.name),
            "as_of": utc(incident.as_of),
        },
        "versions": told(incident.versions),
        "server": told(incident.server),
        "reasons": told([_reason(reason) for reason in incident.why]),
        "job": told(_last(incident.job)),
        "user": told(incident.user),
        "group": told(_group(incident)),
        "queues": told(incident.queues),
        "queue_reasons": told([_reason(reason) for reason in incident.queue_why]),
        "workers": told(incident.workers),
        "schedulers": told(incident.schedulers),
        "problems": told(incident.problems),
        "audit": told(incident.audit),
        "failed_jobs": [told(_last(job)) for job in incident.failed],
        "jobs": told(incident.listed),
        "unread": told(incident.refused),
    }


def _group(incident: Incident) -> dict[str, Any] | None:
    """A group with its cause in words, and with numbers by what they count."""
    group = incident.group
    if group is None:
        return None
    what, helps = words(group)
    named = {"top_users": dict(group.top_users), "tiers": dict(group.tiers)}
    known = {field.name: getattr(group, field.name) for field in fields(group)} | named
    ends = {"first_at": utc(group.first_at), "last_at": utc(group.last_at)}
    return {"window": incident.window, "what": what, "what_helps": helps} | known | ends


def _last(job: JobDetail | None) -> JobDetail | None:
    """With the last attempts only, the newest first: it is the oldest that there may be no room for."""
    return job and replace(job, attempts=job.attempts[: -MAX_ATTEMPTS - 1 : -1])


def _reason(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "weight": reason.weight, "message": reason.message, "remedy": reason.remedy}


class _Telling:
    """Makes values of a document until `room` is full; from there on it says that something is left out."""

    def __init__(self, secrets: Secrets, room: int = MAX_PART) -> None:
        self._secrets = secrets
        self._left = room

    def value(self, value: Any) -> Any:
        """What JSON has for it."""
        self._left -= EACH
        if self._left <= 0:
            return LEFT_OUT
        match value:
            case None | bool() | int():
                return value
            case float():
                return value if math.isfinite(value) else None
            case str():
                return self.text(value)
            case bytes():
                return self.text(decoded(value))
            case Call():
                return self._payload(_call(value, self._secrets))
            case _ if isinstance(value, _PAYLOAD):
                return self._payload(plain(masked_payload(value, self._secrets)))
            case Mapping():
                return self._mapping(value)
            case _ if is_dataclass(value):
                return self._fields(value)
        return self._items(value)

    def text(self, text: str) -> str:
        """A text without its secrets, and no longer than MAX_TEXT."""
        shown = masked_text(text, self._secrets)
        if len(shown) > MAX_TEXT:
            half = MAX_TEXT // 2
            shown = f"{shown[:half]}\n… {len(shown) - MAX_TEXT:,} characters left out …\n{shown[-half:]}"
        if len(shown) > self._left:
            self._left = 0
            return LEFT_OUT
        self._left -= len(shown)
        return shown

    def _payload(self, value: Any) -> Any:
        inner = _Telling(self._secrets, room := min(self._left, MAX_PAYLOAD))
        told = inner.value(value)
        self._left -= room - inner._left
        return told

    def _items(self, items: Sequence[Any]) -> list[Any]:
        told = []
        for item in items[:MAX_ITEMS]:
            if self._left <= 0:
                break
            told.append(self.value(item))
        more = len(items) - len(told)
        return [*told, f"… {more:,} more left out"] if more else told

    def _mapping(self, pairs: Mapping[Any, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for key, value in pairs.items():
            name = self.text(str(key))[:MAX_KEY]
            if len(told) >= MAX_ITEMS or self._left <= 0:
                told["…"] = f"{len(pairs) - len(told):,} more left out"
                break
            secret = self._secrets.named.search(str(key)) and value is not None and not isinstance(value, bool)
            told[name] = MASK if secret and value not in ("", b"") else self.value(value)
        return told

    def _fields(self, value: Any) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for field in fields(value):
            found = getattr(value, field.name)
            if field.name in ("key", "spec", "opens", "score", "rank") or (field.name == "missing" and not found):
                continue
            if isinstance(value, JobRow) and field.name == "at":
                told |= {_AT[value.state]: utc(found)} if found is not None and value.state in _AT else {}
                continue
            if field.name in INSTANTS or field.name.endswith("_at"):
                told[field.name] = [utc(at) for at in found] if isinstance(found, tuple) else utc(found)
            elif field.name == "log":
                told[field.name] = self._log(found)
            else:
                told[field.name] = self.value(found)
        return told

    def _log(self, lines: Iterable[tuple[float | None, str]]) -> list[Any]:
        return self._items([{"at": utc(at), "message": message} for at, message in list(lines)[-MAX_ITEMS:]])


def _call(call: Call, secrets: Secrets) -> dict[str, Any]:
    shown = masked_call(call, secrets)
    assert isinstance(shown, Call), "what is no call is masked as what it is"
    return {
        "function": shown.function,
        "instance": plain(shown.instance),
        "args": [plain(value) for value in shown.args],
        "kwargs": {str(plain(key)): plain(value) for key, value in shown.kwargs},
    }


def utc(at: float | None) -> str | None:
    """An instant (epoch seconds) as ISO 8601; None where no calendar has it."""
    try:
        there = None if at is None else datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return None if there is None else there.isoformat(timespec="milliseconds").replace("+00:00", "Z")

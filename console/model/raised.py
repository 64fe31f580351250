"""What a job's failure was, out of what RQ keeps of it: a traceback of any kind, or the line that it writes in place of one.

Whoever raises an exception writes its message, so nothing in it is believed: neither "Traceback" nor frames nor titles that
look like those between the exceptions of a chain. Texts of any size are read at their beginning and their end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from console.model.constant_parts import constant, constants
from console.model.secrets import DEFAULT, Secrets, masked_text

Cause = Literal["raised", "timed out", "killed", "lost worker", "stopped", "undecodable", "gave up", "unknown"]
"""Why a job failed. `killed`: its work-horse ended without a word; `lost worker`: its worker did; `undecodable`: its call, or
what was kept of its failure, cannot be read; `gave up`: it asked for another try and had none left; `unknown`: nothing is kept
that says it."""

MOST_READ: Final = 262_144
"""Characters of a text that are read: half of them where it begins, half where it ends."""

MOST_KEPT: Final = 16_384
"""Characters of the frames of a traceback that are remembered."""

MOST_FRAMES: Final = 48
MOST_IN_GROUP: Final = 8
"""Classes of the exceptions in a group that are told."""

MOST_SAID: Final = 300
MOST_NAME: Final = 200


class Raised(NamedTuple):
    """A failure. `exception` is the class that was raised last, with its module; of what no exception was seen, a name in its
    place. `message` is the constant part of what it said. `frames` are (file, function) of the exception that was raised last,
    the outermost first, MOST_FRAMES at the most. `anywhere`: it can strike at any line, so that its frames say nothing.

    `said` is one message as it was, and `because` the exception at the root of its chain: they make no difference."""

    cause: Cause
    exception: str
    message: str
    frames: tuple[tuple[str, str], ...] = ()
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What one failure said: its message in one line, without secrets, and the exception at the root of its chain, empty where
    there was one alone."""

    message: str = ""
    because: str = ""


UNREADABLE: Final = Raised("undecodable", "", "what was kept of its failure cannot be read")
NOTHING_KEPT: Final = Raised("unknown", "", "nothing is kept of its failure")
TOO_LARGE: Final = Raised("unknown", "", "what was kept of its failure is too large to be read")
RAN_AGAIN: Final = Raised("unknown", "", "its newest result is a success: it has run again since it failed")
HASH_GONE: Final = Raised("unknown", "", "its hash is gone")
STOPPED: Final = Raised("stopped", "", "stopped by an operator")
GAVE_UP: Final = Raised("gave up", "", "it asked for another try, and had no more")
LOST: Final = Raised("lost worker", "AbandonedJobError", "its worker was lost: no heartbeat from it any more")
NEVER_BEGUN: Final = Raised("lost worker", "AbandonedJobError", "its worker was lost before it began")

TIMEOUTS: Final = frozenset({"rq.timeouts.JobTimeoutException"})
UNREADABLE_CALLS: Final = frozenset({"rq.exceptions.DeserializationError"})
ANYWHERE: Final = TIMEOUTS | {"rq.exceptions.ShutDownImminentException", "RecursionError", "MemoryError", "KeyboardInterrupt"}

_HEAD: Final = "Traceback (most recent call last):\n"
_GROUP_HEAD: Final = "  + Exception Group Traceback (most recent call last):\n"
_HEADS: Final = (_HEAD, _GROUP_HEAD)
_NEXT: Final = re.compile(
    r"\n\n(?:The above exception was the direct cause of the following exception"
    r"|During handling of the above exception, another exception occurred):\n\n"
    rf"(?={re.escape(_HEAD)}|{re.escape(_GROUP_HEAD)})"
)
"""What stands between two exceptions of a chain."""

_BY_RQ: Final = re.compile(
    r"(?:Traceback [^\n]*\n|  \+ Exception Group Traceback [^\n]*\n)(?:  \| )?  File \"[^\"\n]*[/\\]rq[/\\](?:worker|job|local)"
)
"""The exception that reached RQ's worker: its first frame is the worker's own."""

_PLAIN: Final = re.compile(rf"{re.escape(_HEAD)}((?:[ ].*+\n)*+)([A-Za-z_][\w.]{{0,{MOST_NAME}}}+): ((?s:.)*+)")
"""A traceback of one exception that is in no chain: its frames, its class, and what it said."""

_RAISED: Final = re.compile(r"\n(?=\S)")
_RAISED_IN_GROUP: Final = re.compile(r"\n  \| (?=\S)")
_FRAME: Final = re.compile(r'^(?:  \| )?  File "([^"\n]*)", line \d+(?:, in ([^\n]*))?$', re.MULTILINE)
_CLASS: Final = re.compile(r"[^\W\d][\w.<>]*(?=:|\s|\Z)")
_NAMED: Final = re.compile(r"[^\W\d][\w.]{0,200}:(?=\s)")
_RULE: Final = re.compile(r"^ *\+-[-+ ]*[\d.]+ -+\n", re.MULTILINE)
_MEMBER: Final = re.compile(r"^(?: *\|)+ ([^\W\d][\w.<>]*)(?=:|$)", re.MULTILINE)
_SUB_EXCEPTIONS: Final = re.compile(r" \(\d+ sub-exceptions?\)")
_WAITPID: Final = re.compile(
    r"Work-horse (?:process )?(?:was )?terminated unexpectedly.{0,20}?waitpid returned (None|\d{1,9})", re.S
)


def raised(text: str, secrets: Secrets = DEFAULT) -> Raised:
    """What `text` tells, which RQ has kept of a failure."""
    return raised_each((text,), secrets)[0]


def raised_each(texts: Iterable[str], secrets: Secrets = DEFAULT) -> list[Raised]:
    """What each of the texts tells: of many together in half the time."""
    found: list[Raised] = []
    named: list[tuple[int, str, str, str]] = []
    messages: list[tuple[str, bool]] = []
    for at, text in enumerate(map(_bounded, texts)):
        found.append(NOTHING_KEPT)
        plain = _PLAIN.match(text)
        if plain is not None and "\n\n" not in plain[3]:
            region, name, message = plain.groups()
            message = message.strip()
            exception = name
        elif text.startswith(_HEADS):
            head, begin, name, message, members = _last(text)[2:]
            if begin is None:
                found[at] = Raised("raised", "", "its traceback has no end", _frames(text[head:]))
                continue
            exception, region = name + members, text[head:begin]
        else:
            found[at] = _told(text, secrets)
            continue
        named.append((at, exception, name, region))
        status_first = "HTTP" in name or "Http" in name or "Status" in name
        messages.append((message if name != "RecursionError" else "", status_first))
    for (at, exception, name, region), message in zip(named, constants(messages, secrets), strict=True):
        same = _same if len(region) <= MOST_KEPT else _same.__wrapped__
        found[at] = same(exception, name, message, region)
    return found


@lru_cache(maxsize=4_096)
def _same(exception: str, name: str, message: str, region: str) -> Raised:
    """The one object for all failures that are told the same, so that whoever has seen it knows it again."""
    cause: Cause = "timed out" if name in TIMEOUTS else "undecodable" if name in UNREADABLE_CALLS else "raised"
    return Raised(cause, exception[:MOST_NAME], message, _frames(region), name in ANYWHERE)


def said(text: str, secrets: Secrets = DEFAULT) -> Said:
    """The words of one failure, for an example of its kind."""
    text = _bounded(text)
    if not text.startswith(_HEADS):
        return Said(_shown(text, secrets))
    start, first_end, _, _, _, message, _ = _last(text)
    because = ""
    if start and (root := _RAISED.search(text, len(_HEAD))) is not None:
        name, rest = _class(text[root.end() : max(root.end(), first_end)])
        told = _shown(rest, secrets)
        because = f"{name}: {told}" if told and name else name or told
    return Said(_shown(message, secrets), because)


def _bounded(text: str) -> str:
    if len(text) > MOST_READ:
        text = text[: MOST_READ // 2] + "\n" + text[-MOST_READ // 2 :]
    return text.replace("\r\n", "\n") if "\r" in text else text


def _last(text: str) -> tuple[int, int, int, int | None, str, str, str]:
    """The exception of a chain that reached the worker: where it begins, where the first one of the chain ends, where its
    frames begin, from where on its class and its message are told (None: it was cut off before that), these, and the classes of
    the exceptions in it where it is a group."""
    start, first_end = _chain(text) if "\n\n" in text else (0, len(text))
    grouped = text.startswith(_GROUP_HEAD, start)
    head = start + len(_GROUP_HEAD if grouped else _HEAD)
    found = (_RAISED_IN_GROUP if grouped else _RAISED).search(text, head - 1)
    if found is None:
        return start, first_end, head, None, "", "", ""
    begin = found.end()
    if not grouped:
        name, message = _class(text[begin:])
        return start, first_end, head, begin, name, message, ""
    rule = _RULE.search(text, begin)
    # Each line of it stands behind a margin.
    name, message = _class(text[begin : None if rule is None else rule.start()].replace("\n  | ", "\n"))
    members = _members(text, rule.start()) if rule else ""
    return start, first_end, head, begin, name, _SUB_EXCEPTIONS.sub("", message, count=1), members


def _chain(text: str) -> tuple[int, int]:
    """Where the exception begins that reached the worker, and where the first one ends. That is the last one of the chain, or
    the last one of those that begin in RQ's code: what follows that one is a part of its message."""
    starts, ends = [0], []
    at = 0
    while found := _NEXT.search(text, at):
        ends.append(found.start())
        starts.append(found.end())
        at = found.end()
    if not ends:
        return 0, len(text)
    return next((start for start in reversed(starts) if _BY_RQ.match(text, start)), starts[-1]), ends[0]


def _class(text: str) -> tuple[str, str]:
    """The class of the exception that a text begins with, and its message with all that follows; no class where it begins
    otherwise."""
    found = _CLASS.match(text, 0, 1_000)
    if found is None:
        return "", text
    return found[0], text[found.end() :].removeprefix(":").strip()


def _members(text: str, at: int) -> str:
    """The classes of the exceptions in a group, each once, in the order of their names."""
    names: set[str] = set()
    while (rule := _RULE.search(text, at)) is not None and len(names) < 4 * MOST_IN_GROUP:
        found = _MEMBER.search(text, rule.end())
        at = rule.end()
        if found is not None:
            names.add(found[1])
    told = sorted(names)[:MOST_IN_GROUP]
    return f" ({', '.join(told)}{', …' if len(names) > MOST_IN_GROUP else ''})" if told else ""


def _frames(region: str) -> tuple[tuple[str, str], ...]:
    """The frames between the head of a traceback and what was raised."""
    found = [(file[-MOST_NAME:], name[:MOST_NAME]) for file, name in _FRAME.findall(region)]
    if len(found) > MOST_FRAMES:
        # Of a recursion, how it was come to and where it ended.
        found = found[: MOST_FRAMES // 2] + found[-MOST_FRAMES // 2 :]
    return tuple(found)


def _told(text: str, secrets: Secrets) -> Raised:
    """What RQ says where it has no traceback (rq.worker, rq.registry, rq.intermediate_queue)."""
    line = text.strip()
    if line.startswith("Job stopped by user"):
        return STOPPED
    if line.startswith("Work-horse") and (found := _WAITPID.match(line)):
        return _killed(found[1])
    if line.startswith("Moved to ") and "AbandonedJobError" in line[:200]:
        return LOST
    if line.startswith("Job was stuck in intermediate queue"):
        return NEVER_BEGUN
    if not line:
        return NOTHING_KEPT
    name, message = _class(line) if _NAMED.match(line) else ("", line)
    return Raised("raised", name[:MOST_NAME], constant(message, secrets))


def _killed(status: str) -> Raised:
    """A work-horse that ended without a word, by what os.waitpid said of it."""
    if status == "None":
        return Raised("killed", "WorkHorseGone", "work-horse ended, and nobody saw how")
    code = int(status)
    if code & 0x7F:
        why = " (out of memory?)" if code & 0x7F == 9 else ""
        return Raised("killed", "KilledByOS", f"work-horse ended by signal {code & 0x7F}{why}")
    return Raised("killed", "WorkHorseExit", f"work-horse ended with status {code >> 8}")


def _shown(message: str, secrets: Secrets) -> str:
    """The beginning of a message, in one line, without secrets."""
    # Masked before it is cut: a secret in two parts might not be known for one.
    line = " ".join(masked_text(message[: 4 * MOST_SAID], secrets).split())
    return line if len(line) <= MOST_SAID else line[: MOST_SAID - 1] + "…"

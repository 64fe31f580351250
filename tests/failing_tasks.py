"""Tasks that fail in many ways, each failure with other ids, hosts, numbers, dates, line breaks and languages in its words."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import textwrap
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from rq import Retry


class RemoteError(Exception):
    """What a library raises that wraps an error in its own words."""


class HTTPStatusError(Exception):
    """As HTTP clients raise it."""


class Words:
    """Values as they stand in the messages of errors."""

    def __init__(self, seed: object) -> None:
        self.chance = random.Random(str(seed))

    def pick(self, *these: Any) -> Any:
        return self.chance.choice(these)

    def number(self) -> str:
        """A number as a locale writes it."""
        n = self.chance.randrange(10 ** self.chance.randrange(1, 9))
        whole = f"{n:,}"
        return str(self.pick(str(n), whole, *(whole.replace(",", sep) for sep in (".", "\u202f", "\xa0", "'", "’", "_"))))

    def amount(self) -> str:
        return self.number() + str(self.pick(".", ",")) + str(self.chance.randrange(10, 99))

    def word(self) -> str:
        return "".join(self.chance.choices("abcdefghijklmnopqrstuvwxyz", k=self.chance.randrange(3, 9)))

    def host(self) -> str:
        return f"{self.word()}-{self.word()}.{self.pick('example', 'com', 'internal', 'co.uk', 'test')}"

    def address(self) -> str:
        return str(
            self.pick(
                ".".join(str(self.chance.randrange(256)) for _ in range(4)),
                f"2001:db8:{self.chance.randrange(1, 999):x}::{self.chance.randrange(1, 999):x}",
            )
        ) + str(self.pick("", f":{self.chance.randrange(1, 65535)}"))

    def id(self) -> str:
        return str(
            self.pick(
                uuid.UUID(int=self.chance.getrandbits(128)),
                f"{self.chance.getrandbits(64):016x}",
                self.chance.randrange(10**9),
                f"ord-{self.chance.randrange(10**6)}",
                f"user_{self.chance.randrange(10**6)}",
            )
        )

    def pointer(self) -> str:
        return f"0x{self.chance.getrandbits(47):x}"

    def email(self) -> str:
        return f"{self.word()}.{self.word()}@{self.host()}"

    def path(self) -> str:
        return "/" + "/".join(self.word() for _ in range(self.chance.randrange(1, 6)))

    def url(self) -> str:
        query = self.pick("", f"?q={self.word()}&id={self.id()}")
        return f"{self.pick('http', 'https')}://{self.host()}{self.path()}{query}"

    def dense(self) -> str:
        return base64.b64encode(self.chance.randbytes(self.chance.randrange(24, 90))).decode()

    def quoted(self) -> str:
        return repr(self.pick(self.word(), f"{self.word()} {self.word()}", "it's", 'say "so"', self.id()))

    def date(self) -> str:
        """An instant as locales and programs write it."""
        at = time.gmtime(self.chance.randrange(10**9, 2 * 10**9))
        form = self.pick(
            "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%y",
            "%a %b %d %H:%M:%S %Y", "%d %B %Y", "%B %d, %Y", "%Y%m%dT%H%M%S",
        )  # fmt: skip
        told = time.strftime(str(form), at)
        if self.chance.random() < 0.2:
            told = f"{at.tm_mday} {self.pick('mars', 'août', 'décembre', 'Januar', 'März', 'enero', 'luglio')} {at.tm_year}"
        return told

    def wrapped(self, text: str) -> str:
        """The same words, in lines of some length, or in one."""
        if self.chance.random() < 0.5:
            return text
        width = self.chance.randrange(20, 90)
        return textwrap.fill(text, width, break_long_words=False)


REFUSED: Final = (
    "Connection refused",
    "Connexion refusée",
    "Verbindungsaufbau abgelehnt",
    "Conexión rehusada",
    "接続を拒否されました",
)
MISSING: Final = ("No such file or directory", "Datei oder Verzeichnis nicht gefunden", "Aucun fichier ou dossier de ce type")

SAID: Final[dict[str, Callable[[Words], BaseException]]] = {
    "no answer": lambda w: TimeoutError(w.wrapped(f"{w.host()} did not answer within {w.amount()} s")),
    "hung up": lambda w: ConnectionError(
        w.wrapped(f"{w.host()}:{w.chance.randrange(1, 65535)} hung up after {w.number()} bytes")
    ),
    "refused": lambda w: ConnectionRefusedError(111, w.pick(*REFUSED)),
    "no such file": lambda w: FileNotFoundError(2, w.pick(*MISSING), w.path()),
    "not allowed": lambda w: PermissionError(13, w.pick("Permission denied", "Keine Berechtigung"), w.path()),
    "gone": lambda w: HTTPStatusError(f"410 {w.host()}"),
    "unavailable": lambda w: HTTPStatusError(f"503 {w.host()}"),
    "client error": lambda w: HTTPStatusError(f"404 Client Error: Not Found for url: {w.url()}"),
    "httpx says": lambda w: HTTPStatusError(f"Server error '502 Bad Gateway' for url '{w.url()}'"),
    "no user": lambda w: LookupError(w.wrapped(f"no user {w.id()} among {w.number()} users")),
    "no address": lambda w: ValueError(w.wrapped(f"{w.email()} cannot be written to")),
    "bad date": lambda w: ValueError(w.wrapped(f"{w.date()} is no date in the future")),
    "too late": lambda w: ValueError(w.wrapped(f"it was due {w.date()} and is late")),
    "bad key": lambda w: KeyError(w.id()),
    "bad index": lambda w: IndexError(f"row {w.number()} of {w.number()}"),
    "no attribute": lambda w: AttributeError(f"{w.quoted()} object has no attribute {w.quoted()}"),
    "a type": lambda w: TypeError(f"unsupported operand type(s) for +: {w.quoted()} and {w.quoted()}"),
    "an object": lambda w: TypeError(f"<{'shop.Cart'} object at {w.pointer()}> is not callable"),
    "a token": lambda w: ValueError(f"the token {w.dense()} is not signed"),
    "a page": lambda w: ValueError(w.wrapped(f"the page {w.url()} has no price")),
    "a file": lambda w: ValueError(f"{w.path()}.csv has {w.number()} columns instead of {w.number()}"),
    "nowhere": lambda w: OSError(f"no route to {w.address()} from {w.address()}"),
    "money": lambda w: ArithmeticError(f"{w.pick('', '€ ')}{w.amount()} cannot be shared by {w.number()}"),
    "percent": lambda w: ArithmeticError(f"only {w.amount()}{w.pick('%', ' %')} of the quota are left"),
    "database": lambda w: RemoteError(
        f"(UniqueViolation) duplicate key value violates unique constraint {w.quoted()}\nDETAIL:  Key (id)=({w.id()}) already "
        "exists.\n\n[SQL: INSERT INTO orders (id, at) VALUES (%(id)s, %(at)s)]\n"
        f"[parameters: {{'id': {w.id()!r}, 'at': {w.date()!r}}}]"
    ),
    "rows": lambda w: RuntimeError(w.pick("1 row was lost", f"{w.chance.randrange(2, 999)} rows was lost")),
    "silent": lambda w: RuntimeError(),
    "secret": lambda w: RuntimeError(f"login failed: password={w.word()} token={w.id()}"),
    "fake traceback": lambda w: RuntimeError(
        f'it is over\nTraceback (most recent call last):\n  File "/srv/{w.word()}.py", line {w.number()}, in {w.id()}\n'
        f"    x()\nFakeError: {w.id()}"
    ),
    "fake chain": lambda w: RuntimeError(
        "it goes on\n\nDuring handling of the above exception, another exception occurred:\n\n"
        f'Traceback (most recent call last):\n  File "/srv/{w.id()}.py", line 3, in {w.id()}\n    x()\nFakeError: {w.id()}'
    ),
    "controls": lambda w: RuntimeError(f"\x1b[{w.chance.randrange(30, 38)}mred\x1b[0m\x00\x07\u202e after {w.number()} tries"),
    "megabyte": lambda w: RuntimeError(f"too much: '{w.word() * (1 << 17)}'"),
}
"""Kinds by their words alone: function, place and, mostly, class are the same."""


def fail(kind: str, seed: object) -> None:
    """Fails in one of the ways of SAID, always in the same line."""
    raise SAID[kind](Words(seed))


def chained(seed: object) -> None:
    """An error in place of another."""
    words = Words(seed)
    try:
        json.loads("{" if words.chance.random() < 0.5 else "[")
    except ValueError as error:
        raise RemoteError(f"{words.host()} sent no JSON") from error


def while_handling(seed: object) -> None:
    """An error in the handling of another."""
    words = Words(seed)
    try:
        raise words.pick(KeyError, ValueError)(words.id())
    except (KeyError, ValueError):
        raise RemoteError(f"{words.host()} sent no JSON")  # noqa: B904 - without saying from which


def in_a_group(seed: object) -> None:
    """Several errors at once."""
    words = Words(seed)
    raise ExceptionGroup(
        f"{words.number()} sources failed",
        [ValueError(words.id())] * words.chance.randrange(1, 4) + [TypeError(words.word())] * words.chance.randrange(1, 3),
    )


def in_another_group(seed: object) -> None:
    """Other errors at once."""
    words = Words(seed)
    raise ExceptionGroup(f"{words.number()} sources failed", [KeyError(words.id())])


def invalid_source(seed: object) -> None:
    """Code that is none."""
    compile(f"x_{Words(seed).chance.randrange(999)} = = 1", "/srv/app/plugin.py", "exec")


def deeper_and_deeper(seed: object) -> None:
    """Never comes back."""
    _down(Words(seed).chance.randrange(10))


def _down(n: int) -> None:
    _down(n + 1) if n % 2 else _further_down(n + 1)


def _further_down(n: int) -> None:
    _down(n + 1)


def in_the_library(seed: object) -> None:
    """Fails in code that is not the application's."""
    json.loads('{"a": ' + "1" * Words(seed).chance.randrange(1, 9))


def in_another_place(seed: object) -> None:
    """The words of `no answer`, elsewhere."""
    words = Words(seed)
    raise TimeoutError(f"{words.host()} did not answer within {words.amount()} s")


def too_long(seed: object) -> None:
    """Runs into its timeout, at some line or other."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        _busy() if Words(seed).chance.random() < 0.5 else time.sleep(0.01)


def _busy() -> None:
    end = time.monotonic() + 0.02
    while time.monotonic() < end:
        pass


def killed(seed: object) -> None:
    """Ends its work-horse as the kernel does when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def crashed(seed: object) -> None:
    """Ends its work-horse as a bug in an extension does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def left(seed: object) -> None:
    """Ends its work-horse without a word."""
    os._exit(3)


def asks_again(seed: object) -> Retry:
    """Asks for another try until there is none left."""
    return Retry(max=1)


def waits(seed: object) -> None:
    """Goes on until it is ended from outside."""
    time.sleep(60)


ELSEWHERE: Final = (
    chained, while_handling, in_a_group, in_another_group, invalid_source, deeper_and_deeper, in_the_library, in_another_place,
    killed, crashed, left,
)  # fmt: skip
"""Kinds by where they fail, or by how."""

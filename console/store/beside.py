"""A second process that takes tracebacks apart while this one reads on: half of what grouping costs is that, and Python does
one thing at a time in one process.

It is told no server and no secret: it is given packed tracebacks and the names whose values are masked, and answers with what
they tell. It lives as long as one grouping, and ends with whoever started it, however that ends. Where it cannot be started,
dies, or answers something else or nothing, all is done here.
"""

from __future__ import annotations

import contextlib
import fcntl
import marshal
import os
import select
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Final

from console.model.raised import Raised
from console.model.secrets import Secrets
from console.store.tracebacks import Here

AHEAD: Final = 8
"""Stretches that are given to it before the first is answered."""

HEAD: Final = 4
"""Bytes that say how long the message is that follows."""

MOST_TOLD: Final = 4_096
"""Different failures that are told by their number from then on; after that many all are told anew."""

LONGEST: Final = 1 << 26
"""Bytes of a message. Longer ones are none of its."""

WAIT_S: Final = 10.0
"""Seconds after which one that does not answer is given up: it takes milliseconds."""

ENVIRONMENT: Final = ("PATH", "LANG", "LC_", "LD_", "HOME", "TMPDIR", "PYTHON")
"""What the names of variables begin with that it is given: others may hold the address of a server."""

PIPE: Final = 1 << 20
"""Bytes of a pipe between the two, where the system lets it have as many: neither waits for the other to come to it."""


@dataclass(frozen=True, slots=True)
class Second:
    """The process, and the pipes to it and from it."""

    process: subprocess.Popen[bytes]
    to: IO[bytes]
    by: IO[bytes]


class Beside:
    """Telling (tracebacks.py) by a process of its own."""

    ahead = AHEAD

    def __init__(self, secrets: Secrets) -> None:
        self._here = Here(secrets)
        self._secrets = secrets
        self._asked: deque[tuple[Sequence[bytes], list[bytes] | None]] = deque()
        self._out = bytearray()
        self._in = bytearray()
        self._told: list[Raised] = []
        self.ready = False
        """Whether it answers: before it does, and when it does not any more, all is told here."""
        self._second: Second | None = None

    def __enter__(self) -> Beside:
        if not sys.executable:
            return self
        try:
            # Nobody's module in the folder that the console was started in is taken for one of ours; and what a terminal
            # sends to the console is none of its business.
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "console.store.beside"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if name.startswith(ENVIRONMENT)},
                bufsize=0,
                start_new_session=True,
            )
        except OSError:
            return self
        to, by = process.stdin, process.stdout
        assert to is not None
        assert by is not None
        for pipe in (to, by):
            os.set_blocking(pipe.fileno(), False)
            widen(pipe)
        self._second = Second(process, to, by)
        self._out += message(self._secrets.more)
        self._pump()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    @property
    def pid(self) -> int | None:
        """The process, None where there is none."""
        return None if self._second is None else self._second.process.pid

    def ask(self, packs: Sequence[bytes]) -> None:
        self._pump()
        given = None
        if self.ready:
            given = [packed for packed in dict.fromkeys(packs) if packed]
            self._out += message(given)
            self._pump()
        self._asked.append((packs, given))

    def answer(self) -> dict[bytes, Raised]:
        packs, given = self._asked.popleft()
        if given is not None and (answered := self._message()) is not None:
            anew, new, places = answered
            if anew:
                self._told = []
            self._told += [Raised(cause, name, words, frames, anywhere) for cause, name, words, frames, anywhere in new]
            return dict(zip(given, [self._told[place] for place in places], strict=True))
        return self._here.tell(packs)

    def _message(self) -> Any:
        """The next message of the process; None where it is gone."""
        while self._second is not None:
            size = HEAD + int.from_bytes(self._in[:HEAD], "big")
            if size > LONGEST:
                self._end()
            elif len(self._in) >= max(size, HEAD + 1):
                body = self._in[HEAD:size]
                del self._in[:size]
                try:
                    return marshal.loads(body)  # noqa: S302 - of our own process, and it makes no objects of classes
                except (EOFError, TypeError, ValueError):
                    self._end()
            else:
                self._pump(WAIT_S)
        return None

    def _pump(self, wait_s: float = 0.0) -> None:
        """Write and read as much as goes without waiting, after waiting so long at the most until something does."""
        second = self._second
        if second is None:
            return
        to, by = second.to, second.by
        try:
            while True:
                readable, writable, _ = select.select([by], [to] if self._out else [], [], wait_s)
                if not readable and not writable:
                    if wait_s:
                        self._end()
                    break
                wait_s = 0.0
                if writable:
                    del self._out[: os.write(to.fileno(), memoryview(self._out)[:PIPE])]
                if readable:
                    received = os.read(by.fileno(), PIPE)
                    if not received:
                        self._end()
                        return
                    self._in += received
        except (OSError, ValueError):
            # Also where this process has more files open than can be waited for.
            self._end()
            return
        if not self.ready and len(self._in) >= len(HELLO):
            self.ready = self._in.startswith(HELLO)
            del self._in[: len(HELLO)]
            if not self.ready:
                # Somebody else writes where it answers.
                self._end()

    def _end(self) -> None:
        second, self._second = self._second, None
        if second is None:
            return
        self.ready, self._out, self._in, self._told = False, bytearray(), bytearray(), []
        second.process.kill()
        second.process.wait()
        for pipe in (second.to, second.by):
            with contextlib.suppress(OSError):
                pipe.close()


def message(what: Any) -> bytes:
    """What goes from one to the other."""
    packed = marshal.dumps(what)
    return len(packed).to_bytes(HEAD, "big") + packed


HELLO: Final = message(())
"""What it says first."""


def widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold PIPE bytes, where that can be said and is allowed."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE)


def main() -> None:
    """Answer what comes in, until nothing does any more."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer

    def comes() -> Any:
        head = asked.read(HEAD)
        body = asked.read(int.from_bytes(head, "big"))
        return marshal.loads(body) if len(head) == HEAD and body else None  # noqa: S302 - of the process that started this one

    here = Here(Secrets(tuple(comes() or ())))
    answers.write(HELLO)
    answers.flush()
    # By identity, each with the object itself, lest another one is given its id: to compare what they tell takes longer.
    places: dict[int, tuple[Raised, int]] = {}
    while (packs := comes()) is not None:
        found = here.tell(packs)
        new: list[tuple[Any, ...]] = []
        told = []
        if anew := len(places) > MOST_TOLD:
            places.clear()
        for packed in packs:
            why = found[packed]
            place = places.get(id(why))
            if place is None:
                place = places[id(why)] = why, len(places)
                new.append(tuple(why))
            told.append(place[1])
        answers.write(message((anew, new, told)))
        answers.flush()


if __name__ == "__main__":
    main()

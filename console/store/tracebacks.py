"""What packed tracebacks tell (rq.results keeps them as base64 of zlib), taken apart in this process, or in one beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from console.model import raised as told
from console.model.payload import Undecodable
from console.model.raised import Raised
from console.model.secrets import Secrets
from console.store import decoding

MOST_UNPACKED: Final = 1 << 20
"""Characters of tracebacks that are read together, but for the last one of them."""

MOST_KNOWN: Final = 2_000
"""Tracebacks that are remembered, packed ones of SHORT bytes at the most."""

SHORT: Final = 4_096


class Telling(Protocol):
    """Takes tracebacks apart. Of `ahead` stretches, and one more, may be asked before the first answer is taken. Answers come
    in the order of the questions."""

    ahead: int

    def ask(self, packs: Sequence[bytes]) -> None:
        """Take these apart, among which an empty one stands for none."""

    def answer(self) -> dict[bytes, Raised]:
        """What each of those tells that were asked of first."""


class Here:
    """Takes them apart in this process, when the answer is wanted."""

    ahead = 0

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._known: dict[bytes, Raised] = {}
        self._asked: deque[Sequence[bytes]] = deque()

    def ask(self, packs: Sequence[bytes]) -> None:
        self._asked.append(packs)

    def answer(self) -> dict[bytes, Raised]:
        return self.tell(self._asked.popleft())

    def tell(self, packs: Iterable[bytes]) -> dict[bytes, Raised]:
        """What these tell. The same one, byte by byte, is taken apart once, if not too many come between."""
        known = self._known
        found = {packed: known[packed] for packed in packs if packed in known}
        texts: dict[bytes, str] = {}
        size = 0
        for packed in packs:
            if not packed or packed in found or packed in texts:
                continue
            trace = decoding.traceback(packed)
            if isinstance(trace, Undecodable):
                found[packed] = told.UNREADABLE
                continue
            texts[packed] = trace
            size += len(trace)
            if size > MOST_UNPACKED:
                found.update(self._read(texts))
                texts, size = {}, 0
        found.update(self._read(texts))
        return found

    def _read(self, texts: dict[bytes, str]) -> dict[bytes, Raised]:
        found = dict(zip(texts, told.raised_each(texts.values(), self._secrets), strict=True))
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known.update({packed: why for packed, why in found.items() if len(packed) <= SHORT})
        return found

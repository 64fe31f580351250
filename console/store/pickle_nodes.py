"""The nodes that a pickle builds while it is read, and the values that are kept of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from console.model.payload import BigInt, Cut, Long, Many, Name, Pairs, Thing, Value

MAX_NODES: Final = 10_000
MAX_MEMBERS: Final = 2_000
"""Values that are kept, and of them in one container. A call's function, arguments and keywords are counted apart."""

MAX_DEPTH: Final = 60
MAX_TEXT: Final = 20_000


@dataclass(eq=False, slots=True)
class Node:
    """A value under construction: kind is a sequence's name, dict, object or name; a memo may hold it while it grows."""

    kind: str
    items: list[Any] = field(default_factory=list)
    made_by: Any = None
    state: Any = None


def frozen(raw: Any) -> Value:
    """The value that `raw` stands for, within the limits; a node inside itself is cut."""
    return _Freezing().value(raw, 0)


class _Freezing:
    def __init__(self) -> None:
        self.left = MAX_NODES
        self.inside: set[int] = set()

    def value(self, raw: Any, depth: int) -> Value:
        self.left -= 1
        if not isinstance(raw, Node):
            return raw if raw is None or isinstance(raw, bool | int | float | str | bytes | Long | BigInt) else Cut("unknown")
        if id(raw) in self.inside:
            return Cut("recursive")
        if depth >= MAX_DEPTH:
            return Cut("deep")
        if self.left <= 0:
            return Cut("many")
        self.inside.add(id(raw))
        try:
            return self.node(raw, depth)
        finally:
            self.inside.discard(id(raw))

    def node(self, raw: Node, depth: int) -> Value:
        if raw.kind == "name":
            return Name(str(raw.items[0])[:200], str(raw.items[1])[:200])
        below = depth + 1
        if raw.kind == "dict":
            pairs = tuple((self.value(key, below), self.value(value, below)) for key, value in self.within(raw.items, depth))
            return Pairs(pairs, len(raw.items) - len(pairs))
        made_by = self.value(raw.made_by, below)
        items = tuple(self.value(item, below) for item in self.within(raw.items, depth))
        if raw.kind == "object":
            return Thing(made_by, items, self.value(raw.state, below))
        return Many(raw.kind, items, len(raw.items) - len(items))

    def within(self, items: list[Any], depth: int) -> Iterator[Any]:
        for item in items[:MAX_MEMBERS]:
            if depth == 0 and len(items) <= 4:
                self.left = MAX_NODES
            if self.left <= 0:
                return
            yield item

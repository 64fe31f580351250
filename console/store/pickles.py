"""Reading a pickle without unpickling it.

A pickle is a program for a stack machine, and Python's own machine imports and calls whatever that program names. This one runs
over `pickletools.genops`, which only splits the bytes into opcodes, and builds inert nodes: a class is its name, a call is a
Thing. Nothing is imported, called, hashed or compared, so no payload can execute, and none can exhaust the C stack.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from console.model.payload import Cut, Long, Many, Name, Pairs, Thing, Value

MAX_BYTES: Final = 4 << 20
MAX_OPCODES: Final = 400_000
MAX_NODES: Final = 20_000
MAX_DEPTH: Final = 60
MAX_TEXT: Final = 20_000


class NotAPickle(ValueError):
    """The bytes are no pickle, or one that exceeds a limit; the message says which."""


@dataclass(eq=False, slots=True)
class _Node:
    """A value under construction: kind is a sequence's name, dict, object or name; a memo may hold it while it grows."""

    kind: str
    items: list[Any] = field(default_factory=list)
    made_by: Any = None
    state: Any = None


_MARK: Final = object()


def read(data: bytes) -> Value:
    """What the pickle `data` says. Raises NotAPickle."""
    if len(data) > MAX_BYTES:
        raise NotAPickle(f"{len(data):,} bytes; at most {MAX_BYTES:,} are read")
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if count >= MAX_OPCODES:
                raise NotAPickle(f"more than {MAX_OPCODES:,} opcodes")
            machine.step(opcode.name, argument)
        return _Frozen().value(machine.result, 0)
    except NotAPickle:
        raise
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, UnicodeError, OverflowError) as error:
        raise NotAPickle(f"{type(error).__name__}: {str(error)[:200]}") from None


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.result: Any = None

    def step(self, name: str, argument: Any) -> None:
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _PUSHED:
            self.stack.append(argument)
        elif name in _EMPTY:
            self.stack.append(_Node(_EMPTY[name]))
        elif name in _PASSED:
            return
        else:
            _STEPS[name](self, argument)

    def to_mark(self) -> list[Any]:
        """What lies above the last mark, which is taken away."""
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise NotAPickle("a mark is missing")
        found = self.stack[at + 1 :]
        del self.stack[at:]
        return found

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise NotAPickle("a mark stands where a value should")
        return value


def _node(value: Any, *kinds: str) -> _Node:
    if not isinstance(value, _Node) or value.kind not in kinds:
        raise NotAPickle(f"a {' or '.join(kinds)} is missing")
    return value


def _tuple(machine: _Machine, size: int) -> None:
    items = [machine.pop() for _ in range(size)]
    machine.stack.append(_Node("tuple", items[::-1]))


def _sequence(kind: str) -> Callable[[_Machine, Any], None]:
    def step(machine: _Machine, _: Any) -> None:
        machine.stack.append(_Node(kind, machine.to_mark()))

    return step


def _dict(machine: _Machine, _: Any) -> None:
    items = machine.to_mark()
    machine.stack.append(_Node("dict", list(zip(items[::2], items[1::2], strict=True))))


def _append(machine: _Machine, _: Any) -> None:
    value = machine.pop()
    _extend(machine.stack[-1], [value])


def _appends(machine: _Machine, _: Any) -> None:
    values = machine.to_mark()
    _extend(machine.stack[-1], values)


def _extend(target: Any, values: list[Any]) -> None:
    node = _node(target, "list", "set", "object")
    if node.kind == "object":
        node.state = _Node("tuple", [node.state, _Node("list", values)]) if node.state else _Node("list", values)
    else:
        node.items += values


def _set_items(machine: _Machine, pairs: list[Any]) -> None:
    node = _node(machine.stack[-1], "dict", "object")
    both = list(zip(pairs[::2], pairs[1::2], strict=True))
    if node.kind == "object":
        node.state = _Node("tuple", [node.state, _Node("dict", both)]) if node.state else _Node("dict", both)
    else:
        node.items += both


def _setitem(machine: _Machine, _: Any) -> None:
    value, key = machine.pop(), machine.pop()
    _set_items(machine, [key, value])


def _global(machine: _Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    machine.stack.append(_Node("name", [module, name]))


def _stack_global(machine: _Machine, _: Any) -> None:
    name, module = machine.pop(), machine.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise NotAPickle("a global is named by something that is no text")
    machine.stack.append(_Node("name", [module, name]))


def _call(machine: _Machine, made_by: Any, arguments: list[Any]) -> None:
    machine.stack.append(_Node("object", arguments, made_by))


def _reduce(machine: _Machine, _: Any) -> None:
    arguments = machine.pop()
    _call(machine, machine.pop(), _node(arguments, "tuple").items)


def _newobj_ex(machine: _Machine, _: Any) -> None:
    keywords, arguments, made_by = machine.pop(), machine.pop(), machine.pop()
    given = [keywords] if _node(keywords, "dict").items else []
    _call(machine, made_by, [*_node(arguments, "tuple").items, *given])


def _obj(machine: _Machine, _: Any) -> None:
    made_by, *arguments = machine.to_mark()
    _call(machine, made_by, arguments)


def _inst(machine: _Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    _call(machine, _Node("name", [module, name]), machine.to_mark())


def _build(machine: _Machine, _: Any) -> None:
    state = machine.pop()
    _node(machine.stack[-1], "object").state = state


def _put(machine: _Machine, argument: int | None) -> None:
    machine.memo[len(machine.memo) if argument is None else argument] = machine.stack[-1]


def _get(machine: _Machine, argument: int) -> None:
    machine.stack.append(machine.memo[argument])


def _persistent(machine: _Machine, argument: Any) -> None:
    _call(machine, _Node("name", ["pickle", "persistent_load"]), [machine.pop() if argument is None else argument])


def _extension(machine: _Machine, argument: int) -> None:
    machine.stack.append(_Node("name", ["copyreg", f"extension {argument}"]))


def _stop(machine: _Machine, _: Any) -> None:
    machine.result = machine.pop()


_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": _MARK}
_PUSHED: Final = frozenset(
    [
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "LONG4",
        "FLOAT",
        "BINFLOAT",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "UNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE",
        "BINUNICODE8",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
    ]
)
_EMPTY: Final = {"EMPTY_LIST": "list", "EMPTY_DICT": "dict", "EMPTY_SET": "set", "EMPTY_TUPLE": "tuple"}
_PASSED: Final = frozenset(["PROTO", "FRAME", "READONLY_BUFFER"])
_STEPS: Final[dict[str, Callable[[_Machine, Any], object]]] = {
    "TUPLE": _sequence("tuple"),
    "LIST": _sequence("list"),
    "FROZENSET": _sequence("frozenset"),
    "DICT": _dict,
    "TUPLE1": lambda machine, _: _tuple(machine, 1),
    "TUPLE2": lambda machine, _: _tuple(machine, 2),
    "TUPLE3": lambda machine, _: _tuple(machine, 3),
    "APPEND": _append,
    "APPENDS": _appends,
    "ADDITEMS": _appends,
    "SETITEM": _setitem,
    "SETITEMS": lambda machine, _: _set_items(machine, machine.to_mark()),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _newobj_ex,
    "OBJ": _obj,
    "INST": _inst,
    "BUILD": _build,
    "PUT": _put,
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "MEMOIZE": _put,
    "GET": _get,
    "BINGET": _get,
    "LONG_BINGET": _get,
    "PERSID": _persistent,
    "BINPERSID": lambda machine, _: _persistent(machine, None),
    "EXT1": _extension,
    "EXT2": _extension,
    "EXT4": _extension,
    "POP": lambda machine, _: machine.stack.pop(),
    "POP_MARK": lambda machine, _: machine.to_mark(),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "STOP": _stop,
}


class _Frozen:
    """Nodes made into values, within the limits; a node inside itself is cut."""

    def __init__(self) -> None:
        self.left = MAX_NODES
        self.inside: set[int] = set()

    def value(self, raw: Any, depth: int) -> Value:
        self.left -= 1
        if isinstance(raw, str | bytes | bytearray):
            kept = bytes(raw) if isinstance(raw, bytearray) else raw
            return Long(kept[:MAX_TEXT], len(kept)) if len(kept) > MAX_TEXT else kept
        if not isinstance(raw, _Node):
            return raw if raw is None or isinstance(raw, bool | int | float) else Cut("unknown")
        if id(raw) in self.inside:
            return Cut("recursive")
        if depth >= MAX_DEPTH:
            return Cut("deep")
        self.inside.add(id(raw))
        try:
            return self.node(raw, depth + 1)
        finally:
            self.inside.discard(id(raw))

    def node(self, raw: _Node, depth: int) -> Value:
        if raw.kind == "name":
            return Name(str(raw.items[0])[:200], str(raw.items[1])[:200])
        if raw.kind == "dict":
            pairs = tuple((self.value(key, depth), self.value(value, depth)) for key, value in self.within(raw.items))
            return Pairs(pairs, len(raw.items) - len(pairs))
        items = tuple(self.value(item, depth) for item in self.within(raw.items))
        if raw.kind == "object":
            return Thing(self.value(raw.made_by, depth), items, self.value(raw.state, depth))
        return Many(raw.kind, items, len(raw.items) - len(items))

    def within(self, items: list[Any]) -> Iterator[Any]:
        for item in items:
            if self.left <= 0:
                return
            yield item

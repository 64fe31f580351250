"""Reading a pickle without unpickling it.

A pickle is a program for a stack machine, and Python's own machine imports and calls whatever that program names. This one
splits the bytes into opcodes as pickletools describes them, and builds inert nodes: a class is its name, a call is a Thing.
Nothing is imported, called, hashed or compared, so no payload can execute, and none can exhaust the C stack.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Iterator
from typing import Any, Final

from console.model.payload import BigInt, Long, Value
from console.store import big_ints
from console.store.pickle_nodes import MAX_TEXT, Node, frozen

MAX_BYTES: Final = 4 << 20
MAX_OPCODES: Final = 400_000
MAX_MADE: Final = 320_000
"""Containers and objects that a pickle may make: each takes ten times the memory of a number."""


class NotAPickle(ValueError):
    """The bytes are no pickle, or one that exceeds a limit; the message says which."""


_MARK: Final = object()


def read(data: bytes) -> Value:
    """What the pickle `data` says. Raises NotAPickle, whose message quotes nothing of `data`."""
    if len(data) > MAX_BYTES:
        raise NotAPickle(f"{len(data):,} bytes; at most {MAX_BYTES:,} are read")
    machine, file = _Machine(), io.BytesIO(data)
    try:
        for count, (name, argument) in enumerate(_opcodes(file)):
            if count >= MAX_OPCODES:
                raise NotAPickle(f"more than {MAX_OPCODES:,} opcodes")
            machine.step(name, argument)
        return frozen(machine.result)
    except NotAPickle:
        raise
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, UnicodeError, OverflowError) as error:
        raise NotAPickle(f"{type(error).__name__} at byte {file.tell():,}") from None


def _opcodes(file: io.BytesIO) -> Iterator[tuple[str, Any]]:
    """The opcodes of a pickle with their arguments. pickletools.genops would give up at a long decimal number."""
    name = ""
    while name != "STOP":
        code = file.read(1)
        opcode = _OPCODES.get(code)
        if opcode is None:
            raise NotAPickle(f"there is no such opcode at byte {file.tell():,}" if code else "it does not end with STOP")
        name = opcode.name
        if name in ("INT", "LONG"):
            yield name, _written(file.readline())
        else:
            yield name, opcode.arg.reader(file) if opcode.arg else None


def _written(line: bytes) -> bool | int | BigInt:
    """A whole number as protocol 0 writes it (INT and LONG); truth values are 00 and 01."""
    digits = line.removesuffix(b"\n").removesuffix(b"L")
    return digits == b"01" if digits in (b"00", b"01") else big_ints.written(digits.decode("ascii"))


_OPCODES: Final[dict[bytes, Any]] = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.made = 0
        self.result: Any = None

    def step(self, name: str, argument: Any) -> None:
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _PUSHED:
            self.stack.append(_kept(argument))
        elif name in _EMPTY:
            self.make(_EMPTY[name], [])
        elif name in _PASSED:
            return
        else:
            _STEPS[name](self, argument)

    def make(self, kind: str, items: list[Any], made_by: Any = None) -> None:
        """Push a node. Raises NotAPickle when there are too many."""
        # A name has two texts of its own.
        self.made += 2 if kind == "name" else 1
        if self.made > MAX_MADE:
            raise NotAPickle(f"more than {MAX_MADE:,} objects")
        self.stack.append(Node(kind, items, made_by))

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


def _kept(argument: Any) -> Any:
    """An argument as it is kept: what is too long is cut once, however often the memo is asked for it."""
    if isinstance(argument, bytearray):
        argument = bytes(argument)
    if isinstance(argument, str | bytes) and len(argument) > MAX_TEXT:
        return Long(argument[:MAX_TEXT], len(argument))
    return big_ints.whole(argument) if type(argument) is int else argument


def _node(value: Any, *kinds: str) -> Node:
    if not isinstance(value, Node) or value.kind not in kinds:
        raise NotAPickle(f"a {' or '.join(kinds)} is missing")
    return value


def _tuple(machine: _Machine, size: int) -> None:
    items = [machine.pop() for _ in range(size)]
    machine.make("tuple", items[::-1])


def _sequence(kind: str) -> Callable[[_Machine, Any], None]:
    def step(machine: _Machine, _: Any) -> None:
        machine.make(kind, machine.to_mark())

    return step


def _dict(machine: _Machine, _: Any) -> None:
    items = machine.to_mark()
    machine.make("dict", list(zip(items[::2], items[1::2], strict=True)))


def _append(machine: _Machine, _: Any) -> None:
    value = machine.pop()
    _extend(machine.stack[-1], [value])


def _appends(machine: _Machine, _: Any) -> None:
    values = machine.to_mark()
    _extend(machine.stack[-1], values)


def _extend(target: Any, values: list[Any]) -> None:
    node = _node(target, "list", "set", "object")
    if node.kind == "object":
        node.state = Node("tuple", [node.state, Node("list", values)]) if node.state else Node("list", values)
    else:
        node.items += values


def _set_items(machine: _Machine, pairs: list[Any]) -> None:
    node = _node(machine.stack[-1], "dict", "object")
    both = list(zip(pairs[::2], pairs[1::2], strict=True))
    if node.kind == "object":
        node.state = Node("tuple", [node.state, Node("dict", both)]) if node.state else Node("dict", both)
    else:
        node.items += both


def _setitem(machine: _Machine, _: Any) -> None:
    value, key = machine.pop(), machine.pop()
    _set_items(machine, [key, value])


def _global(machine: _Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    machine.make("name", [module, name])


def _stack_global(machine: _Machine, _: Any) -> None:
    name, module = machine.pop(), machine.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise NotAPickle("a global is named by something that is no text")
    machine.make("name", [module, name])


def _call(machine: _Machine, made_by: Any, arguments: list[Any]) -> None:
    machine.make("object", arguments, made_by)


def _reduce(machine: _Machine, _: Any) -> None:
    arguments = machine.pop()
    _call(machine, machine.pop(), _node(arguments, "tuple").items)


def _newobj_ex(machine: _Machine, _: Any) -> None:
    keywords, arguments, made_by = machine.pop(), machine.pop(), machine.pop()
    items = _node(arguments, "tuple").items
    if _node(keywords, "dict").items:
        # A memo may hand out the same arguments again and again, and each time they are copied.
        machine.made += len(items)
        items = [*items, keywords]
    _call(machine, made_by, items)


def _obj(machine: _Machine, _: Any) -> None:
    made_by, *arguments = machine.to_mark()
    _call(machine, made_by, arguments)


def _inst(machine: _Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    _call(machine, Node("name", [module, name]), machine.to_mark())


def _build(machine: _Machine, _: Any) -> None:
    state = machine.pop()
    _node(machine.stack[-1], "object").state = state


def _put(machine: _Machine, argument: int | None) -> None:
    machine.memo[len(machine.memo) if argument is None else argument] = machine.stack[-1]


def _get(machine: _Machine, argument: int) -> None:
    machine.stack.append(machine.memo[argument])


_PERSISTENT: Final = Node("name", ["pickle", "persistent_load"])


def _persistent(machine: _Machine, argument: Any) -> None:
    _call(machine, _PERSISTENT, [machine.pop() if argument is None else argument])


def _extension(machine: _Machine, argument: int) -> None:
    machine.make("name", ["copyreg", f"extension {argument}"])


def _stop(machine: _Machine, _: Any) -> None:
    machine.result = machine.pop()


_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": _MARK}
_PUSHED: Final = frozenset([
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
    "BYTEARRAY8",
])  # fmt: skip
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
